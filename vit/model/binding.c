/* SPDX-License-Identifier: BSD-2-Clause */
#include "binding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "limit.h"
#include "memory.h"
#include "outputs.h"
#include "stages.h"

/* ------------------------------------------------------------------ shapes ---- */

typedef enum dimension {
    END, /* no more dimensions */
    ONE,
    TWO,
    WIDTH,
    ATTENTION,
    ATTENTION_3,
    KEYS, /* heads of keys and values together; see grouped_rows */
    PARALLEL_IN,
    PARALLEL_OUT,
    HEAD,
    QK_NORM,
    MLP,
    FC1,
    CHANNELS,
    PATCH_HEIGHT,
    PATCH_WIDTH,
    VOCABULARY,
    REGISTERS,
    POSITION_ROWS,
    RELATIVE_ROWS,
    TOKEN_TYPES,
    TRANSFORMATION,
    DENSE1,
    DENSE2,
    DENSE2_INPUTS,
    DENSE3,
    DENSE3_INPUTS,
    TOKEN_WIDTH,
    EMBEDDING_INPUTS,
    HEADS,
    DEPTH,
    HALF_HEAD,
    POOLER_WIDTH,
    EMBEDDING,
    CLASSES,
    HEAD_INPUTS,
    LATENT,
    POOL_MLP,
    POOL,
    POOL_2,
    POOL_3,
    POOL_QUERIES,
    POOLED,
    CONTINUOUS,
    MERGE,
    MERGE_INPUTS,
    MERGE_NORM
} dimension;

static size_t position_rows(const vit_config *c)
{
    size_t patches = c->position_height * c->position_width;
    if (c->input == VIT__INPUT_TOKENS)
        return c->position_first + vit__config_tokens(c);
    switch (c->position) {
    case VIT__POSITION_LEARNED_ALL:
        return vit__config_prefix(c) + patches;
    case VIT__POSITION_LEARNED_CLASS:
        return (size_t)c->class_token + patches;
    default:
        return patches;
    }
}

/* The width that a merging gives: twice that of the stage it ends, which is the one at hand or the one before it. */
static size_t merged_width(const vit_config *c)
{
    return c->stages.merging_ends ? 2 * c->width : c->width;
}

static size_t relative_rows(const vit_config *c)
{
    if (c->relative_bias == VIT__RELATIVE_WINDOW)
        return vit__window_entries(vit__stages_table(c, c->stages.at));
    return c->relative_bias == VIT__RELATIVE_BUCKETS ? c->relative_buckets
                                                     : (2 * c->position_height - 1) * (2 * c->position_width - 1) + 3;
}

/* clang-format off */
static size_t extent(const vit_config *c, dimension d)
{
    switch (d) {
    case END: return 0;
    case ONE: return 1;
    case TWO: return 2;
    case WIDTH: return c->width;
    case ATTENTION: return vit__config_attention_width(c);
    case ATTENTION_3: return 3 * vit__config_attention_width(c);
    case KEYS: return vit__config_attention_width(c);
    case PARALLEL_IN: return c->mlp_width + 3 * vit__config_attention_width(c);
    case PARALLEL_OUT: return c->mlp_width + vit__config_attention_width(c);
    case HEAD: return c->head_dim;
    case QK_NORM: return c->qk_norm == VIT__QK_NORM_WIDTH ? vit__config_attention_width(c) : c->head_dim;
    case MLP: return c->mlp_width;
    case FC1: return c->mlp == VIT__MLP_GATED ? 2 * c->mlp_width : c->mlp_width;
    case CHANNELS: return c->channels;
    case PATCH_HEIGHT: return c->patch_height;
    case PATCH_WIDTH: return c->patch_width;
    case VOCABULARY: return c->vocabulary;
    case REGISTERS: return c->registers;
    case POSITION_ROWS: return position_rows(c);
    case RELATIVE_ROWS: return relative_rows(c);
    case TOKEN_TYPES: return c->token_types;
    case TRANSFORMATION: return c->transformation_width;
    case DENSE1: return c->dense[0].width;
    case DENSE2: return c->dense[1].width;
    case DENSE2_INPUTS: return vit__config_dense_inputs(c, 1);
    case DENSE3: return c->dense[2].width;
    case DENSE3_INPUTS: return vit__config_dense_inputs(c, 2);
    case TOKEN_WIDTH: return vit__config_token_width(c);
    case EMBEDDING_INPUTS: return vit__config_dense_inputs(c, VIT__LIMIT_DENSE_LAYERS);
    case HEADS: return c->heads;
    case DEPTH: return c->depth;
    case HALF_HEAD: return c->head_dim / 2;
    case POOLER_WIDTH: return c->pooler_width;
    case EMBEDDING: return c->projection_width;
    case CLASSES: return c->classes;
    case HEAD_INPUTS: return vit__output_head_inputs(c);
    case LATENT: return c->latent;
    case POOL_MLP: return c->pool_mlp_width;
    case POOL: return vit__config_pool_width(c);
    case POOL_2: return 2 * vit__config_pool_width(c);
    case POOL_3: return 3 * vit__config_pool_width(c);
    case POOL_QUERIES: return c->pool_queries ? c->pool_queries : 1;
    case CONTINUOUS: return VIT__CONTINUOUS_WIDTH;
    case MERGE: return merged_width(c);
    case MERGE_INPUTS: return 2 * merged_width(c);
    case MERGE_NORM: return (c->stages.norm_after_merge ? 1 : 2) * merged_width(c);
    case POOLED: return vit__config_pooled_width(c, c->pooling == VIT__POOL_ATTENTION ? c->pooling : VIT__POOL_NONE);
    }
    return 0;
}

