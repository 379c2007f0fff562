/* SPDX-License-Identifier: BSD-2-Clause */
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

#include "base64_text.h"
#include "memory.h"

void serve_put_vector(vit__buffer *out, const float *values, size_t n, bool base64)
{
    if (!base64) {
        vit__json_put_floats(out, values, n);
        return;
    }
    size_t size = VIT__BASE64_SIZE(n * sizeof *values);
    char *text = vit__alloc(size, 1);
    if (text)
        vit__base64_encode(values, n * sizeof *values, text);
    vit__buffer_add(out, "\"", 1);
    vit__buffer_add(out, text, text ? size : 0);
    vit__buffer_add(out, "\"", 1);
    out->failed = out->failed || !text;
    free(text);
}

bool serve_read_encoding(serve_call *call, const char *name, bool *base64)
{
    *base64 = name && strcmp(name, "base64") == 0;
    return !name || *base64 || strcmp(name, "float") == 0 ||
           serve_fail(call, SERVE_BAD_REQUEST, "encoding_format", "float or base64");
}

bool serve_cut_vectors(serve_call *call, size_t dimensions, float *vectors, size_t n, size_t *size)
{
    if (dimensions == SERVE_ALL || dimensions == *size)
        return true;
    if (!call->app->any_dimensions || dimensions == 0 || dimensions > *size)
        return serve_fail(
            call, SERVE_BAD_DIMENSIONS, "dimensions",
            "the model's vectors have %zu numbers; fewer are another space, unless it was trained for them", *size);
    for (size_t i = 0; i < n; i++) {
        memmove(vectors + i * dimensions, vectors + i * *size, dimensions * sizeof *vectors);
        vit_to_unit_length(vectors + i * dimensions, dimensions);
    }
    *size = dimensions;
    return true;
}
