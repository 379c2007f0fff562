/* SPDX-License-Identifier: BSD-2-Clause */
/* What an index says of its shards must be true; what it does not say is left out. */
#include "checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folder.h"
#include "tensors.h"

#define TENSOR(name, begin, end) "\"" name "\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[" begin "," end "]}"
#define FIRST "1.safetensors"
#define SECOND "2.safetensors"
#define MAP(entries) "{\"metadata\":{\"total_size\":12},\"weight_map\":{" entries "}}"
#define GOOD_MAP MAP("\"c\":\"" FIRST "\",\"b\":\"" SECOND "\",\"a\":\"" FIRST "\"")

/* Shard 1 holds a and c, shard 2 holds b. */
static char *make(const char *index)
{
    char *folder = folder_make();
    write_text(folder, "config.json", "{\"model_type\":\"vit\"}");
    safetensors_write(folder, FIRST, "{" TENSOR("c", "0", "4") "," TENSOR("a", "4", "8") "}", 8);
    safetensors_write(folder, SECOND, "{\"__metadata__\":{\"format\":\"pt\"}," TENSOR("b", "0", "4") "}", 4);
    write_text(folder, "model.safetensors.index.json", index);
    return folder;
}

static void shards_are_one_set(void **state)
{
    (void)state;
    char *folder = make(GOOD_MAP);
    vit__checkpoint *checkpoint;
    vit_error err = {0};
    assert_ok(vit__checkpoint_open(folder, &checkpoint, &err), err);
    assert_int_equal(vit__checkpoint_tensors(checkpoint), 3);
    static const char *const names[] = {"a", "b", "c"};
    static const uint8_t first_bytes[] = {7 * 4 + 1, 1, 1};
    for (size_t i = 0; i < 3; i++) {
        const vit__tensor *tensor = vit__checkpoint_tensor(checkpoint, i);
        assert_string_equal(tensor->name, names[i]);
        assert_int_equal(*(const uint8_t *)tensor->data, first_bytes[i]);
        assert_ptr_equal(vit__checkpoint_find(checkpoint, names[i]), tensor);
    }
    static const char *const files[] = {FIRST, SECOND, "config.json"};
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(vit__checkpoint_file(checkpoint, i), in_folder(folder, files[i]));
    assert_null(vit__checkpoint_file(checkpoint, 3));
    assert_null(vit__checkpoint_file(checkpoint, SIZE_MAX));
    vit__checkpoint_free(checkpoint);
    folder_remove(folder);
}

static void refuse(const char *folder, vit_status expected, const char *says, const char *says_too)
{
    vit__checkpoint *checkpoint;
    vit_error err = {0};
    const vit_status status = vit__checkpoint_open(folder, &checkpoint, &err);
    char text[sizeof err.where + sizeof err.message + 2];
    snprintf(text, sizeof text, "%s: %s", err.where, err.message);
    assert_null(checkpoint);
    if (status != expected || err.status != status || !strstr(text, says) || !strstr(text, says_too))
        fail_msg("%s: %s (wanted %s: ...%s... and ...%s...)", vit_status_name(status), text, vit_status_name(expected),
                 says, says_too);
}