/* ------------------------------------------------------------------ who has which ---- */

static bool always(const vit_config *c) { (void)c; return true; }
static bool never(const vit_config *c) { (void)c; return false; }
static bool pixels(const vit_config *c) { return c->input == VIT__INPUT_PIXELS; }
static bool words(const vit_config *c) { return c->input == VIT__INPUT_TOKENS; }
static bool patch_bias(const vit_config *c) { return c->patch_bias; }
static bool patch_norm(const vit_config *c) { return c->patch_norm; }
static bool layer(const vit_config *c) { return c->norm == VIT__NORM_LAYER; }
static bool final_layer(const vit_config *c) { return c->final_norm_kind == VIT__NORM_LAYER; }
static bool qk_layer(const vit_config *c) { return c->qk_norm_kind == VIT__NORM_LAYER; }
static bool class_token(const vit_config *c) { return c->class_token || c->class_behind; }
static bool distillation_token(const vit_config *c) { return c->distillation_token; }
static bool registers(const vit_config *c) { return c->registers > 0; }
static bool relative_shared(const vit_config *c)
{
    return c->relative_bias == VIT__RELATIVE_SHARED || c->relative_bias == VIT__RELATIVE_BUCKETS;
}
static bool token_types(const vit_config *c) { return c->token_types > 0; }
static bool transformation(const vit_config *c) { return c->transformation_width > 0; }
static bool dense1(const vit_config *c) { return c->dense[0].width > 0; }
static bool dense1_bias(const vit_config *c) { return c->dense[0].bias; }
static bool dense2(const vit_config *c) { return c->dense[1].width > 0; }
static bool dense2_bias(const vit_config *c) { return c->dense[1].bias; }
static bool dense3(const vit_config *c) { return c->dense[2].width > 0; }
static bool dense3_bias(const vit_config *c) { return c->dense[2].bias; }
static bool relative(const vit_config *c)
{
    return c->relative_bias == VIT__RELATIVE_PER_BLOCK || c->relative_bias == VIT__RELATIVE_WINDOW;
}
static bool continuous(const vit_config *c) { return c->relative_bias == VIT__RELATIVE_CONTINUOUS; }
static bool cosine(const vit_config *c) { return c->attention == VIT__ATTENTION_COSINE; }
static bool merges(const vit_config *c) { return c->stages.n && c->stages.merges; }
static bool mixed(const vit_config *c) { return c->rotary.kind == VIT__ROTARY_MIXED; }
static bool pre_norm(const vit_config *c) { return c->pre_norm; }
static bool final_norm(const vit_config *c) { return c->final_norm; }
static bool pooled_norm(const vit_config *c) { return c->pooled_norm; }
static bool pooler(const vit_config *c) { return c->pooler == VIT__POOLER_DENSE; }
static bool projected(const vit_config *c) { return c->projection_width > 0; }
static bool embedding_bias(const vit_config *c) { return c->embedding_bias; }
static bool head(const vit_config *c) { return c->head != VIT__HEAD_NONE; }
static bool head_bias(const vit_config *c) { return c->head_bias; }
static bool two_heads(const vit_config *c) { return c->head == VIT__HEAD_TWO_AVERAGED; }
static bool latent(const vit_config *c) { return c->latent > 0; }
static bool logit_scale(const vit_config *c) { return c->logit_scale; }
static bool logit_bias(const vit_config *c) { return c->logit_bias; }
static bool attention_pool(const vit_config *c) { return c->pool_heads > 0; }
static bool pool_query(const vit_config *c) { return c->pool_heads > 0 && c->pool_query_projected; }
static bool pool_norms(const vit_config *c) { return c->pool_heads > 0 && c->pool_norms; }
static bool query_norm(const vit_config *c) { return pool_norms(c) && c->pool_query_projected; }
static bool pool_bias(const vit_config *c) { return c->pool_bias; }
static bool pool_mlp(const vit_config *c) { return c->pool_heads > 0 && c->pool_mlp_width > 0; }
static bool parallel(const vit_config *c) { return c->order == VIT__BLOCK_PARALLEL; }
static bool differential(const vit_config *c) { return c->attention == VIT__ATTENTION_DIFFERENTIAL; }
static bool qkv_bias(const vit_config *c) { return c->qkv_bias; }
static bool key_bias(const vit_config *c) { return c->qkv_bias && c->key_bias; }
static bool qk_norm(const vit_config *c) { return c->qk_norm != VIT__QK_NORM_NONE; }
static bool attention_norm(const vit_config *c) { return c->attention_norm; }
static bool projection_bias(const vit_config *c) { return c->projection_bias; }
static bool attention_scale(const vit_config *c) { return c->attention_scale; }
static bool mlp(const vit_config *c) { return c->mlp_width > 0; }
static bool norm2(const vit_config *c) { return c->mlp_width > 0 && c->order != VIT__BLOCK_PARALLEL; }
static bool mlp_bias(const vit_config *c) { return c->mlp_bias; }
static bool gated(const vit_config *c) { return c->mlp == VIT__MLP_GATED; }
static bool mlp_norm(const vit_config *c) { return c->mlp_norm; }
static bool mlp_scale(const vit_config *c) { return c->mlp_scale; }
/* clang-format on */

