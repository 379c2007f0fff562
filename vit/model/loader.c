/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader.h"

#include <string.h>

#include "error.h"
#include "memory.h"
#include "packed.h"

#define PACKED_ALIGNMENT 64 /* bytes; of a packed layer in memory */

/* A tensor's values, or NULL: absent, or the load has failed. */
const float *vit__load_floats(vit__loader *l, const vit__tensor *tensor)
{
    const float *values = NULL;
    if (tensor && l->status == VIT_OK)
        l->status = vit__checkpoint_floats(l->checkpoint, tensor, &values, l->err);
    return values;
}

const vit__bound *vit__load_bound(const vit__loader *l, vit__slot slot, size_t block)
{
    return vit__binding_get(l->binding, slot, block);
}

const float *vit__load_vector(vit__loader *l, vit__slot slot, size_t block)
{
    return vit__load_floats(l, vit__load_bound(l, slot, block)->weight);
}

/* Memory that lives as long as the checkpoint; NULL: the load has failed. */
float *vit__load_memory(vit__loader *l, size_t count, size_t size)
{
    size_t floats_needed;
    if (l->status != VIT_OK)
        return NULL;
    float *memory = vit__multiply(count, size, &floats_needed) ? vit__alloc_aligned(floats_needed, sizeof *memory)
                                                               : NULL;
    if (!memory)
        l->status = vit__fail_memory(l->err, vit__checkpoint_path(l->checkpoint));
    else
        l->status = vit__checkpoint_keep(l->checkpoint, memory, l->err);
    return l->status == VIT_OK ? memory : NULL;
}

vit__norm_weights vit__load_norm_of_kind(vit__loader *l, vit__slot slot, size_t block, double eps, vit__norm_kind kind)
{
    const vit__bound *b = vit__load_bound(l, slot, block);
    return (vit__norm_weights){vit__load_floats(l, b->weight), vit__load_floats(l, b->bias), (float)eps, kind};
}

vit__norm_weights vit__load_norm(vit__loader *l, vit__slot slot, size_t block, double eps)
{
    return vit__load_norm_of_kind(l, slot, block, eps, l->config->norm);
}

/* Remembers where a layer's values lie until the layer is prepared. */
static const float *source(vit__loader *l, const float *values, size_t n)
{
    if (values && l->n_sources < VIT__MOST_SOURCES) {
        l->sources[l->n_sources] = values;
        l->source_sizes[l->n_sources++] = n;
    }
    return values;
}

static const float *matrix_floats(vit__loader *l, const vit__tensor *tensor)
{
    return tensor ? source(l, vit__load_floats(l, tensor), vit__tensor_elements(tensor)) : NULL;
}

/* [inputs, outputs] as [outputs, inputs] */
static const float *transposed(vit__loader *l, const float *matrix, size_t outputs, size_t inputs)
{
    float *copy = matrix ? vit__load_memory(l, outputs, inputs) : NULL;
    source(l, copy, outputs * inputs);
    for (size_t i = 0; copy && i < outputs; i++)
        for (size_t j = 0; j < inputs; j++)
            copy[i * inputs + j] = matrix[j * outputs + i];
    return copy;
}

/* Columns that run row, column, channel, as those of a convolution run: channel, row, column. */
static const float *channels_first(vit__loader *l, const float *matrix, size_t outputs, size_t inputs)
{
    size_t channels = l->config->channels, area = inputs / channels;
    float *copy = matrix ? vit__load_memory(l, outputs, inputs) : NULL;
    source(l, copy, outputs * inputs);
    for (size_t i = 0; copy && i < outputs * inputs; i++) {
        size_t column = i % inputs;
        copy[i] = matrix[i - column + column % area * channels + column / area];
    }
    return copy;
}

