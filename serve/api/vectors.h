/* SPDX-License-Identifier: BSD-2-Clause */
/* Vectors as JSON: numbers, or base64 of little-endian floats. */
#ifndef SERVE_VECTORS_H
#define SERVE_VECTORS_H

#include "call.h"

/* A row of numbers, or a string of base64. */
void serve_put_vector(vit__buffer *out, const float *values, size_t n, bool base64);

/* "encoding_format": float or base64. */
bool serve_read_encoding(serve_call *call, const char *name, bool *base64);

/* "dimensions": the model's own number, or with --allow-dimensions a smaller one, to which the n
 * vectors[n][*size] are cut and then made unit vectors again. SERVE_ALL: no number was asked for. */
#define SERVE_ALL ((size_t)-1)
bool serve_cut_vectors(serve_call *call, size_t dimensions, float *vectors, size_t n, size_t *size);

#endif