static bool learned_positions(const vit_config *c)
{
    return c->position == VIT__POSITION_LEARNED_ALL || c->position == VIT__POSITION_LEARNED_PATCHES ||
           c->position == VIT__POSITION_LEARNED_CLASS;
}

#define RANK_MAX VIT__BINDING_RANK_MAX

/* weight: its shape; a bias has the first dimension of a matrix, the only one of a vector. packed: the slot that holds
 * this one's rows instead; if that one has a tensor, this one has none. A packed slot itself need not be there. */
typedef struct spec {
    bool (*weight)(const vit_config *c), (*bias)(const vit_config *c);
    dimension shape[RANK_MAX];
    vit__slot packed;
    bool packs;
} spec;

#define UNPACKED VIT__SLOTS

static const spec specs[VIT__SLOTS] = {
    [VIT__SLOT_PATCH] = {pixels, patch_bias, {WIDTH, CHANNELS, PATCH_HEIGHT, PATCH_WIDTH}, UNPACKED, false},
    [VIT__SLOT_PATCH_NORM] = {patch_norm, layer, {WIDTH}, UNPACKED, false},
    [VIT__SLOT_TOKENS] = {words, never, {VOCABULARY, WIDTH}, UNPACKED, false},
    [VIT__SLOT_TOKEN_TYPES] = {token_types, never, {TOKEN_TYPES, WIDTH}, UNPACKED, false},
    [VIT__SLOT_CLASS_TOKEN] = {class_token, never, {ONE, ONE, WIDTH}, UNPACKED, false},
    [VIT__SLOT_DISTILLATION_TOKEN] = {distillation_token, never, {ONE, ONE, WIDTH}, UNPACKED, false},
    [VIT__SLOT_REGISTER_TOKENS] = {registers, never, {ONE, REGISTERS, WIDTH}, UNPACKED, false},
    [VIT__SLOT_POSITIONS] = {learned_positions, never, {ONE, POSITION_ROWS, WIDTH}, UNPACKED, false},
    [VIT__SLOT_RELATIVE_SHARED] = {relative_shared, never, {RELATIVE_ROWS, HEADS}, UNPACKED, false},
    [VIT__SLOT_ROTARY] = {mixed, never, {TWO, DEPTH, HEADS, HALF_HEAD}, UNPACKED, false},
    [VIT__SLOT_PRE_NORM] = {pre_norm, layer, {WIDTH}, UNPACKED, false},
    [VIT__SLOT_FINAL_NORM] = {final_norm, final_layer, {WIDTH}, UNPACKED, false},
    [VIT__SLOT_POOLED_NORM] = {pooled_norm, layer, {POOLED}, UNPACKED, false},
    [VIT__SLOT_POOLER] = {pooler, always, {POOLER_WIDTH, WIDTH}, UNPACKED, false},
    [VIT__SLOT_TRANSFORMATION] = {transformation, always, {TRANSFORMATION, WIDTH}, UNPACKED, false},
    [VIT__SLOT_DENSE1] = {dense1, dense1_bias, {DENSE1, TOKEN_WIDTH}, UNPACKED, false},
    [VIT__SLOT_DENSE2] = {dense2, dense2_bias, {DENSE2, DENSE2_INPUTS}, UNPACKED, false},
    [VIT__SLOT_DENSE3] = {dense3, dense3_bias, {DENSE3, DENSE3_INPUTS}, UNPACKED, false},
    [VIT__SLOT_EMBEDDING] = {projected, embedding_bias, {EMBEDDING, EMBEDDING_INPUTS}, UNPACKED, false},
    [VIT__SLOT_HEAD] = {head, head_bias, {CLASSES, HEAD_INPUTS}, UNPACKED, false},
    [VIT__SLOT_HEAD_DISTILLATION] = {two_heads, head_bias, {CLASSES, WIDTH}, UNPACKED, false},
    [VIT__SLOT_LATENT_MEAN] = {latent, always, {LATENT, WIDTH}, UNPACKED, false},
    [VIT__SLOT_LATENT_LOG_VARIANCE] = {latent, always, {LATENT, WIDTH}, UNPACKED, false},
    [VIT__SLOT_LOGIT_SCALE] = {logit_scale, never, {END}, UNPACKED, false},
    [VIT__SLOT_LOGIT_BIAS] = {logit_bias, never, {END}, UNPACKED, false},
    [VIT__SLOT_POOL_LATENT] = {attention_pool, never, {ONE, POOL_QUERIES, POOL}, UNPACKED, false},
    [VIT__SLOT_POOL_QUERY_NORM] = {query_norm, layer, {POOL}, UNPACKED, false},
    [VIT__SLOT_POOL_KEY_NORM] = {pool_norms, layer, {WIDTH}, UNPACKED, false},
    [VIT__SLOT_POOL_QKV] = {attention_pool, pool_bias, {POOL_3, WIDTH}, UNPACKED, true},
    [VIT__SLOT_POOL_QUERY] = {pool_query, pool_bias, {POOL, POOL}, VIT__SLOT_POOL_QKV, false},
    [VIT__SLOT_POOL_KV] = {attention_pool, pool_bias, {POOL_2, WIDTH}, VIT__SLOT_POOL_QKV, true},
    [VIT__SLOT_POOL_KEY] = {attention_pool, pool_bias, {POOL, WIDTH}, VIT__SLOT_POOL_KV, false},
    [VIT__SLOT_POOL_VALUE] = {attention_pool, pool_bias, {POOL, WIDTH}, VIT__SLOT_POOL_KV, false},
    [VIT__SLOT_POOL_PROJECTION] = {attention_pool, always, {POOL, POOL}, UNPACKED, false},
    [VIT__SLOT_POOL_NORM] = {pool_mlp, layer, {WIDTH}, UNPACKED, false},
    [VIT__SLOT_POOL_FC1] = {pool_mlp, always, {POOL_MLP, WIDTH}, UNPACKED, false},
    [VIT__SLOT_POOL_FC2] = {pool_mlp, always, {WIDTH, POOL_MLP}, UNPACKED, false},
    [VIT__SLOT_NORM1] = {always, layer, {WIDTH}, UNPACKED, false},
    [VIT__SLOT_PARALLEL_IN] = {parallel, key_bias, {PARALLEL_IN, WIDTH}, UNPACKED, true},
    [VIT__SLOT_PARALLEL_OUT] = {parallel, projection_bias, {WIDTH, PARALLEL_OUT}, UNPACKED, true},
    [VIT__SLOT_QKV] = {always, key_bias, {ATTENTION_3, WIDTH}, VIT__SLOT_PARALLEL_IN, true},
    [VIT__SLOT_QUERY] = {always, qkv_bias, {ATTENTION, WIDTH}, VIT__SLOT_QKV, false},
    [VIT__SLOT_KEY] = {always, key_bias, {KEYS, WIDTH}, VIT__SLOT_QKV, false},
    [VIT__SLOT_VALUE] = {always, qkv_bias, {KEYS, WIDTH}, VIT__SLOT_QKV, false},
    [VIT__SLOT_Q_NORM] = {qk_norm, qk_layer, {QK_NORM}, UNPACKED, false},
    [VIT__SLOT_K_NORM] = {qk_norm, qk_layer, {QK_NORM}, UNPACKED, false},
    [VIT__SLOT_RELATIVE] = {relative, never, {RELATIVE_ROWS, HEADS}, UNPACKED, false},
    [VIT__SLOT_LAMBDA_QUERY1] = {differential, never, {HALF_HEAD}, UNPACKED, false},
    [VIT__SLOT_LAMBDA_KEY1] = {differential, never, {HALF_HEAD}, UNPACKED, false},
    [VIT__SLOT_LAMBDA_QUERY2] = {differential, never, {HALF_HEAD}, UNPACKED, false},
    [VIT__SLOT_LAMBDA_KEY2] = {differential, never, {HALF_HEAD}, UNPACKED, false},
    [VIT__SLOT_DIFFERENCE_NORM] = {differential, never, {HEAD}, UNPACKED, false},
    [VIT__SLOT_ATTENTION_NORM] = {attention_norm, layer, {ATTENTION}, UNPACKED, false},
    [VIT__SLOT_PROJECTION] = {always, projection_bias, {WIDTH, ATTENTION}, VIT__SLOT_PARALLEL_OUT, false},
    [VIT__SLOT_SCALE1] = {attention_scale, never, {WIDTH}, UNPACKED, false},
    [VIT__SLOT_NORM2] = {norm2, layer, {WIDTH}, UNPACKED, false},
    [VIT__SLOT_FC1] = {mlp, mlp_bias, {FC1, WIDTH}, VIT__SLOT_PARALLEL_IN, true},
    [VIT__SLOT_GATE] = {gated, mlp_bias, {MLP, WIDTH}, VIT__SLOT_FC1, false},
    [VIT__SLOT_UP] = {gated, mlp_bias, {MLP, WIDTH}, VIT__SLOT_FC1, false},
    [VIT__SLOT_MLP_NORM] = {mlp_norm, layer, {MLP}, UNPACKED, false},
    [VIT__SLOT_FC2] = {mlp, mlp_bias, {WIDTH, MLP}, VIT__SLOT_PARALLEL_OUT, false},
    [VIT__SLOT_SCALE2] = {mlp_scale, never, {WIDTH}, UNPACKED, false},
    [VIT__SLOT_CONTINUOUS1] = {continuous, always, {CONTINUOUS, TWO}, UNPACKED, false},
    [VIT__SLOT_CONTINUOUS2] = {continuous, never, {HEADS, CONTINUOUS}, UNPACKED, false},
    [VIT__SLOT_COSINE_SCALE] = {cosine, never, {HEADS, ONE, ONE}, UNPACKED, false},
    [VIT__SLOT_MERGE_NORM] = {merges, layer, {MERGE_NORM}, UNPACKED, false},
    [VIT__SLOT_MERGE] = {merges, never, {MERGE, MERGE_INPUTS}, UNPACKED, false},
};

