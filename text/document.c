/* SPDX-License-Identifier: BSD-2-Clause */
#include "document.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "error.h"

const vit__file_kind vit__tokenizer_file = {.most = 200000000, .above = "a tokenizer file of more than"};

/* vit__document is jansson's json_t under a name of ours. */
static json_t *unwrap(const vit__document *document)
{
    return (json_t *)(uintptr_t)document;
}

static vit__document *wrap(json_t *json)
{
    return (vit__document *)(void *)json;
}

static vit_status parse(const vit__buffer *text, const char *path, vit__document **document, vit_error *err)
{
    /* Whole numbers are read as doubles: model_max_length is 10^30 where people mean "no limit". */
    json_error_t problem;
    errno = 0;
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
    json_t *json = json_loadb(text->data, text->size, flags, &problem);
    *document = wrap(json);
    if (json)
        return VIT_OK;
    /* jansson does not always say so itself. */
    if (errno == ENOMEM || json_error_code(&problem) == json_error_out_of_memory)
        return vit__fail_memory(err, path);
    return vit__fail(err, VIT_ERR_CORRUPT, path, "not valid JSON: %s (line %d, column %d)", problem.text, problem.line,
                     problem.column);
}

vit_status vit__document_load(const char *path, vit__document **document, vit_error *err)
{
    vit__buffer text;
    *document = NULL;
    vit_status status = vit__file_read(path, &vit__tokenizer_file, &text, err);
    if (status == VIT_OK)
        status = parse(&text, path, document, err);
    vit__buffer_free(&text);
    return status;
}

void vit__document_free(vit__document *document)
{
    json_decref(unwrap(document));
}

const vit__document *vit__document_get(const vit__document *object, const char *key)
{
    return wrap(json_object_get(unwrap(object), key));
}

const vit__document *vit__document_at(const vit__document *array, size_t index)
{
    return wrap(json_array_get(unwrap(array), index));
}

size_t vit__document_length(const vit__document *value)
{
    return json_is_array(unwrap(value)) ? json_array_size(unwrap(value)) : json_object_size(unwrap(value));
}

bool vit__document_is_object(const vit__document *value)
{
    return json_is_object(unwrap(value));
}

bool vit__document_is_array(const vit__document *value)
{
    return json_is_array(unwrap(value));
}

bool vit__document_is_null(const vit__document *value)
{
    return !value || json_is_null(unwrap(value));
}

const char *vit__document_string(const vit__document *value, size_t *size)
{
    const char *string = json_string_value(unwrap(value));
    *size = string ? json_string_length(unwrap(value)) : 0;
    return string;
}

bool vit__document_is(const vit__document *value, const char *string)
{
    size_t size, wanted = strlen(string);
    const char *found = vit__document_string(value, &size);
    return found && size == wanted && memcmp(found, string, size) == 0;
}

bool vit__document_number(const vit__document *value, double *number)
{
    if (!json_is_number(unwrap(value)))
        return false;
    *number = json_number_value(unwrap(value));
    return true;
}

bool vit__document_boolean(const vit__document *value, bool *boolean)
{
    if (!json_is_boolean(unwrap(value)))
        return false;
    *boolean = json_is_true(unwrap(value));
    return true;
}

bool vit__document_id(const vit__document *value, uint32_t *id)
{
    double number;
    if (!vit__document_number(value, &number) || number < 0 || number > INT32_MAX || number != floor(number))
        return false;
    *id = (uint32_t)number;
    return true;
}

void *vit__document_first(const vit__document *object)
{
    return json_object_iter(unwrap(object));
}

void *vit__document_next(const vit__document *object, void *iterator)
{
    return json_object_iter_next(unwrap(object), iterator);
}

const char *vit__document_key(void *iterator)
{
    return json_object_iter_key(iterator);
}

const vit__document *vit__document_value(void *iterator)
{
    return wrap(json_object_iter_value(iterator));
}
