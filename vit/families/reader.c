/* SPDX-License-Identifier: BSD-2-Clause */
#include "reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

#define SIZE_LIMIT 2147483647 /* of a size in a config; what is absurd is for vit__config_check to say */

vit__reader vit__reader_start(const vit__json *object, const char *where, vit_error *err)
{
    return (vit__reader){.object = object, .where = where, .status = VIT_OK, .err = err};
}

void vit__reader_fail(vit__reader *reader, vit_status status, const char *format, ...)
{
    if (reader->status != VIT_OK)
        return;
    char message[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    reader->status = vit__fail(reader->err, status, reader->where, "%s", message);
}

bool vit__read_has(const vit__reader *reader, const char *key)
{
    return !vit__json_is_null(vit__json_get(reader->object, key));
}

/* The value of a key that is there; NULL where the default holds. */
static const vit__json *given(const vit__reader *reader, const char *key)
{
    return reader->status == VIT_OK && vit__read_has(reader, key) ? vit__json_get(reader->object, key) : NULL;
}

static bool whole_size(const vit__json *value, size_t *size)
{
    int64_t integer;
    if (!vit__json_integer(value, &integer) || integer < 0 || integer > SIZE_LIMIT)
        return false;
    *size = (size_t)integer;
    return true;
}

size_t vit__read_size(vit__reader *reader, const char *key, size_t absent)
{
    const vit__json *value = given(reader, key);
    size_t size = absent;
    if (value && !whole_size(value, &size))
        vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"%s\" must be a whole number from 0 to %d", key, SIZE_LIMIT);
    return size;
}

double vit__read_number(vit__reader *reader, const char *key, double absent)
{
    const vit__json *value = given(reader, key);
    double number = absent;
    if (value && (!vit__json_number(value, &number) || !isfinite(number))) {
        vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"%s\" must be a finite number", key);
        return absent;
    }
    return number;
}

bool vit__read_flag(vit__reader *reader, const char *key, bool absent)
{
    const vit__json *value = given(reader, key);
    bool flag = absent;
    if (value && !vit__json_boolean(value, &flag))
        vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"%s\" must be true or false", key);
    return flag;
}

const char *vit__read_text(vit__reader *reader, const char *key, const char *absent)
{
    const vit__json *value = given(reader, key);
    const char *text = value ? vit__json_string(value) : absent;
    if (value && !text)
        vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"%s\" must be a string", key);
    return text ? text : absent;
}

/* transformers.activations.ACT2FN, of which these are what published Vision Transformers use. */
static const struct {
    const char *name;
    vit__activation activation;
} activations[] = {
    {"gelu", VIT__ACTIVATION_GELU},
    {"gelu_python", VIT__ACTIVATION_GELU},
    {"gelu_new", VIT__ACTIVATION_GELU_TANH},
    {"gelu_pytorch_tanh", VIT__ACTIVATION_GELU_TANH},
    {"gelu_tanh", VIT__ACTIVATION_GELU_TANH},
    {"gelu_fast", VIT__ACTIVATION_GELU_TANH},
    {"gelu_python_tanh", VIT__ACTIVATION_GELU_TANH},
    {"quick_gelu", VIT__ACTIVATION_QUICK_GELU},
    {"relu", VIT__ACTIVATION_RELU},
    {"silu", VIT__ACTIVATION_SILU},
    {"swish", VIT__ACTIVATION_SILU},
    {"tanh", VIT__ACTIVATION_TANH},
    {"sigmoid", VIT__ACTIVATION_SIGMOID},
    {"linear", VIT__ACTIVATION_NONE},
};

vit__activation vit__read_activation(vit__reader *reader, const char *key, const char *absent)
{
    const char *name = vit__read_text(reader, key, absent);
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (strcmp(name, activations[i].name) == 0)
            return activations[i].activation;
    vit__reader_fail(reader, VIT_ERR_UNSUPPORTED_MODEL, "\"%s\" is \"%.60s\": this build has no such activation", key,
                     name);
    return VIT__ACTIVATION_NONE;
}

void vit__read_extent(vit__reader *reader, const char *key, size_t absent, size_t *height, size_t *width)
{
    const vit__json *value = given(reader, key);
    *height = *width = absent;
    if (!value)
        return;
    bool pair = vit__json_length(value) == 2 && whole_size(vit__json_at(value, 0), height) &&
                whole_size(vit__json_at(value, 1), width);
    if (pair)
        return;
    if (whole_size(value, height))
        *width = *height;
    else
        vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"%s\" must be a whole number, or two: [height, width]", key);
}

void vit__read_expect(vit__reader *reader, const char *key, bool value, bool absent, const char *feature)
{
    if (vit__read_flag(reader, key, absent) != value)
        vit__reader_fail(reader, VIT_ERR_UNSUPPORTED_MODEL, "\"%s\" is %s: this build lacks %s", key,
                         value ? "false" : "true", feature);
}

size_t vit__read_classes(vit__reader *reader)
{
    const vit__json *labels = given(reader, "id2label");
    if (labels && !vit__json_is_object(labels))
        vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"id2label\" must be an object of index and name");
    return labels ? vit__json_length(labels) : vit__read_size(reader, "num_labels", 2);
}

bool vit__read_architecture(const vit__reader *reader, const char *ending)
{
    const char *name = vit__json_string(vit__json_at(vit__json_get(reader->object, "architectures"), 0));
    size_t length = name ? strlen(name) : 0, wanted = strlen(ending);
    return length >= wanted && strcmp(name + length - wanted, ending) == 0;
}