/* ------------------------------------------------------------------ binding ---- */

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

typedef struct binder {
    const vit__plan *plan;
    const vit__checkpoint *checkpoint;
    vit__binding *binding;
    vit_error *err;
} binder;

static vit__bound *place(const vit__binding *binding, vit__slot slot, size_t block)
{
    return (vit__bound *)(slot < VIT__SLOT_BLOCK ? &binding->once[slot]
                                                 : &binding->blocks[block][slot - VIT__SLOT_BLOCK]);
}

const vit__bound *vit__binding_get(const vit__binding *binding, vit__slot slot, size_t block)
{
    return place(binding, slot, block);
}

typedef struct shape {
    size_t rank, sizes[RANK_MAX];
} shape;

static shape wanted_shape(const vit_config *c, const spec *s, vit__layout layout)
{
    shape want = {0};
    for (size_t i = 0; i < RANK_MAX && s->shape[i] != END; i++)
        if (layout != VIT__LAYOUT_FLAT || s->shape[i] != ONE)
            want.sizes[want.rank++] = extent(c, s->shape[i]);
    while (layout == VIT__LAYOUT_PIXELS && want.rank > 2)
        want.sizes[1] *= want.sizes[--want.rank];
    if (layout == VIT__LAYOUT_TRANSPOSED && want.rank == 2) {
        size_t rows = want.sizes[0];
        want.sizes[0] = want.sizes[1];
        want.sizes[1] = rows;
    }
    return want;
}

