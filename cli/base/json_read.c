/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_read.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* A cli_json is a json_t under another name: nobody else sees either's inside. */
static const json_t *value_of(const cli_json *json)
{
    return (const json_t *)(const void *)json;
}

static cli_json *hidden(json_t *value)
{
    return (cli_json *)(void *)value;
}

bool cli_json_is_valid(const void *bytes, size_t size)
{
    json_t *json = size ? json_loadb(bytes, size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL)
                        : NULL;
    json_decref(json);
    return json != NULL;
}

cli_json *cli_json_parse(const void *bytes, size_t size)
{
    json_t *json = size ? json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (json_is_object(json))
        return hidden(json);
    json_decref(json);
    return NULL;
}

char *cli_json_parse_string(const void *bytes, size_t size, size_t *length)
{
    json_t *json = size ? json_loadb(bytes, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    char *text = NULL;
    *length = 0;
    if (json_is_string(json)) {
        *length = json_string_length(json);
        text = cli_allocate(*length + 1, 1);
        memcpy(text, json_string_value(json), *length + 1);
    }
    json_decref(json);
    return text;
}

void cli_json_free(cli_json *json)
{
    json_decref((json_t *)(void *)json);
}

const cli_json *cli_json_get(const cli_json *object, const char *key)
{
    return hidden(json_object_get(value_of(object), key));
}

const char *cli_json_text_of(const cli_json *value)
{
    return json_string_value(value_of(value));
}

bool cli_json_size_of(const cli_json *value, size_t *size)
{
    json_int_t number = json_integer_value(value_of(value));
    if (!json_is_integer(value_of(value)) || number < 0)
        return false;
    *size = (size_t)number;
    return true;
}

bool cli_json_number_of(const cli_json *value, double *number)
{
    *number = json_number_value(value_of(value));
    return json_is_number(value_of(value));
}

bool cli_json_is_true(const cli_json *value)
{
    return json_is_true(value_of(value));
}

const cli_json *cli_json_at(const cli_json *value, size_t index)
{
    return (const cli_json *)json_array_get(value_of(value), index);
}

size_t cli_json_length(const cli_json *value)
{
    return json_array_size(value_of(value));
}

const char *cli_json_difference(const cli_json *object, const cli_json *other)
{
    const char *key;
    json_t *value;
    json_t *walked = (json_t *)(void *)(uintptr_t)object; /* only read */
    json_object_foreach(walked, key, value) {
        if (!json_equal(value, json_object_get(value_of(other), key)))
            return key;
    }
    return NULL;
}

char *cli_json_print(const cli_json *value)
{
    char *text = json_dumps(value_of(value), JSON_ENCODE_ANY | JSON_COMPACT);
    return text ? text : cli_duplicate("nothing");
}
