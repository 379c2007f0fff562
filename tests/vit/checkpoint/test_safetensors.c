/* SPDX-License-Identifier: BSD-2-Clause */
/* The safetensors header: what is read from a good one, and that each rule of the format is enforced by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensors.h"

#define ONE_FLOAT "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}"

/* A header, how many bytes follow it, how it is refused, and what the message must say. */
typedef struct bad {
    const char *header;
    size_t data_size;
    vit_status status;
    const char *says;
} bad;

/* Tensors "a" and "b" of these offsets, F32 of one dimension. */
#define TWO(a_shape, a_offsets, b_shape, b_offsets)                                                                    \
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[" a_shape "],\"data_offsets\":[" a_offsets "]},"                             \
    "\"b\":{\"dtype\":\"F32\",\"shape\":[" b_shape "],\"data_offsets\":[" b_offsets "]}}"
#define ONE(dtype, shape, offsets) "{\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static const bad bad_headers[] = {
    /* not JSON, or not an object */
    {"", 0, VIT_ERR_CORRUPT, "JSON object"},
    {"[]", 0, VIT_ERR_CORRUPT, "JSON object"},
    {" {}", 0, VIT_ERR_CORRUPT, "JSON object"},
    {"{", 0, VIT_ERR_CORRUPT, "JSON"},
    {"{}}", 0, VIT_ERR_CORRUPT, "JSON"},
    {"{}x", 0, VIT_ERR_CORRUPT, "JSON"},
    {"{\"a\xff\":" ONE_FLOAT "}", 4, VIT_ERR_CORRUPT, "unable to decode byte"},
    {"{\"a\xc0\x80\":" ONE_FLOAT "}", 4, VIT_ERR_CORRUPT, "unable to decode byte"},
    {"{\"a\\u0000b\":" ONE_FLOAT "}", 4, VIT_ERR_CORRUPT, "NUL"},
    {"{\"a\":" ONE_FLOAT ",\"a\":" ONE_FLOAT "}", 4, VIT_ERR_CORRUPT, "duplicate"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, VIT_ERR_CORRUPT,
     "duplicate"},
    /* what describes a tensor */
    {"{\"a\":5}", 0, VIT_ERR_CORRUPT, "\"a\""},
    {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, VIT_ERR_CORRUPT, "dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, VIT_ERR_CORRUPT, "shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, VIT_ERR_CORRUPT, "data_offsets"},
    {"{\"a\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, VIT_ERR_CORRUPT, "dtype"},
    {ONE("f32", "[1]", "[0,4]"), 4, VIT_ERR_CORRUPT, "dtype \"f32\""},
    {ONE("F128", "[1]", "[0,16]"), 16, VIT_ERR_CORRUPT, "dtype \"F128\""},
    {ONE("F32", "{\"0\":1}", "[0,4]"), 4, VIT_ERR_CORRUPT, "shape"},
    {ONE("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, VIT_ERR_CORRUPT, "9 dimensions"},
    {ONE("F32", "[-1]", "[0,4]"), 4, VIT_ERR_CORRUPT, "dimension 0"},
    {ONE("F32", "[1,1.0]", "[0,4]"), 4, VIT_ERR_CORRUPT, "dimension 1"},
    {ONE("F32", "[1e0]", "[0,4]"), 4, VIT_ERR_CORRUPT, "dimension 0"},
    {ONE("F32", "[true]", "[0,4]"), 4, VIT_ERR_CORRUPT, "dimension 0"},
    {ONE("F32", "[\"1\"]", "[0,4]"), 4, VIT_ERR_CORRUPT, "dimension 0"},
    {ONE("F32", "[99999999999999999999]", "[0,4]"), 4, VIT_ERR_CORRUPT, "big"},
    /* products past 2^64: of the shape, and only with the width of a number */
    {ONE("F32", "[4294967296,4294967296]", "[0,0]"), 0, VIT_ERR_CORRUPT, "larger than any memory"},
    {ONE("F32", "[4294967297,4294967297]", "[0,4]"), 4, VIT_ERR_CORRUPT, "larger than any memory"},
    {ONE("F32", "[4611686018427387905]", "[0,4]"), 4, VIT_ERR_CORRUPT, "larger than any memory"},
    {ONE("F32", "[4294967296,4294967296,0]", "[0,0]"), 0, VIT_ERR_CORRUPT, "larger than any memory"},
    {ONE("F4", "[3]", "[0,2]"), 2, VIT_ERR_CORRUPT, "whole bytes"},
    /* offsets */
    {ONE("F32", "[1]", "[0]"), 4, VIT_ERR_CORRUPT, "data_offsets"},
    {ONE("F32", "[1]", "[0,4,4]"), 4, VIT_ERR_CORRUPT, "data_offsets"},
    {ONE("F32", "[1]", "\"0,4\""), 4, VIT_ERR_CORRUPT, "data_offsets"},
    {ONE("F32", "[1]", "[-4,0]"), 4, VIT_ERR_CORRUPT, "data_offsets"},
    {ONE("F32", "[1]", "[0,4.0]"), 4, VIT_ERR_CORRUPT, "data_offsets"},
    {ONE("F32", "[1]", "[4,0]"), 4, VIT_ERR_CORRUPT, "data_offsets"},
    {ONE("F32", "[1]", "[0,18446744073709551620]"), 4, VIT_ERR_CORRUPT, "big"},
    {ONE("F32", "[1]", "[9223372036854775803,9223372036854775807]"), 4, VIT_ERR_TRUNCATED, "\"a\""},
    {ONE("F32", "[2]", "[0,4]"), 4, VIT_ERR_CORRUPT, "need 8"},
    {ONE("F32", "[1]", "[0,8]"), 8, VIT_ERR_CORRUPT, "need 4"},
    {ONE("F32", "[]", "[0,0]"), 0, VIT_ERR_CORRUPT, "need 4"},
    {ONE("F32", "[1]", "[0,4]"), 3, VIT_ERR_TRUNCATED, "\"a\""},
    /* the tensors must tile the data */
    {"{}", 1, VIT_ERR_CORRUPT, "1 bytes after"},
    {ONE("F32", "[1]", "[0,4]"), 5, VIT_ERR_CORRUPT, "1 bytes after"},
    {ONE("F32", "[1]", "[4,8]"), 8, VIT_ERR_CORRUPT, "4 bytes before tensor \"a\""},
    {TWO("1", "0,4", "1", "8,12"), 12, VIT_ERR_CORRUPT, "4 bytes before tensor \"b\""},
    {TWO("1", "0,4", "1", "0,4"), 4, VIT_ERR_CORRUPT, "overlaps"},
    {TWO("2", "0,8", "1", "4,8"), 8, VIT_ERR_CORRUPT, "overlaps"},
    {TWO("3", "0,12", "1", "4,8"), 12, VIT_ERR_CORRUPT, "overlaps"},
    {TWO("2", "0,8", "0", "4,4"), 8, VIT_ERR_CORRUPT, "overlaps"},
    {TWO("1", "0,4", "0", "8,8"), 4, VIT_ERR_TRUNCATED, "\"b\""},
    /* metadata */
    {"{\"__metadata__\":[]}", 0, VIT_ERR_CORRUPT, "__metadata__"},
    {"{\"__metadata__\":{\"format\":1}}", 0, VIT_ERR_CORRUPT, "\"format\""},
    {"{\"__metadata__\":{\"a\":{}}}", 0, VIT_ERR_CORRUPT, "\"a\""},
};

static void refuse(const uint8_t *bytes, size_t size, const bad *expected)
{
    vit__safetensors result;
    vit_error err = {0};
    vit_status status = vit__safetensors_parse(bytes, size, "FILE", &result, &err);
    if (status != expected->status || err.status != status || !strstr(err.message, expected->says) ||
        strcmp(err.where, "FILE") != 0)
        fail_msg("%.200s: %s: %s (wanted %s: ...%s...)", expected->header, vit_status_name(status), err.message,
                 vit_status_name(expected->status), expected->says);
    assert_null(result.tensors);
    assert_null(result.header);
    assert_int_equal(result.n_tensors, 0);
}

static void bad_headers_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_headers / sizeof *bad_headers; i++) {
        size_t size;
        uint8_t *bytes = safetensors_make(bad_headers[i].header, bad_headers[i].data_size, &size);
        refuse(bytes, size, &bad_headers[i]);
        free(bytes);
    }
}