/* What stands outside the blocks sees the config of the first, where it is of the patches, or the config itself. */
static vit_config config_of(const vit_config *config, vit__slot slot, size_t block)
{
    bool patches = slot == VIT__SLOT_PATCH || slot == VIT__SLOT_PATCH_NORM || slot == VIT__SLOT_POSITIONS;
    return slot >= VIT__SLOT_BLOCK || patches ? vit__config_at(config, block) : *config;
}

size_t vit__binding_shape(const vit_config *config, vit__slot slot, size_t block, size_t sizes[VIT__BINDING_RANK_MAX])
{
    const vit_config at = config_of(config, slot, block);
    const shape want = wanted_shape(&at, &specs[slot], VIT__LAYOUT_PLAIN);
    memcpy(sizes, want.sizes, sizeof want.sizes);
    return want.rank;
}

static bool same_shape(const vit__tensor *tensor, const shape *want)
{
    bool scalar = want->rank == 0 && vit__tensor_elements(tensor) == 1 && tensor->rank <= 1; /* [] or [1] */
    return scalar ||
           (tensor->rank == want->rank && memcmp(tensor->shape, want->sizes, want->rank * sizeof *want->sizes) == 0);
}

static void shape_text(const shape *s, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "[");
    for (size_t i = 0; i < s->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%zu", i ? ", " : "", s->sizes[i]);
    if (used < size)
        snprintf(text + used, size - used, "]");
}

static bool floating(const vit__tensor *tensor)
{
    return tensor->dtype == VIT__DTYPE_F32 || tensor->dtype == VIT__DTYPE_F16 || tensor->dtype == VIT__DTYPE_BF16 ||
           tensor->dtype == VIT__DTYPE_F64;
}

