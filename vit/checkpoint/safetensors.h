/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The safetensors format: 8 bytes of header size, a JSON header of names, dtypes, shapes and offsets, then the data
 * (https://github.com/huggingface/safetensors). Works on bytes in memory, so that it can be fuzzed; everything is
 * validated here and nowhere else.
 */
#ifndef VIT_SAFETENSORS_H
#define VIT_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"
#include "limit.h"
#include "vit/vit.h"

typedef enum vit__dtype {
    VIT__DTYPE_F32,
    VIT__DTYPE_F16,
    VIT__DTYPE_BF16,
    VIT__DTYPE_F64,
    VIT__DTYPE_I8,
    VIT__DTYPE_U8,
    VIT__DTYPE_I32,
    VIT__DTYPE_I64,
    VIT__DTYPE_OTHER /* a dtype of the format that nothing here computes with: buffers that a family calls harmless */
} vit__dtype;

typedef struct vit__tensor {
    const char *name;       /* owned by the vit__safetensors */
    const char *dtype_name; /* as in the file: "F32"; static storage */
    vit__dtype dtype;
    size_t rank;
    size_t shape[VIT__LIMIT_TENSOR_RANK];
    const void *data; /* in the bytes that were parsed; may be unaligned */
    size_t size;      /* bytes */
} vit__tensor;

typedef struct vit__safetensors {
    vit__tensor *tensors; /* sorted by name */
    size_t n_tensors;
    vit__json *header; /* the parsed header; its "__metadata__" is an object of strings, or absent */
    void **owned;      /* names and copies of tensors that do not lie in the bytes (torch_file.h) */
    size_t n_owned, owned_room;
} vit__safetensors;

/* What the format calls a dtype: "F32". false: there is none of this name. */
bool vit__tensor_dtype(const char *name, vit__dtype *dtype);

/* Parses and checks the whole header: size <= 100,000,000; a UTF-8 JSON object without duplicate names; known dtypes;
 * offsets that start at 0, without holes or overlaps, and end at the end of the file; sizes that are shape x dtype.
 * VIT_ERR_TRUNCATED when the file is shorter than its header says, else VIT_ERR_CORRUPT; the message names the tensor.
 * bytes must outlive *result, which vit__safetensors_free empties. On failure *result is all zero. */
vit_status vit__safetensors_parse(const void *bytes, size_t size, const char *where, vit__safetensors *result,
                                  vit_error *err);
void vit__safetensors_free(vit__safetensors *safetensors);

/* NULL: there is none. */
const vit__tensor *vit__safetensors_find(const vit__safetensors *safetensors, const char *name);

size_t vit__tensor_elements(const vit__tensor *tensor);

/* The data as it lies in memory, if it is f32 and aligned for it; else NULL. */
const float *vit__tensor_view(const vit__tensor *tensor);

/* Elements [first, first + n) of a floating-point tensor as f32 (F32, F16, BF16, F64; false for other dtypes). */
bool vit__tensor_read(const vit__tensor *tensor, size_t first, size_t n, float *out);

/* "[768, 3, 16, 16]" */
void vit__tensor_shape_text(const vit__tensor *tensor, char *text, size_t size);

#endif
