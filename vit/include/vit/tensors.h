/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tensors of any .safetensors file, such as what a reference has computed (`vit verify` reads that).
 *
 *     #include <stdio.h>
 *     #include <vit/tensors.h>
 *
 *     vit_error err = {0};
 *     vit_tensor_file *file = NULL;
 *     vit_tensor tensor;
 *     vit_tensor_file_open("model.safetensors", &file, &err);
 *     for (size_t i = 0; vit_tensor_file_get(file, i, &tensor); i++)
 *         printf("%s %s, %zu elements\n", tensor.name, tensor.dtype, tensor.elements);
 *     if (err.status != VIT_OK) fprintf(stderr, "%s: %s\n", err.where, err.message);
 *     vit_tensor_file_free(file);
 *
 * Link with -lvit. The rules of vit/vit.h hold here too. An open file is immutable, and threads may share it.
 */
#ifndef VIT_TENSORS_H
#define VIT_TENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "vit/error.h"
#include "vit/export.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vit_tensor_file vit_tensor_file;

typedef struct vit_tensor {
    const char *name, *dtype; /* "F32", "I32", ...; strings and shape live as long as the file is open */
    const size_t *shape;      /* [rank] */
    size_t rank, elements;
} vit_tensor;

/* Maps and checks the file. The caller frees with vit_tensor_file_free.
 * Errors: not_found, unreadable, corrupt, truncated, out_of_memory. */
VIT_API vit_status vit_tensor_file_open(const char *path, vit_tensor_file **file, vit_error *err);
VIT_API void vit_tensor_file_free(vit_tensor_file *file);

/* The index-th by name, or the one of a name. 0: there is none, and *tensor is all zero. */
VIT_API int vit_tensor_file_get(const vit_tensor_file *file, size_t index, vit_tensor *tensor);
VIT_API int vit_tensor_file_find(const vit_tensor_file *file, const char *name, vit_tensor *tensor);

/* All elements of a tensor of floating-point numbers, as f32; or of integers that fit. Error:
 * unsupported_format (a tensor of another type, an integer that does not fit), not_found. */
VIT_API vit_status vit_tensor_file_floats(const vit_tensor_file *file, const char *name, float *values, vit_error *err);
VIT_API vit_status vit_tensor_file_integers(const vit_tensor_file *file, const char *name, int32_t *values,
                                            vit_error *err);

#ifdef __cplusplus
}
#endif
#endif