static vit_status check_tensor(const binder *b, const vit__tensor *tensor, const shape *want)
{
    char has[128], wants[128];
    vit__tensor_shape_text(tensor, has, sizeof has);
    shape_text(want, wants, sizeof wants);
    if (!same_shape(tensor, want))
        return vit__fail(b->err, VIT_ERR_MODEL_MISMATCH, vit__checkpoint_path(b->checkpoint),
                         "tensor \"%s\" has shape %s, but %s asks for %s", tensor->name, has,
                         vit__checkpoint_config_name(b->checkpoint), wants);
    if (!floating(tensor))
        return vit__fail(b->err, VIT_ERR_MODEL_MISMATCH, vit__checkpoint_path(b->checkpoint),
                         "tensor \"%s\" %s is %s: a weight must be F32, F16, BF16 or F64", tensor->name, has,
                         tensor->dtype_name);
    return VIT_OK;
}

/* How many bytes they must be depends on the precision: weights.c knows. */
static vit_status check_packed(const binder *b, const vit__tensor *tensor)
{
    char has[128];
    vit__tensor_shape_text(tensor, has, sizeof has);
    if (tensor->dtype != VIT__DTYPE_U8 || tensor->rank != 1)
        return vit__fail(b->err, VIT_ERR_MODEL_MISMATCH, vit__checkpoint_path(b->checkpoint),
                         "tensor \"%s\" is %s %s: a packed layer is U8 bytes in one row", tensor->name,
                         tensor->dtype_name, has);
    return VIT_OK;
}

static vit_status missing(const binder *b, const char *name, const shape *want)
{
    char wants[128];
    shape_text(want, wants, sizeof wants);
    return vit__fail(b->err, VIT_ERR_MODEL_MISMATCH, vit__checkpoint_path(b->checkpoint),
                     "tensor \"%s\" %s, which %s asks for, is missing", name, wants,
                     vit__checkpoint_config_name(b->checkpoint));
}

/* Does a slot that packs this one, directly or over another, already hold a weight (or a bias)? A layer that is stored
 * packed holds both. */
static bool is_packed(const binder *b, vit__slot slot, size_t block, bool bias)
{
    for (vit__slot packed = specs[slot].packed; packed != UNPACKED; packed = specs[packed].packed) {
        const vit__bound *other = vit__binding_get(b->binding, packed, block);
        bool whole = b->plan->names[packed].layout == VIT__LAYOUT_PACKED;
        if (bias && !whole ? other->bias != NULL : other->weight != NULL)
            return true;
    }
    return false;
}

/* Which block, and which branch of it, a pair of attention and MLP is; in stages: which stage, and which block of it.
 * */
static vit__place place_of(const vit_config *c, size_t pair)
{
    if (c->stages.n) {
        size_t stage = vit__config_stage(c, pair);
        return (vit__place){stage, pair - vit__config_stage_first(c, stage)};
    }
    size_t branches = c->branches ? c->branches : 1;
    return (vit__place){pair / branches, pair % branches};
}

bool vit__binding_name(const vit_config *config, const char *pattern, const char *prefix, size_t block, char *text,
                       size_t size)
{
    return vit__family_tensor_name(pattern, prefix, place_of(config, block), text, size);
}

static bool name_tensor(const binder *b, const char *pattern, size_t block, char *name, size_t size)
{
    return vit__binding_name(&b->plan->config, pattern, b->plan->prefix, block, name, size);
}

/* Is a tensor there that the same slot packs? Then the checkpoint keeps them apart. */
static bool keeps_apart(const binder *b, vit__slot packed, size_t block, bool bias)
{
    char name[256];
    for (vit__slot slot = 0; slot < VIT__SLOTS; slot++) {
        const vit__name *names = &b->plan->names[slot];
        const char *pattern = bias ? names->bias : names->weight;
        if (specs[slot].packed == packed && pattern && name_tensor(b, pattern, block, name, sizeof name) &&
            vit__checkpoint_find(b->checkpoint, name))
            return true;
    }
    return false;
}

/* The weight or the bias of a slot. */
typedef struct wanted {
    vit__slot slot;
    size_t block;
    bool bias;
    bool optional; /* what it packs may be there instead */
} wanted;

static const char *pattern_of(const binder *b, vit__slot slot, bool bias)
{
    return bias ? b->plan->names[slot].bias : b->plan->names[slot].weight;
}

/* Rows of a key or value matrix with fewer heads than the queries have, each of which serves
 * several of those (Ainslie et al. 2023); 0: as many. The keys' matrix says how many. */
