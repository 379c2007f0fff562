/* SPDX-License-Identifier: BSD-2-Clause */
/* transformers' DINOv3 ViT (Simeoni et al. 2025): rotary positions, registers, an MLP that may be gated. */
#include <stdio.h>

#include "transformers.h"

#define EMBEDDING_NAMES                                                                                                \
    [VIT__SLOT_PATCH] = VIT__PAIR("embeddings.patch_embeddings"),                                                      \
    [VIT__SLOT_CLASS_TOKEN] = VIT__ALONE("embeddings.cls_token"),                                                      \
    [VIT__SLOT_REGISTER_TOKENS] = VIT__ALONE("embeddings.register_tokens"), [VIT__SLOT_FINAL_NORM] = VIT__PAIR("norm")

#define BLOCK_NAMES(block)                                                                                             \
    [VIT__SLOT_NORM1] = VIT__PAIR(block "norm1"), VIT__NEW_ATTENTION_NAMES(block),                                     \
    [VIT__SLOT_SCALE1] = VIT__ALONE(block "layer_scale1.lambda1"), [VIT__SLOT_NORM2] = VIT__PAIR(block "norm2"),       \
    [VIT__SLOT_FC2] = VIT__PAIR(block "mlp.down_proj"), [VIT__SLOT_SCALE2] = VIT__ALONE(block "layer_scale2.lambda1")

#define PLAIN(block) [VIT__SLOT_FC1] = VIT__PAIR(block "mlp.up_proj")
#define GATED(block)                                                                                                   \
    [VIT__SLOT_GATE] = VIT__PAIR(block "mlp.gate_proj"), [VIT__SLOT_UP] = VIT__PAIR(block "mlp.up_proj")

static const vit__name_set plain = {EMBEDDING_NAMES, BLOCK_NAMES("layer.%zu."), PLAIN("layer.%zu.")};
static const vit__name_set gated = {EMBEDDING_NAMES, BLOCK_NAMES("layer.%zu."), GATED("layer.%zu.")};
static const vit__name_set new_plain = {EMBEDDING_NAMES, BLOCK_NAMES("model.layer.%zu."), PLAIN("model.layer.%zu.")};
static const vit__name_set new_gated = {EMBEDDING_NAMES, BLOCK_NAMES("model.layer.%zu."), GATED("model.layer.%zu.")};

static const vit__naming plain_namings[] = {
    {"", plain}, {"", new_plain}, {"dinov3_vit.", plain}, {"dinov3_vit.", new_plain}};
static const vit__naming gated_namings[] = {
    {"", gated}, {"", new_gated}, {"dinov3_vit.", gated}, {"dinov3_vit.", new_gated}};

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    if (tower != VIT__TOWER_IMAGE)
        return VIT_OK;
    vit__reader r = vit__reader_of(checkpoint, err);
    vit_config *c = &out->config;
    out->present = true;
    snprintf(c->family, sizeof c->family, "dinov3_vit");
    vit__transformers_encoder(&r, 1e-5, c);
    c->width = vit__read_size(&r, "hidden_size", 384);
    c->heads = vit__read_size(&r, "num_attention_heads", 6);
    c->mlp_width = vit__read_size(&r, "intermediate_size", 1536);
    bool gate = vit__read_flag(&r, "use_gated_mlp", false);
    c->mlp = gate ? VIT__MLP_GATED : VIT__MLP_PLAIN;
    vit__family_name(checkpoint, gate ? gated_namings : plain_namings, sizeof plain_namings / sizeof *plain_namings,
                     out);
    c->qkv_bias = vit__read_flag(&r, "query_bias", true);
    c->key_bias = vit__read_flag(&r, "key_bias", false);
    vit__read_expect(&r, "value_bias", c->qkv_bias, true, "a bias on queries alone or on values alone");
    if (c->key_bias && !c->qkv_bias)
        vit__reader_fail(&r, VIT_ERR_UNSUPPORTED_MODEL, "\"key_bias\" is true: this build lacks a bias on keys alone");
    c->projection_bias = vit__read_flag(&r, "proj_bias", true);
    c->mlp_bias = vit__read_flag(&r, "mlp_bias", true);
    c->registers = vit__read_size(&r, "num_register_tokens", 0);
    c->position = VIT__POSITION_NONE;
    c->rotary = (vit__rotary){
        .kind = VIT__ROTARY_DINOV3, .half = true, .theta = vit__read_number(&r, "rope_theta", 100)};
    vit__transformers_dino(c);
    return r.status;
}

static const char *const types[] = {"dinov3_vit", NULL};
static const char *const harmless[] = {"embeddings.mask_token", "rope_embeddings.inv_freq", NULL};

const vit__family vit__family_dinov3 = {"dinov3_vit", VIT__CHECKPOINT_TRANSFORMERS, types, plan, harmless};
