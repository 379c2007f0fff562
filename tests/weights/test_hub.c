/* SPDX-License-Identifier: BSD-2-Clause */
/* Hub ids, and where the local cache of huggingface_hub is looked for. */
#include "hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "folder.h"
#include "tensors.h"

#define REVISION "0123456789abcdef0123456789abcdef01234567"
#define ID "some-org/vit_b.16"
#define REPOSITORY "models--some-org--vit_b.16"

static const char *const variables[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HOME"};
#define N_VARIABLES (sizeof variables / sizeof *variables)

static void forget_environment(void)
{
    for (size_t i = 0; i < N_VARIABLES; i++)
        unsetenv(variables[i]);
}

/* A model as huggingface_hub stores it: the files are links into blobs/. */
static void store(const char *root, const char *below, const char *reference)
{
    char name[256];
    const char *slash = *below ? "/" : "";
    snprintf(name, sizeof name, "%s%s" REPOSITORY "/blobs/b1", below, slash);
    safetensors_write(root, name, "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
    snprintf(name, sizeof name, "%s%s" REPOSITORY "/snapshots/" REVISION "/config.json", below, slash);
    write_text(root, name, "{\"model_type\":\"vit\"}");
    snprintf(name, sizeof name, "%s%s" REPOSITORY "/snapshots/" REVISION "/model.safetensors", below, slash);
    assert_int_equal(symlink("../../blobs/b1", in_folder(root, name)), 0);
    snprintf(name, sizeof name, "%s%s" REPOSITORY "/refs/main", below, slash);
    write_text(root, name, reference);
}

static void ids_are_told_from_paths(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "a/b", "google/vit-base-patch16-224", "timm/vit_small_patch14_dinov2.lvd142m", "0/1", "a/b.", "-/_"};
    static const char *const others[] = {"",      "a",    "/",      "a/",   "/b",         "a/b/c",
                                         "./a",   "../a", "a/.b",   "a/..", "a b/c",      "a/b c",
                                         "a/b\n", "~/a",  "a\\b/c", "a/b%", "\xc3\xa9/b", "C:/b"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        assert_true(vit__hub_is_id(ids[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (vit__hub_is_id(others[i]))
            fail_msg("taken for a hub id: %s", others[i]);
}

static void every_place_is_looked_in(void **state)
{
    (void)state;
    static const char *const below[N_VARIABLES] = {"", "", "hub", "huggingface/hub", ".cache/huggingface/hub"};
    for (size_t i = 0; i < N_VARIABLES; i++) {
        char *root = folder_make(), *folder, wanted[256];
        forget_environment();
        setenv(variables[i], root, 1);
        store(root, below[i], i % 2 ? REVISION "\n" : REVISION);
        snprintf(wanted, sizeof wanted, "%s%s%s/" REPOSITORY "/snapshots/" REVISION, root, *below[i] ? "/" : "",
                 below[i]);
        vit_error err = {0};
        assert_ok(vit__hub_find(ID, &folder, &err), err);
        assert_string_equal(folder, wanted);
        free(folder);
        vit__checkpoint *checkpoint;
        assert_ok(vit__checkpoint_open(ID, &checkpoint, &err), err);
        assert_string_equal(vit__checkpoint_path(checkpoint), wanted);
        assert_string_equal(vit__checkpoint_folder(checkpoint), wanted);
        vit__checkpoint_free(checkpoint);
        folder_remove(root);
    }
}

static void the_first_place_wins(void **state)
{
    (void)state;
    char *first = folder_make(), *second = folder_make(), *folder;
    forget_environment();
    setenv("HF_HUB_CACHE", first, 1);
    setenv("HF_HOME", second, 1);
    store(second, "hub", REVISION);
    vit_error err = {0};
    assert_ok(vit__hub_find(ID, &folder, &err), err);
    assert_memory_equal(folder, second, strlen(second));
    free(folder);
    store(first, "", REVISION);
    assert_ok(vit__hub_find(ID, &folder, &err), err);
    assert_memory_equal(folder, first, strlen(first));
    free(folder);
    folder_remove(first);
    folder_remove(second);
}

static void refuse(const char *says)
{
    char *folder;
    vit_error err = {0};
    assert_int_equal(vit__hub_find(ID, &folder, &err), VIT_ERR_NOT_FOUND);
    assert_null(folder);
    assert_string_equal(err.where, ID);
    if (!strstr(err.message, says))
        fail_msg("%s (wanted ...%s...)", err.message, says);
    assert_non_null(strstr(err.message, "download"));
}

static void absent_models_say_where_was_looked(void **state)
{
    (void)state;
    char *root = folder_make();
    forget_environment();
    refuse("HOME is not set");
    setenv("HOME", "", 1);
    refuse("HOME is not set");
    setenv("HOME", root, 1);
    setenv("HF_HUB_CACHE", "/nowhere", 1);
    refuse("/nowhere, ");
    refuse(in_folder(root, ".cache/huggingface/hub"));
    folder_remove(root);
}

/* What stands in refs/main is no path: it must not lead out of snapshots/. */
static void revisions_are_plain_names(void **state)
{
    (void)state;
    static const char *const references[] = {"", "\n", "..", "../snapshots/" REVISION, "/", "x", REVISION "/."};
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        char *root = folder_make();
        forget_environment();
        setenv("HF_HUB_CACHE", root, 1);
        store(root, "", references[i]);
        refuse(root);
        folder_remove(root);
    }
}

/* A folder of the same name wins over the cache. */
static void folders_win(void **state)
{
    (void)state;
    char *root = folder_make(), *before = getcwd(NULL, 0);
    assert_non_null(before);
    forget_environment();
    setenv("HF_HUB_CACHE", root, 1);
    store(root, "", REVISION);
    write_text(root, ID "/config.json", "{\"architecture\":\"a\"}");
    safetensors_write(root, ID "/model.safetensors", "{}", 0);
    assert_int_equal(chdir(root), 0);
    vit__checkpoint *checkpoint;
    vit_error err = {0};
    assert_ok(vit__checkpoint_open(ID, &checkpoint, &err), err);
    assert_string_equal(vit__checkpoint_path(checkpoint), ID);
    assert_int_equal(vit__checkpoint_kind_of(checkpoint), VIT__CHECKPOINT_TIMM);
    vit__checkpoint_free(checkpoint);
    assert_int_equal(chdir(before), 0);
    free(before);
    folder_remove(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_told_from_paths),   cmocka_unit_test(every_place_is_looked_in),
        cmocka_unit_test(the_first_place_wins),      cmocka_unit_test(absent_models_say_where_was_looked),
        cmocka_unit_test(revisions_are_plain_names), cmocka_unit_test(folders_win),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