static size_t grouped_rows(const binder *b, size_t block)
{
    char name[256];
    const vit_config *c = &b->plan->config;
    const char *pattern = pattern_of(b, VIT__SLOT_KEY, false);
    if (!c->grouped_keys || !pattern || !name_tensor(b, pattern, block, name, sizeof name))
        return 0;
    const vit__tensor *key = vit__checkpoint_find(b->checkpoint, name);
    size_t heads = key && key->rank == 2 && key->shape[0] % c->head_dim == 0 ? key->shape[0] / c->head_dim : 0;
    return heads && c->heads % heads == 0 ? heads * c->head_dim : 0;
}

static shape shape_of(const binder *b, vit__slot slot, size_t block, bool bias)
{
    vit__layout layout = b->plan->names[slot].layout;
    const vit_config at = config_of(&b->plan->config, slot, block);
    shape want = wanted_shape(&at, &specs[slot], layout);
    size_t grouped = specs[slot].shape[0] == KEYS ? grouped_rows(b, block) : 0;
    if (grouped)
        want.sizes[0] = grouped;
    if (!bias)
        return want;
    return (shape){1, {layout == VIT__LAYOUT_TRANSPOSED ? want.sizes[1] : want.sizes[0]}};
}

/* Does the config ask for the slot's weight, or bias? */
static bool has(const vit_config *config, vit__slot slot, size_t block, bool bias)
{
    const vit_config at = config_of(config, slot, block);
    return specs[slot].weight(&at) && (!bias || specs[slot].bias(&at));
}

/* Names the tensor that people would look for: the packed one, unless its parts are apart. */
static vit_status tell_missing(const binder *b, const wanted *w)
{
    vit__slot told = w->slot;
    char name[256];
    for (vit__slot packed = specs[told].packed; packed != UNPACKED; packed = specs[packed].packed)
        if (pattern_of(b, packed, w->bias) && has(&b->plan->config, packed, w->block, w->bias) &&
            (!pattern_of(b, told, w->bias) || !keeps_apart(b, packed, w->block, w->bias)))
            told = packed;
    const char *pattern = pattern_of(b, told, w->bias);
    shape want = shape_of(b, told, w->block, w->bias);
    if (!pattern || !name_tensor(b, pattern, w->block, name, sizeof name))
        return missing(b, "(one that this family has no name for)", &want);
    return missing(b, name, &want);
}

/* Files of old call the weight and bias of a LayerNorm gamma and beta, as TensorFlow does. */
static const vit__tensor *find_tensor(const binder *b, const char *name)
{
    static const char *const names[][2] = {{"LayerNorm.weight", "LayerNorm.gamma"},
                                           {"LayerNorm.bias", "LayerNorm.beta"}};
    const vit__tensor *tensor = vit__checkpoint_find(b->checkpoint, name);
    char old[256];
    for (size_t i = 0; !tensor && i < 2; i++)
        if (ends_with(name, names[i][0])) {
            snprintf(old, sizeof old, "%.*s%s", (int)(strlen(name) - strlen(names[i][0])), name, names[i][1]);
            tensor = vit__checkpoint_find(b->checkpoint, old);
        }
    return tensor;
}

static vit_status bind_tensor(const binder *b, const wanted *w, const vit__tensor **bound)
{
    char name[256];
    const char *pattern = pattern_of(b, w->slot, w->bias);
    if (pattern && !name_tensor(b, pattern, w->block, name, sizeof name))
        return vit__fail(b->err, VIT_ERR_INTERNAL, pattern, "the name of a tensor is too long");
    *bound = pattern ? find_tensor(b, name) : NULL;
    if (!*bound)
        return w->optional ? VIT_OK : tell_missing(b, w);
    if (b->plan->names[w->slot].layout == VIT__LAYOUT_PACKED)
        return check_packed(b, *bound);
    shape want = shape_of(b, w->slot, w->block, w->bias);
    return check_tensor(b, *bound, &want);
}

static vit_status bind_slot(const binder *b, vit__slot slot, size_t block)
{
    const spec *s = &specs[slot];
    const vit_config *c = &b->plan->config;
    vit__bound *bound = place(b->binding, slot, block);
    bool packs_parts = s->packs &&
                       (slot != VIT__SLOT_FC1 || c->mlp == VIT__MLP_GATED); /* else it is the layer itself */
    wanted weight = {slot, block, false, packs_parts}, bias = {slot, block, true, packs_parts};
    vit_status status = VIT_OK;
    if (has(c, slot, block, false) && !is_packed(b, slot, block, false))
        status = bind_tensor(b, &weight, &bound->weight);
    bool apart = b->plan->names[slot].layout != VIT__LAYOUT_PACKED;
    if (status == VIT_OK && apart && has(c, slot, block, true) && !is_packed(b, slot, block, true))
        status = bind_tensor(b, &bias, &bound->bias);
    return status;
}

