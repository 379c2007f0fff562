/* SPDX-License-Identifier: BSD-2-Clause */
/* AIMv2 (Fini et al. 2024): transformers' Aimv2Model and Aimv2VisionModel, and the layout of the authors' own code. */
#include <stdio.h>
#include <string.h>

#include "transformers.h"

#define BLOCK "encoder.layers.%zu."
#define BLOCK_NAMES                                                                                                    \
    [VIT__SLOT_NORM1] = VIT__PAIR(BLOCK "rms_norm1"), [VIT__SLOT_QUERY] = VIT__PAIR(BLOCK "attention.q_proj"),         \
    [VIT__SLOT_KEY] = VIT__PAIR(BLOCK "attention.k_proj"), [VIT__SLOT_VALUE] = VIT__PAIR(BLOCK "attention.v_proj"),    \
    [VIT__SLOT_PROJECTION] = VIT__PAIR(BLOCK "attention.out_proj"), [VIT__SLOT_NORM2] = VIT__PAIR(BLOCK "rms_norm2"),  \
    [VIT__SLOT_GATE] = VIT__PAIR(BLOCK "ffn.gate_proj"), [VIT__SLOT_UP] = VIT__PAIR(BLOCK "ffn.up_proj"),              \
    [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "ffn.down_proj"), [VIT__SLOT_FINAL_NORM] = VIT__PAIR("rms_norm"),                \
    [VIT__SLOT_LOGIT_SCALE] = VIT__ALONE("^logit_scale")

static const vit__name_set vision = {
    BLOCK_NAMES,
    [VIT__SLOT_PATCH] = VIT__PAIR("embeddings.patch_embed"),
    [VIT__SLOT_PATCH_NORM] = VIT__PAIR("embeddings.rms_norm"),
    [VIT__SLOT_POSITIONS] = VIT__ALONE_FLAT("embeddings.position_embedding.weight"),
    [VIT__SLOT_POOL_LATENT] = VIT__ALONE("head.cls_token"),
    [VIT__SLOT_POOL_KEY] = VIT__PAIR("head.k_proj"),
    [VIT__SLOT_POOL_VALUE] = VIT__PAIR("head.v_proj"),
    [VIT__SLOT_POOL_PROJECTION] = VIT__PAIR("head.output_proj"),
    [VIT__SLOT_EMBEDDING] = VIT__ALONE("^visual_projection.weight"),
};

static const vit__name_set text = {
    BLOCK_NAMES,
    [VIT__SLOT_TOKENS] = VIT__ALONE("embeddings.token_embedding.weight"),
    [VIT__SLOT_POSITIONS] = VIT__ALONE_FLAT("embeddings.position_embedding.weight"),
    [VIT__SLOT_EMBEDDING] = VIT__ALONE("^text_projection.weight"),
};

#define ORIGINAL "trunk.blocks.%zu."
static const vit__name_set original = {
    [VIT__SLOT_PATCH] = VIT__PAIR("preprocessor.patchifier.proj"),
    [VIT__SLOT_PATCH_NORM] = VIT__PAIR("preprocessor.patchifier.norm"),
    [VIT__SLOT_POSITIONS] = VIT__ALONE("preprocessor.pos_embed"),
    [VIT__SLOT_NORM1] = VIT__PAIR(ORIGINAL "norm_1"),
    [VIT__SLOT_QKV] = VIT__PAIR(ORIGINAL "attn.qkv"),
    [VIT__SLOT_PROJECTION] = VIT__PAIR(ORIGINAL "attn.proj"),
    [VIT__SLOT_NORM2] = VIT__PAIR(ORIGINAL "norm_2"),
    [VIT__SLOT_GATE] = VIT__PAIR(ORIGINAL "mlp.fc1"),
    [VIT__SLOT_UP] = VIT__PAIR(ORIGINAL "mlp.fc3"),
    [VIT__SLOT_FC2] = VIT__PAIR(ORIGINAL "mlp.fc2"),
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR("trunk.post_trunk_norm"),
};

static const vit__naming image_namings[] = {{"vision_model.", vision}, {"", vision}, {"", original}};
static const vit__naming text_namings[] = {{"text_model.", text}, {"", text}};

