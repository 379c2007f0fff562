/* SPDX-License-Identifier: BSD-2-Clause */
/* Weights of torch.save: what is read, what is refused by name, and damage of any kind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "torch_file.h"

#define ROUNDS 4000

/* The pickles ahead of the object in an old file, and the list of keys behind it. */
#define MAGIC "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
#define START MAGIC "\x80\x02M\xe9\x03.\x80\x02}."
#define NO_KEYS "\x80\x02]."
#define ONE_KEY                                                                                                        \
    "\x80\x02]U\x01"                                                                                                   \
    "0a."
#define FLOATS "ctorch\nFloatStorage\n"
#define REBUILD "ctorch._utils\n_rebuild_tensor_v2\n"
/* Storage "0" of four floats. */
#define STORAGE                                                                                                        \
    "(U\x07storage" FLOATS "U\x01"                                                                                     \
    "0U\x03"                                                                                                           \
    "cpuK\x04"                                                                                                         \
    "NtQ"
#define TENSOR(offset, size, stride)                                                                                   \
    REBUILD "(" STORAGE offset size stride "\x89Nt"                                                                    \
            "R"
#define DICTIONARY(value)                                                                                              \
    "\x80\x02}U\x01"                                                                                                   \
    "a" value "s."
#define DATA                                                                                                           \
    "\4\0\0\0\0\0\0\0"                                                                                                 \
    "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40"

typedef struct file {
    const char *bytes;
    size_t size;
    vit_status status;
    const char *saying;
} file;

/* clang-format off */
#define FILE_OF(bytes, status, saying) {bytes, sizeof bytes - 1, status, saying}
static const file files[] = {
    FILE_OF(START DICTIONARY(TENSOR("K\0", "K\4\x85", "K\1\x85")) ONE_KEY DATA, VIT_OK, ""),
    FILE_OF(START DICTIONARY(TENSOR("K\1", "K\3\x85", "K\1\x85")) ONE_KEY DATA, VIT_OK, ""),
    FILE_OF(START DICTIONARY(TENSOR("K\0", "K\2K\2\x86", "K\1K\2\x86")) ONE_KEY DATA, VIT_OK, ""),
    FILE_OF(START DICTIONARY(TENSOR("K\0", ")", ")")) ONE_KEY DATA, VIT_OK, ""),
    /* what lies outside of the storage, or is larger than it */
    FILE_OF(START DICTIONARY(TENSOR("K\1", "K\4\x85", "K\1\x85")) ONE_KEY DATA, VIT_ERR_CORRUPT, "past the end"),
    FILE_OF(START DICTIONARY(TENSOR("K\0", "K\5\x85", "K\0\x85")) ONE_KEY DATA, VIT_ERR_CORRUPT, "past the end"),
    FILE_OF(START DICTIONARY(TENSOR("K\0", "J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", "K\0K\0\x86")) ONE_KEY DATA,
            VIT_ERR_CORRUPT, "past the end"),
    FILE_OF(START DICTIONARY(TENSOR("K\0", "J\xff\xff\xff\xff\x85", "K\1\x85")) ONE_KEY DATA, VIT_ERR_CORRUPT,
            "no sense"),
    FILE_OF(START DICTIONARY(TENSOR("J\xff\xff\xff\xff", "K\1\x85", "K\1\x85")) ONE_KEY DATA, VIT_ERR_CORRUPT,
            "no sense"),
    FILE_OF(START DICTIONARY(TENSOR("K\0", "K\4\x85", ")")) ONE_KEY DATA, VIT_ERR_CORRUPT, "no sense"),
    FILE_OF(START DICTIONARY(TENSOR("K\0", "K\4\x85", "K\1\x85")) NO_KEYS, VIT_ERR_CORRUPT, "its storage is not"),
    FILE_OF(START DICTIONARY(TENSOR("K\0", "K\4\x85", "K\1\x85")) ONE_KEY "\4\0\0\0\0\0\0\0\0\0", VIT_ERR_TRUNCATED,
            "break off"),
    FILE_OF(START DICTIONARY(TENSOR("K\0", "K\4\x85", "K\1\x85")) ONE_KEY "\xff\xff\xff\xff\xff\xff\xff\xff",
            VIT_ERR_TRUNCATED, "break off"),
    /* programs */
    FILE_OF(START "\x80\x02" "cos\nsystem\nU\x02ls\x85R." NO_KEYS, VIT_ERR_UNSUPPORTED_MODEL, "os.system"),
    FILE_OF(START DICTIONARY("cbuiltins\neval\n"), VIT_ERR_UNSUPPORTED_MODEL, "builtins.eval"),
    FILE_OF(START DICTIONARY("ctorch._utils\n_rebuild_tensor_v3\n"), VIT_ERR_UNSUPPORTED_MODEL, "_rebuild_tensor_v3"),
    FILE_OF(START DICTIONARY("\x8c\x02os\x8c\x06system\x93"), VIT_ERR_UNSUPPORTED_MODEL, "os.system"),
    FILE_OF(START DICTIONARY("(ios\nsystem\n"), VIT_ERR_UNSUPPORTED_MODEL, "0x69"), /* INST */
    FILE_OF(START DICTIONARY("\x82\x01"), VIT_ERR_UNSUPPORTED_MODEL, "0x82"),      /* EXT1 */
    FILE_OF(START DICTIONARY(")\x81"), VIT_ERR_UNSUPPORTED_MODEL, "0x81"),         /* NEWOBJ */
    FILE_OF(START DICTIONARY(FLOATS ")R"), VIT_ERR_CORRUPT, "a call of a storage"),
    FILE_OF(START DICTIONARY("K\1)R"), VIT_ERR_CORRUPT, "no name"),
    FILE_OF(START DICTIONARY("K\1Q"), VIT_ERR_CORRUPT, "no storage"),
    /* broken ones */
    FILE_OF(START DICTIONARY("h\0"), VIT_ERR_CORRUPT, "never remembered"),
    FILE_OF(START DICTIONARY("Nq\x09"), VIT_ERR_CORRUPT, "out of order"),
    FILE_OF(START DICTIONARY("0000"), VIT_ERR_CORRUPT, "missing"),
    FILE_OF(START DICTIONARY("u"), VIT_ERR_CORRUPT, "mark"),
    FILE_OF(START DICTIONARY("N"), VIT_ERR_TRUNCATED, "breaks off"),
    FILE_OF(START DICTIONARY("N") NO_KEYS, VIT_ERR_CORRUPT, "no tensor"),
    FILE_OF(START "\x80\x02K\1." NO_KEYS, VIT_ERR_CORRUPT, "no dictionary"),
    FILE_OF(MAGIC "\x80\x02K\1.\x80\x02}.\x80\x02}." NO_KEYS, VIT_ERR_CORRUPT, "1001"),
    FILE_OF(START "\x80\x02X\xff\xff\xff\xff", VIT_ERR_TRUNCATED, "breaks off"),
    FILE_OF("", VIT_ERR_CORRUPT, "first bytes"),
    FILE_OF("PK\3\4", VIT_ERR_CORRUPT, "end of its directory"),
};
/* clang-format on */

