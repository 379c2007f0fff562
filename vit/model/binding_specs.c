/* SPDX-License-Identifier: BSD-2-Clause */
#include "binding_specs.h"

#include "limit.h"
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

/* weight: its shape; a bias has the first dimension of a matrix, the only one of a vector. packed: the slot that holds
 * this one's rows instead; if that one has a tensor, this one has none. A packed slot itself need not be there. */
typedef struct spec {
    bool (*weight)(const vit_config *c), (*bias)(const vit_config *c);
    dimension shape[VIT__BINDING_RANK_MAX];
    vit__slot packed;
    bool packs;
} spec;

static const spec specs[VIT__SLOTS] = {
    [VIT__SLOT_PATCH] = {pixels, patch_bias, {WIDTH, CHANNELS, PATCH_HEIGHT, PATCH_WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_PATCH_NORM] = {patch_norm, layer, {WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_TOKENS] = {words, never, {VOCABULARY, WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_TOKEN_TYPES] = {token_types, never, {TOKEN_TYPES, WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_CLASS_TOKEN] = {class_token, never, {ONE, ONE, WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_DISTILLATION_TOKEN] = {distillation_token, never, {ONE, ONE, WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_REGISTER_TOKENS] = {registers, never, {ONE, REGISTERS, WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_POSITIONS] = {learned_positions, never, {ONE, POSITION_ROWS, WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_RELATIVE_SHARED] = {relative_shared, never, {RELATIVE_ROWS, HEADS}, VIT__UNPACKED, false},
    [VIT__SLOT_ROTARY] = {mixed, never, {TWO, DEPTH, HEADS, HALF_HEAD}, VIT__UNPACKED, false},
    [VIT__SLOT_PRE_NORM] = {pre_norm, layer, {WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_FINAL_NORM] = {final_norm, final_layer, {WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_POOLED_NORM] = {pooled_norm, layer, {POOLED}, VIT__UNPACKED, false},
    [VIT__SLOT_POOLER] = {pooler, always, {POOLER_WIDTH, WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_TRANSFORMATION] = {transformation, always, {TRANSFORMATION, WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_DENSE1] = {dense1, dense1_bias, {DENSE1, TOKEN_WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_DENSE2] = {dense2, dense2_bias, {DENSE2, DENSE2_INPUTS}, VIT__UNPACKED, false},
    [VIT__SLOT_DENSE3] = {dense3, dense3_bias, {DENSE3, DENSE3_INPUTS}, VIT__UNPACKED, false},
    [VIT__SLOT_EMBEDDING] = {projected, embedding_bias, {EMBEDDING, EMBEDDING_INPUTS}, VIT__UNPACKED, false},
    [VIT__SLOT_HEAD] = {head, head_bias, {CLASSES, HEAD_INPUTS}, VIT__UNPACKED, false},
    [VIT__SLOT_HEAD_DISTILLATION] = {two_heads, head_bias, {CLASSES, WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_LATENT_MEAN] = {latent, always, {LATENT, WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_LATENT_LOG_VARIANCE] = {latent, always, {LATENT, WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_LOGIT_SCALE] = {logit_scale, never, {END}, VIT__UNPACKED, false},
    [VIT__SLOT_LOGIT_BIAS] = {logit_bias, never, {END}, VIT__UNPACKED, false},
    [VIT__SLOT_POOL_LATENT] = {attention_pool, never, {ONE, POOL_QUERIES, POOL}, VIT__UNPACKED, false},
    [VIT__SLOT_POOL_QUERY_NORM] = {query_norm, layer, {POOL}, VIT__UNPACKED, false},
    [VIT__SLOT_POOL_KEY_NORM] = {pool_norms, layer, {WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_POOL_QKV] = {attention_pool, pool_bias, {POOL_3, WIDTH}, VIT__UNPACKED, true},
    [VIT__SLOT_POOL_QUERY] = {pool_query, pool_bias, {POOL, POOL}, VIT__SLOT_POOL_QKV, false},
    [VIT__SLOT_POOL_KV] = {attention_pool, pool_bias, {POOL_2, WIDTH}, VIT__SLOT_POOL_QKV, true},
    [VIT__SLOT_POOL_KEY] = {attention_pool, pool_bias, {POOL, WIDTH}, VIT__SLOT_POOL_KV, false},
    [VIT__SLOT_POOL_VALUE] = {attention_pool, pool_bias, {POOL, WIDTH}, VIT__SLOT_POOL_KV, false},
    [VIT__SLOT_POOL_PROJECTION] = {attention_pool, always, {POOL, POOL}, VIT__UNPACKED, false},
    [VIT__SLOT_POOL_NORM] = {pool_mlp, layer, {WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_POOL_FC1] = {pool_mlp, always, {POOL_MLP, WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_POOL_FC2] = {pool_mlp, always, {WIDTH, POOL_MLP}, VIT__UNPACKED, false},
    [VIT__SLOT_NORM1] = {always, layer, {WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_PARALLEL_IN] = {parallel, key_bias, {PARALLEL_IN, WIDTH}, VIT__UNPACKED, true},
    [VIT__SLOT_PARALLEL_OUT] = {parallel, projection_bias, {WIDTH, PARALLEL_OUT}, VIT__UNPACKED, true},
    [VIT__SLOT_QKV] = {always, key_bias, {ATTENTION_3, WIDTH}, VIT__SLOT_PARALLEL_IN, true},
    [VIT__SLOT_QUERY] = {always, qkv_bias, {ATTENTION, WIDTH}, VIT__SLOT_QKV, false},
    [VIT__SLOT_KEY] = {always, key_bias, {KEYS, WIDTH}, VIT__SLOT_QKV, false},
    [VIT__SLOT_VALUE] = {always, qkv_bias, {KEYS, WIDTH}, VIT__SLOT_QKV, false},
    [VIT__SLOT_Q_NORM] = {qk_norm, qk_layer, {QK_NORM}, VIT__UNPACKED, false},
    [VIT__SLOT_K_NORM] = {qk_norm, qk_layer, {QK_NORM}, VIT__UNPACKED, false},
    [VIT__SLOT_RELATIVE] = {relative, never, {RELATIVE_ROWS, HEADS}, VIT__UNPACKED, false},
    [VIT__SLOT_LAMBDA_QUERY1] = {differential, never, {HALF_HEAD}, VIT__UNPACKED, false},
    [VIT__SLOT_LAMBDA_KEY1] = {differential, never, {HALF_HEAD}, VIT__UNPACKED, false},
    [VIT__SLOT_LAMBDA_QUERY2] = {differential, never, {HALF_HEAD}, VIT__UNPACKED, false},
    [VIT__SLOT_LAMBDA_KEY2] = {differential, never, {HALF_HEAD}, VIT__UNPACKED, false},
    [VIT__SLOT_DIFFERENCE_NORM] = {differential, never, {HEAD}, VIT__UNPACKED, false},
    [VIT__SLOT_ATTENTION_NORM] = {attention_norm, layer, {ATTENTION}, VIT__UNPACKED, false},
    [VIT__SLOT_PROJECTION] = {always, projection_bias, {WIDTH, ATTENTION}, VIT__SLOT_PARALLEL_OUT, false},
    [VIT__SLOT_SCALE1] = {attention_scale, never, {WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_NORM2] = {norm2, layer, {WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_FC1] = {mlp, mlp_bias, {FC1, WIDTH}, VIT__SLOT_PARALLEL_IN, true},
    [VIT__SLOT_GATE] = {gated, mlp_bias, {MLP, WIDTH}, VIT__SLOT_FC1, false},
    [VIT__SLOT_UP] = {gated, mlp_bias, {MLP, WIDTH}, VIT__SLOT_FC1, false},
    [VIT__SLOT_MLP_NORM] = {mlp_norm, layer, {MLP}, VIT__UNPACKED, false},
    [VIT__SLOT_FC2] = {mlp, mlp_bias, {WIDTH, MLP}, VIT__SLOT_PARALLEL_OUT, false},
    [VIT__SLOT_SCALE2] = {mlp_scale, never, {WIDTH}, VIT__UNPACKED, false},
    [VIT__SLOT_CONTINUOUS1] = {continuous, always, {CONTINUOUS, TWO}, VIT__UNPACKED, false},
    [VIT__SLOT_CONTINUOUS2] = {continuous, never, {HEADS, CONTINUOUS}, VIT__UNPACKED, false},
    [VIT__SLOT_COSINE_SCALE] = {cosine, never, {HEADS, ONE, ONE}, VIT__UNPACKED, false},
    [VIT__SLOT_MERGE_NORM] = {merges, layer, {MERGE_NORM}, VIT__UNPACKED, false},
    [VIT__SLOT_MERGE] = {merges, never, {MERGE, MERGE_INPUTS}, VIT__UNPACKED, false},
};

/* ------------------------------------------------------------------ asking ---- */

static vit__shape wanted_shape(const vit_config *c, const spec *s, vit__layout layout)
{
    vit__shape want = {0};
    for (size_t i = 0; i < VIT__BINDING_RANK_MAX && s->shape[i] != END; i++)
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

/* The config by which a slot's shape is computed: that of its block. Patches belong to the first block; what stands
 * outside of the blocks besides belongs to the config itself. */
static vit_config config_of(const vit_config *config, vit__slot slot, size_t block)
{
    bool patches = slot == VIT__SLOT_PATCH || slot == VIT__SLOT_PATCH_NORM || slot == VIT__SLOT_POSITIONS;
    return slot >= VIT__SLOT_BLOCK || patches ? vit__config_at(config, block) : *config;
}

vit__shape vit__spec_shape(const vit_config *config, vit__slot slot, size_t block, vit__layout layout)
{
    const vit_config at = config_of(config, slot, block);
    return wanted_shape(&at, &specs[slot], layout);
}

bool vit__spec_wants(const vit_config *config, vit__slot slot, size_t block, bool bias)
{
    const vit_config at = config_of(config, slot, block);
    return specs[slot].weight(&at) && (!bias || specs[slot].bias(&at));
}

bool vit__spec_is_grouped(vit__slot slot)
{
    return specs[slot].shape[0] == KEYS;
}

vit__slot vit__spec_packed(vit__slot slot)
{
    return specs[slot].packed;
}

bool vit__spec_packs(vit__slot slot)
{
    return specs[slot].packs;
}