vit__linear vit__load_matrix(vit__loader *l, vit__slot slot, size_t block, size_t inputs, size_t outputs)
{
    const vit__bound *b = vit__load_bound(l, slot, block);
    vit__linear linear = {.inputs = inputs};
    if (!b->weight || l->status != VIT_OK)
        return linear;
    if (l->names[slot].layout == VIT__LAYOUT_PACKED) {
        l->stored = b->weight;
        linear.outputs = outputs;
        return linear;
    }
    const float *weight = matrix_floats(l, b->weight);
    if (l->names[slot].layout == VIT__LAYOUT_TRANSPOSED)
        weight = transposed(l, weight, outputs, inputs);
    if (l->names[slot].layout == VIT__LAYOUT_PIXELS)
        weight = channels_first(l, weight, outputs, inputs);
    linear.outputs = outputs;
    linear.n_parts = 1;
    linear.parts[0] = (vit__linear_part){weight, vit__load_floats(l, b->bias), outputs};
    return linear;
}

/* Several matrices of equal height as one layer: as the packed slot holds them, or each in a slot of its own; likewise
 * their biases, which may be apart where the matrices are together. */
vit__linear vit__load_stacked(vit__loader *l, vit__slot packed, const vit__slot *slots, size_t n, size_t block,
                              size_t inputs, size_t rows)
{
    const vit__bound *whole = vit__load_bound(l, packed, block);
    bool apart = false;
    for (size_t i = 0; i < n; i++)
        apart = apart || vit__load_bound(l, slots[i], block)->weight || vit__load_bound(l, slots[i], block)->bias;
    if (!apart)
        return vit__load_matrix(l, packed, block, inputs, n * rows);
    const float *weight = matrix_floats(l, whole->weight), *bias = vit__load_floats(l, whole->bias);
    vit__linear linear = {.inputs = inputs, .outputs = n * rows, .n_parts = n};
    for (size_t i = 0; i < n; i++) {
        const vit__bound *part = vit__load_bound(l, slots[i], block);
        linear.parts[i] = (vit__linear_part){
            .weight = weight ? weight + i * rows * inputs : matrix_floats(l, part->weight),
            .bias = bias ? bias + i * rows : vit__load_floats(l, part->bias),
            .rows = rows,
        };
    }
    return linear;
}

/* Each of the few heads of a key or value matrix once for every head of queries that it serves: [rows, inputs] from
 * [held, inputs]; inputs 1 for a bias. */
static const float *spread_heads(vit__loader *l, const float *values, size_t held, size_t rows, size_t inputs)
{
    const size_t head = l->config->head_dim * inputs, group = rows / held;
    float *copy = values ? vit__load_memory(l, rows, inputs) : NULL;
    for (size_t i = 0; copy && i < l->config->heads; i++)
        memcpy(copy + i * head, values + i / group * head, head * sizeof *copy);
    return copy;
}

/* q, k and v, the last two spread where they have fewer heads. */
vit__linear vit__load_attention_input(vit__loader *l, size_t block, size_t inputs, size_t rows)
{
    static const vit__slot slots[] = {VIT__SLOT_QUERY, VIT__SLOT_KEY, VIT__SLOT_VALUE};
    vit__linear linear = vit__load_stacked(l, VIT__SLOT_QKV, slots, 3, block, inputs, rows);
    const vit__tensor *keys = vit__load_bound(l, VIT__SLOT_KEY, block)->weight;
    if (!keys || keys->shape[0] == rows || l->status != VIT_OK)
        return linear;
    for (size_t i = 1; i < 3; i++) {
        vit__linear_part *part = &linear.parts[i];
        part->weight = source(l, spread_heads(l, part->weight, keys->shape[0], rows, inputs), rows * inputs);
        part->bias = spread_heads(l, part->bias, keys->shape[0], rows, 1);
    }
    return linear;
}

/* Some rows of a matrix as a layer; their bias from the matrix's, or from where it stands alone. */
vit__linear vit__load_rows(vit__loader *l, vit__slot slot, size_t block, size_t first, size_t rows,
                           const float *own_bias)
{
    const vit__bound *b = vit__load_bound(l, slot, block);
    const float *weight = vit__load_floats(l, b->weight), *bias = vit__load_floats(l, b->bias);
    vit__linear linear = {.inputs = l->config->width, .outputs = rows, .n_parts = 1};
    if (weight)
        linear.parts[0] = (vit__linear_part){weight + first * linear.inputs, bias ? bias + first : own_bias, rows};
    return linear;
}

