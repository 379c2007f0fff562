/* SPDX-License-Identifier: BSD-2-Clause */
#include "weights.h"

#include <math.h>

#include "error.h"
#include "limit.h"
#include "loader.h"
#include "memory.h"
#include "outputs.h"
#include "position.h"
#include "rotary.h"
#include "stages.h"
#include "window_position.h"

/* Table [heads][buckets], as attention reads it. */
static const float *bucket_table(vit__loader *l, const vit__tensor *tensor)
{
    float *table = vit__load_memory(l, l->config->relative_buckets, l->config->heads);
    const float *stored = vit__load_floats(l, tensor);
    if (stored && table)
        vit__position_bucket_table(l->config, stored, table);
    return table;
}

/* Table [entries, heads] with heads outermost, as attention reads it. */
static const float *window_table(vit__loader *l, size_t block)
{
    const vit_config *c = l->config;
    const vit__map map = vit__stages_map(c, c->stages.at);
    const vit__window window = {map.window_height, map.window_width};
    float *table = vit__load_memory(l, vit__window_entries(window), c->heads);
    if (c->relative_bias == VIT__RELATIVE_WINDOW) {
        const float *stored = vit__load_vector(l, VIT__SLOT_RELATIVE, block);
        if (stored && table)
            vit__position_window_table(c, stored, table);
        return table;
    }
    const vit__bound *first = vit__load_bound(l, VIT__SLOT_CONTINUOUS1, block);
    const vit__continuous mlp = {vit__load_floats(l, first->weight), vit__load_floats(l, first->bias),
                                 vit__load_vector(l, VIT__SLOT_CONTINUOUS2, block)};
    if (l->status == VIT_OK)
        vit__position_continuous_table(c, &mlp, table);
    return table;
}

static const float *relative_table(vit__loader *l, vit__slot slot, size_t block)
{
    if (l->config->stages.n)
        return window_table(l, block);
    const vit__tensor *tensor = vit__load_bound(l, slot, block)->weight;
    if (!tensor)
        return NULL;
    if (l->config->relative_bias == VIT__RELATIVE_BUCKETS)
        return bucket_table(l, tensor);
    size_t entries = vit__position_relative_entries(l->config->image_height / l->config->patch_height,
                                                    l->config->image_width / l->config->patch_width);
    float *table = vit__load_memory(l, entries, l->config->heads);
    const float *stored = vit__load_floats(l, tensor);
    if (stored && table)
        l->status = vit__position_relative_table(l->config, stored, table, l->err);
    return table;
}

/* The layers into attention and MLP, which a parallel block may
 * hold in one matrix: the MLP's rows, then those of q, k, v. */
static void load_inputs(vit__loader *l, size_t i, vit__block_weights *w)
{
    static const vit__slot gated[] = {VIT__SLOT_GATE, VIT__SLOT_UP};
    const vit_config *c = l->config;
    size_t attention = vit__config_attention_width(c);
    vit__linear qkv, fc1;
    if (vit__load_bound(l, VIT__SLOT_PARALLEL_IN, i)->weight) {
        const float *bias = vit__load_floats(l, vit__load_bound(l, VIT__SLOT_FC1, i)->bias);
        qkv = vit__load_rows(l, VIT__SLOT_PARALLEL_IN, i, c->mlp_width, 3 * attention, NULL);
        w->qkv = vit__load_prepared(l, qkv, l->target->precision);
        fc1 = vit__load_rows(l, VIT__SLOT_PARALLEL_IN, i, 0, c->mlp_width, bias);
    } else {
        qkv = vit__load_attention_input(l, i, c->width, attention);
        w->qkv = vit__load_prepared(l, qkv, l->target->precision);
        fc1 = c->mlp == VIT__MLP_GATED ? vit__load_stacked(l, VIT__SLOT_FC1, gated, 2, i, c->width, c->mlp_width)
                                       : vit__load_matrix(l, VIT__SLOT_FC1, i, c->width, c->mlp_width);
    }
    w->fc1 = vit__load_prepared(l, fc1, l->target->precision);
}

