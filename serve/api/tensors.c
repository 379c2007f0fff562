/* SPDX-License-Identifier: BSD-2-Clause */
#include "tensors.h"

#include <stdio.h>
#include <string.h>

#include "memory.h"

static const char *const names[] = {[SERVE_FP32] = "FP32", [SERVE_INT64] = "INT64", [SERVE_BYTES] = "BYTES"};

/* ------------------------------------------------------------------ coming ---- */

static bool read_shape(serve_call *call, const vit__json *input, serve_tensor *t)
{
    const vit__json *shape = vit__json_get(input, "shape");
    t->rank = vit__json_length(shape);
    t->elements = 1;
    if (!vit__json_is_array(shape) || t->rank == 0 || t->rank > SERVE_RANK)
        return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0].shape", "an array of 1 to %d numbers is wanted",
                          SERVE_RANK);
    for (size_t i = 0; i < t->rank; i++)
        if (!serve_read_size(vit__json_at(shape, i), &t->shape[i]) ||
            !vit__multiply(t->elements, t->shape[i], &t->elements) || t->elements > ((size_t)1 << 30))
            return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0].shape", "this is no shape");
    return t->elements > 0 || serve_fail(call, SERVE_BAD_REQUEST, "inputs[0].shape", "the tensor is empty");
}

/* Elements of "data", nested or flat, in order. No recursion: an explicit stack of at most SERVE_RANK arrays. */
typedef struct walk {
    const vit__json *arrays[SERVE_RANK + 1];
    size_t at[SERVE_RANK + 1], depth;
} walk;

/* The next element; NULL: there is none. *deep: it is nested deeper than a shape can be. */
static const vit__json *next_element(walk *w, bool *deep)
{
    while (w->depth > 0) {
        size_t top = w->depth - 1;
        const vit__json *value = vit__json_at(w->arrays[top], w->at[top]);
        if (!value) {
            w->depth--;
            continue;
        }
        w->at[top]++;
        if (!vit__json_is_array(value))
            return value;
        if (w->depth > SERVE_RANK) {
            *deep = true;
            return NULL;
        }
        w->arrays[w->depth] = value;
        w->at[w->depth++] = 0;
    }
    return NULL;
}

static bool put_element(serve_tensor *t, serve_datatype type, size_t i, const vit__json *value, float *floats,
                        int32_t *integers)
{
    double number = 0;
    int64_t whole = 0;
    const char *text = vit__json_bytes(value, &(size_t){0});
    switch (type) {
    case SERVE_FP32:
        floats[i] = vit__json_number(value, &number) ? (float)number : 0;
        return vit__json_is_number(value);
    case SERVE_INT64:
        if (!vit__json_integer(value, &whole) || whole < 0 || whole > INT32_MAX)
            return false;
        integers[i] = (int32_t)whole;
        return true;
    case SERVE_BYTES:
        if (text)
            t->strings[i].bytes = vit__json_bytes(value, &t->strings[i].size);
        return text != NULL;
    }
    return false;
}

static bool allocate(serve_call *call, serve_datatype type, serve_tensor *t, float **floats, int32_t **integers)
{
    *floats = type == SERVE_FP32 ? serve_call_alloc(call, t->elements, sizeof **floats) : NULL;
    *integers = type == SERVE_INT64 ? serve_call_alloc(call, t->elements, sizeof **integers) : NULL;
    t->strings = type == SERVE_BYTES ? serve_call_alloc(call, t->elements, sizeof *t->strings) : NULL;
    t->floats = *floats;
    t->integers = *integers;
    return *floats || *integers || t->strings;
}

static bool read_data(serve_call *call, const vit__json *input, serve_datatype type, serve_tensor *t)
{
    walk w = {.arrays = {vit__json_get(input, "data")}, .depth = 1};
    float *floats;
    int32_t *integers;
    bool deep = false;
    size_t n = 0;
    if (t->elements > call->request->body.size) /* each takes a byte at least */
        return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0].data", "the shape says %zu elements; there are fewer",
                          t->elements);
    if (!allocate(call, type, t, &floats, &integers))
        return false;
    for (const vit__json *value; (value = next_element(&w, &deep)) != NULL; n++)
        if (n < t->elements && !put_element(t, type, n, value, floats, integers))
            return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0].data", "element %zu is no %s", n, names[type]);
    if (n != t->elements || deep)
        return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0].data", "%zu elements, and the shape says %zu", n,
                          t->elements);
    return true;
}

/* <u32 length><bytes> of each. */
static bool read_strings(serve_call *call, const char *binary, size_t size, serve_tensor *t)
{
    size_t at = 0, n = 0;
    if (t->elements > size / 4)
        return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0]", "fewer strings than the shape says");
    t->strings = serve_call_alloc(call, t->elements, sizeof *t->strings);
    for (; t->strings && n < t->elements && size - at >= 4; n++) {
        uint32_t length;
        memcpy(&length, binary + at, 4);
        at += 4;
        if (length > size - at)
            break;
        t->strings[n] = (serve_string){binary + at, length};
        at += length;
    }
    if (t->strings && (n != t->elements || at != size))
        return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0]", "the lengths of the strings do not sum to the tensor");
    return t->strings != NULL;
}

