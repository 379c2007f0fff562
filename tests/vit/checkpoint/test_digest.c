/* SPDX-License-Identifier: BSD-2-Clause */
/* The digest of a checkpoint is what sha256sum prints. */
#include <stdio.h>
#include <string.h>

#include "checkpoint.h"
#include "folder.h"
#include "sha256.h"
#include "support.h"
#include "tensors.h"

static void standard_vectors(void **state)
{
    (void)state;
    /* FIPS 180-4 examples: "", "abc", and a million times 'a' */
    char hex[65], piecewise[65];
    vit__sha256("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    vit__sha256("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    static char many[1000000];
    memset(many, 'a', sizeof many);
    vit__sha256(many, sizeof many, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    vit__sha256_state pieces;
    vit__sha256_start(&pieces);
    for (size_t done = 0, n = 1; done < sizeof many; done += n, n = n * 3 % 1009) {
        const size_t rest = sizeof many - done;
        vit__sha256_add(&pieces, many + done, n < rest ? n : rest);
    }
    vit__sha256_finish(&pieces, piecewise);
    assert_string_equal(piecewise, hex);
}

/* Runs `cd FOLDER && COMMAND` and keeps the first 64 characters it prints. */
static void shell(const char *folder, const char *command, char hex[65])
{
    char line[2048];
    snprintf(line, sizeof line, "cd '%s' && %s", folder, command);
    FILE *output = popen(line, "r");
    assert_non_null(output);
    assert_int_equal(fread(hex, 1, 64, output), 64);
    hex[64] = 0;
    while (fgetc(output) != EOF)
        continue;
    assert_int_equal(pclose(output), 0);
}

static void compare(const char *folder, const char *command)
{
    vit__checkpoint *checkpoint;
    vit_error err = {0};
    char hex[65], wanted[65];
    assert_ok(vit__checkpoint_open(folder, &checkpoint, &err), err);
    assert_ok(vit__checkpoint_digest(checkpoint, hex, &err), err);
    shell(folder, command, wanted);
    assert_string_equal(hex, wanted);
    vit__checkpoint_free(checkpoint);
}

static void checkpoints_are_what_sha256sum_prints(void **state)
{
    (void)state;
    compare(data_path("golden/hf_vit_model"), "sha256sum model.safetensors");
    compare(data_path("golden/hf_vit_sharded"), "sha256sum model-*.safetensors | sha256sum");
}

/* Past the step after which pages are given back. */
static void large_files_too(void **state)
{
    (void)state;
    char *folder = folder_make();
    write_text(folder, "config.json", "{\"model_type\":\"vit\"}");
    safetensors_write(folder, "model.safetensors",
                      "{\"a\":{\"dtype\":\"U8\",\"shape\":[20000003],\"data_offsets\":[0,20000003]}}", 20000003);
    compare(folder, "sha256sum model.safetensors");
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(standard_vectors),
                                       cmocka_unit_test(checkpoints_are_what_sha256sum_prints),
                                       cmocka_unit_test(large_files_too)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
