/* SPDX-License-Identifier: BSD-2-Clause */
#include "safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "limit.h"
#include "memory.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensor data is little-endian, and used as it lies");

#define PREFIX_BYTES 8u
#define METADATA "__metadata__"
/* How names stand in messages: enough to know the tensor, and the reason still fits behind it. */
#define NAME "tensor \"%.200s\""

/* Every dtype of the format (safetensors 0.7, `enum Dtype`). */
static const struct dtype_row {
    const char *name;
    vit__dtype dtype;
    unsigned bits;
} dtypes[] = {
    {"F32", VIT__DTYPE_F32, 32},          {"F16", VIT__DTYPE_F16, 16},      {"BF16", VIT__DTYPE_BF16, 16},
    {"F64", VIT__DTYPE_F64, 64},          {"I8", VIT__DTYPE_I8, 8},         {"U8", VIT__DTYPE_U8, 8},
    {"I32", VIT__DTYPE_I32, 32},          {"I64", VIT__DTYPE_I64, 64},      {"BOOL", VIT__DTYPE_OTHER, 8},
    {"I16", VIT__DTYPE_OTHER, 16},        {"U16", VIT__DTYPE_OTHER, 16},    {"U32", VIT__DTYPE_OTHER, 32},
    {"U64", VIT__DTYPE_OTHER, 64},        {"C64", VIT__DTYPE_OTHER, 64},    {"F8_E5M2", VIT__DTYPE_OTHER, 8},
    {"F8_E4M3", VIT__DTYPE_OTHER, 8},     {"F8_E8M0", VIT__DTYPE_OTHER, 8}, {"F8_E5M2FNUZ", VIT__DTYPE_OTHER, 8},
    {"F8_E4M3FNUZ", VIT__DTYPE_OTHER, 8}, {"F6_E2M3", VIT__DTYPE_OTHER, 6}, {"F6_E3M2", VIT__DTYPE_OTHER, 6},
    {"F4", VIT__DTYPE_OTHER, 4},
};

/* Where the tensors of one header lie, and what messages need. */
typedef struct parser {
    const char *where;
    const unsigned char *data; /* what follows the header */
    size_t data_size;
    vit_error *err;
} parser;

static const struct dtype_row *find_dtype(const char *name)
{
    for (size_t i = 0; name && i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return &dtypes[i];
    return NULL;
}

bool vit__tensor_dtype(const char *name, vit__dtype *dtype)
{
    const struct dtype_row *row = find_dtype(name);
    if (row)
        *dtype = row->dtype;
    return row != NULL;
}

static vit_status read_shape(const parser *p, const vit__json *shape, vit__tensor *tensor)
{
    tensor->rank = vit__json_length(shape);
    if (!vit__json_is_array(shape))
        return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, NAME " has no list \"shape\"", tensor->name);
    if (tensor->rank > VIT__LIMIT_TENSOR_RANK)
        return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, NAME " has %zu dimensions; at most %d are read",
                         tensor->name, tensor->rank, VIT__LIMIT_TENSOR_RANK);
    for (size_t i = 0; i < tensor->rank; i++)
        if (!vit__json_size(vit__json_at(shape, i), &tensor->shape[i]))
            return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, NAME ": dimension %zu is not a whole number >= 0",
                             tensor->name, i);
    return VIT_OK;
}

/* tensor->size from shape and dtype. */
static vit_status measure(const parser *p, const struct dtype_row *dtype, vit__tensor *tensor)
{
    size_t bits = dtype->bits;
    bool fits = true;
    for (size_t i = 0; fits && i < tensor->rank; i++)
        fits = vit__multiply(bits, tensor->shape[i], &bits);
    if (!fits)
        return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, NAME ": its shape is larger than any memory", tensor->name);
    if (bits % 8 != 0)
        return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, NAME " of dtype %s does not fill whole bytes", tensor->name,
                         dtype->name);
    tensor->size = bits / 8;
    return VIT_OK;
}

