/* SPDX-License-Identifier: BSD-2-Clause */
/* transformers' DINOv2 (Oquab et al. 2023), with and without registers (Darcet et al. 2023), plain and SwiGLU. */
#include <stdio.h>
#include <string.h>

#include "transformers.h"

#define EMBEDDING_NAMES                                                                                                \
    VIT__VIT_EMBEDDING_NAMES,                                                                                          \
        VIT__CLASSIFIER_NAME, [VIT__SLOT_REGISTER_TOKENS] = VIT__ALONE("embeddings.register_tokens")

#define BLOCK "encoder.layer.%zu."
#define NORM_NAMES                                                                                                     \
    [VIT__SLOT_NORM1] = VIT__PAIR(BLOCK "norm1"), [VIT__SLOT_NORM2] = VIT__PAIR(BLOCK "norm2"),                        \
    [VIT__SLOT_SCALE1] = VIT__ALONE(BLOCK "layer_scale1.lambda1"),                                                     \
    [VIT__SLOT_SCALE2] = VIT__ALONE(BLOCK "layer_scale2.lambda1")

#define MLP_NAMES [VIT__SLOT_FC1] = VIT__PAIR(BLOCK "mlp.fc1"), [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp.fc2")
#define SWIGLU_NAMES                                                                                                   \
    [VIT__SLOT_FC1] = VIT__PAIR(BLOCK "mlp.weights_in"), [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp.weights_out")
#define NEW_SWIGLU_NAMES                                                                                               \
    [VIT__SLOT_GATE] = VIT__PAIR(BLOCK "mlp.gate_proj"), [VIT__SLOT_UP] = VIT__PAIR(BLOCK "mlp.up_proj"),              \
    [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp.down_proj")

/* Published names, and those that transformers 5 holds in memory. */
static const vit__name_set plain = {EMBEDDING_NAMES, NORM_NAMES, VIT__VIT_ATTENTION_NAMES(BLOCK), MLP_NAMES};
static const vit__name_set new_plain = {EMBEDDING_NAMES, NORM_NAMES, VIT__NEW_ATTENTION_NAMES(BLOCK), MLP_NAMES};
static const vit__name_set swiglu = {EMBEDDING_NAMES, NORM_NAMES, VIT__VIT_ATTENTION_NAMES(BLOCK), SWIGLU_NAMES};
static const vit__name_set new_swiglu = {EMBEDDING_NAMES, NORM_NAMES, VIT__NEW_ATTENTION_NAMES(BLOCK),
                                         NEW_SWIGLU_NAMES};

/* clang-format off */
#define WITH_PREFIXES(names) {"dinov2.", names}, {"dinov2_with_registers.", names}, {"", names}
/* clang-format on */

static const vit__naming plain_namings[] = {WITH_PREFIXES(plain), WITH_PREFIXES(new_plain)};
static const vit__naming swiglu_namings[] = {WITH_PREFIXES(swiglu), WITH_PREFIXES(new_swiglu)};

/* Dinov2SwiGLUFFN: two thirds of the plain width, rounded up to a multiple of 8. */
static size_t swiglu_width(size_t plain_width)
{
    return (plain_width * 2 / 3 + 7) / 8 * 8;
}

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    if (tower != VIT__TOWER_IMAGE)
        return VIT_OK;
    const vit__json *config = vit__checkpoint_config(checkpoint);
    vit__reader r = vit__reader_start(config, vit__checkpoint_config_name(checkpoint), err);
    bool registers = strcmp(vit__read_text(&r, "model_type", ""), "dinov2_with_registers") == 0;
    vit_config *c = &out->config;
    out->present = true;
    snprintf(c->family, sizeof c->family, "%s", registers ? "dinov2_with_registers" : "dinov2");
    vit__transformers_encoder(&r, 1e-6, c);
    vit__transformers_patches(&r, registers ? 16 : 14, c);
    bool gated = vit__read_flag(&r, "use_swiglu_ffn", false);
    double ratio = vit__read_number(&r, "mlp_ratio", 4);
    if (ratio <= 0 || ratio > 1024)
        vit__reader_fail(&r, VIT_ERR_CORRUPT, "\"mlp_ratio\" is %g: it must be above 0 and at most 1024", ratio);
    else
        c->mlp_width = (size_t)((double)c->width * ratio);
    if (gated) {
        c->mlp = VIT__MLP_GATED;
        c->mlp_width = swiglu_width(c->mlp_width);
        c->activation = VIT__ACTIVATION_SILU;
    }
    vit__family_name(checkpoint, gated ? swiglu_namings : plain_namings, sizeof plain_namings / sizeof *plain_namings,
                     out);
    c->registers = registers ? vit__read_size(&r, "num_register_tokens", 4) : 0;
    c->position = registers ? VIT__POSITION_LEARNED_CLASS : VIT__POSITION_LEARNED_ALL;
    c->interpolation = registers ? VIT__INTERPOLATION_BICUBIC_ANTIALIAS : VIT__INTERPOLATION_BICUBIC;
    vit__transformers_dino(c);
    vit__transformers_head(&r, checkpoint, VIT__POOL_CLASS_AND_MEAN, out);
    if (c->head != VIT__HEAD_NONE)
        c->pooler = VIT__POOLER_NONE; /* the classifier returns none */
    return r.status;
}

static const char *const types[] = {"dinov2", "dinov2_with_registers", NULL};
static const char *const harmless[] = {"embeddings.mask_token", NULL};

const vit__family vit__family_dinov2 = {"dinov2", VIT__CHECKPOINT_TRANSFORMERS, types, plan, harmless};
