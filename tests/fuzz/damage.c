/* SPDX-License-Identifier: BSD-2-Clause */
#include "damage.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "mutate.h"
#include "random.h"

#define CHANGES_MOST 3u
#define TOKEN_MOST ((size_t)1024) /* bytes of a value that takes the place of another one */
#define SIZES 65u                 /* numbers that take the place of another one, half of the time: 0 to 64 */
#define NEAR 2000u                /* bytes: where most of a file's own settings are */
#define LENGTH 8u                 /* bytes of the number that says how long the header of a safetensors file is */

static const char *const values[] = {"0",           "-1",         "1",
                                     "2",           "3",          "7",
                                     "16",          "0.5",        "1e-9",
                                     "1e-320",      "1e308",      "-1e308",
                                     "1e999",       "65536",      "true",
                                     "false",       "null",       "\"\"",
                                     "[]",          "{}",         "[0]",
                                     "[1,2]",       "[[[1]]]",    "\"gelu\"",
                                     "2147483647",  "4294967296", "18446744073709551616",
                                     "\"\\u0000\"", "{\"a\":1}"};

/* One value of a JSON text: the bytes from `at` to `end`. */
typedef struct token {
    size_t at, end;
} token;

static size_t end_of_string(const uint8_t *text, size_t at, size_t size)
{
    for (at++; at < size && text[at] != '"'; at++)
        at += text[at] == '\\';
    return at < size ? at + 1 : size;
}

/* The value or name that begins behind one of {[:, after a random place. */
static token token_at_random(const uint8_t *text, size_t size, uint64_t *state)
{
    const size_t within = random_next(state) % 2 && size > NEAR ? NEAR : size;
    size_t at = random_next(state) % within;
    while (at < size && !strchr("{[:,", text[at]))
        at++;
    at += at < size;
    while (at < size && isspace(text[at]))
        at++;
    size_t end = at;
    if (end < size && text[end] == '"')
        return (token){at, end_of_string(text, end, size)};
    while (end < size && !strchr(",:]}", text[end]) && !isspace(text[end]))
        end++;
    return (token){at, end};
}

/* Puts `with` in the place of the token. */
static size_t put(uint8_t *text, size_t size, token place, const void *with, size_t length)
{
    memmove(text + place.at + length, text + place.end, size - place.end);
    memcpy(text + place.at, with, length);
    return size - (place.end - place.at) + length;
}

static size_t damage_json(uint8_t *text, size_t size, uint64_t *state)
{
    for (uint64_t changes = 1 + random_next(state) % CHANGES_MOST; changes > 0 && size > 0; changes--) {
        const token place = token_at_random(text, size, state);
        const token other = token_at_random(text, size, state);
        const size_t length = other.end - other.at;
        if (place.at < size && isdigit(text[place.at]) && random_next(state) % 2) { /* another size */
            char number[8];
            const int digits = snprintf(number, sizeof number, "%u", (unsigned)(random_next(state) % SIZES));
            size = put(text, size, place, number, (size_t)digits);
        } else if (random_next(state) % 3 == 0 && length < TOKEN_MOST) {
            uint8_t copy[TOKEN_MOST];
            memcpy(copy, text + other.at, length);
            size = put(text, size, place, copy, length);
        } else {
            const char *value = values[random_next(state) % (sizeof values / sizeof *values)];
            size = put(text, size, place, value, strlen(value));
        }
    }
    return size;
}

static bool is_json(const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && isspace(bytes[at]))
        at++;
    return at < size && (bytes[at] == '{' || bytes[at] == '[');
}

/* Bytes of the header; 0: this is no safetensors file. */
static size_t header_of(const uint8_t *bytes, size_t size)
{
    uint64_t length = size >= LENGTH ? vit__le64(bytes) : 0;
    return length > 0 && length < size - LENGTH && bytes[LENGTH] == '{' ? (size_t)length : 0;
}

/* Some float32 of the tensors. Where they have another type, the bytes mean something else, and are damaged all the
 * same. */
static void damage_numbers(uint8_t *data, size_t n, uint64_t *state)
{
    const float odd[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-42f, 0};
    for (uint64_t changes = 1 + random_next(state) % 64; changes > 0 && n > 0; changes--)
        memcpy(data + random_next(state) % n * sizeof *odd, &odd[random_next(state) % (sizeof odd / sizeof *odd)],
               sizeof *odd);
}

static size_t damage_safetensors(uint8_t *bytes, size_t size, size_t header, uint64_t *state)
{
    if (random_next(state) % 2) {
        damage_numbers(bytes + LENGTH + header, (size - LENGTH - header) / sizeof(float), state);
        return size;
    }
    /* The tensors step aside while the header may grow */
    uint8_t *text = bytes + LENGTH;
    const size_t data = size - LENGTH - header;
    memmove(text + header + DAMAGE_GROWTH, text + header, data);
    const size_t length = damage_json(text, header, state);
    memmove(text + length, text + header + DAMAGE_GROWTH, data);
    vit__put_le64(bytes, length);
    return LENGTH + length + data;
}

size_t damage(const uint8_t *bytes, size_t size, uint8_t *copy, uint64_t *state)
{
    const size_t header = header_of(bytes, size);
    if ((!header && !is_json(bytes, size)) || random_next(state) % 4 == 0)
        return mutate(bytes, size, copy, state);
    memcpy(copy, bytes, size);
    return header ? damage_safetensors(copy, size, header, state) : damage_json(copy, size, state);
}