static void lies_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *index;
        vit_status status;
        const char *says, *says_too;
    } cases[] = {
        {"", VIT_ERR_CORRUPT, "JSON", ".index.json"},
        {"[]", VIT_ERR_CORRUPT, "weight_map", ".index.json"},
        {"{}", VIT_ERR_CORRUPT, "weight_map", ".index.json"},
        {"{\"weight_map\":[]}", VIT_ERR_CORRUPT, "weight_map", ".index.json"},
        {MAP(""), VIT_ERR_CORRUPT, "weight_map", ".index.json"},
        {MAP("\"a\":5"), VIT_ERR_CORRUPT, "\"a\"", "plain file name"},
        {MAP("\"a\":null"), VIT_ERR_CORRUPT, "\"a\"", "plain file name"},
        {MAP("\"a\":\"\""), VIT_ERR_CORRUPT, "\"a\"", "plain file name"},
        {MAP("\"a\":\"..\""), VIT_ERR_CORRUPT, "\"..\"", "plain file name"},
        {MAP("\"a\":\".\""), VIT_ERR_CORRUPT, "\".\"", "plain file name"},
        {MAP("\"a\":\"../1.safetensors\""), VIT_ERR_CORRUPT, "\"../1.safetensors\"", "plain file name"},
        {MAP("\"a\":\"/etc/passwd\""), VIT_ERR_CORRUPT, "\"/etc/passwd\"", "plain file name"},
        {MAP("\"a\":\"x/../1.safetensors\""), VIT_ERR_CORRUPT, "\"a\"", "plain file name"},
        {MAP("\"a\":\"1\\\\2\""), VIT_ERR_CORRUPT, "\"a\"", "plain file name"},
        {MAP("\"a\":\"1\\n2\""), VIT_ERR_CORRUPT, "\"a\"", "plain file name"},
        {MAP("\"a\":\"1\\u00002\""), VIT_ERR_CORRUPT, "\\u0000", ".index.json"},
        {MAP("\"a\":\"" FIRST "\",\"a\":\"" SECOND "\""), VIT_ERR_CORRUPT, "duplicate", ".index.json"},
        /* a shard that is not there, or is no safetensors file */
        {MAP("\"a\":\"" FIRST "\",\"b\":\"3.safetensors\""), VIT_ERR_NOT_FOUND, "3.safetensors", "cannot open"},
        {MAP("\"a\":\"config.json\""), VIT_ERR_CORRUPT, "config.json", "not a safetensors file"},
        /* a tensor too many in the index, or in the other shard */
        {MAP("\"a\":\"" FIRST "\",\"c\":\"" FIRST "\",\"b\":\"" SECOND "\",\"d\":\"" SECOND "\""), VIT_ERR_CORRUPT,
         "\"d\"", SECOND},
        {MAP("\"a\":\"" FIRST "\",\"c\":\"" SECOND "\",\"b\":\"" SECOND "\""), VIT_ERR_CORRUPT, "\"c\"", SECOND},
        /* tensors swapped: the counts fit */
        {MAP("\"a\":\"" SECOND "\",\"c\":\"" FIRST "\",\"b\":\"" FIRST "\""), VIT_ERR_CORRUPT, "\"a\"", SECOND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = make(cases[i].index);
        refuse(folder, cases[i].status, cases[i].says, cases[i].says_too);
        folder_remove(folder);
    }
}

/* The checkpoint has these three tensors, with c from shard 1. */
static void expect_three(const char *folder)
{
    vit__checkpoint *checkpoint;
    vit_error err = {0};
    assert_ok(vit__checkpoint_open(folder, &checkpoint, &err), err);
    assert_int_equal(vit__checkpoint_tensors(checkpoint), 3);
    const vit__tensor *c = vit__checkpoint_find(checkpoint, "c");
    assert_non_null(c);
    assert_int_equal(*(const uint8_t *)c->data, 1);
    assert_null(vit__checkpoint_find(checkpoint, "d"));
    vit__checkpoint_free(checkpoint);
}

/* Tensors that the index does not name, or names in another shard, are as if they were not there. */
static void the_index_decides(void **state)
{
    (void)state;
    char *folder = make(GOOD_MAP);
    safetensors_write(folder, SECOND, "{" TENSOR("b", "0", "4") "," TENSOR("d", "4", "8") "}", 8);
    expect_three(folder);
    safetensors_write(folder, SECOND, "{" TENSOR("b", "0", "4") "," TENSOR("c", "4", "8") "}", 8);
    expect_three(folder);
    safetensors_write(folder, SECOND, "{" TENSOR("a", "0", "4") "," TENSOR("d", "4", "8") "}", 8);
    refuse(folder, VIT_ERR_CORRUPT, "\"b\"", SECOND);
    folder_remove(folder);
}

static void broken_shards_are_named(void **state)
{
    (void)state;
    char *folder = make(GOOD_MAP);
    safetensors_write(folder, SECOND, "{" TENSOR("b", "0", "4") "}", 3);
    refuse(folder, VIT_ERR_TRUNCATED, SECOND, "\"b\"");
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_are_one_set),
        cmocka_unit_test(lies_are_refused_by_name),
        cmocka_unit_test(the_index_decides),
        cmocka_unit_test(broken_shards_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
