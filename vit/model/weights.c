/* SPDX-License-Identifier: BSD-2-Clause */
#include "weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "limit.h"
#include "memory.h"
#include "outputs.h"
#include "packed.h"
#include "position.h"
#include "rotary.h"
#include "stages.h"
#include "window_position.h"

/* Matrices of a layer: its parts, once as stored and once transposed. */
#define MOST_SOURCES (2 * VIT__LINEAR_PARTS)

#define PACKED_ALIGNMENT 64 /* bytes; of a packed layer in memory */

/* What every step needs; the first failure stops the rest. */
typedef struct loader {
    const vit_config *config;
    const vit__name *names;
    const vit__binding *binding;
    vit__checkpoint *checkpoint;
    const vit__weights_target *target;
    vit_error *err;
    vit_status status;
    const float *sources[MOST_SOURCES]; /* what the layer at hand is made from */
    size_t source_sizes[MOST_SOURCES], n_sources;
    const vit__tensor *stored; /* the layer at hand as it is stored packed; NULL: it is made from sources */
} loader;

/* A tensor's values, or NULL: absent, or the load has failed. */
static const float *floats(loader *l, const vit__tensor *tensor)
{
    const float *values = NULL;
    if (tensor && l->status == VIT_OK)
        l->status = vit__checkpoint_floats(l->checkpoint, tensor, &values, l->err);
    return values;
}

static const vit__bound *bound(const loader *l, vit__slot slot, size_t block)
{
    return vit__binding_get(l->binding, slot, block);
}

static const float *vector(loader *l, vit__slot slot, size_t block)
{
    return floats(l, bound(l, slot, block)->weight);
}

/* Memory that lives as long as the checkpoint; NULL: the load has failed. */
static float *room(loader *l, size_t count, size_t size)
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

static vit__norm_weights norm_of_kind(loader *l, vit__slot slot, size_t block, double eps, vit__norm_kind kind)
{
    const vit__bound *b = bound(l, slot, block);
    return (vit__norm_weights){floats(l, b->weight), floats(l, b->bias), (float)eps, kind};
}

static vit__norm_weights norm(loader *l, vit__slot slot, size_t block, double eps)
{
    return norm_of_kind(l, slot, block, eps, l->config->norm);
}

/* Remembers where a layer's values lie until the layer is prepared. */
static const float *source(loader *l, const float *values, size_t n)
{
    if (values && l->n_sources < MOST_SOURCES) {
        l->sources[l->n_sources] = values;
        l->source_sizes[l->n_sources++] = n;
    }
    return values;
}

static const float *matrix_floats(loader *l, const vit__tensor *tensor)
{
    return tensor ? source(l, floats(l, tensor), vit__tensor_elements(tensor)) : NULL;
}

/* [inputs, outputs] as [outputs, inputs] */
static const float *transposed(loader *l, const float *matrix, size_t outputs, size_t inputs)
{
    float *copy = matrix ? room(l, outputs, inputs) : NULL;
    source(l, copy, outputs * inputs);
    for (size_t i = 0; copy && i < outputs; i++)
        for (size_t j = 0; j < inputs; j++)
            copy[i * inputs + j] = matrix[j * outputs + i];
    return copy;
}

/* Columns that run row, column, channel, as those of a convolution run: channel, row, column. */
static const float *channels_first(loader *l, const float *matrix, size_t outputs, size_t inputs)
{
    size_t channels = l->config->channels, area = inputs / channels;
    float *copy = matrix ? room(l, outputs, inputs) : NULL;
    source(l, copy, outputs * inputs);
    for (size_t i = 0; copy && i < outputs * inputs; i++) {
        size_t column = i % inputs;
        copy[i] = matrix[i - column + column % area * channels + column / area];
    }
    return copy;
}

static vit__linear matrix(loader *l, vit__slot slot, size_t block, size_t inputs, size_t outputs)
{
    const vit__bound *b = bound(l, slot, block);
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
    linear.parts[0] = (vit__linear_part){weight, floats(l, b->bias), outputs};
    return linear;
}