static bool read_binary(serve_call *call, serve_datatype type, const char *binary, size_t size, serve_tensor *t)
{
    float *floats;
    int32_t *integers;
    size_t width = type == SERVE_FP32 ? sizeof(float) : sizeof(int64_t);
    if (type == SERVE_BYTES)
        return read_strings(call, binary, size, t);
    if (size / width != t->elements || size % width != 0)
        return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0]", "%zu bytes, and the shape says %zu", size,
                          t->elements * width);
    if (!allocate(call, type, t, &floats, &integers))
        return false;
    if (floats)
        memcpy(floats, binary, size);
    for (size_t i = 0; integers && i < t->elements; i++) {
        int64_t whole;
        memcpy(&whole, binary + i * sizeof whole, sizeof whole);
        if (whole < 0 || whole > INT32_MAX)
            return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0]", "element %zu is no token id", i);
        integers[i] = (int32_t)whole;
    }
    return true;
}

bool serve_tensor_read(serve_call *call, const vit__json *input, serve_datatype type, const char *binary, size_t size,
                       serve_tensor *t)
{
    size_t announced = 0;
    bool failed = false;
    const vit__json *parameters = vit__json_get(input, "parameters");
    const char *datatype = vit__json_string(vit__json_get(input, "datatype"));
    if (!datatype || strcmp(datatype, names[type]) != 0)
        return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0].datatype", "%s is wanted", names[type]);
    if (!vit__json_is_null(vit__json_get(parameters, "shared_memory_region")))
        return serve_fail(call, SERVE_NOT_OFFERED, NULL, "shared memory is not offered");
    t->binary = serve_member_size(call, parameters, "binary_data_size", &announced, &failed);
    if (failed || !read_shape(call, input, t))
        return false;
    if (t->binary ? announced != size : size > 0)
        return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0]",
                          "%zu bytes stand behind the JSON, and the tensor is said to have %zu", size, announced);
    return t->binary ? read_binary(call, type, binary, size, t) : read_data(call, input, type, t);
}

/* ------------------------------------------------------------------ going ---- */

void serve_tensor_begin(serve_tensor_out *out, const char *name, serve_datatype type, bool binary, bool first)
{
    vit__buffer_format(out->json, "%s{\"name\":\"%s\",\"datatype\":\"%s\"", first ? "" : ",", name, names[type]);
    out->is_binary = binary;
    out->any_binary = out->any_binary || binary;
    out->start = out->binary.size;
    vit__buffer_clear(&out->values);
}

void serve_tensor_put_floats(serve_tensor_out *out, const float *values, size_t n)
{
    if (out->is_binary)
        vit__buffer_add(&out->binary, values, n * sizeof *values);
    else
        vit__json_put_floats(&out->values, values, n);
}

void serve_tensor_put_bytes(serve_tensor_out *out, const char *bytes, size_t size)
{
    uint32_t length = (uint32_t)size;
    if (out->is_binary) {
        vit__buffer_add(&out->binary, &length, sizeof length);
        vit__buffer_add(&out->binary, bytes, size);
        return;
    }
    vit__buffer_add_string(&out->values, out->values.size ? "," : "[");
    vit__json_put_bytes(&out->values, bytes, size);
}

void serve_tensor_shape(serve_tensor_out *out, const size_t *shape, size_t rank)
{
    vit__buffer_add_string(out->json, ",\"shape\":[");
    for (size_t i = 0; i < rank; i++)
        vit__buffer_format(out->json, "%s%zu", i ? "," : "", shape[i]);
    vit__buffer_add_string(out->json, "]");
}

void serve_tensor_end(serve_tensor_out *out)
{
    const vit__buffer *values = &out->values;
    if (out->is_binary) {
        vit__buffer_format(out->json, ",\"parameters\":{\"binary_data_size\":%zu}}", out->binary.size - out->start);
        return;
    }
    vit__buffer_add_string(out->json, ",\"data\":");
    vit__buffer_add(out->json, values->data, values->size);
    if (values->size == 0)
        vit__buffer_add_string(out->json, "[");
    if (values->size == 0 || values->data[values->size - 1] != ']')
        vit__buffer_add_string(out->json, "]");
    vit__buffer_add_string(out->json, "}");
    out->json->failed = out->json->failed || values->failed;
}

bool serve_tensor_finish(serve_call *call, serve_tensor_out *out)
{
    char length[24];
    snprintf(length, sizeof length, "%zu", out->json->size);
    if (out->any_binary)
        serve_fields_add(&call->response->headers, "Inference-Header-Content-Length", length);
    vit__buffer_add(out->json, out->binary.data, out->binary.size);
    out->json->failed = out->json->failed || out->binary.failed;
    return serve_done(call, out->any_binary ? "application/octet-stream" : "application/json");
}
