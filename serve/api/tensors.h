/* SPDX-License-Identifier: BSD-2-Clause */
/* Tensors of KServe's v2 protocol: numbers and strings in JSON, or their bytes behind it. */
#ifndef SERVE_TENSORS_H
#define SERVE_TENSORS_H

#include "call.h"

typedef enum serve_datatype { SERVE_FP32, SERVE_INT64, SERVE_BYTES } serve_datatype;

#define SERVE_RANK 8

typedef struct serve_string {
    const char *bytes;
    size_t size;
} serve_string;

/* One that came. Memory is the call's, or the request's. */
typedef struct serve_tensor {
    size_t shape[SERVE_RANK], rank, elements;
    bool binary;
    const float *floats;     /* FP32 */
    const int32_t *integers; /* INT64, each of which fits */
    serve_string *strings;   /* BYTES */
} serve_tensor;

/* binary[size]: what stands behind the JSON; a binary tensor takes all of it. */
bool serve_tensor_read(serve_call *call, const vit__json *input, serve_datatype type, const char *binary, size_t size,
                       serve_tensor *tensor);

/* Tensors that go: between begin and end values, then the shape. */
typedef struct serve_tensor_out {
    vit__buffer *json;  /* the response's body, so far */
    vit__buffer binary; /* what comes behind it */
    vit__buffer values; /* of the tensor, as JSON */
    bool is_binary, any_binary;
    size_t start; /* of this tensor in `binary` */
} serve_tensor_out;

void serve_tensor_begin(serve_tensor_out *out, const char *name, serve_datatype type, bool binary, bool first);
void serve_tensor_put_floats(serve_tensor_out *out, const float *values, size_t n);
void serve_tensor_put_bytes(serve_tensor_out *out, const char *bytes, size_t size);
void serve_tensor_shape(serve_tensor_out *out, const size_t *shape, size_t rank);
void serve_tensor_end(serve_tensor_out *out);
/* The whole response: JSON alone, or with the bytes behind it and the header that says
 * where they begin. The caller frees out->binary and out->values, whatever happened. */
bool serve_tensor_finish(serve_call *call, serve_tensor_out *out);

#endif
