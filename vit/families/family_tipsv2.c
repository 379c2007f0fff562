/* SPDX-License-Identifier: BSD-2-Clause */
/* TIPSv2: DINOv2 with one register in its own names, and a text tower whose tokens' mean is the embedding. */
#include <stdio.h>
#include <string.h>

#include "pad_token.h"
#include "transformers.h"

#define BLOCK "blocks.%zu."
#define VISION_NAMES                                                                                                   \
    [VIT__SLOT_PATCH] = VIT__PAIR("patch_embed.proj"), [VIT__SLOT_CLASS_TOKEN] = VIT__ALONE("cls_token"),              \
    [VIT__SLOT_REGISTER_TOKENS] = VIT__ALONE("register_tokens"), [VIT__SLOT_POSITIONS] = VIT__ALONE("pos_embed"),      \
    [VIT__SLOT_NORM1] = VIT__PAIR(BLOCK "norm1"), [VIT__SLOT_QKV] = VIT__PAIR(BLOCK "attn.qkv"),                       \
    [VIT__SLOT_PROJECTION] = VIT__PAIR(BLOCK "attn.proj"), [VIT__SLOT_SCALE1] = VIT__ALONE(BLOCK "ls1.gamma"),         \
    [VIT__SLOT_NORM2] = VIT__PAIR(BLOCK "norm2"), [VIT__SLOT_SCALE2] = VIT__ALONE(BLOCK "ls2.gamma"),                  \
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR("norm"), [VIT__SLOT_LOGIT_SCALE] = VIT__ALONE("^temperature")

static const vit__name_set vision = {
    VISION_NAMES, [VIT__SLOT_FC1] = VIT__PAIR(BLOCK "mlp.c_fc"), [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp.c_proj")};
static const vit__name_set other_vision = {
    VISION_NAMES, [VIT__SLOT_FC1] = VIT__PAIR(BLOCK "mlp.fc1"), [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp.fc2")};
static const vit__name_set gated_vision = {
    VISION_NAMES, [VIT__SLOT_FC1] = VIT__PAIR(BLOCK "mlp.w12"), [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp.w3")};
static const vit__naming namings[] = {
    {"vision_encoder.", vision}, {"vision_encoder.", other_vision}, {"vision_encoder.", gated_vision}};

#define TEXT_BLOCK "transformer.resblocks.%zu."
static const vit__name_set text = {
    [VIT__SLOT_TOKENS] = VIT__ALONE("token_embedding.weight"),
    [VIT__SLOT_NORM1] = VIT__PAIR(TEXT_BLOCK "ln_1"),
    [VIT__SLOT_QKV] = {TEXT_BLOCK "attn.in_proj_weight", TEXT_BLOCK "attn.in_proj_bias", VIT__LAYOUT_PLAIN},
    [VIT__SLOT_PROJECTION] = VIT__PAIR(TEXT_BLOCK "attn.out_proj"),
    [VIT__SLOT_NORM2] = VIT__PAIR(TEXT_BLOCK "ln_2"),
    [VIT__SLOT_FC1] = VIT__PAIR(TEXT_BLOCK "mlp.c_fc"),
    [VIT__SLOT_FC2] = VIT__PAIR(TEXT_BLOCK "mlp.c_proj"),
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR("ln_final"),
    [VIT__SLOT_LOGIT_SCALE] = VIT__ALONE("^temperature"),
};

static void plan_image(const vit__checkpoint *checkpoint, vit__reader *r, vit__plan *out)
{
    vit_config *c = &out->config;
    vit__transformers_encoder(r, 1e-6, c);
    if (!vit__read_has(r, "image_size"))
        c->image_height = c->image_width = 448;
    vit__transformers_patches(r, 14, c);
    double ratio = vit__read_number(r, "mlp_ratio", 4);
    bool gated = vit__read_flag(r, "use_swiglu_ffn", false);
    if (ratio <= 0 || ratio > 1024)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"mlp_ratio\" is %g: it must be above 0 and at most 1024", ratio);
    else
        c->mlp_width = (size_t)((double)c->width * ratio);
    if (gated) { /* two thirds of the plain width, rounded up to a multiple of 8 */
        c->mlp = VIT__MLP_GATED;
        c->mlp_width = (c->mlp_width * 2 / 3 + 7) / 8 * 8;
        c->activation = VIT__ACTIVATION_SILU;
    }
    vit__family_name(checkpoint, namings, sizeof namings / sizeof *namings, out);
    c->registers = vit__read_size(r, "num_register_tokens", 1);
    c->position = VIT__POSITION_LEARNED_CLASS;
    c->interpolation = VIT__INTERPOLATION_BILINEAR_ANTIALIAS;
    vit__transformers_dino(c);
}

static void plan_text(const vit__checkpoint *checkpoint, vit__reader *r, vit__plan *out)
{
    vit_config *c = &out->config;
    out->names = text;
    out->prefix = "text_encoder.";
    c->input = VIT__INPUT_TOKENS;
    c->vocabulary = vit__read_size(r, "vocab_size", 32000);
    c->context = vit__read_size(r, "max_position_embeddings", 64);
    c->width = vit__read_size(r, "hidden_size", 768);
    c->depth = vit__read_size(r, "num_hidden_layers", 12);
    c->heads = vit__read_size(r, "num_attention_heads", 12);
    c->mlp_width = vit__read_size(r, "intermediate_size", 3072);
    c->norm_eps = c->final_norm_eps = vit__read_number(r, "layer_norm_eps", 1e-5);
    c->activation = vit__read_activation(r, "hidden_act", "relu");
    c->qkv_bias = c->key_bias = c->projection_bias = c->mlp_bias = true;
    c->position = VIT__POSITION_SINES;
    c->scaled_tokens = vit__read_flag(r, "scale_sqrt_depth", true);
    c->final_norm = true;
    c->padding = VIT__PADDING_OUTSIDE;
    c->pad_token = vit__read_size(r, "pad_token_id", 0);
    vit__pad_token_read(checkpoint, r, &c->pad_token);
    c->pooling = VIT__POOL_MEAN_ALL;
    c->pooler = VIT__POOLER_POOLED;
    c->embedding = VIT__EMBEDDING_POOLED;
}

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    vit__reader top = vit__reader_of(checkpoint, err);
    bool words = tower == VIT__TOWER_TEXT;
    vit__reader r = vit__reader_inside(&top, vit__json_get(top.object, words ? "text_config" : "vision_config"));
    out->present = true;
    snprintf(out->config.family, sizeof out->config.family, "tipsv2");
    (words ? plan_text : plan_image)(checkpoint, &r, out);
    out->config.logit_scale = out->config.temperature = true;
    return top.status;
}

static const char *const types[] = {"tipsv2", NULL};
static const char *const harmless[] = {"mask_token", NULL};

const vit__family vit__family_tipsv2 = {"tipsv2", VIT__CHECKPOINT_TRANSFORMERS, types, plan, harmless};