static vit_status parse(const void *bytes, size_t size, vit__safetensors *content, vit_error *err)
{
    char *copy = malloc(size ? size : 1); /* so that a sanitizer sees what is read past the end */
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    *err = (vit_error){0};
    vit_status status = vit__torch_file_parse(copy, size, "file", content, err);
    assert_int_equal(status, err->status);
    volatile char sum = 0;
    for (size_t i = 0; i < content->n_tensors; i++)
        for (size_t k = 0; k < content->tensors[i].size; k++)
            sum = (char)(sum + ((const char *)content->tensors[i].data)[k]);
    if (status != VIT_OK)
        assert_null(content->tensors);
    free(copy);
    return status;
}

static void files_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        vit__safetensors content;
        vit_error err;
        vit_status status = parse(files[i].bytes, files[i].size, &content, &err);
        if (status != files[i].status || !strstr(err.message, files[i].saying))
            fail_msg("file %zu: %s: %s, not %s: ...%s...", i, vit_status_name(status), err.message,
                     vit_status_name(files[i].status), files[i].saying);
        vit__safetensors_free(&content);
    }
}

/* [[1, 2], [3, 4]] by columns */
static void strides_are_followed(void **state)
{
    (void)state;
    const file *turned = &files[2];
    static const float want[] = {1, 3, 2, 4};
    vit__safetensors content;
    vit_error err = {0};
    assert_ok(vit__torch_file_parse(turned->bytes, turned->size, "file", &content, &err), err);
    assert_int_equal(content.n_tensors, 1);
    assert_string_equal(content.tensors[0].name, "a");
    assert_string_equal(content.tensors[0].dtype_name, "F32");
    assert_int_equal(content.tensors[0].rank, 2);
    assert_memory_equal(content.tensors[0].data, want, sizeof want);
    vit__safetensors_free(&content);
}

static void damage_is_refused(void **state)
{
    (void)state;
    size_t size, read = 0;
    vit_error err = {0};
    void *whole = NULL;
    uint64_t seed = 5;
    assert_ok(vit_file_read(data_path("golden/hf_vit_bin/pytorch_model.bin"), 0, &whole, &size, &err), err);
    char *bytes = malloc(size);
    assert_non_null(bytes);
    for (int round = 0; round < ROUNDS; round++) {
        vit__safetensors content;
        memcpy(bytes, whole, size);
        for (uint64_t n = 1 + random_next(&seed) % 3; n > 0; n--) {
            size_t edge = round % 2 ? 8192 : size; /* the pickle comes first */
            size_t at = random_next(&seed) % edge;
            bytes[round % 4 == 2 ? size - 1 - at % 4096 : at] = (char)random_next(&seed);
        }
        size_t kept = round % 8 == 0 ? random_next(&seed) % size : size;
        vit_status status = parse(bytes, kept, &content, &err);
        assert_true(status == VIT_OK || status == VIT_ERR_CORRUPT || status == VIT_ERR_TRUNCATED ||
                    status == VIT_ERR_UNSUPPORTED_MODEL);
        read += status == VIT_OK;
        vit__safetensors_free(&content);
    }
    assert_true(read > 0 && read < ROUNDS);
    free(bytes);
    vit_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_are_read_or_refused),
                                       cmocka_unit_test(strides_are_followed), cmocka_unit_test(damage_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