static vit_status read_offsets(const parser *p, const vit__json *offsets, vit__tensor *tensor)
{
    size_t begin, end;
    if (vit__json_length(offsets) != 2 || !vit__json_size(vit__json_at(offsets, 0), &begin) ||
        !vit__json_size(vit__json_at(offsets, 1), &end) || begin > end)
        return vit__fail(p->err, VIT_ERR_CORRUPT, p->where,
                         NAME ": \"data_offsets\" are not two whole numbers, the second not below the first",
                         tensor->name);
    if (end - begin != tensor->size)
        return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, NAME " has %zu bytes, but its shape and dtype need %zu",
                         tensor->name, end - begin, tensor->size);
    if (end > p->data_size)
        return vit__fail(p->err, VIT_ERR_TRUNCATED, p->where,
                         NAME " ends at byte %zu of the data, but the file holds only %zu: download it again",
                         tensor->name, end, p->data_size);
    tensor->data = p->data + begin;
    return VIT_OK;
}

static vit_status read_tensor(const parser *p, const char *name, const vit__json *entry, vit__tensor *tensor)
{
    tensor->name = name;
    if (!vit__json_is_object(entry))
        return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, NAME " is not described by an object", name);
    const char *dtype_name = vit__json_string(vit__json_get(entry, "dtype"));
    const struct dtype_row *dtype = find_dtype(dtype_name);
    if (!dtype)
        return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, NAME " has an unknown dtype \"%.40s\"", name,
                         dtype_name ? dtype_name : "");
    tensor->dtype = dtype->dtype;
    tensor->dtype_name = dtype->name;
    vit_status status = read_shape(p, vit__json_get(entry, "shape"), tensor);
    if (status == VIT_OK)
        status = measure(p, dtype, tensor);
    return status == VIT_OK ? read_offsets(p, vit__json_get(entry, "data_offsets"), tensor) : status;
}

static int by_place(const void *left, const void *right)
{
    const vit__tensor *a = *(const vit__tensor *const *)left, *b = *(const vit__tensor *const *)right;
    uintptr_t a_begin = (uintptr_t)a->data, b_begin = (uintptr_t)b->data;
    if (a_begin != b_begin)
        return a_begin < b_begin ? -1 : 1;
    return (a->size > b->size) - (a->size < b->size); /* an empty tensor stands before the one that begins there */
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const vit__tensor *)left)->name, ((const vit__tensor *)right)->name);
}

/* In the order of their places the tensors must tile the data. */
static vit_status check_tiling(const parser *p, const vit__tensor *const *placed, size_t n)
{
    size_t end = 0;
    for (size_t i = 0; i < n; i++) {
        size_t begin = (size_t)((const unsigned char *)placed[i]->data - p->data);
        if (begin < end)
            return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, NAME " overlaps \"%.200s\"", placed[i]->name,
                             placed[i - 1]->name);
        if (begin > end)
            return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, "%zu bytes before " NAME " belong to no tensor",
                             begin - end, placed[i]->name);
        end += placed[i]->size;
    }
    if (end < p->data_size)
        return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, "%zu bytes after the last tensor belong to none",
                         p->data_size - end);
    return VIT_OK;
}

static vit_status check_places(const parser *p, const vit__safetensors *result)
{
    const vit__tensor **placed = vit__alloc(result->n_tensors, sizeof *placed);
    if (!placed)
        return vit__fail_memory(p->err, p->where);
    for (size_t i = 0; i < result->n_tensors; i++)
        placed[i] = &result->tensors[i];
    qsort(placed, result->n_tensors, sizeof *placed, by_place);
    vit_status status = check_tiling(p, placed, result->n_tensors);
    free(placed);
    return status;
}

static vit_status check_metadata(const parser *p, const vit__json *metadata)
{
    if (vit__json_is_null(metadata))
        return VIT_OK;
    if (!vit__json_is_object(metadata))
        return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, "\"" METADATA "\" is not an object");
    for (void *i = vit__json_first(metadata); i; i = vit__json_next(metadata, i))
        if (!vit__json_string(vit__json_value(i)))
            return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, "\"%.200s\" of \"" METADATA "\" is not a string",
                             vit__json_key(i));
    return VIT_OK;
}

