/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of timm's VisionTransformer, of its DeiT with a distillation token, and of its Beit. */
#include <string.h>

#include "timm.h"

static bool is(const char *text, const char *name)
{
    return strcmp(text, name) == 0;
}

/* Layer scale: a number makes it, none or (but in parallel blocks) zero does not. */
static bool has_scale(vit__reader *r)
{
    return vit__read_has(r, "init_values") && vit__read_number(r, "init_values", 0) != 0;
}

static void positions(vit__reader *r, vit_config *c)
{
    const char *kind = vit__read_text(r, "pos_embed", "learn");
    if (!is(kind, "learn") && !is(kind, "none") && !is(kind, ""))
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"pos_embed\" is \"%.60s\": this build knows learn and none",
                         kind);
    if (!is(kind, "learn"))
        c->position = VIT__POSITION_NONE;
    else if (vit__read_flag(r, "no_embed_class", false))
        c->position = VIT__POSITION_LEARNED_PATCHES;
    else
        c->position = VIT__POSITION_LEARNED_ALL;
}

static const struct {
    const char *name;
    vit__block_order order;
    size_t branches;
    bool differential;
} block_functions[] = {
    {"", VIT__BLOCK_PRE_NORM, 1, false},
    {"res_post", VIT__BLOCK_BRANCH_NORM, 1, false},
    {"parallel_scaling", VIT__BLOCK_PARALLEL, 1, false},
    {"diff_parallel_scaling", VIT__BLOCK_PARALLEL, 1, true},
    {"parallel_things", VIT__BLOCK_BRANCHES, 2, false},
};

static void block_kind(vit__reader *r, vit_config *c)
{
    const char *name = vit__read_text(r, "block_fn", "");
    size_t i = 0, n = sizeof block_functions / sizeof *block_functions;
    while (i < n && !is(block_functions[i].name, name))
        i++;
    if (i == n) {
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"block_fn\" is \"%.60s\": this build has no such block", name);
        return;
    }
    c->order = block_functions[i].order;
    c->branches = block_functions[i].branches;
    if (block_functions[i].differential)
        c->attention = VIT__ATTENTION_DIFFERENTIAL;
    c->attention_scale = c->order == VIT__BLOCK_PARALLEL      ? vit__read_has(r, "init_values")
                         : c->order != VIT__BLOCK_BRANCH_NORM ? has_scale(r)
                                                              : false;
    c->mlp_scale = c->attention_scale && c->order != VIT__BLOCK_PARALLEL;
}

/* What the other blocks do not take, or take and leave alone. */
static void check_block(vit__reader *r, const vit_config *c)
{
    bool parallel = c->order == VIT__BLOCK_PARALLEL;
    if (parallel && (c->attention_norm || c->mlp_norm || !c->projection_bias || c->mlp == VIT__MLP_GATED))
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "this build has no parallel blocks with inner norms, gated MLPs or without biases");
    if (c->attention == VIT__ATTENTION_DIFFERENTIAL && c->qk_norm != VIT__QK_NORM_NONE)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "this build has no norms of q and k in differential attention");
}

static void mlp_kind(vit__reader *r, vit_config *c)
{
    const char *layer = vit__read_text(r, "mlp_layer", "");
    c->activation = vit__read_activation(r, "act_layer", "gelu");
    c->mlp_width = vit__timm_mlp_width(r, "mlp_ratio", 4, c);
    c->mlp = is(layer, "") ? VIT__MLP_PLAIN : VIT__MLP_GATED;
    if (is(layer, "swiglu_packed")) /* the width is of gate and values together */
        c->mlp_width /= 2;
    else if (!is(layer, "") && !is(layer, "swiglu"))
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"mlp_layer\" is \"%.60s\": this build has no such MLP", layer);
}

/* Does the pooling take more than one token? */
static bool averages(vit__pooling pooling)
{
    return pooling == VIT__POOL_MEAN_PATCHES || pooling == VIT__POOL_MEAN_ALL || pooling == VIT__POOL_MAX_PATCHES ||
           pooling == VIT__POOL_MEAN_MAX_PATCHES;
}

static void norms(vit__reader *r, vit_config *c)
{
    bool has_final = vit__read_flag(r, "final_norm", true);
    bool after_pooling = vit__read_flag(r, "fc_norm", averages(c->pooling));
    c->pre_norm = vit__read_flag(r, "pre_norm", false);
    c->patch_bias = !c->pre_norm;
    c->final_norm = has_final && !after_pooling;
    c->pooled_norm = has_final && after_pooling;
}

