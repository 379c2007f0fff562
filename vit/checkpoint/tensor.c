/* SPDX-License-Identifier: BSD-2-Clause */
/* One tensor of a safetensors file: its shape as text, its numbers as f32. */
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "safetensors.h"

/* Numbers that are copied out of the (possibly unaligned) file at once: small enough for the first-level cache. */
#define BLOCK 512

size_t vit__tensor_elements(const vit__tensor *tensor)
{
    size_t elements = 1;
    for (size_t i = 0; i < tensor->rank; i++)
        elements *= tensor->shape[i]; /* cannot overflow: the parser formed the product */
    return elements;
}

const float *vit__tensor_view(const vit__tensor *tensor)
{
    bool aligned = (uintptr_t)tensor->data % alignof(float) == 0;
    return tensor->dtype == VIT__DTYPE_F32 && aligned ? tensor->data : NULL;
}

static void from_f32(const void *data, size_t n, float *out)
{
    memcpy(out, data, n * sizeof *out);
}

static void from_f64(const void *data, size_t n, float *out)
{
    double block[BLOCK];
    memcpy(block, data, n * sizeof *block);
    for (size_t i = 0; i < n; i++)
        out[i] = (float)block[i]; /* to nearest even; beyond f32 infinity */
}

/* bfloat16 is the upper half of an f32. */
static void from_bf16(const void *data, size_t n, float *out)
{
    uint16_t block[BLOCK];
    uint32_t bits[BLOCK];
    memcpy(block, data, n * sizeof *block);
    for (size_t i = 0; i < n; i++)
        bits[i] = (uint32_t)block[i] << 16;
    memcpy(out, bits, n * sizeof *out);
}

/* IEEE 754 binary16: sign, 5 bits of exponent with bias 15, 10 bits of fraction. Every value is one of f32. */
static void from_f16(const void *data, size_t n, float *out)
{
    uint16_t block[BLOCK];
    int32_t bits[BLOCK];
    float subnormal[BLOCK];
    memcpy(block, data, n * sizeof *block);
    for (size_t i = 0; i < n; i++)
        subnormal[i] = (float)(block[i] & 0x3ff) * 0x1p-24f;
    memcpy(bits, subnormal, n * sizeof *bits);
    for (size_t i = 0; i < n; i++) {
        int32_t magnitude = block[i] & 0x7fff, sign = block[i] & 0x8000 ? INT32_MIN : 0;
        int32_t bias = magnitude >= 0x7c00 ? 2 * 112 : 112; /* infinity and NaN go up to exponent 255 */
        int32_t normal = (magnitude << 13) + (bias << 23);
        bits[i] = sign | (magnitude >= 0x0400 ? normal : bits[i]);
    }
    memcpy(out, bits, n * sizeof *out);
}

typedef struct conversion {
    void (*block)(const void *data, size_t n, float *out); /* at most BLOCK numbers */
    size_t width;                                          /* bytes of a number */
} conversion;

static const conversion conversions[] = {
    [VIT__DTYPE_F32] = {from_f32, 4},
    [VIT__DTYPE_F16] = {from_f16, 2},
    [VIT__DTYPE_BF16] = {from_bf16, 2},
    [VIT__DTYPE_F64] = {from_f64, 8},
};

bool vit__tensor_read(const vit__tensor *tensor, size_t first, size_t n, float *out)
{
    size_t elements = vit__tensor_elements(tensor);
    if ((size_t)tensor->dtype >= sizeof conversions / sizeof *conversions || first > elements || n > elements - first)
        return false;
    const conversion *convert = &conversions[tensor->dtype];
    const unsigned char *data = (const unsigned char *)tensor->data + first * convert->width;
    for (size_t done = 0; done < n; done += BLOCK)
        convert->block(data + done * convert->width, n - done < BLOCK ? n - done : BLOCK, out + done);
    return true;
}

void vit__tensor_shape_text(const vit__tensor *tensor, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "[");
    for (size_t i = 0; i < tensor->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, i ? ", %zu" : "%zu", tensor->shape[i]);
    if (used < size)
        snprintf(text + used, size - used, "]");
}