/* What the first eight bytes say, and how long the file really is. */
static void header_sizes_are_checked(void **state)
{
    (void)state;
    static const struct {
        uint64_t stated;
        size_t size;
        bad expected;
    } cases[] = {
        {0, 0, {"no bytes", 0, VIT_ERR_TRUNCATED, "0 bytes"}},
        {2, 7, {"seven bytes", 0, VIT_ERR_TRUNCATED, "7 bytes"}},
        {2, 9, {"half a header", 0, VIT_ERR_TRUNCATED, "the header has 2 bytes"}},
        {0, 8, {"no header", 0, VIT_ERR_CORRUPT, "JSON object"}},
        {100000000, 10, {"the largest size", 0, VIT_ERR_TRUNCATED, "the header has 100000000 bytes"}},
        {100000001, 10, {"one too large", 0, VIT_ERR_CORRUPT, "100000001"}},
        {UINT64_MAX, 10, {"wraps around", 0, VIT_ERR_CORRUPT, "18446744073709551615"}},
        {UINT64_MAX - 7, 10, {"wraps with the prefix", 0, VIT_ERR_CORRUPT, "18446744073709551608"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t content[10] = {0, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
        memcpy(content, &cases[i].stated, 8);
        uint8_t *bytes = malloc(cases[i].size ? cases[i].size : 1); /* just as long: reading on is seen */
        assert_non_null(bytes);
        memcpy(bytes, content, cases[i].size);
        refuse(bytes, cases[i].size, &cases[i].expected);
        free(bytes);
    }
    refuse(NULL, 0, &cases[0].expected);
}

/* Out of order, an empty tensor, a scalar, every width, unknown keys and padding: all as the format allows. */
static void good_headers_are_read(void **state)
{
    (void)state;
    static const char header[] = "{\"z\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[16,24]},"
                                 "\"__metadata__\":{\"format\":\"pt\",\"note\":\"\\u00e9\"},"
                                 "\"b\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[0,2],\"more\":[]},"
                                 "\"\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[8,16]},"
                                 "\"a\":{\"dtype\":\"F4\",\"shape\":[2,2],\"data_offsets\":[2,4]},"
                                 "\"empty\":{\"dtype\":\"F64\",\"shape\":[3,0,7],\"data_offsets\":[4,4]},"
                                 "\"f\":{\"dtype\":\"F16\",\"shape\":[1,1,1,1,1,1,1,2],\"data_offsets\":[4,8]}}   ";
    static const struct {
        const char *name, *dtype_name, *shape;
        vit__dtype dtype;
        size_t offset, size, elements;
    } wanted[] = {
        {"", "I64", "[1]", VIT__DTYPE_I64, 8, 8, 1},
        {"a", "F4", "[2, 2]", VIT__DTYPE_OTHER, 2, 2, 4},
        {"b", "BF16", "[]", VIT__DTYPE_BF16, 0, 2, 1},
        {"empty", "F64", "[3, 0, 7]", VIT__DTYPE_F64, 4, 0, 0},
        {"f", "F16", "[1, 1, 1, 1, 1, 1, 1, 2]", VIT__DTYPE_F16, 4, 4, 2},
        {"z", "F32", "[2, 1]", VIT__DTYPE_F32, 16, 8, 2},
    };
    size_t size;
    uint8_t *bytes = safetensors_make(header, 24, &size);
    vit__safetensors result;
    vit_error err = {0};
    assert_ok(vit__safetensors_parse(bytes, size, "FILE", &result, &err), err);
    assert_int_equal(result.n_tensors, sizeof wanted / sizeof *wanted);
    for (size_t i = 0; i < result.n_tensors; i++) {
        const vit__tensor *tensor = &result.tensors[i];
        char shape[64];
        vit__tensor_shape_text(tensor, shape, sizeof shape);
        assert_string_equal(tensor->name, wanted[i].name);
        assert_string_equal(tensor->dtype_name, wanted[i].dtype_name);
        assert_string_equal(shape, wanted[i].shape);
        assert_int_equal(tensor->dtype, wanted[i].dtype);
        assert_ptr_equal(tensor->data, bytes + size - 24 + wanted[i].offset);
        assert_int_equal(tensor->size, wanted[i].size);
        assert_int_equal(vit__tensor_elements(tensor), wanted[i].elements);
        assert_ptr_equal(vit__safetensors_find(&result, wanted[i].name), tensor);
    }
    assert_null(vit__safetensors_find(&result, "c"));
    assert_null(vit__safetensors_find(&result, "__metadata__"));
    assert_string_equal(vit__json_string(vit__json_get(vit__json_get(result.header, "__metadata__"), "format")), "pt");
    vit__safetensors_free(&result);
    free(bytes);
}

static void no_tensors_is_a_file_too(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = safetensors_make("{}", 0, &size);
    vit__safetensors result;
    vit_error err = {0};
    assert_ok(vit__safetensors_parse(bytes, size, "FILE", &result, &err), err);
    assert_int_equal(result.n_tensors, 0);
    assert_null(vit__safetensors_find(&result, "a"));
    vit__safetensors_free(&result);
    free(bytes);
}

static void every_dtype_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t bytes_of_eight;
    } dtypes[] = {{"BOOL", 8},    {"U8", 8},      {"I8", 8},          {"F8_E5M2", 8},    {"F8_E4M3", 8}, {"F8_E8M0", 8},
                  {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F4", 4},          {"I16", 16},       {"U16", 16},    {"F16", 16},
                  {"BF16", 16},   {"I32", 32},    {"U32", 32},        {"F32", 32},       {"F64", 64},    {"I64", 64},
                  {"U64", 64},    {"C64", 64},    {"F8_E5M2FNUZ", 8}, {"F8_E4M3FNUZ", 8}};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        char header[128];
        size_t n = dtypes[i].bytes_of_eight, size;
        snprintf(header, sizeof header, "{\"a\":{\"dtype\":\"%s\",\"shape\":[8],\"data_offsets\":[0,%zu]}}",
                 dtypes[i].name, n);
        uint8_t *bytes = safetensors_make(header, n, &size);
        vit__safetensors result;
        vit_error err = {0};
        assert_ok(vit__safetensors_parse(bytes, size, "FILE", &result, &err), err);
        assert_string_equal(result.tensors[0].dtype_name, dtypes[i].name);
        vit__safetensors_free(&result);
        free(bytes);
    }
}

#define MANY 5000

/* In scrambled order, so that sorting is needed both ways. */
static void thousands_of_tensors_are_found(void **state)
{
    (void)state;
    char *header = malloc(MANY * 96);
    assert_non_null(header);
    size_t used = 0, size;
    for (size_t i = 0; i < MANY; i++) {
        size_t k = i * 1237 % MANY;
        used += (size_t)sprintf(header + used,
                                "%s\"t%zu\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}",
                                i ? "," : "{", k, 4 * k, 4 * k + 4);
    }
    strcpy(header + used, "}");
    uint8_t *bytes = safetensors_make(header, 4 * MANY, &size);
    vit__safetensors result;
    vit_error err = {0};
    assert_ok(vit__safetensors_parse(bytes, size, "FILE", &result, &err), err);
    for (size_t k = 0; k < MANY; k++) {
        char name[16];
        snprintf(name, sizeof name, "t%zu", k);
        const vit__tensor *tensor = vit__safetensors_find(&result, name);
        assert_non_null(tensor);
        assert_ptr_equal(tensor->data, bytes + size - 4 * MANY + 4 * k);
    }
    vit__safetensors_free(&result);
    free(bytes);
    free(header);
}

/* The name of a tensor may fill the header; the reason must still be read. */
static void long_names_leave_room_for_the_reason(void **state)
{
    (void)state;
    char header[4096], name[2000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    snprintf(header, sizeof header, "{\"%s\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", name);
    size_t size;
    uint8_t *bytes = safetensors_make(header, 4, &size);
    refuse(bytes, size, &(bad){"long name", 4, VIT_ERR_CORRUPT, "need 8"});
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_headers_are_refused),
        cmocka_unit_test(header_sizes_are_checked),
        cmocka_unit_test(good_headers_are_read),
        cmocka_unit_test(no_tensors_is_a_file_too),
        cmocka_unit_test(every_dtype_is_known),
        cmocka_unit_test(thousands_of_tensors_are_found),
        cmocka_unit_test(long_names_leave_room_for_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
