/* SPDX-License-Identifier: BSD-2-Clause */
#include "message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "memory.h"

void serve_fields_add(serve_fields *fields, const char *name, const char *value)
{
    serve_field *grown = vit__grow(fields->fields, &fields->capacity, fields->n, 1, sizeof *grown);
    char *name_copy = vit__strdup(name), *value_copy = vit__strdup(value);
    if (grown)
        fields->fields = grown;
    if (grown && name_copy && value_copy) {
        fields->fields[fields->n++] = (serve_field){name_copy, value_copy};
        return;
    }
    free(name_copy);
    free(value_copy);
    fields->failed = true;
}

const char *serve_fields_header(const serve_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->n; i++)
        if (strcasecmp(fields->fields[i].name, name) == 0)
            return fields->fields[i].value;
    return NULL;
}

const char *serve_fields_get(const serve_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->n; i++)
        if (strcmp(fields->fields[i].name, name) == 0)
            return fields->fields[i].value;
    return NULL;
}

size_t serve_fields_count(const serve_fields *fields, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < fields->n; i++)
        n += strcasecmp(fields->fields[i].name, name) == 0;
    return n;
}

void serve_fields_free(serve_fields *fields)
{
    for (size_t i = 0; i < fields->n; i++) {
        free(fields->fields[i].name);
        free(fields->fields[i].value);
    }
    free(fields->fields);
    *fields = (serve_fields){0};
}

/* ------------------------------------------------------------------ target ---- */

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* *copy, which the caller frees: size bytes with %XX decoded, and + as a space in a query. NULL after an error:
 * corrupt (a bad escape, a NUL), out of memory. */
static vit_status decode(const char *text, size_t size, bool query, char **copy)
{
    char *result = *copy = vit__alloc(size + 1, 1);
    size_t n = 0;
    if (!result)
        return VIT_ERR_OUT_OF_MEMORY;
    for (size_t i = 0; i < size; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            int high = i + 2 < size ? digit(text[i + 1]) : -1, low = i + 2 < size ? digit(text[i + 2]) : -1;
            c = high < 0 || low < 0 ? 0 : high * 16 + low;
            i += 2;
        } else if (c == '+' && query) {
            c = ' ';
        }
        if (c == 0) {
            free(result);
            *copy = NULL;
            return VIT_ERR_CORRUPT;
        }
        result[n++] = (char)c;
    }
    result[n] = '\0';
    return VIT_OK;
}

static vit_status add_argument(serve_request *request, const char *text, size_t size)
{
    const char *equals = memchr(text, '=', size);
    size_t name_size = equals ? (size_t)(equals - text) : size;
    char *name, *value = NULL;
    vit_status status = decode(text, name_size, true, &name);
    if (status == VIT_OK)
        status = decode(equals ? equals + 1 : "", equals ? size - name_size - 1 : 0, true, &value);
    if (status == VIT_OK)
        serve_fields_add(&request->query, name, value);
    free(name);
    free(value);
    return request->query.failed ? VIT_ERR_OUT_OF_MEMORY : status;
}

vit_status serve_request_split(serve_request *request)
{
    const char *target = request->target;
    size_t size = strcspn(target, "?"), path_size = size;
    if (target[0] != '/')
        return VIT_ERR_CORRUPT;
    while (path_size > 1 && target[path_size - 1] == '/' && path_size == size)
        path_size--; /* one slash at the end is tolerated */
    vit_status status = decode(target, path_size, false, &request->path);
    for (const char *at = target + size; status == VIT_OK && *at;) {
        at++; /* ? or & */
        size_t length = strcspn(at, "&");
        if (length > 0)
            status = add_argument(request, at, length);
        at += length;
    }
    return status;
}

void serve_request_free(serve_request *request)
{
    free(request->method);
    free(request->target);
    free(request->path);
    serve_fields_free(&request->headers);
    serve_fields_free(&request->query);
    vit__buffer_free(&request->body);
    *request = (serve_request){0};
}

void serve_response_free(serve_response *response)
{
    serve_fields_free(&response->headers);
    vit__buffer_free(&response->body);
    *response = (serve_response){0};
}