/* The precision of the layer back from the MLP's width. In texts it is never int8, where it makes most of the error: in
 * MiniLM the least cosine to f32 over 305 short lines is 0.9986 with it in int8, and 0.9991 without. */
static vit_precision mlp_precision(const vit__loader *l)
{
    return l->config->input == VIT__INPUT_TOKENS ? vit__load_at_least_bf16(l) : l->target->precision;
}

/* The layers back into the residual stream, likewise: columns for attention, then for the MLP, and one bias. */
static void load_outputs(vit__loader *l, size_t i, vit__block_weights *w)
{
    const vit_config *c = l->config;
    size_t attention = vit__config_attention_width(c), columns = attention + c->mlp_width;
    vit__linear projection, fc2;
    if (vit__load_bound(l, VIT__SLOT_PARALLEL_OUT, i)->weight) {
        projection = vit__load_columns(l, VIT__SLOT_PARALLEL_OUT, i, 0, attention, columns);
        projection.parts[0].bias = vit__load_floats(l, vit__load_bound(l, VIT__SLOT_PARALLEL_OUT, i)->bias);
        w->projection = vit__load_prepared(l, projection, l->target->precision);
        fc2 = vit__load_columns(l, VIT__SLOT_PARALLEL_OUT, i, attention, c->mlp_width, columns);
    } else {
        projection = vit__load_matrix(l, VIT__SLOT_PROJECTION, i, attention, c->width);
        w->projection = vit__load_prepared(l, projection, l->target->precision);
        fc2 = vit__load_matrix(l, VIT__SLOT_FC2, i, c->mlp_width, c->width);
    }
    w->fc2 = vit__load_prepared(l, fc2, mlp_precision(l));
}

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; a && b && i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* lambda = exp(q1 k1) - exp(q2 k2) + lambda at the start, which is 0.8 - 0.6 exp(-0.3 block) */
static void load_difference(vit__loader *l, size_t block, vit__difference *difference)
{
    const vit_config *c = l->config;
    if (c->attention != VIT__ATTENTION_DIFFERENTIAL)
        return;
    size_t half = c->head_dim / 2;
    double start = 0.8 - 0.6 * exp(-0.3 * (double)block);
    const float *q1 = vit__load_vector(l, VIT__SLOT_LAMBDA_QUERY1, block),
                *k1 = vit__load_vector(l, VIT__SLOT_LAMBDA_KEY1, block);
    const float *q2 = vit__load_vector(l, VIT__SLOT_LAMBDA_QUERY2, block),
                *k2 = vit__load_vector(l, VIT__SLOT_LAMBDA_KEY2, block);
    difference->lambda = (float)(exp(dot(q1, k1, half)) - exp(dot(q2, k2, half)) + start);
    const float *weight = vit__load_vector(l, VIT__SLOT_DIFFERENCE_NORM, block);
    float *scaled = vit__load_memory(l, c->head_dim, 1);
    for (size_t i = 0; scaled && weight && i < c->head_dim; i++)
        scaled[i] = (float)((double)weight[i] * (1 - start));
    difference->norm = (vit__norm_weights){scaled, NULL, 1e-5f, VIT__NORM_RMS};
}

/* 1 for keys, then exp(min(scale, ln 100)) of every head's queries, for each of a head's elements. An RMS norm by these
 * weights divides by the root of a mean, so the root of the head's width stands in them too. */
static const float *cosine_scale(vit__loader *l, size_t block)
{
    const vit_config *c = l->config;
    const float *stored = vit__load_vector(l, VIT__SLOT_COSINE_SCALE, block);
    float *scales = stored ? vit__load_memory(l, c->heads + 1, c->head_dim) : NULL;
    for (size_t i = 0; scales && i < (c->heads + 1) * c->head_dim; i++) {
        double factor = i < c->head_dim ? 1 : exp(fmin((double)stored[i / c->head_dim - 1], log(100)));
        scales[i] = (float)(factor / sqrt((double)c->head_dim));
    }
    return scales;
}