/* Several matrices of equal height as one layer: as the packed slot holds them, or each in a slot of its own; likewise
 * their biases, which may be apart where the matrices are together. */
static vit__linear stacked(loader *l, vit__slot packed, const vit__slot *slots, size_t n, size_t block, size_t inputs,
                           size_t rows)
{
    const vit__bound *whole = bound(l, packed, block);
    bool apart = false;
    for (size_t i = 0; i < n; i++)
        apart = apart || bound(l, slots[i], block)->weight || bound(l, slots[i], block)->bias;
    if (!apart)
        return matrix(l, packed, block, inputs, n * rows);
    const float *weight = matrix_floats(l, whole->weight), *bias = floats(l, whole->bias);
    vit__linear linear = {.inputs = inputs, .outputs = n * rows, .n_parts = n};
    for (size_t i = 0; i < n; i++) {
        const vit__bound *part = bound(l, slots[i], block);
        linear.parts[i] = (vit__linear_part){
            .weight = weight ? weight + i * rows * inputs : matrix_floats(l, part->weight),
            .bias = bias ? bias + i * rows : floats(l, part->bias),
            .rows = rows,
        };
    }
    return linear;
}

/* Each of the few heads of a key or value matrix once for every head of queries that it serves: [rows, inputs] from
 * [held, inputs]; inputs 1 for a bias. */
static const float *spread_heads(loader *l, const float *values, size_t held, size_t rows, size_t inputs)
{
    const size_t head = l->config->head_dim * inputs, group = rows / held;
    float *copy = values ? room(l, rows, inputs) : NULL;
    for (size_t i = 0; copy && i < l->config->heads; i++)
        memcpy(copy + i * head, values + i / group * head, head * sizeof *copy);
    return copy;
}

