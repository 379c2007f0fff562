/* SPDX-License-Identifier: BSD-2-Clause */
/* InternViT (Chen et al. 2023): transformers' InternVLVisionModel, and the layout of the authors' own code. */
#include <stdio.h>
#include <string.h>

#include "transformers.h"

#define BLOCK "encoder.layer.%zu."
static const vit__name_set names = {
    VIT__VIT_EMBEDDING_NAMES,
    [VIT__SLOT_NORM1] = VIT__PAIR(BLOCK "layernorm_before"),
    [VIT__SLOT_QUERY] = VIT__PAIR(BLOCK "attention.q_proj"),
    [VIT__SLOT_KEY] = VIT__PAIR(BLOCK "attention.k_proj"),
    [VIT__SLOT_VALUE] = VIT__PAIR(BLOCK "attention.v_proj"),
    [VIT__SLOT_Q_NORM] = VIT__PAIR(BLOCK "attention.q_norm"),
    [VIT__SLOT_K_NORM] = VIT__PAIR(BLOCK "attention.k_norm"),
    [VIT__SLOT_PROJECTION] = VIT__PAIR(BLOCK "attention.projection_layer"),
    [VIT__SLOT_SCALE1] = VIT__ALONE(BLOCK "lambda_1"),
    [VIT__SLOT_NORM2] = VIT__PAIR(BLOCK "layernorm_after"),
    [VIT__SLOT_FC1] = VIT__PAIR(BLOCK "mlp.fc1"),
    [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp.fc2"),
    [VIT__SLOT_SCALE2] = VIT__ALONE(BLOCK "lambda_2"),
};

#define ORIGINAL "encoder.layers.%zu."
static const vit__name_set original = {
    [VIT__SLOT_PATCH] = VIT__PAIR("embeddings.patch_embedding"),
    [VIT__SLOT_CLASS_TOKEN] = VIT__ALONE("embeddings.class_embedding"),
    [VIT__SLOT_POSITIONS] = VIT__ALONE("embeddings.position_embedding"),
    [VIT__SLOT_NORM1] = VIT__PAIR(ORIGINAL "norm1"),
    [VIT__SLOT_QKV] = VIT__PAIR(ORIGINAL "attn.qkv"),
    [VIT__SLOT_Q_NORM] = VIT__PAIR(ORIGINAL "attn.q_norm"),
    [VIT__SLOT_K_NORM] = VIT__PAIR(ORIGINAL "attn.k_norm"),
    [VIT__SLOT_PROJECTION] = VIT__PAIR(ORIGINAL "attn.proj"),
    [VIT__SLOT_SCALE1] = VIT__ALONE(ORIGINAL "ls1"),
    [VIT__SLOT_NORM2] = VIT__PAIR(ORIGINAL "norm2"),
    [VIT__SLOT_FC1] = VIT__PAIR(ORIGINAL "mlp.fc1"),
    [VIT__SLOT_FC2] = VIT__PAIR(ORIGINAL "mlp.fc2"),
    [VIT__SLOT_SCALE2] = VIT__ALONE(ORIGINAL "ls2"),
};

static const vit__naming namings[] = {
    {"", names}, {"vision_tower.", names}, {"", original}, {"vision_model.", original}};

/* transformers norms the tokens at the end unless they are averaged; the original leaves them as they are. */
static void plan_end(vit__reader *r, bool is_original, vit_config *c)
{
    bool mean = vit__read_flag(r, "use_mean_pooling", true);
    c->final_norm = !is_original && !mean;
    c->final_norm_eps = c->norm_eps; /* a layer norm, whatever the blocks have */
    c->pooling = VIT__POOL_CLASS;
    c->pooler = is_original ? VIT__POOLER_POOLED : VIT__POOLER_NONE;
    c->embedding = VIT__EMBEDDING_CLASS;
}

/* The defaults of InternVLVisionConfig, and of the authors' InternVisionConfig. */
static void plan_sizes(vit__reader *r, bool is_original, vit_config *c)
{
    size_t edge = is_original ? 224 : 448;
    vit__read_extent(r, "image_size", edge, &c->image_height, &c->image_width);
    vit__transformers_patches(r, 14, c);
    c->width = vit__read_size(r, "hidden_size", is_original ? 3200 : 1024);
    c->depth = vit__read_size(r, "num_hidden_layers", is_original ? 48 : 24);
    c->heads = vit__read_size(r, "num_attention_heads", is_original ? 25 : 16);
    c->mlp_width = vit__read_size(r, "intermediate_size", is_original ? 12800 : 4096);
}

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    if (tower != VIT__TOWER_IMAGE)
        return VIT_OK;
    vit__reader r = vit__reader_of(checkpoint, err);
    vit_config *c = &out->config;
    bool is_original = strcmp(vit__read_text(&r, "model_type", ""), "intern_vit_6b") == 0;
    out->present = true;
    vit__family_name(checkpoint, is_original ? namings + 2 : namings, 2, out);
    snprintf(c->family, sizeof c->family, "internvit");
    vit__transformers_encoder(&r, 1e-6, c);
    plan_sizes(&r, is_original, c);
    c->qkv_bias = vit__read_flag(&r, is_original ? "qkv_bias" : "attention_bias", false);
    const char *norm = vit__read_text(&r, "norm_type", is_original ? "rms_norm" : "layer_norm");
    if (strcmp(norm, "rms_norm") != 0 && strcmp(norm, "layer_norm") != 0)
        vit__reader_fail(&r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"norm_type\" is \"%.40s\": this build has layer_norm and rms_norm", norm);
    c->norm = strcmp(norm, "rms_norm") == 0 ? VIT__NORM_RMS : VIT__NORM_LAYER;
    bool qk_norm = vit__read_flag(&r, is_original ? "qk_normalization" : "use_qk_norm", is_original);
    c->qk_norm = qk_norm ? VIT__QK_NORM_WIDTH : VIT__QK_NORM_NONE;
    c->qk_norm_kind = VIT__NORM_RMS;
    c->class_token = true;
    bool placed = vit__read_flag(&r, "use_absolute_position_embeddings", true);
    c->position = placed ? VIT__POSITION_LEARNED_ALL : VIT__POSITION_NONE;
    c->attention_scale = c->mlp_scale = true;
    plan_end(&r, is_original, c);
    return r.status;
}

static const char *const types[] = {"internvl_vision", "intern_vit_6b", NULL};
static const char *const harmless[] = {"embeddings.mask_token", NULL};

const vit__family vit__family_internvit = {"internvit", VIT__CHECKPOINT_TRANSFORMERS, types, plan, harmless};