static void load_merging(vit__loader *l, size_t i, vit__block_weights *w)
{
    const vit_config *c = l->config;
    size_t width = c->stages.merging_ends ? 2 * c->width : c->width;
    if (!c->stages.merges)
        return;
    w->merge_norm = vit__load_norm(l, VIT__SLOT_MERGE_NORM, i, c->stages.norm_eps);
    w->merge = vit__load_prepared(l, vit__load_matrix(l, VIT__SLOT_MERGE, i, 2 * width, width), l->target->precision);
}

static void load_block(vit__loader *l, size_t i, vit__block_weights *w)
{
    const vit_config *c = l->config;
    w->norm1 = vit__load_norm(l, VIT__SLOT_NORM1, i, c->norm_eps);
    load_inputs(l, i, w);
    w->q_norm = vit__load_norm_of_kind(l, VIT__SLOT_Q_NORM, i, c->norm_eps, c->qk_norm_kind);
    w->k_norm = vit__load_norm_of_kind(l, VIT__SLOT_K_NORM, i, c->norm_eps, c->qk_norm_kind);
    w->relative = relative_table(l, VIT__SLOT_RELATIVE, i);
    w->attention_norm = vit__load_norm(l, VIT__SLOT_ATTENTION_NORM, i, c->norm_eps);
    load_difference(l, i, &w->difference);
    load_outputs(l, i, w);
    w->scale1 = vit__load_vector(l, VIT__SLOT_SCALE1, i);
    w->norm2 = vit__load_norm(l, VIT__SLOT_NORM2, i, c->norm_eps);
    w->mlp_norm = vit__load_norm(l, VIT__SLOT_MLP_NORM, i, c->norm_eps);
    w->scale2 = c->order == VIT__BLOCK_PARALLEL ? w->scale1 : vit__load_vector(l, VIT__SLOT_SCALE2, i);
    w->cosine = cosine_scale(l, i);
    load_merging(l, i, w);
}

/* ------------------------------------------------------------------ attention pooling ---- */