static vit_status read_tensors(const parser *p, vit__safetensors *result)
{
    const vit__json *metadata = vit__json_get(result->header, METADATA);
    vit_status status = check_metadata(p, metadata);
    if (status != VIT_OK)
        return status;
    size_t n = vit__json_length(result->header) - (metadata ? 1 : 0);
    result->tensors = vit__alloc_zero(n, sizeof *result->tensors);
    if (!result->tensors)
        return vit__fail_memory(p->err, p->where);
    for (void *i = vit__json_first(result->header); i; i = vit__json_next(result->header, i)) {
        if (vit__json_value(i) == metadata)
            continue;
        status = read_tensor(p, vit__json_key(i), vit__json_value(i), &result->tensors[result->n_tensors++]);
        if (status != VIT_OK)
            return status;
    }
    status = check_places(p, result);
    qsort(result->tensors, result->n_tensors, sizeof *result->tensors, by_name);
    return status;
}

/* Where the header lies: *header and *header_size. */
static vit_status find_header(const unsigned char *bytes, size_t size, const parser *p, const char **header,
                              size_t *header_size)
{
    uint64_t stated;
    if (size < PREFIX_BYTES)
        return vit__fail(p->err, VIT_ERR_TRUNCATED, p->where, "%zu bytes are too few for a safetensors file", size);
    memcpy(&stated, bytes, sizeof stated);
    if (stated > VIT__LIMIT_SAFETENSORS_HEADER_BYTES)
        return vit__fail(p->err, VIT_ERR_CORRUPT, p->where,
                         "not a safetensors file: a header of %" PRIu64 " bytes is announced, at most %u are allowed",
                         stated, VIT__LIMIT_SAFETENSORS_HEADER_BYTES);
    if (stated > size - PREFIX_BYTES)
        return vit__fail(p->err, VIT_ERR_TRUNCATED, p->where,
                         "the header has %" PRIu64 " bytes, but only %zu follow: download the file again", stated,
                         size - PREFIX_BYTES);
    *header = (const char *)bytes + PREFIX_BYTES;
    *header_size = (size_t)stated;
    if (*header_size == 0 || **header != '{')
        return vit__fail(p->err, VIT_ERR_CORRUPT, p->where, "not a safetensors file: the header is not a JSON object");
    return VIT_OK;
}

vit_status vit__safetensors_parse(const void *bytes, size_t size, const char *where, vit__safetensors *result,
                                  vit_error *err)
{
    parser p = {.where = where, .err = err};
    const char *header = NULL;
    size_t header_size = 0;
    *result = (vit__safetensors){0};
    vit_status status = find_header(bytes, size, &p, &header, &header_size);
    if (status == VIT_OK)
        status = vit__json_parse(header, header_size, where, &result->header, err);
    if (status == VIT_OK) {
        p.data = (const unsigned char *)header + header_size;
        p.data_size = size - PREFIX_BYTES - header_size;
        status = read_tensors(&p, result);
    }
    if (status != VIT_OK)
        vit__safetensors_free(result);
    return status;
}

void vit__safetensors_free(vit__safetensors *safetensors)
{
    for (size_t i = 0; i < safetensors->n_owned; i++)
        free(safetensors->owned[i]);
    free(safetensors->owned);
    free(safetensors->tensors);
    vit__json_free(safetensors->header);
    *safetensors = (vit__safetensors){0};
}

const vit__tensor *vit__safetensors_find(const vit__safetensors *safetensors, const char *name)
{
    vit__tensor wanted = {.name = name};
    if (safetensors->n_tensors == 0)
        return NULL;
    return bsearch(&wanted, safetensors->tensors, safetensors->n_tensors, sizeof wanted, by_name);
}
