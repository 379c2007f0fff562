/* SPDX-License-Identifier: BSD-2-Clause */
/* Thousands of damaged weight files and indexes: each is read or refused, and what is read obeys the rules. Most of the
 * damage keeps the JSON readable, so that what is behind it is reached. */
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "folder.h"
#include "tensors.h"
#include "touch.h"

#define ROUNDS 20000u
#define INDEX_ROUNDS 500u
#define ROOM 4096u

static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"},"
                             "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                             "\"b\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[24,32]},"
                             "\"c\":{\"dtype\":\"F64\",\"shape\":[1,0],\"data_offsets\":[32,32]},"
                             "\"d\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[32,34]},"
                             "\"e\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[34,42]}}";

/* Words that the format knows, and numbers at its edges. */
/* clang-format off */
static const char *const words[] = {"0", "1", "2", "24", "32", "-1", "1.0", "1e3", "4294967296", "4611686018427387904",
                                    "9223372036854775807", "18446744073709551616", "[]", "{}", "null", "true", "\"a\"",
                                    "\"F32\"", "\"F4\"", "\"BOOL\"", ",", ":", "[", "]", "\\u0000", "\xff", "\"\"", "0,",
                                    "1.safetensors", "..", "/"};
/* clang-format on */

/* Overwrites, inserts or removes bytes of the text; returns its new size, at most ROOM. */
static size_t damage(uint8_t *text, size_t size, uint64_t *seed)
{
    const size_t at = random_next(seed) % (size + 1);
    const char *word = words[random_next(seed) % (sizeof words / sizeof *words)];
    const size_t length = strlen(word), removed = random_next(seed) % 8 < size - at ? random_next(seed) % 8 : 0;
    switch (random_next(seed) % 4) {
    case 0: /* one byte */
        if (at < size)
            text[at] = (uint8_t)random_next(seed);
        return size;
    case 1: /* one digit, if there is one here */
        if (at < size && text[at] >= '0' && text[at] <= '9')
            text[at] = (uint8_t)('0' + random_next(seed) % 10);
        return size;
    case 2: /* a word in place of a few bytes */
        if (removed > size - at || size - removed + length > ROOM)
            return size;
        memmove(text + at + length, text + at + removed, size - at - removed);
        memcpy(text + at, word, length);
        return size - removed + length;
    default: /* a piece once more, elsewhere */
        if (size - at > ROOM - size || at == size)
            return size;
        memmove(text + at + (size - at) / 2, text + at, size - at);
        return size + (size - at) / 2;
    }
}

static void damaged_files_are_read_or_refused(void **state)
{
    (void)state;
    uint64_t seed = 20240229;
    size_t accepted = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        uint8_t text[ROOM];
        size_t text_size = sizeof header - 1;
        memcpy(text, header, text_size);
        for (uint64_t n = random_next(&seed) % 3; n > 0; n--)
            text_size = damage(text, text_size, &seed);
        const size_t data = random_next(&seed) % 8 ? 42 : random_next(&seed) % 64, size = 8 + text_size + data;
        uint64_t stated = random_next(&seed) % 16 ? text_size : random_next(&seed) >> random_next(&seed) % 64;
        uint8_t *bytes = malloc(size); /* just as long: reading past it is seen */
        assert_non_null(bytes);
        memcpy(bytes, &stated, 8);
        memcpy(bytes + 8, text, text_size);
        memset(bytes + 8 + text_size, 0x3c, data);
        vit__safetensors content;
        vit_error err = {0};
        const vit_status status = vit__safetensors_parse(bytes, size, "FILE", &content, &err);
        assert_int_equal(err.status, status);
        if (status == VIT_OK)
            assert_true(touch(&content, bytes, size));
        else
            assert_true((status == VIT_ERR_CORRUPT || status == VIT_ERR_TRUNCATED) && *err.message && !content.tensors);
        accepted += status == VIT_OK;
        vit__safetensors_free(&content);
        free(bytes);
    }
    assert_true(accepted > ROUNDS / 20 && accepted < ROUNDS); /* the damage is neither too small nor too large */
}

static void damaged_indexes_are_read_or_refused(void **state)
{
    (void)state;
    static const char index[] = "{\"metadata\":{\"total_size\":8},\"weight_map\":{\"a\":\"1.safetensors\","
                                "\"b\":\"2.safetensors\"}}";
    char *folder = folder_make();
    uint64_t seed = 7;
    write_text(folder, "config.json", "{\"model_type\":\"vit\"}");
    safetensors_write(folder, "1.safetensors", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
    safetensors_write(folder, "2.safetensors", "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4);
    for (size_t round = 0; round < INDEX_ROUNDS; round++) {
        uint8_t text[ROOM];
        size_t size = sizeof index - 1;
        memcpy(text, index, size);
        for (uint64_t n = random_next(&seed) % 3; n > 0; n--)
            size = damage(text, size, &seed);
        write_bytes(folder, "model.safetensors.index.json", text, size);
        vit__checkpoint *checkpoint;
        vit_error err = {0};
        const vit_status status = vit__checkpoint_open(folder, &checkpoint, &err);
        assert_int_equal(err.status, status);
        if (status == VIT_OK) /* only what does not touch the map can pass */
            assert_true(vit__checkpoint_find(checkpoint, "a") && vit__checkpoint_find(checkpoint, "b"));
        else
            assert_true((status == VIT_ERR_CORRUPT || status == VIT_ERR_NOT_FOUND) && *err.message && !checkpoint);
        vit__checkpoint_free(checkpoint);
    }
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_files_are_read_or_refused),
                                       cmocka_unit_test(damaged_indexes_are_read_or_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