/* What both towers share: SwiGLU blocks with RMS norms. */
static void plan_blocks(vit__reader *r, vit_config *c)
{
    c->norm = c->final_norm_kind = VIT__NORM_RMS;
    c->norm_eps = c->final_norm_eps = vit__read_number(r, "rms_norm_eps", 1e-5);
    c->qkv_bias = c->key_bias = c->projection_bias = vit__read_flag(r, "qkv_bias", false);
    c->mlp = VIT__MLP_GATED;
    c->mlp_bias = vit__read_flag(r, "mlp_bias", vit__read_flag(r, "use_bias", false));
    c->activation = vit__read_activation(r, "hidden_act", "silu");
    c->final_norm = true;
}

static void plan_image(vit__reader *top, vit__reader *r, bool both, vit__plan *out)
{
    vit_config *c = &out->config;
    vit__transformers_encoder(r, 1e-5, c);
    vit__transformers_patches(r, 14, c);
    c->width = vit__read_size(r, "hidden_size", 1024);
    c->depth = vit__read_size(r, "num_hidden_layers", 24);
    c->heads = vit__read_size(r, "num_attention_heads", 8);
    c->mlp_width = vit__read_size(r, "intermediate_size", 2816);
    plan_blocks(r, c);
    bool native = vit__read_flag(r, "is_native", false);
    c->patch_norm = true;
    c->position = native ? VIT__POSITION_SINCOS_2D : VIT__POSITION_LEARNED_PATCHES;
    c->interpolation = VIT__INTERPOLATION_NONE;
    c->any_size = native;
    c->pooling = VIT__POOL_MEAN_ALL;
    c->embedding = VIT__EMBEDDING_MEAN;
    if (out->names != original && vit__read_flag(r, "use_head", true)) {
        c->pool_heads = c->heads;
        c->pool_bias = c->qkv_bias;
        c->pooling = VIT__POOL_ATTENTION;
        c->pooler = VIT__POOLER_POOLED;
        c->embedding = VIT__EMBEDDING_POOLED;
    }
    if (both) {
        c->projection_width = vit__read_size(top, "projection_dim", 512);
        c->embedding = VIT__EMBEDDING_PROJECTED;
    }
}

static void plan_text(vit__reader *top, vit__reader *r, bool both, vit_config *c)
{
    c->input = VIT__INPUT_TOKENS;
    c->vocabulary = vit__read_size(r, "vocab_size", 49408);
    c->context = vit__read_size(r, "max_position_embeddings", 77);
    c->width = vit__read_size(r, "hidden_size", 768);
    c->depth = vit__read_size(r, "num_hidden_layers", 12);
    c->heads = vit__read_size(r, "num_attention_heads", 6);
    c->mlp_width = vit__read_size(r, "intermediate_size", 2048);
    plan_blocks(r, c);
    c->position = VIT__POSITION_LEARNED_ALL;
    c->causal = true;
    c->end_token = vit__read_size(r, "eos_token_id", 49407);
    c->pooling = VIT__POOL_END;
    c->pooler = VIT__POOLER_POOLED;
    c->projection_width = both ? vit__read_size(top, "projection_dim", 512) : 0;
    c->embedding = both ? VIT__EMBEDDING_PROJECTED : VIT__EMBEDDING_POOLED;
}

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    const vit__json *config = vit__checkpoint_config(checkpoint);
    const char *where = vit__checkpoint_config_name(checkpoint);
    bool words = tower == VIT__TOWER_TEXT;
    const vit__json *part = vit__json_get(config, words ? "text_config" : "vision_config");
    bool both = vit__json_is_object(part);
    vit__reader top = vit__reader_start(config, where, err), r = vit__reader_inside(&top, both ? part : config);
    const char *type = vit__read_text(&top, "model_type", "");
    out->present = both || strcmp(type, "aimv2_text_model") == 0 ? both || words : !words;
    if (!out->present)
        return top.status;
    snprintf(out->config.family, sizeof out->config.family, "aimv2");
    if (words) {
        vit__family_name(checkpoint, text_namings, sizeof text_namings / sizeof *text_namings, out);
        plan_text(&top, &r, both, &out->config);
    } else {
        vit__family_name(checkpoint, image_namings, sizeof image_namings / sizeof *image_namings, out);
        plan_image(&top, &r, both, out);
    }
    out->config.logit_scale = both;
    out->config.logit_scale_most = both ? vit__read_number(&top, "max_logit_scale", 100) : 0;
    return top.status;
}

static const char *const types[] = {"aimv2", "aimv2_vision_model", "aimv2_text_model", NULL};
static const char *const harmless[] = {"embeddings.position_ids", NULL};

const vit__family vit__family_aimv2 = {"aimv2", VIT__CHECKPOINT_TRANSFORMERS, types, plan, harmless};