/* q, k and v, the last two spread where they have fewer heads. */
static vit__linear attention_input(loader *l, size_t block, size_t inputs, size_t rows)
{
    static const vit__slot slots[] = {VIT__SLOT_QUERY, VIT__SLOT_KEY, VIT__SLOT_VALUE};
    vit__linear linear = stacked(l, VIT__SLOT_QKV, slots, 3, block, inputs, rows);
    const vit__tensor *keys = bound(l, VIT__SLOT_KEY, block)->weight;
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
static vit__linear rows_of(loader *l, vit__slot slot, size_t block, size_t first, size_t rows, const float *own_bias)
{
    const vit__bound *b = bound(l, slot, block);
    const float *weight = floats(l, b->weight), *bias = floats(l, b->bias);
    vit__linear linear = {.inputs = l->config->width, .outputs = rows, .n_parts = 1};
    if (weight)
        linear.parts[0] = (vit__linear_part){weight + first * linear.inputs, bias ? bias + first : own_bias, rows};
    return linear;
}

/* Some columns of a matrix [outputs, columns] as a layer without a bias. */
static vit__linear columns_of(loader *l, vit__slot slot, size_t block, size_t first, size_t inputs, size_t columns)
{
    size_t outputs = l->config->width;
    const float *weight = floats(l, bound(l, slot, block)->weight);
    float *copy = weight ? room(l, outputs, inputs) : NULL;
    for (size_t i = 0; copy && i < outputs; i++)
        memcpy(copy + i * inputs, weight + i * columns + first, inputs * sizeof *copy);
    vit__linear linear = {.inputs = inputs, .outputs = outputs, .n_parts = 1};
    linear.parts[0] = (vit__linear_part){source(l, copy, outputs * inputs), NULL, outputs};
    return linear;
}

/* The bytes of a packed layer where kernels can read them: in the mapped file, unless they lie askew there. */
static const void *aligned_bytes(loader *l, const vit__tensor *tensor)
{
    if ((uintptr_t)tensor->data % PACKED_ALIGNMENT == 0)
        return tensor->data;
    float *copy = room(l, tensor->size, 1);
    if (copy)
        memcpy(copy, tensor->data, tensor->size);
    return copy;
}

/* Takes the layer as the file has it. */
static void adopt(loader *l, vit__linear *linear)
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

/* What is streamed lies in the file; copies are packed at once, and freed. */
static const vit__gemm *preparer(const loader *l, const vit__linear *linear)
{
    bool in_file = true;
    for (size_t i = 0; i < linear->n_parts; i++)
        in_file = in_file && vit__checkpoint_maps(l->checkpoint, linear->parts[i].weight);
    return l->target->gemm->streams && !in_file ? vit__gemm_tiles() : l->target->gemm;
}

/* Hands the layer to the back end. Where that packed it, what it was made from leaves memory. */
static vit__linear prepared(loader *l, vit__linear linear, vit_precision precision)
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
static vit_precision at_least_bf16(const loader *l)
{
    return l->target->precision == VIT_PRECISION_F32 ? VIT_PRECISION_F32 : VIT_PRECISION_BF16;
}

/* The layer back from the MLP's width. Of texts never int8: it makes most of the error. In MiniLM the least cosine to
 * f32 over 305 short lines is 0.9986 with it in int8, and 0.9991 without. */
static vit_precision mlp_precision(const loader *l)
{
    return l->config->input == VIT__INPUT_TOKENS ? at_least_bf16(l) : l->target->precision;
}

/* A layer that works on one vector an input: little work, much weight in the result, so f32 always. */
static vit__linear single(loader *l, vit__slot slot, size_t inputs, size_t outputs)
{
    return prepared(l, matrix(l, slot, 0, inputs, outputs), VIT_PRECISION_F32);
}

/* Table [buckets, heads], likewise. */
static const float *bucket_table(loader *l, const vit__tensor *tensor)
{
    float *table = room(l, l->config->relative_buckets, l->config->heads);
    const float *stored = floats(l, tensor);
    if (stored && table)
        vit__position_bucket_table(l->config, stored, table);
    return table;
}

/* Table [entries, heads] with heads outermost, as attention reads it. */
static const float *window_table(loader *l, size_t block)
{
    const vit_config *c = l->config;
    const vit__map map = vit__stages_map(c, c->stages.at);
    const vit__window window = {map.window_height, map.window_width};
    float *table = room(l, vit__window_entries(window), c->heads);
    if (c->relative_bias == VIT__RELATIVE_WINDOW) {
        const float *stored = vector(l, VIT__SLOT_RELATIVE, block);
        if (stored && table)
            vit__position_window_table(c, stored, table);
        return table;
    }
    const vit__bound *first = bound(l, VIT__SLOT_CONTINUOUS1, block);
    const vit__continuous mlp = {floats(l, first->weight), floats(l, first->bias),
                                 vector(l, VIT__SLOT_CONTINUOUS2, block)};
    if (l->status == VIT_OK)
        vit__position_continuous_table(c, &mlp, table);
    return table;
}

static const float *relative_table(loader *l, vit__slot slot, size_t block)
{
    if (l->config->stages.n)
        return window_table(l, block);
    const vit__tensor *tensor = bound(l, slot, block)->weight;
    if (!tensor)
        return NULL;
    if (l->config->relative_bias == VIT__RELATIVE_BUCKETS)
        return bucket_table(l, tensor);
    size_t entries = vit__position_relative_entries(l->config->image_height / l->config->patch_height,
                                                    l->config->image_width / l->config->patch_width);
    float *table = room(l, entries, l->config->heads);
    const float *stored = floats(l, tensor);
    if (stored && table)
        l->status = vit__position_relative_table(l->config, stored, table, l->err);
    return table;
}

/* The layers into attention and MLP, which a parallel block may
 * hold in one matrix: the MLP's rows, then those of q, k, v. */
static void load_inputs(loader *l, size_t i, vit__block_weights *w)
{
    static const vit__slot gated[] = {VIT__SLOT_GATE, VIT__SLOT_UP};
    const vit_config *c = l->config;
    size_t attention = vit__config_attention_width(c);
    vit__linear qkv, fc1;
    if (bound(l, VIT__SLOT_PARALLEL_IN, i)->weight) {
        const float *bias = floats(l, bound(l, VIT__SLOT_FC1, i)->bias);
        qkv = rows_of(l, VIT__SLOT_PARALLEL_IN, i, c->mlp_width, 3 * attention, NULL);
        w->qkv = prepared(l, qkv, l->target->precision);
        fc1 = rows_of(l, VIT__SLOT_PARALLEL_IN, i, 0, c->mlp_width, bias);
    } else {
        qkv = attention_input(l, i, c->width, attention);
        w->qkv = prepared(l, qkv, l->target->precision);
        fc1 = c->mlp == VIT__MLP_GATED ? stacked(l, VIT__SLOT_FC1, gated, 2, i, c->width, c->mlp_width)
                                       : matrix(l, VIT__SLOT_FC1, i, c->width, c->mlp_width);
    }
    w->fc1 = prepared(l, fc1, l->target->precision);
}

/* The layers back into the residual stream, likewise: columns for attention, then for the MLP, and one bias. */
static void load_outputs(loader *l, size_t i, vit__block_weights *w)
{
    const vit_config *c = l->config;
    size_t attention = vit__config_attention_width(c), columns = attention + c->mlp_width;
    vit__linear projection, fc2;
    if (bound(l, VIT__SLOT_PARALLEL_OUT, i)->weight) {
        projection = columns_of(l, VIT__SLOT_PARALLEL_OUT, i, 0, attention, columns);
        projection.parts[0].bias = floats(l, bound(l, VIT__SLOT_PARALLEL_OUT, i)->bias);
        w->projection = prepared(l, projection, l->target->precision);
        fc2 = columns_of(l, VIT__SLOT_PARALLEL_OUT, i, attention, c->mlp_width, columns);
    } else {
        projection = matrix(l, VIT__SLOT_PROJECTION, i, attention, c->width);
        w->projection = prepared(l, projection, l->target->precision);
        fc2 = matrix(l, VIT__SLOT_FC2, i, c->mlp_width, c->width);
    }
    w->fc2 = prepared(l, fc2, mlp_precision(l));
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; a && b && i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* lambda = exp(q1 k1) - exp(q2 k2) + lambda at the start, which is 0.8 - 0.6 exp(-0.3 block) */
static void load_difference(loader *l, size_t block, vit__difference *difference)
{
    const vit_config *c = l->config;
    if (c->attention != VIT__ATTENTION_DIFFERENTIAL)
        return;
    size_t half = c->head_dim / 2;
    double start = 0.8 - 0.6 * exp(-0.3 * (double)block);
    const float *q1 = vector(l, VIT__SLOT_LAMBDA_QUERY1, block), *k1 = vector(l, VIT__SLOT_LAMBDA_KEY1, block);
    const float *q2 = vector(l, VIT__SLOT_LAMBDA_QUERY2, block), *k2 = vector(l, VIT__SLOT_LAMBDA_KEY2, block);
    difference->lambda = (float)(exp(dot(q1, k1, half)) - exp(dot(q2, k2, half)) + start);
    const float *weight = vector(l, VIT__SLOT_DIFFERENCE_NORM, block);
    float *scaled = room(l, c->head_dim, 1);
    for (size_t i = 0; scaled && weight && i < c->head_dim; i++)
        scaled[i] = (float)((double)weight[i] * (1 - start));
    difference->norm = (vit__norm_weights){scaled, NULL, 1e-5f, VIT__NORM_RMS};
}

/* 1 for keys, then exp(min(scale, ln 100)) of every head's queries, for each of a head's elements. An RMS norm by these
 * weights divides by the root of a mean, so the root of the head's width stands in them too. */
static const float *cosine_scale(loader *l, size_t block)
{
    const vit_config *c = l->config;
    const float *stored = vector(l, VIT__SLOT_COSINE_SCALE, block);
    float *scales = stored ? room(l, c->heads + 1, c->head_dim) : NULL;
    for (size_t i = 0; scales && i < (c->heads + 1) * c->head_dim; i++) {
        double factor = i < c->head_dim ? 1 : exp(fmin((double)stored[i / c->head_dim - 1], log(100)));
        scales[i] = (float)(factor / sqrt((double)c->head_dim));
    }
    return scales;
}

static void load_merging(loader *l, size_t i, vit__block_weights *w)
{
    const vit_config *c = l->config;
    size_t width = c->stages.merging_ends ? 2 * c->width : c->width;
    if (!c->stages.merges)
        return;
    w->merge_norm = norm(l, VIT__SLOT_MERGE_NORM, i, c->stages.norm_eps);
    w->merge = prepared(l, matrix(l, VIT__SLOT_MERGE, i, 2 * width, width), l->target->precision);
}

static void load_block(loader *l, size_t i, vit__block_weights *w)
{
    const vit_config *c = l->config;
    w->norm1 = norm(l, VIT__SLOT_NORM1, i, c->norm_eps);
    load_inputs(l, i, w);
    w->q_norm = norm_of_kind(l, VIT__SLOT_Q_NORM, i, c->norm_eps, c->qk_norm_kind);
    w->k_norm = norm_of_kind(l, VIT__SLOT_K_NORM, i, c->norm_eps, c->qk_norm_kind);
    w->relative = relative_table(l, VIT__SLOT_RELATIVE, i);
    w->attention_norm = norm(l, VIT__SLOT_ATTENTION_NORM, i, c->norm_eps);
    load_difference(l, i, &w->difference);
    load_outputs(l, i, w);
    w->scale1 = vector(l, VIT__SLOT_SCALE1, i);
    w->norm2 = norm(l, VIT__SLOT_NORM2, i, c->norm_eps);
    w->mlp_norm = norm(l, VIT__SLOT_MLP_NORM, i, c->norm_eps);
    w->scale2 = c->order == VIT__BLOCK_PARALLEL ? w->scale1 : vector(l, VIT__SLOT_SCALE2, i);
    w->cosine = cosine_scale(l, i);
    load_merging(l, i, w);
}

/* ------------------------------------------------------------------ attention pooling ---- */

/* The first of the latent queries, normed where the model has norms. */
static const float *pool_latent(loader *l)
{
    size_t width = vit__config_pool_width(l->config);
    const float *latent = vector(l, VIT__SLOT_POOL_LATENT, 0);
    const vit__norm_weights by = norm(l, VIT__SLOT_POOL_QUERY_NORM, 0, l->config->pool_norm_eps);
    if (!latent || !by.weight)
        return latent;
    float *normed = room(l, width, 1);
    double mean = 0, variance = 0;
    for (size_t i = 0; i < width; i++)
        mean += (double)latent[i] / (double)width;
    for (size_t i = 0; i < width; i++)
        variance += ((double)latent[i] - mean) * ((double)latent[i] - mean) / (double)width;
    for (size_t i = 0; normed && i < width; i++)
        normed[i] = (float)(((double)latent[i] - mean) / sqrt(variance + (double)by.eps) * (double)by.weight[i] +
                            (by.bias ? (double)by.bias[i] : 0));
    return normed;
}

/* query = W latent + b, summed in double: it is the same for every picture. */
static const float *pool_query(loader *l, const float *latent)
{
    size_t width = vit__config_pool_width(l->config);
    const vit__bound *packed = bound(l, VIT__SLOT_POOL_QKV, 0);
    const vit__bound *own = packed->weight ? packed : bound(l, VIT__SLOT_POOL_QUERY, 0);
    const float *weight = floats(l, own->weight), *bias = floats(l, packed->bias ? packed->bias : own->bias);
    float *query = room(l, width, 1);
    for (size_t i = 0; query && weight && i < width; i++) {
        double sum = bias ? (double)bias[i] : 0;
        for (size_t j = 0; j < width; j++)
            sum += (double)weight[i * width + j] * (double)latent[j];
        query[i] = (float)sum;
    }
    return query;
}

static vit__linear pool_kv(loader *l)
{
    static const vit__slot apart[] = {VIT__SLOT_POOL_KEY, VIT__SLOT_POOL_VALUE};
    size_t inputs = l->config->width, width = vit__config_pool_width(l->config);
    const vit__bound *packed = bound(l, VIT__SLOT_POOL_QKV, 0);
    const float *bias = floats(l, packed->bias);
    if (!packed->weight) {
        vit__linear kv = stacked(l, VIT__SLOT_POOL_KV, apart, 2, 0, inputs, width);
        for (size_t i = 0; bias && i < kv.n_parts; i++) /* behind the query's */
            kv.parts[i].bias = bias + (1 + i) * width;
        return kv;
    }
    const float *weight = floats(l, packed->weight);
    vit__linear kv = {.inputs = inputs, .outputs = 2 * width, .n_parts = 1};
    if (l->status == VIT_OK) /* the rows after the query's */
        kv.parts[0] = (vit__linear_part){weight + width * inputs, bias ? bias + width : NULL, 2 * width};
    return kv;
}

static void load_pool(loader *l, vit__pool_weights *w)
{
    const vit_config *c = l->config;
    if (c->pool_heads == 0)
        return;
    const float *latent = pool_latent(l);
    size_t width = vit__config_pool_width(c);
    w->query = c->pool_query_projected && latent ? pool_query(l, latent) : latent;
    w->key_norm = norm(l, VIT__SLOT_POOL_KEY_NORM, 0, c->pool_norm_eps);
    w->kv = prepared(l, pool_kv(l), at_least_bf16(l));
    w->projection = single(l, VIT__SLOT_POOL_PROJECTION, width, width);
    w->norm = norm(l, VIT__SLOT_POOL_NORM, 0, c->pool_norm_eps);
    w->fc1 = single(l, VIT__SLOT_POOL_FC1, c->width, c->pool_mlp_width);
    w->fc2 = single(l, VIT__SLOT_POOL_FC2, c->pool_mlp_width, c->width);
}

/* ------------------------------------------------------------------ positions ---- */

static void load_positions(loader *l, vit__weights *w)
{
    const vit_config *c = l->config;
    size_t rows = vit__position_rows(c);
    const float *stored = vector(l, VIT__SLOT_POSITIONS, 0);
    if (rows == 0 || l->status != VIT_OK)
        return;
    if (stored && (c->patches_most || !vit__position_is_resized(c))) {
        w->positions = stored;
        return;
    }
    float *table = room(l, rows, c->width);
    if (table)
        l->status = vit__position_table(c, stored, table, l->err);
    w->positions = table;
}

static void load_relative(loader *l, vit__weights *w)
{
    const vit_config *c = l->config;
    if (c->relative_bias == VIT__RELATIVE_NONE || c->stages.n || l->status != VIT_OK)
        return;
    size_t tokens = vit__config_tokens(c);
    bool buckets = c->relative_bias == VIT__RELATIVE_BUCKETS;
    uint32_t *index = (uint32_t *)(void *)(buckets ? room(l, 2 * tokens, 1) : room(l, tokens, tokens));
    if (index)
        (buckets ? vit__position_bucket_index : vit__position_relative_index)(c, index);
    w->relative_index = buckets && index ? index + tokens - 1 : index;
    const float *shared = relative_table(l, VIT__SLOT_RELATIVE_SHARED, 0);
    for (size_t i = 0; shared && i < vit__config_pairs(c); i++)
        w->blocks[i].relative = shared;
}

static void load_rotary(loader *l, vit__weights *w)
{
    const vit_config *c = l->config;
    if (c->rotary.kind == VIT__ROTARY_NONE)
        return;
    const float *learned = vector(l, VIT__SLOT_ROTARY, 0);
    size_t heads = c->rotary.kind == VIT__ROTARY_MIXED ? c->heads : 1;
    size_t tables = c->rotary.kind == VIT__ROTARY_MIXED ? c->depth : 1;
    size_t rows = c->input == VIT__INPUT_TOKENS ? c->context : vit__config_patches(c);
    size_t size = heads * rows * c->head_dim;
    for (size_t i = 0; i < c->depth && l->status == VIT_OK; i++) {
        if (i >= tables) {
            w->blocks[i].rotary = w->blocks[0].rotary;
            continue;
        }
        float *cosines = room(l, size, 2);
        if (cosines)
            vit__rotary_fill(c, learned, i, cosines, cosines + size);
        w->blocks[i].rotary = (vit__rotary_table){cosines, cosines ? cosines + size : NULL,
                                                  heads > 1 ? size / heads : 0};
    }
}

/* ------------------------------------------------------------------ all of it ---- */

static void load_embedding(loader *l, vit__weights *w)
{
    const vit_config *c = l->config;
    size_t patch = c->channels * c->patch_height * c->patch_width;
    /* half a hundredth of the work, and all that follows is made from it: f32 always */
    w->patch = prepared(l, matrix(l, VIT__SLOT_PATCH, 0, patch, c->width), VIT_PRECISION_F32);
    w->patch_norm = norm(l, VIT__SLOT_PATCH_NORM, 0, c->stages.n ? c->stages.norm_eps : c->norm_eps);
    w->token_table = vector(l, VIT__SLOT_TOKENS, 0);
    w->token_types = vector(l, VIT__SLOT_TOKEN_TYPES, 0);
    w->class_token = vector(l, VIT__SLOT_CLASS_TOKEN, 0);
    w->distillation_token = vector(l, VIT__SLOT_DISTILLATION_TOKEN, 0);
    w->register_tokens = vector(l, VIT__SLOT_REGISTER_TOKENS, 0);
    w->pre_norm = norm(l, VIT__SLOT_PRE_NORM, 0, c->pre_norm_eps);
}

static float scalar(loader *l, vit__slot slot)
{
    const float *value = vector(l, slot, 0);
    return value ? *value : 0;
}

static void load_head(loader *l, vit__weights *w)
{
    const vit_config *c = l->config;
    w->final_norm = norm_of_kind(l, VIT__SLOT_FINAL_NORM, 0, c->final_norm_eps, c->final_norm_kind);
    w->pooled_norm = norm(l, VIT__SLOT_POOLED_NORM, 0, c->pooled_norm_eps);
    load_pool(l, &w->pool);
    w->pooler = single(l, VIT__SLOT_POOLER, c->width, c->pooler_width);
    w->transformation = single(l, VIT__SLOT_TRANSFORMATION, c->width, c->transformation_width);
    for (size_t i = 0; i < VIT__LIMIT_DENSE_LAYERS; i++)
        w->dense[i] = single(l, (vit__slot)(VIT__SLOT_DENSE1 + i), vit__config_dense_inputs(c, i), c->dense[i].width);
    w->embedding = single(l, VIT__SLOT_EMBEDDING, vit__config_dense_inputs(c, VIT__LIMIT_DENSE_LAYERS),
                          c->projection_width);
    w->head = single(l, VIT__SLOT_HEAD, vit__output_head_inputs(c), c->classes);
    w->head_distillation = single(l, VIT__SLOT_HEAD_DISTILLATION, c->width, c->classes);
    w->latent_mean = single(l, VIT__SLOT_LATENT_MEAN, c->width, c->latent);
    w->latent_log_variance = single(l, VIT__SLOT_LATENT_LOG_VARIANCE, c->width, c->latent);
    w->logit_scale = scalar(l, VIT__SLOT_LOGIT_SCALE);
    w->logit_bias = scalar(l, VIT__SLOT_LOGIT_BIAS);
}

/* Every linear layer of a model: what is visited, found by its
 * slot, packed into a file and released follows this list. */
typedef struct seat {
    vit__slot slot;
    size_t offset; /* in vit__weights, or in vit__block_weights */
} seat;

/* clang-format off */
#define ONCE(slot, member) {VIT__SLOT_##slot, offsetof(vit__weights, member)}
#define EACH(slot, member) {VIT__SLOT_##slot, offsetof(vit__block_weights, member)}
/* clang-format on */
static const seat seats[] = {
    ONCE(PATCH, patch),
    ONCE(POOLER, pooler),
    ONCE(TRANSFORMATION, transformation),
    ONCE(DENSE1, dense[0]),
    ONCE(DENSE2, dense[1]),
    ONCE(DENSE3, dense[2]),
    ONCE(EMBEDDING, embedding),
    ONCE(HEAD, head),
    ONCE(HEAD_DISTILLATION, head_distillation),
    ONCE(LATENT_MEAN, latent_mean),
    ONCE(LATENT_LOG_VARIANCE, latent_log_variance),
    ONCE(POOL_KV, pool.kv),
    ONCE(POOL_PROJECTION, pool.projection),
    ONCE(POOL_FC1, pool.fc1),
    ONCE(POOL_FC2, pool.fc2),
    EACH(QKV, qkv),
    EACH(PROJECTION, projection),
    EACH(FC1, fc1),
    EACH(FC2, fc2),
    EACH(MERGE, merge),
};

static vit__linear *seated(const seat *at, void *owner)
{
    return (vit__linear *)(void *)((char *)owner + at->offset);
}

static bool is_in_blocks(const seat *at)
{
    return at->slot >= VIT__SLOT_BLOCK;
}

void vit__weights_each_linear(const vit_config *config, vit__weights *weights,
                              void (*visit)(vit__linear *linear, void *context), void *context)
{
    for (const seat *s = seats; s < seats + sizeof seats / sizeof *seats; s++)
        for (size_t i = 0; i < (!is_in_blocks(s) ? 1 : weights->blocks ? vit__config_pairs(config) : 0); i++) {
            vit__linear *linear = seated(s, is_in_blocks(s) ? (void *)&weights->blocks[i] : weights);
            if (linear->outputs)
                visit(linear, context);
        }
}

const vit__linear *vit__weights_linear(const vit__weights *weights, vit__slot slot, size_t block)
{
    for (const seat *s = seats; s < seats + sizeof seats / sizeof *seats; s++)
        if (s->slot == slot) /* only read */
            return seated(s, is_in_blocks(s) ? (void *)&weights->blocks[block] : (void *)(uintptr_t)weights);
    return NULL;
}

static void release(vit__linear *linear, void *context)
{
    const vit__gemm *gemm = context;
    gemm->release(linear);
}

vit_status vit__weights_load(const vit_config *config, const vit__name *names, const vit__binding *binding,
                             vit__checkpoint *checkpoint, const vit__weights_target *target, vit__weights *weights,
                             vit_error *err)
{
    loader l = {
        .config = config, .names = names, .binding = binding, .checkpoint = checkpoint, .target = target, .err = err};
    *weights = (vit__weights){0};
    weights->blocks = vit__alloc_zero(vit__config_pairs(config), sizeof *weights->blocks);
    if (!weights->blocks)
        return vit__fail_memory(err, vit__checkpoint_path(checkpoint));
    vit_config at = vit__config_at(config, 0);
    l.config = &at;
    load_embedding(&l, weights);
    load_positions(&l, weights);
    for (size_t i = 0; i < vit__config_pairs(config) && l.status == VIT_OK; i++) {
        at = vit__config_at(config, i);
        load_block(&l, i, &weights->blocks[i]);
    }
    l.config = config;
    load_relative(&l, weights);
    load_rotary(&l, weights);
    load_head(&l, weights);
    if (l.status != VIT_OK)
        vit__weights_free(config, target->gemm, weights);
    return l.status;
}

void vit__weights_free(const vit_config *config, const vit__gemm *gemm, vit__weights *weights)
{
    vit__weights_each_linear(config, weights, release, (void *)(uintptr_t)gemm);
    free(weights->blocks);
    *weights = (vit__weights){0};
}
