/* SPDX-License-Identifier: BSD-2-Clause */
/* transformers' Swin and SwinV2 (Liu et al. 2021 and 2022): modeling_swin.py, modeling_swinv2.py. */
#include <stdio.h>
#include <string.h>

#include "limit.h"
#include "swin.h"
#include "transformers.h"

#define BLOCK "encoder.layers.%zu.blocks.%zu."
#define MERGING "encoder.layers.%zu.downsample."

#define OUTSIDE_NAMES                                                                                                  \
    [VIT__SLOT_PATCH] = VIT__PAIR("embeddings.patch_embeddings.projection"),                                           \
    [VIT__SLOT_PATCH_NORM] = VIT__PAIR("embeddings.norm"),                                                             \
    [VIT__SLOT_POSITIONS] = VIT__ALONE("embeddings.position_embeddings"),                                              \
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR("layernorm"), VIT__CLASSIFIER_NAME,                                             \
    [VIT__SLOT_MERGE_NORM] = VIT__PAIR(MERGING "norm"), [VIT__SLOT_MERGE] = VIT__ALONE(MERGING "reduction.weight"),    \
    [VIT__SLOT_NORM1] = VIT__PAIR(BLOCK "layernorm_before"), [VIT__SLOT_NORM2] = VIT__PAIR(BLOCK "layernorm_after")

/* Published names. The key of SwinV2 has no bias. */
static const vit__name_set names = {
    OUTSIDE_NAMES,
    VIT__SELF_ATTENTION_NAMES(BLOCK),
    VIT__DENSE_MLP_NAMES(BLOCK),
    [VIT__SLOT_RELATIVE] = VIT__ALONE(BLOCK "attention.self.relative_position_bias_table"),
    [VIT__SLOT_CONTINUOUS1] = VIT__PAIR(BLOCK "attention.self.continuous_position_bias_mlp.0"),
    [VIT__SLOT_CONTINUOUS2] = VIT__ALONE(BLOCK "attention.self.continuous_position_bias_mlp.2.weight"),
    [VIT__SLOT_COSINE_SCALE] = VIT__ALONE(BLOCK "attention.self.logit_scale"),
};

/* As transformers 5 holds Swin in memory. */
static const vit__name_set new_names = {
    OUTSIDE_NAMES,
    VIT__NEW_ATTENTION_NAMES(BLOCK),
    [VIT__SLOT_FC1] = VIT__PAIR(BLOCK "mlp.fc1"),
    [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp.fc2"),
    [VIT__SLOT_RELATIVE] = VIT__ALONE(BLOCK "attention.relative_position_bias.relative_position_bias_table"),
};

static const vit__naming namings[] = {
    {"swin.", names}, {"", names}, {"swin.", new_names}, {"", new_names}, {"swinv2.", names},
};

/* "window_size" is one number, for height and width of all stages. */
static void read_windows(vit__reader *r, vit_config *c)
{
    size_t side = vit__read_size(r, "window_size", 7), pretrained[VIT__LIMIT_MODEL_STAGES] = {0};
    size_t n = vit__read_sizes(r, "pretrained_window_sizes", VIT__LIMIT_MODEL_STAGES, VIT__LIMIT_MODEL_STAGES,
                               pretrained);
    bool continuous = c->relative_bias == VIT__RELATIVE_CONTINUOUS;
    if (continuous && n < c->stages.n)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"pretrained_window_sizes\" has %zu numbers for %zu stages", n,
                         c->stages.n);
    for (size_t i = 0; i < c->stages.n; i++) {
        vit__stage *stage = &c->stages.stage[i];
        stage->window_height = stage->window_width = side;
        stage->pretrained_height = stage->pretrained_width = continuous ? pretrained[i] : 0;
        if (continuous && pretrained[i] == 1)
            vit__reader_fail(r, VIT_ERR_CORRUPT,
                             "\"pretrained_window_sizes\" has a 1, by which nothing can be measured");
    }
}

static void read_positions(vit__reader *r, vit_config *c)
{
    bool absolute = vit__read_flag(r, "use_absolute_embeddings", false);
    c->position = absolute ? VIT__POSITION_LEARNED_PATCHES : VIT__POSITION_NONE;
    c->any_size = !absolute;
    if (absolute && c->position_height == c->position_width) /* another grid is not one that the library resizes */
        c->interpolation = VIT__INTERPOLATION_BICUBIC;
}

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    if (tower != VIT__TOWER_IMAGE)
        return VIT_OK;
    vit__reader r = vit__reader_of(checkpoint, err);
    vit_config *c = &out->config;
    const char *type = vit__read_text(&r, "model_type", "swin");
    bool second = strcmp(type, "swinv2") == 0;
    double ratios[VIT__LIMIT_MODEL_STAGES];
    out->present = true;
    vit__family_name(checkpoint, namings, sizeof namings / sizeof *namings, out);
    snprintf(c->family, sizeof c->family, "%s", type);
    vit__read_extent(&r, "image_size", 224, &c->image_height, &c->image_width);
    vit__transformers_patches(&r, 4, c);
    c->channels = vit__read_size(&r, "num_channels", 3);
    c->norm_eps = c->final_norm_eps = vit__read_number(&r, "layer_norm_eps", 1e-5);
    c->activation = vit__read_activation(&r, "hidden_act", "gelu");
    vit__swin_version(&r, second, c);
    vit__swin_stages(&r, c);
    for (size_t i = 0; i < VIT__LIMIT_MODEL_STAGES; i++)
        ratios[i] = vit__read_number(&r, "mlp_ratio", 4);
    vit__swin_mlp(&r, c, ratios);
    read_windows(&r, c);
    vit__swin_close(c);
    c->stages.fit = second ? VIT__WINDOWS_HEIGHT : VIT__WINDOWS_SMALLER_SIDE;
    c->stages.own_windows = second;
    c->stages.strangers = second ? -200 : -100; /* Swinv2SelfAttention adds the mask twice */
    c->stages.pads_picture = c->stages.merging_ends = true;
    read_positions(&r, c);
    c->pooling = VIT__POOL_MEAN_ALL;
    c->embedding = VIT__EMBEDDING_POOLED;
    c->pooler = vit__read_architecture(&r, "ForMaskedImageModeling") ? VIT__POOLER_NONE : VIT__POOLER_POOLED;
    vit__transformers_head(&r, checkpoint, c->pooling, out);
    return r.status;
}

static const char *const types[] = {"swin", "swinv2", NULL};
/* Buffers of old files; what masked pretraining leaves behind. */
static const char *const harmless[] = {
    "relative_position_index", "relative_coords_table", "attn_mask", "embeddings.mask_token", "decoder.*", NULL};

const vit__family vit__family_swin = {"swin", VIT__CHECKPOINT_TRANSFORMERS, types, plan, harmless};
