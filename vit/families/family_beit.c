/* SPDX-License-Identifier: BSD-2-Clause */
/* transformers' BEiT (Bao et al. 2021) and Data2VecVision (Baevski et al. 2022): relative positions, layer scale. */
#include <stdio.h>
#include <string.h>

#include "transformers.h"

#define EMBEDDING_NAMES                                                                                                \
    VIT__VIT_EMBEDDING_NAMES, VIT__CLASSIFIER_NAME, [VIT__SLOT_POOLED_NORM] = VIT__PAIR("pooler.layernorm")

#define SCALE_NAMES(block)                                                                                             \
    [VIT__SLOT_SCALE1] = VIT__ALONE(block "lambda_1"), [VIT__SLOT_SCALE2] = VIT__ALONE(block "lambda_2")

#define TABLE "relative_position_bias.relative_position_bias_table"

static const vit__name_set names = {
    EMBEDDING_NAMES,
    SCALE_NAMES("encoder.layer.%zu."),
    VIT__VIT_BLOCK_NAMES("encoder.layer.%zu."),
    [VIT__SLOT_RELATIVE] = VIT__ALONE("encoder.layer.%zu.attention.attention." TABLE),
    [VIT__SLOT_RELATIVE_SHARED] = VIT__ALONE("encoder." TABLE),
};

/* As transformers 5 holds them in memory. */
static const vit__name_set new_names = {
    EMBEDDING_NAMES,
    SCALE_NAMES("layers.%zu."),
    VIT__VIT_NEW_BLOCK_NAMES("layers.%zu."),
    [VIT__SLOT_RELATIVE] = VIT__ALONE("layers.%zu.attention." TABLE),
    [VIT__SLOT_RELATIVE_SHARED] = VIT__ALONE("shared_position_bias.relative_position_bias_table"),
};

static const vit__naming namings[] = {
    {"beit.", names},     {"data2vec_vision.", names},     {"", names},
    {"beit.", new_names}, {"data2vec_vision.", new_names}, {"", new_names},
};

/* pooler_output is part of the model unless its tensors tell otherwise; a class token needs none. */
static void plan_pooling(vit__reader *r, const vit__checkpoint *checkpoint, vit__plan *out)
{
    vit_config *c = &out->config;
    bool mean = vit__read_flag(r, "use_mean_pooling", true);
    bool pooler = !mean || vit__read_architecture(r, "ForImageClassification") ||
                  vit__family_has(checkpoint, out->names[VIT__SLOT_POOLED_NORM].weight, out->prefix);
    c->final_norm = !mean;
    c->final_norm_eps = c->pooled_norm_eps = c->norm_eps;
    c->pooled_norm = mean && pooler;
    c->pooling = mean ? VIT__POOL_MEAN_PATCHES : VIT__POOL_CLASS;
    c->pooler = pooler ? VIT__POOLER_POOLED : VIT__POOLER_NONE;
    c->embedding = mean ? VIT__EMBEDDING_POOLED : VIT__EMBEDDING_CLASS;
}

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    if (tower != VIT__TOWER_IMAGE)
        return VIT_OK;
    vit__reader r = vit__reader_of(checkpoint, err);
    vit_config *c = &out->config;
    out->present = true;
    vit__family_name(checkpoint, namings, sizeof namings / sizeof *namings, out);
    snprintf(c->family, sizeof c->family, "%s", vit__read_text(&r, "model_type", "beit"));
    vit__transformers_encoder(&r, 1e-12, c);
    c->qkv_bias = true;
    c->key_bias = false;
    c->class_token = true;
    c->position = vit__read_flag(&r, "use_absolute_position_embeddings", false) ? VIT__POSITION_LEARNED_ALL
                                                                                : VIT__POSITION_NONE;
    bool shared = vit__read_flag(&r, "use_shared_relative_position_bias", false);
    bool relative = vit__read_flag(&r, "use_relative_position_bias", false);
    if (shared && relative)
        vit__reader_fail(&r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"use_shared_relative_position_bias\" and \"use_relative_position_bias\" are both true: this "
                         "build lacks the two together");
    c->relative_bias = shared ? VIT__RELATIVE_SHARED : relative ? VIT__RELATIVE_PER_BLOCK : VIT__RELATIVE_NONE;
    c->attention_scale = c->mlp_scale = vit__read_number(&r, "layer_scale_init_value", 0.1) > 0;
    plan_pooling(&r, checkpoint, out);
    vit__transformers_head(&r, checkpoint, c->pooling, out);
    return r.status;
}

static const char *const types[] = {"beit", "data2vec-vision", NULL};
/* lm_head and the norm ahead of it belong to BeitForMaskedImageModeling. */
static const char *const harmless[] = {"embeddings.mask_token", "relative_position_index", "lm_head.*", "layernorm.*",
                                       NULL};

const vit__family vit__family_beit = {"beit", VIT__CHECKPOINT_TRANSFORMERS, types, plan, harmless};
