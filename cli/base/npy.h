/* SPDX-License-Identifier: BSD-2-Clause */
/* NumPy's .npy files: headers to write, and rows of pixels or token ids to read. */
#ifndef CLI_NPY_H
#define CLI_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"
#include "vit/vit.h"

/* Bytes of every header that we write: room for any shape, so that N can be filled in later. */
#define CLI_NPY_HEADER 128

/* How every file begins. */
#define CLI_NPY_MAGIC "\x93NUMPY"

/* Are these the bytes, or the first ones, of an .npy file? */
bool cli_npy_is(const void *bytes, size_t size);

/* header[CLI_NPY_HEADER]: version 1.0, C order. type is "<f4", "<f2" or "|u1". */
void cli_npy_header(const char *type, const size_t *shape, size_t dimensions, char *header);

/* Little-endian bytes of floats, appended. */
void cli_put_f32(cli_text *bytes, const float *values, size_t n);
void cli_put_f16(cli_text *bytes, const float *values, size_t n);

/* An open file. */
typedef struct cli_npy {
    int descriptor;
    size_t start;    /* of the data in the file */
    size_t shape[4]; /* 1 for each dimension that the array lacks */
    size_t item;     /* bytes of a number */
    bool is_signed;
} cli_npy;

/* f32 [N,3,H,W], little-endian, C order; anything else is refused with the reason. */
vit_status cli_npy_open(const char *path, cli_npy *npy, vit_error *err);
/* The same for integers [N,L] of any size. */
vit_status cli_npy_open_ids(const char *path, cli_npy *npy, vit_error *err);
/* The same for vectors, f32 or f16 [N,D]. */
vit_status cli_npy_open_vectors(const char *path, cli_npy *npy, vit_error *err);
/* Row `row` into vector[D]. */
vit_status cli_npy_read_vector(const cli_npy *npy, const char *path, size_t row, float *vector, vit_error *err);
/* Row `row` into pixels[3*H*W]. */
vit_status cli_npy_read(const cli_npy *npy, const char *path, size_t row, float *pixels, vit_error *err);
/* Row `row` into ids[L]; an id that does not fit is refused. */
vit_status cli_npy_read_ids(const cli_npy *npy, const char *path, size_t row, int32_t *ids, vit_error *err);
void cli_npy_close(cli_npy *npy);

#endif
