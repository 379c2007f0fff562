/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transformers' ViT and those that only its config's defaults or its head set apart:
 * ViTModel, ViTForImageClassification, ViT-MSN, the encoder of ViT-MAE, I-JEPA.
 */
#include <stdio.h>
#include <string.h>

#include "transformers.h"

/* Published names. */
static const vit__name_set names = {
    VIT__VIT_EMBEDDING_NAMES,
    VIT__CLASSIFIER_NAME,
    VIT__VIT_BLOCK_NAMES("encoder.layer.%zu."),
};

/* As transformers 5 holds them in memory. */
static const vit__name_set new_names = {
    VIT__VIT_EMBEDDING_NAMES,
    VIT__CLASSIFIER_NAME,
    VIT__VIT_NEW_BLOCK_NAMES("layers.%zu."),
};

/* ViTMSNForImageClassification as transformers 5 writes it: blocks outside the prefix. */
static const vit__name_set mixed_names = {
    VIT__VIT_EMBEDDING_NAMES,
    VIT__CLASSIFIER_NAME,
    VIT__VIT_BLOCK_NAMES("^encoder.layer.%zu."),
};

static const vit__naming namings[] = {
    {"vit.", names},       {"", names},       {"vit.", new_names},   {"", new_names},
    {"vit.", mixed_names}, {"ijepa.", names}, {"ijepa.", new_names},
};

/* What sets the four apart. */
typedef struct variant {
    const char *type;
    double eps;
    bool class_token;
    bool pooler; /* may have one */
} variant;

static const variant variants[] = {
    {"vit", 1e-12, true, true},
    {"vit_msn", 1e-6, true, false},
    {"vit_mae", 1e-12, true, false},
    {"ijepa", 1e-12, false, true},
};

static const variant *variant_of(const vit__json *config)
{
    const char *type = vit__json_string(vit__json_get(config, "model_type"));
    for (size_t i = 0; type && i < sizeof variants / sizeof *variants; i++)
        if (strcmp(type, variants[i].type) == 0)
            return &variants[i];
    return &variants[0];
}

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    if (tower != VIT__TOWER_IMAGE)
        return VIT_OK;
    const vit__json *config = vit__checkpoint_config(checkpoint);
    vit__reader r = vit__reader_start(config, vit__checkpoint_config_name(checkpoint), err);
    const variant *v = variant_of(config);
    vit_config *c = &out->config;
    out->present = true;
    vit__family_name(checkpoint, namings, sizeof namings / sizeof *namings, out);
    snprintf(c->family, sizeof c->family, "%s", v->type);
    vit__transformers_encoder(&r, v->eps, c);
    c->class_token = v->class_token;
    c->position = VIT__POSITION_LEARNED_ALL;
    c->final_norm = true;
    c->final_norm_eps = c->norm_eps;
    c->embedding = v->class_token ? VIT__EMBEDDING_CLASS : VIT__EMBEDDING_MEAN;
    c->pooling = v->class_token ? VIT__POOL_CLASS : VIT__POOL_MEAN_ALL;
    if (v->pooler)
        vit__transformers_pooler(&r, checkpoint, out);
    vit__transformers_head(&r, checkpoint, c->pooling, out);
    return r.status;
}

static const char *const types[] = {"vit", "vit_msn", "vit_mae", "ijepa", NULL};
static const char *const harmless[] = {"embeddings.mask_token", "embeddings.position_ids", "decoder.*" /* of ViT-MAE */,
                                       NULL};

const vit__family vit__family_vit = {"vit", VIT__CHECKPOINT_TRANSFORMERS, types, plan, harmless};