static void attention(vit__reader *r, vit_config *c)
{
    const char *layer = vit__read_text(r, "attn_layer", "");
    c->qkv_bias = c->key_bias = vit__read_flag(r, "qkv_bias", true);
    c->qk_norm = vit__read_flag(r, "qk_norm", false) ? VIT__QK_NORM_HEAD : VIT__QK_NORM_NONE;
    c->attention_norm = vit__read_flag(r, "scale_attn_norm", false);
    c->mlp_norm = vit__read_flag(r, "scale_mlp_norm", false);
    c->projection_bias = c->mlp_bias = vit__read_flag(r, "proj_bias", true);
    if (is(layer, "diff"))
        c->attention = VIT__ATTENTION_DIFFERENTIAL;
    else if (!is(layer, "") && !is(layer, "attn"))
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"attn_layer\" is \"%.60s\": this build has no such attention",
                         layer);
}

static void pool(vit__reader *r, vit_config *c)
{
    bool all = vit__read_flag(r, "pool_include_prefix", false);
    vit__timm_head(r, "token", c);
    if (c->pooling == VIT__POOL_MEAN_PATCHES && all)
        c->pooling = c->head_pooling = VIT__POOL_MEAN_ALL;
    if (all && (c->pooling == VIT__POOL_MAX_PATCHES || c->pooling == VIT__POOL_MEAN_MAX_PATCHES))
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"pool_include_prefix\" is true: this build takes the largest value of the patches alone");
    if (c->pooling != VIT__POOL_ATTENTION)
        return;
    c->pool_heads = c->heads;
    c->pool_mlp_width = vit__timm_mlp_width(r, "mlp_ratio", 4, c);
    c->pool_activation = c->activation;
    c->pool_query_projected = c->pool_bias = true;
    c->pool_skips_prefix = !all;
}

void vit__timm_vit(vit__reader *r, vit_config *c)
{
    c->class_token = vit__read_flag(r, "class_token", true);
    c->registers = vit__read_size(r, "reg_tokens", 0);
    positions(r, c);
    attention(r, c);
    block_kind(r, c);
    mlp_kind(r, c);
    check_block(r, c);
    pool(r, c);
    norms(r, c);
}

void vit__timm_distilled(vit__reader *r, vit_config *c)
{
    vit__timm_vit(r, c);
    if (c->pooling != VIT__POOL_CLASS || !c->class_token || c->registers || c->position != VIT__POSITION_LEARNED_ALL)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"model_args\": a distilled DeiT has a class and a distillation token, both with positions");
    if (c->pooled_norm)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"fc_norm\" is true: timm's distilled DeiT then has a norm that it does not use");
    c->distillation_token = true;
    c->pooling = c->head_pooling = VIT__POOL_CLASS_DISTILLATION;
    c->head = c->classes ? VIT__HEAD_TWO_AVERAGED : VIT__HEAD_NONE;
}

void vit__timm_beit(vit__reader *r, vit_config *c)
{
    c->class_token = true;
    c->position = vit__read_flag(r, "use_abs_pos_emb", true) ? VIT__POSITION_LEARNED_ALL : VIT__POSITION_NONE;
    bool own = vit__read_flag(r, "use_rel_pos_bias", false),
         shared = vit__read_flag(r, "use_shared_rel_pos_bias", false);
    if (own && shared)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "this build has no relative biases both shared and of each block");
    c->relative_bias = own ? VIT__RELATIVE_PER_BLOCK : shared ? VIT__RELATIVE_SHARED : VIT__RELATIVE_NONE;
    if (c->relative_bias != VIT__RELATIVE_NONE)
        c->interpolation = VIT__INTERPOLATION_NONE;
    c->qkv_bias = vit__read_flag(r, "qkv_bias", true);
    c->attention_scale = c->mlp_scale = has_scale(r);
    c->mlp_norm = vit__read_flag(r, "scale_mlp", false);
    c->mlp = vit__read_flag(r, "swiglu_mlp", false) ? VIT__MLP_GATED : VIT__MLP_PLAIN;
    c->activation = c->mlp == VIT__MLP_GATED ? VIT__ACTIVATION_SILU : VIT__ACTIVATION_GELU;
    c->mlp_width = vit__timm_mlp_width(r, "mlp_ratio", 4, c);
    vit__timm_head(r, "avg", c);
    c->pooled_norm = vit__read_flag(r, "use_fc_norm", c->pooling == VIT__POOL_MEAN_PATCHES);
    c->final_norm = !c->pooled_norm;
    if (c->pooling == VIT__POOL_ATTENTION)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"global_pool\" is \"map\": timm's Beit has no attention pooling");
}