vit_status vit__binding_make(const vit__plan *plan, const vit__checkpoint *checkpoint, vit__binding *binding,
                             vit_error *err)
{
    *binding = (vit__binding){0};
    size_t pairs = vit__config_pairs(&plan->config);
    binding->blocks = vit__alloc_zero(pairs, sizeof *binding->blocks);
    if (!binding->blocks)
        return vit__fail_memory(err, vit__checkpoint_path(checkpoint));
    binder b = {plan, checkpoint, binding, err};
    vit_status status = VIT_OK;
    for (vit__slot slot = 0; slot < VIT__SLOT_BLOCK && status == VIT_OK; slot++)
        status = bind_slot(&b, slot, 0);
    for (size_t block = 0; block < pairs; block++)
        for (vit__slot slot = VIT__SLOT_BLOCK; slot < VIT__SLOTS && status == VIT_OK; slot++)
            status = bind_slot(&b, slot, block);
    if (status != VIT_OK)
        vit__binding_free(binding);
    return status;
}

void vit__binding_free(vit__binding *binding)
{
    free(binding->blocks);
    *binding = (vit__binding){0};
}

/* ------------------------------------------------------------------ what is left over ---- */

static int compare_pointers(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t) * (const vit__tensor *const *)a, right = (uintptr_t) * (const vit__tensor *const *)b;
    return (left > right) - (left < right);
}

/* "decoder.*" stands for all names that start so, "*decoder*" for all that hold it, anything else for those that end
 * so. */
static bool fits(const char *name, const char *pattern)
{
    const char *star = strchr(pattern, '*');
    if (star != pattern)
        return star ? strncmp(name, pattern, (size_t)(star - pattern)) == 0 : ends_with(name, pattern);
    size_t length = strcspn(pattern + 1, "*");
    for (; *name; name++)
        if (strncmp(name, pattern + 1, length) == 0)
            return true;
    return false;
}

static bool is_harmless(const vit__family *family, const char *name)
{
    for (size_t i = 0; family->harmless && family->harmless[i]; i++)
        if (fits(name, family->harmless[i]))
            return true;
    return false;
}

static size_t collect(const vit__binding *binding, size_t pairs, const vit__tensor **used)
{
    size_t n = 0;
    for (size_t slot = 0; slot < VIT__SLOTS; slot++)
        for (size_t block = 0; block < (slot < VIT__SLOT_BLOCK ? 1 : pairs); block++) {
            const vit__bound *bound = vit__binding_get(binding, (vit__slot)slot, block);
            used[n] = bound->weight;
            n += bound->weight != NULL;
            used[n] = bound->bias;
            n += bound->bias != NULL;
        }
    return n;
}

static bool is_theirs(const vit__towers *towers, const char *name)
{
    return !towers->prefix || strncmp(name, towers->prefix, strlen(towers->prefix)) == 0;
}

/* All tensors that a binding takes, sorted by address; the caller frees. NULL: out of memory. */
static const vit__tensor **collect_all(const vit__towers *towers, size_t *n)
{
    size_t most = 1;
    for (size_t i = 0; i < towers->n; i++)
        most += 2 * VIT__SLOTS * (1 + vit__config_pairs(&towers->plans[i].config));
    const vit__tensor **used = vit__alloc_zero(most, sizeof *used);
    *n = 0;
    for (size_t i = 0; used && i < towers->n; i++)
        if (towers->plans[i].present)
            *n += collect(&towers->bindings[i], vit__config_pairs(&towers->plans[i].config), used + *n);
    if (used)
        qsort(used, *n, sizeof *used, compare_pointers);
    return used;
}

vit_status vit__binding_check_unused(const vit__towers *towers, const vit__family *family,
                                     const vit__checkpoint *checkpoint, vit_error *err)
{
    size_t n_used;
    const vit__tensor **used = collect_all(towers, &n_used);
    if (!used)
        return vit__fail_memory(err, vit__checkpoint_path(checkpoint));
    vit_status status = VIT_OK;
    for (size_t i = 0; i < vit__checkpoint_tensors(checkpoint) && status == VIT_OK; i++) {
        const vit__tensor *tensor = vit__checkpoint_tensor(checkpoint, i);
        if (vit__tensor_elements(tensor) == 0) /* transformers' DINOv3 writes its register tokens though it has none */
            continue;
        if (bsearch(&tensor, used, n_used, sizeof *used, compare_pointers) || is_harmless(family, tensor->name) ||
            !is_theirs(towers, tensor->name))
            continue;
        char has[128];
        vit__tensor_shape_text(tensor, has, sizeof has);
        status = vit__fail(err, VIT_ERR_MODEL_MISMATCH, vit__checkpoint_path(checkpoint),
                           "tensor \"%s\" %s is there, but %s has no place for it", tensor->name, has,
                           vit__checkpoint_config_name(checkpoint));
    }
    free(used);
    return status;
}
