/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "error.h"

#define SIZE_LIMIT 2147483647 /* most that a size in a config may be; vit__config_finish refuses absurd sizes by name */

vit__reader vit__reader_start(const vit__json *object, const char *where, vit_error *err)
{
    return (vit__reader){.object = object, .where = where, .status = VIT_OK, .err = err};
}

vit__reader vit__reader_inside(vit__reader *outer, const vit__json *object)
{
    return (vit__reader){.object = object, .where = outer->where, .err = outer->err, .outer = outer};
}

bool vit__reader_failed(const vit__reader *reader)
{
    while (reader->outer)
        reader = reader->outer;
    return reader->status != VIT_OK;
}

void vit__reader_fail(vit__reader *reader, vit_status status, const char *format, ...)
{
    if (vit__reader_failed(reader))
        return;
    char message[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    vit__reader_take(reader, vit__fail(reader->err, status, reader->where, "%s", message));
}

void vit__reader_take(vit__reader *reader, vit_status status)
{
    while (reader->outer)
        reader = reader->outer;
    if (reader->status == VIT_OK)
        reader->status = status;
}

bool vit__read_has(const vit__reader *reader, const char *key)
{
    return !vit__json_is_null(vit__json_get(reader->object, key));
}

const vit__json *vit__read_given(const vit__reader *reader, const char *key)
{
    return !vit__reader_failed(reader) && vit__read_has(reader, key) ? vit__json_get(reader->object, key) : NULL;
}

bool vit__whole_size(const vit__json *value, size_t *size)
{
    int64_t integer;
    if (!vit__json_integer(value, &integer) || integer < 0 || integer > SIZE_LIMIT)
        return false;
    *size = (size_t)integer;
    return true;
}

size_t vit__read_size(vit__reader *reader, const char *key, size_t absent)
{
    const vit__json *value = vit__read_given(reader, key);
    size_t size = absent;
    if (value && !vit__whole_size(value, &size))
        vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"%s\" must be a whole number from 0 to %d", key, SIZE_LIMIT);
    return size;
}

double vit__read_number(vit__reader *reader, const char *key, double absent)
{
    const vit__json *value = vit__read_given(reader, key);
    double number = absent;
    if (value && (!vit__json_number(value, &number) || !isfinite(number))) {
        vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"%s\" must be a finite number", key);
        return absent;
    }
    return number;
}

bool vit__read_flag(vit__reader *reader, const char *key, bool absent)
{
    const vit__json *value = vit__read_given(reader, key);
    bool flag = absent;
    if (value && !vit__json_boolean(value, &flag))
        vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"%s\" must be true or false", key);
    return flag;
}

const char *vit__read_text(vit__reader *reader, const char *key, const char *absent)
{
    const vit__json *value = vit__read_given(reader, key);
    const char *text = value ? vit__json_string(value) : absent;
    if (value && !text)
        vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"%s\" must be a string", key);
    return text ? text : absent;
}
