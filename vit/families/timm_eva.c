/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of timm's Eva: EVA, EVA-02, DINOv3, Perception Encoder, Sapiens 2 and the rotary variants of ViT. */
#include <string.h>

#include "timm.h"

static bool is(const char *text, const char *name)
{
    return strcmp(text, name) == 0;
}

static const struct {
    const char *name;
    vit__rotary_kind kind;
} rotaries[] = {
    {"cat", VIT__ROTARY_AXIAL},
    {"dinov3", VIT__ROTARY_DINOV3},
    {"mixed", VIT__ROTARY_MIXED},
};

static void rotary(vit__reader *r, vit_config *c)
{
    if (!vit__read_flag(r, "use_rot_pos_emb", false))
        return;
    const char *type = vit__read_text(r, "rope_type", "cat");
    size_t i = 0, n = sizeof rotaries / sizeof *rotaries;
    while (i < n && !is(rotaries[i].name, type))
        i++;
    if (i == n) {
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"rope_type\" is \"%.60s\": this build has the rotary positions cat, dinov3 and mixed", type);
        return;
    }
    c->rotary.kind = rotaries[i].kind;
    c->rotary.theta = vit__read_number(r, "rope_temperature", 10000);
    c->rotary.half = vit__read_flag(r, "rope_rotate_half", false);
    c->rotary.x_first = is(vit__read_text(r, "rope_grid_indexing", "ij"), "xy");
    c->rotary.offset = c->rotary.kind == VIT__ROTARY_MIXED ? 0 : vit__read_number(r, "rope_grid_offset", 0);
    if (c->rotary.kind == VIT__ROTARY_AXIAL)
        vit__read_extent(r, "ref_feat_shape", 0, &c->rotary.reference_height, &c->rotary.reference_width);
    if (c->rotary.kind == VIT__ROTARY_MIXED && c->rotary.half)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"rope_rotate_half\" does not go with mixed rotary positions");
}

/* Biases: the EVA attention has none on the key. */
static void attention(vit__reader *r, vit_config *c)
{
    const char *type = vit__read_text(r, "attn_type", "eva");
    if (!is(type, "eva") && !is(type, "rope"))
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"attn_type\" is \"%.60s\": this build knows eva and rope",
                         type);
    c->qkv_bias = vit__read_flag(r, "qkv_bias", true);
    c->key_bias = c->qkv_bias && is(type, "rope");
    c->grouped_keys = is(type, "rope") && vit__read_has(r, "num_kv_heads");
    c->qk_norm = vit__read_flag(r, "qk_norm", false) ? VIT__QK_NORM_HEAD : VIT__QK_NORM_NONE;
    c->attention_norm = vit__read_flag(r, "scale_attn_inner", false);
}

static void mlp(vit__reader *r, vit_config *c)
{
    size_t align = vit__read_size(r, "swiglu_align_to", 0);
    c->mlp = vit__read_flag(r, "swiglu_mlp", false) ? VIT__MLP_GATED : VIT__MLP_PLAIN;
    c->activation = c->mlp == VIT__MLP_GATED ? VIT__ACTIVATION_SILU : VIT__ACTIVATION_GELU;
    c->mlp_norm = vit__read_flag(r, "scale_mlp", false);
    c->mlp_width = vit__timm_mlp_width(r, "mlp_ratio", 4, c);
    bool aligned = c->mlp == VIT__MLP_GATED && (c->order == VIT__BLOCK_PRE_NORM || c->mlp_norm);
    if (aligned && align)
        c->mlp_width = (c->mlp_width + align - 1) / align * align;
}

static void block(vit__reader *r, vit_config *c)
{
    bool post = vit__read_flag(r, "use_post_norm", false), scaled = !post && vit__read_has(r, "init_values");
    c->order = post ? VIT__BLOCK_BRANCH_NORM : VIT__BLOCK_PRE_NORM;
    c->attention_scale = scaled;
    c->mlp_scale = scaled && !vit__read_flag(r, "attn_only_layer_scale", false);
}

static void pool(vit__reader *r, vit_config *c)
{
    vit__timm_head(r, "avg", c);
    c->pooled_norm = vit__read_flag(r, "use_fc_norm", c->pooling == VIT__POOL_MEAN_PATCHES);
    c->final_norm = vit__read_flag(r, "use_post_transformer_norm", !c->pooled_norm);
    if (c->pooling != VIT__POOL_ATTENTION)
        return;
    bool own = vit__read_has(r, "attn_pool_mlp_ratio") && vit__read_number(r, "attn_pool_mlp_ratio", 0) != 0;
    size_t heads = vit__read_size(r, "attn_pool_num_heads", 0);
    c->pool_heads = heads ? heads : c->heads;
    c->pool_mlp_width = vit__timm_mlp_width(r, own ? "attn_pool_mlp_ratio" : "mlp_ratio", 4, c);
    c->pool_activation = VIT__ACTIVATION_GELU;
    c->pool_query_projected = c->pool_bias = true;
}

void vit__timm_eva(vit__reader *r, vit_config *c)
{
    c->class_token = vit__read_flag(r, "class_token", true);
    c->registers = vit__read_size(r, "num_reg_tokens", 0);
    if (!vit__read_flag(r, "use_abs_pos_emb", true))
        c->position = VIT__POSITION_NONE;
    else if (vit__read_flag(r, "no_embed_class", false))
        c->position = VIT__POSITION_LEARNED_PATCHES;
    else
        c->position = VIT__POSITION_LEARNED_ALL;
    rotary(r, c);
    attention(r, c);
    block(r, c);
    mlp(r, c);
    c->pre_norm = vit__read_flag(r, "use_pre_transformer_norm", false);
    c->patch_bias = !c->pre_norm;
    pool(r, c);
}
