/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transformers' BLIP (Li et al. 2022): a plain Vision Transformer, and BERT without token types beside it. The model
 * for retrieval projects the class tokens of both; BlipModel is laid out as CLIP; of models that write captions the
 * image tower is used. The text encoder's cross attention belongs to another use of the model.
 */
#include <stdio.h>
#include <string.h>

#include "text_encoder.h"
#include "transformers.h"

#define BLOCK "encoder.layers.%zu."
static const vit__name_set vision = {
    [VIT__SLOT_PATCH] = VIT__PAIR("embeddings.patch_embedding"),
    [VIT__SLOT_CLASS_TOKEN] = VIT__ALONE("embeddings.class_embedding"),
    [VIT__SLOT_POSITIONS] = VIT__ALONE("embeddings.position_embedding"),
    [VIT__SLOT_NORM1] = VIT__PAIR(BLOCK "layer_norm1"),
    [VIT__SLOT_QKV] = VIT__PAIR(BLOCK "self_attn.qkv"),
    [VIT__SLOT_PROJECTION] = VIT__PAIR(BLOCK "self_attn.projection"),
    [VIT__SLOT_NORM2] = VIT__PAIR(BLOCK "layer_norm2"),
    [VIT__SLOT_FC1] = VIT__PAIR(BLOCK "mlp.fc1"),
    [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp.fc2"),
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR("post_layernorm"),
    [VIT__SLOT_POOLED_NORM] = VIT__PAIR("post_layernorm"),
    [VIT__SLOT_LOGIT_SCALE] = VIT__ALONE("^logit_scale"),
};
static const vit__naming vision_namings[] = {{"vision_model.", vision}, {"", vision}};

/* What a checkpoint is of. */
typedef enum purpose {
    RETRIEVAL, /* BlipForImageTextRetrieval */
    PAIRS,     /* BlipModel */
    PICTURES   /* BlipVisionModel, and those that write */
} purpose;

static purpose purpose_of(const vit__checkpoint *checkpoint)
{
    bool retrieval = vit__family_has(checkpoint, "vision_proj.weight", "");
    return retrieval ? RETRIEVAL : vit__family_has(checkpoint, "visual_projection.weight", "") ? PAIRS : PICTURES;
}

static void plan_image(const vit__checkpoint *checkpoint, purpose use, vit__reader *top, vit__reader *part,
                       vit__plan *out)
{
    vit_config *c = &out->config;
    vit__transformers_encoder(part, 1e-5, c);
    if (!vit__read_has(part, "image_size"))
        c->image_height = c->image_width = 384;
    vit__transformers_patches(part, 16, c);
    vit__family_name(checkpoint, vision_namings, 2, out);
    vit__plan_compose(out);
    c->qkv_bias = true;
    c->class_token = true;
    c->position = VIT__POSITION_LEARNED_ALL;
    c->final_norm = true;
    c->final_norm_eps = c->pooled_norm_eps = c->norm_eps;
    c->pooling = VIT__POOL_CLASS;
    c->pooled_norm = use != RETRIEVAL; /* the library norms its pooler_output a second time */
    c->pooler = use == PICTURES ? VIT__POOLER_POOLED : VIT__POOLER_NONE;
    c->embedding = use == PICTURES ? VIT__EMBEDDING_POOLED : VIT__EMBEDDING_PROJECTED;
    c->embedding_bias = use == RETRIEVAL;
    out->composed[VIT__SLOT_EMBEDDING] = use == RETRIEVAL ? (vit__name)VIT__PAIR("^vision_proj")
                                                          : (vit__name)VIT__ALONE("^visual_projection.weight");
    c->projection_width = use == RETRIEVAL ? vit__read_size(top, "image_text_hidden_size", 256)
                          : use == PAIRS   ? vit__read_size(top, "projection_dim", 512)
                                           : 0;
}

/* The class token with a bias, or BERT's pooler without one. */
static void plan_text(const vit__checkpoint *checkpoint, purpose use, vit__reader *top, vit__reader *part,
                      vit__plan *out)
{
    vit_config *c = &out->config;
    const vit__text_source source = {.checkpoint = checkpoint,
                                     .config = part,
                                     .model_type = "blip_text_model",
                                     .prefix = use == RETRIEVAL ? "text_encoder." : "text_model."};
    vit__text_encoder_plan(&source, out);
    c->embedding = VIT__EMBEDDING_PROJECTED;
    c->embedding_bias = use == RETRIEVAL;
    out->composed[VIT__SLOT_EMBEDDING] = use == RETRIEVAL ? (vit__name)VIT__PAIR("^text_proj")
                                                          : (vit__name)VIT__ALONE("^text_projection.weight");
    out->composed[VIT__SLOT_LOGIT_SCALE] = (vit__name)VIT__ALONE("^logit_scale");
    c->projection_width = vit__read_size(top, use == RETRIEVAL ? "image_text_hidden_size" : "projection_dim",
                                         use == RETRIEVAL ? 256 : 512);
    if (use == PAIRS) {
        c->dense[0] = (vit__dense){c->width, true, VIT__ACTIVATION_TANH};
        out->composed[VIT__SLOT_DENSE1] = (vit__name)VIT__PAIR("pooler.dense");
    }
}

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    vit__reader top = vit__reader_of(checkpoint, err);
    const vit__json *part = vit__json_get(top.object, tower == VIT__TOWER_TEXT ? "text_config" : "vision_config");
    vit__reader r = vit__reader_inside(&top, vit__json_is_object(part) ? part : top.object);
    purpose use = purpose_of(checkpoint);
    if (tower == VIT__TOWER_TEXT && use == PICTURES)
        return VIT_OK;
    out->present = true;
    snprintf(out->config.family, sizeof out->config.family, "blip");
    (tower == VIT__TOWER_TEXT ? plan_text : plan_image)(checkpoint, use, &top, &r, out);
    out->config.cosine_logits = use == RETRIEVAL;
    out->config.logit_scale = use == PAIRS;
    return top.status;
}

static const char *const types[] = {"blip", "blip_vision_model", NULL};
static const char *const harmless[] = {"embeddings.position_ids", "*crossattention*",  "itm_head.*", "text_decoder.*",
                                       "pooler.dense.weight",     "pooler.dense.bias", NULL};

const vit__family vit__family_blip = {"blip", VIT__CHECKPOINT_TRANSFORMERS, types, plan, harmless};