/* The first of the latent queries, normed where the model has norms. */
static const float *pool_latent(vit__loader *l)
{
    size_t width = vit__config_pool_width(l->config);
    const float *latent = vit__load_vector(l, VIT__SLOT_POOL_LATENT, 0);
    const vit__norm_weights by = vit__load_norm(l, VIT__SLOT_POOL_QUERY_NORM, 0, l->config->pool_norm_eps);
    if (!latent || !by.weight)
        return latent;
    float *normed = vit__load_memory(l, width, 1);
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
static const float *pool_query(vit__loader *l, const float *latent)
{
    size_t width = vit__config_pool_width(l->config);
    const vit__bound *packed = vit__load_bound(l, VIT__SLOT_POOL_QKV, 0);
    const vit__bound *own = packed->weight ? packed : vit__load_bound(l, VIT__SLOT_POOL_QUERY, 0);
    const float *weight = vit__load_floats(l, own->weight),
                *bias = vit__load_floats(l, packed->bias ? packed->bias : own->bias);
    float *query = vit__load_memory(l, width, 1);
    for (size_t i = 0; query && weight && i < width; i++) {
        double sum = bias ? (double)bias[i] : 0;
        for (size_t j = 0; j < width; j++)
            sum += (double)weight[i * width + j] * (double)latent[j];
        query[i] = (float)sum;
    }
    return query;
}

static vit__linear pool_kv(vit__loader *l)
{
    static const vit__slot apart[] = {VIT__SLOT_POOL_KEY, VIT__SLOT_POOL_VALUE};
    size_t inputs = l->config->width, width = vit__config_pool_width(l->config);
    const vit__bound *packed = vit__load_bound(l, VIT__SLOT_POOL_QKV, 0);
    const float *bias = vit__load_floats(l, packed->bias);
    if (!packed->weight) {
        vit__linear kv = vit__load_stacked(l, VIT__SLOT_POOL_KV, apart, 2, 0, inputs, width);
        for (size_t i = 0; bias && i < kv.n_parts; i++) /* behind the query's */
            kv.parts[i].bias = bias + (1 + i) * width;
        return kv;
    }
    const float *weight = vit__load_floats(l, packed->weight);
    vit__linear kv = {.inputs = inputs, .outputs = 2 * width, .n_parts = 1};
    if (l->status == VIT_OK) /* the rows after the query's */
        kv.parts[0] = (vit__linear_part){weight + width * inputs, bias ? bias + width : NULL, 2 * width};
    return kv;
}

/* One matrix for queries, keys and values has columns for tokens alone, which may be narrower than the queries. */
static void check_packed_pool(vit__loader *l)
{
    size_t width = vit__config_pool_width(l->config);
    const vit__tensor *packed = vit__load_bound(l, VIT__SLOT_POOL_QKV, 0)->weight;
    if (packed && l->status == VIT_OK && l->config->pool_query_projected && width != l->config->width)
        l->status = vit__fail(l->err, VIT_ERR_MODEL_MISMATCH, vit__checkpoint_path(l->checkpoint),
                              "tensor \"%s\" holds one matrix for queries of %zu numbers and tokens of %zu",
                              packed->name, width, l->config->width);
}

static void load_pool(vit__loader *l, vit__pool_weights *w)
{
    const vit_config *c = l->config;
    if (c->pool_heads == 0)
        return;
    check_packed_pool(l);
    const float *latent = pool_latent(l);
    size_t width = vit__config_pool_width(c);
    w->query = c->pool_query_projected && latent ? pool_query(l, latent) : latent;
    w->key_norm = vit__load_norm(l, VIT__SLOT_POOL_KEY_NORM, 0, c->pool_norm_eps);
    w->kv = vit__load_prepared(l, pool_kv(l), vit__load_at_least_bf16(l));
    w->projection = vit__load_single(l, VIT__SLOT_POOL_PROJECTION, width, width);
    w->norm = vit__load_norm(l, VIT__SLOT_POOL_NORM, 0, c->pool_norm_eps);
    w->fc1 = vit__load_single(l, VIT__SLOT_POOL_FC1, c->width, c->pool_mlp_width);
    w->fc2 = vit__load_single(l, VIT__SLOT_POOL_FC2, c->pool_mlp_width, c->width);
}

/* ------------------------------------------------------------------ positions ---- */

static void load_positions(vit__loader *l, vit__weights *w)
{
    const vit_config *c = l->config;
    size_t rows = vit__position_rows(c);
    const float *stored = vit__load_vector(l, VIT__SLOT_POSITIONS, 0);
    if (rows == 0 || l->status != VIT_OK)
        return;
    if (stored && (c->patches_most || !vit__position_is_resized(c))) {
        w->positions = stored;
        return;
    }
    float *table = vit__load_memory(l, rows, c->width);
    if (table)
        l->status = vit__position_table(c, stored, table, l->err);
    w->positions = table;
}

static void load_relative(vit__loader *l, vit__weights *w)
{
    const vit_config *c = l->config;
    if (c->relative_bias == VIT__RELATIVE_NONE || c->stages.n || l->status != VIT_OK)
        return;
    size_t tokens = vit__config_tokens(c);
    bool buckets = c->relative_bias == VIT__RELATIVE_BUCKETS;
    uint32_t *index = (uint32_t *)(void *)(buckets ? vit__load_memory(l, 2 * tokens, 1)
                                                   : vit__load_memory(l, tokens, tokens));
    if (index)
        (buckets ? vit__position_bucket_index : vit__position_relative_index)(c, index);
    w->relative_index = buckets && index ? index + tokens - 1 : index;
    const float *shared = relative_table(l, VIT__SLOT_RELATIVE_SHARED, 0);
    for (size_t i = 0; shared && i < vit__config_pairs(c); i++)
        w->blocks[i].relative = shared;
}

static void load_rotary(vit__loader *l, vit__weights *w)
{
    const vit_config *c = l->config;
    if (c->rotary.kind == VIT__ROTARY_NONE)
        return;
    const float *learned = vit__load_vector(l, VIT__SLOT_ROTARY, 0);
    size_t heads = c->rotary.kind == VIT__ROTARY_MIXED ? c->heads : 1;
    size_t tables = c->rotary.kind == VIT__ROTARY_MIXED ? c->depth : 1;
    size_t rows = c->input == VIT__INPUT_TOKENS ? c->context : vit__config_patches(c);
    size_t size = heads * rows * c->head_dim;
    for (size_t i = 0; i < c->depth && l->status == VIT_OK; i++) {
        if (i >= tables) {
            w->blocks[i].rotary = w->blocks[0].rotary;
            continue;
        }
        float *cosines = vit__load_memory(l, size, 2);
        if (cosines)
            vit__rotary_fill(c, learned, i, cosines, cosines + size);
        w->blocks[i].rotary = (vit__rotary_table){cosines, cosines ? cosines + size : NULL,
                                                  heads > 1 ? size / heads : 0};
    }
}

/* ------------------------------------------------------------------ all of it ---- */

static void load_embedding(vit__loader *l, vit__weights *w)
{
    const vit_config *c = l->config;
    size_t patch = c->channels * c->patch_height * c->patch_width;
    /* half a hundredth of the work, and all that follows is made from it: f32 always */
    w->patch = vit__load_prepared(l, vit__load_matrix(l, VIT__SLOT_PATCH, 0, patch, c->width), VIT_PRECISION_F32);
    w->patch_norm = vit__load_norm(l, VIT__SLOT_PATCH_NORM, 0, c->stages.n ? c->stages.norm_eps : c->norm_eps);
    w->token_table = vit__load_vector(l, VIT__SLOT_TOKENS, 0);
    w->token_types = vit__load_vector(l, VIT__SLOT_TOKEN_TYPES, 0);
    w->class_token = vit__load_vector(l, VIT__SLOT_CLASS_TOKEN, 0);
    w->distillation_token = vit__load_vector(l, VIT__SLOT_DISTILLATION_TOKEN, 0);
    w->register_tokens = vit__load_vector(l, VIT__SLOT_REGISTER_TOKENS, 0);
    w->pre_norm = vit__load_norm(l, VIT__SLOT_PRE_NORM, 0, c->pre_norm_eps);
}

static float scalar(vit__loader *l, vit__slot slot)
{
    const float *value = vit__load_vector(l, slot, 0);
    return value ? *value : 0;
}

static void load_head(vit__loader *l, vit__weights *w)
{
    const vit_config *c = l->config;
    w->final_norm = vit__load_norm_of_kind(l, VIT__SLOT_FINAL_NORM, 0, c->final_norm_eps, c->final_norm_kind);
    w->pooled_norm = vit__load_norm(l, VIT__SLOT_POOLED_NORM, 0, c->pooled_norm_eps);
    load_pool(l, &w->pool);
    w->pooler = vit__load_single(l, VIT__SLOT_POOLER, c->width, c->pooler_width);
    w->transformation = vit__load_single(l, VIT__SLOT_TRANSFORMATION, c->width, c->transformation_width);
    for (size_t i = 0; i < VIT__LIMIT_DENSE_LAYERS; i++)
        w->dense[i] = vit__load_single(l, (vit__slot)(VIT__SLOT_DENSE1 + i), vit__config_dense_inputs(c, i),
                                       c->dense[i].width);
    w->embedding = vit__load_single(l, VIT__SLOT_EMBEDDING, vit__config_dense_inputs(c, VIT__LIMIT_DENSE_LAYERS),
                                    c->projection_width);
    w->head = vit__load_single(l, VIT__SLOT_HEAD, vit__output_head_inputs(c), c->classes);
    w->head_distillation = vit__load_single(l, VIT__SLOT_HEAD_DISTILLATION, c->width, c->classes);
    w->latent_mean = vit__load_single(l, VIT__SLOT_LATENT_MEAN, c->width, c->latent);
    w->latent_log_variance = vit__load_single(l, VIT__SLOT_LATENT_LOG_VARIANCE, c->width, c->latent);
    w->logit_scale = scalar(l, VIT__SLOT_LOGIT_SCALE);
    w->logit_bias = scalar(l, VIT__SLOT_LOGIT_BIAS);
}

vit_status vit__weights_load(const vit_config *config, const vit__name *names, const vit__binding *binding,
                             vit__checkpoint *checkpoint, const vit__weights_target *target, vit__weights *weights,
                             vit_error *err)
{
    vit__loader l = {
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