/* Some columns of a matrix [outputs, columns] as a layer without a bias. */
vit__linear vit__load_columns(vit__loader *l, vit__slot slot, size_t block, size_t first, size_t inputs, size_t columns)
{
    size_t outputs = l->config->width;
    const float *weight = vit__load_floats(l, vit__load_bound(l, slot, block)->weight);
    float *copy = weight ? vit__load_memory(l, outputs, inputs) : NULL;
    for (size_t i = 0; copy && i < outputs; i++)
        memcpy(copy + i * inputs, weight + i * columns + first, inputs * sizeof *copy);
    vit__linear linear = {.inputs = inputs, .outputs = outputs, .n_parts = 1};
    linear.parts[0] = (vit__linear_part){source(l, copy, outputs * inputs), NULL, outputs};
    return linear;
}

/* The bytes of a packed layer where kernels can read them: in the mapped file, unless they lie askew there. */
static const void *aligned_bytes(vit__loader *l, const vit__tensor *tensor)
{
    if ((uintptr_t)tensor->data % PACKED_ALIGNMENT == 0)
        return tensor->data;
    float *copy = vit__load_memory(l, tensor->size, 1);
    if (copy)
        memcpy(copy, tensor->data, tensor->size);
    return copy;
}

/* Takes the layer as the file has it. */
static void adopt(vit__loader *l, vit__linear *linear)
{
    const vit__tensor *tensor = l->stored;
    size_t size = 0;
    linear->precision = vit__packed_precision(linear->precision, linear->inputs);
    if (!vit__packed_size(linear->precision, linear->inputs, linear->outputs, &size) || size != tensor->size) {
        l->status = vit__fail(l->err, VIT_ERR_MODEL_MISMATCH, vit__checkpoint_path(l->checkpoint),
                              "tensor \"%s\" has %zu bytes, but %zu inputs and %zu outputs packed in %s take %zu",
                              tensor->name, tensor->size, linear->inputs, linear->outputs,
                              vit_precision_name(linear->precision), size);
        return;
    }
    const void *bytes = aligned_bytes(l, tensor);
    vit__packed *packed = NULL;
    if (l->status == VIT_OK)
        l->status = vit__packed_view(linear->precision, linear->inputs, linear->outputs, bytes, tensor->name, &packed,
                                     l->err);
    linear->packed = packed;
}

/* The back end that prepares a layer. One that streams needs weights in a mapped file: copies are packed by the tiles,
 * and freed. */
static const vit__gemm *preparer(const vit__loader *l, const vit__linear *linear)
{
    bool in_file = true;
    for (size_t i = 0; i < linear->n_parts; i++)
        in_file = in_file && vit__checkpoint_maps(l->checkpoint, linear->parts[i].weight);
    return l->target->gemm->streams && !in_file ? vit__gemm_tiles() : l->target->gemm;
}

/* Hands the layer to the back end. Where that packed it, what it was made from leaves memory. */
vit__linear vit__load_prepared(vit__loader *l, vit__linear linear, vit_precision precision)
{
    linear.precision = precision;
    if (l->stored && l->status == VIT_OK)
        adopt(l, &linear);
    else if (linear.outputs && l->status == VIT_OK)
        l->status = preparer(l, &linear)->prepare(&linear, l->target->pool, l->err);
    for (size_t i = 0; linear.packed && i < l->n_sources; i++)
        vit__checkpoint_let_go(l->checkpoint, l->sources[i], l->source_sizes[i]);
    l->n_sources = 0;
    l->stored = NULL;
    return linear;
}

/* For a layer outside the blocks that works on every token: sensitive, so never int8. */
vit_precision vit__load_at_least_bf16(const vit__loader *l)
{
    return l->target->precision == VIT_PRECISION_F32 ? VIT_PRECISION_F32 : VIT_PRECISION_BF16;
}

/* A layer that works on one vector an input: little work, much weight in the result, so f32 always. */
vit__linear vit__load_single(vit__loader *l, vit__slot slot, size_t inputs, size_t outputs)
{
    return vit__load_prepared(l, vit__load_matrix(l, slot, 0, inputs, outputs), VIT_PRECISION_F32);
}
