/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transformers' CLIP (Radford et al. 2021) and SigLIP (Zhai et al. 2023), which share names and structure: both towers,
 * one alone, with and without projection, and their image classifiers. What sets the two apart is the table `kinds`.
 */
#include <stdio.h>
#include <string.h>

#include "transformers.h"

#define BLOCK "encoder.layers.%zu."
#define BLOCK_NAMES                                                                                                    \
    [VIT__SLOT_NORM1] = VIT__PAIR(BLOCK "layer_norm1"), [VIT__SLOT_QUERY] = VIT__PAIR(BLOCK "self_attn.q_proj"),       \
    [VIT__SLOT_KEY] = VIT__PAIR(BLOCK "self_attn.k_proj"), [VIT__SLOT_VALUE] = VIT__PAIR(BLOCK "self_attn.v_proj"),    \
    [VIT__SLOT_PROJECTION] = VIT__PAIR(BLOCK "self_attn.out_proj"),                                                    \
    [VIT__SLOT_NORM2] = VIT__PAIR(BLOCK "layer_norm2"), [VIT__SLOT_FC1] = VIT__PAIR(BLOCK "mlp.fc1"),                  \
    [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp.fc2")

#define VISION_NAMES                                                                                                   \
    [VIT__SLOT_PATCH] = VIT__PAIR("embeddings.patch_embedding"),                                                       \
    [VIT__SLOT_POSITIONS] = VIT__ALONE_FLAT("embeddings.position_embedding.weight"), BLOCK_NAMES,                      \
    VIT__CLASSIFIER_NAME, [VIT__SLOT_LOGIT_SCALE] = VIT__ALONE("^logit_scale"),                                        \
    [VIT__SLOT_LOGIT_BIAS] = VIT__ALONE("^logit_bias")

#define TEXT_NAMES                                                                                                     \
    [VIT__SLOT_TOKENS] = VIT__ALONE("embeddings.token_embedding.weight"),                                              \
    [VIT__SLOT_POSITIONS] = VIT__ALONE_FLAT("embeddings.position_embedding.weight"),                                   \
    BLOCK_NAMES, [VIT__SLOT_FINAL_NORM] = VIT__PAIR("final_layer_norm"),                                               \
    [VIT__SLOT_LOGIT_SCALE] = VIT__ALONE("^logit_scale"), [VIT__SLOT_LOGIT_BIAS] = VIT__ALONE("^logit_bias")

static const vit__name_set clip_vision = {
    VISION_NAMES,
    [VIT__SLOT_CLASS_TOKEN] = VIT__ALONE_FLAT("embeddings.class_embedding"),
    [VIT__SLOT_PRE_NORM] = VIT__PAIR("pre_layrnorm"), /* sic */
    [VIT__SLOT_POOLED_NORM] = VIT__PAIR("post_layernorm"),
    [VIT__SLOT_EMBEDDING] = VIT__ALONE("^visual_projection.weight"),
};

static const vit__name_set clip_text = {TEXT_NAMES, [VIT__SLOT_EMBEDDING] = VIT__ALONE("^text_projection.weight")};

static const vit__name_set siglip_vision = {
    VISION_NAMES,
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR("post_layernorm"),
    [VIT__SLOT_POOL_LATENT] = VIT__ALONE("head.probe"),
    [VIT__SLOT_POOL_QKV] = {"head.attention.in_proj_weight", "head.attention.in_proj_bias", VIT__LAYOUT_PLAIN},
    [VIT__SLOT_POOL_PROJECTION] = VIT__PAIR("head.attention.out_proj"),
    [VIT__SLOT_POOL_NORM] = VIT__PAIR("head.layernorm"),
    [VIT__SLOT_POOL_FC1] = VIT__PAIR("head.mlp.fc1"),
    [VIT__SLOT_POOL_FC2] = VIT__PAIR("head.mlp.fc2"),
};

static const vit__name_set siglip_text = {TEXT_NAMES, [VIT__SLOT_EMBEDDING] = VIT__PAIR("head")};

/* The defaults of CLIPVisionConfig, CLIPTextConfig, SiglipVisionConfig and SiglipTextConfig, and their names. */
typedef struct kind {
    const char *name;
    bool siglip;
    const vit__name *names[VIT__TOWERS];
    const char *activation;
    double eps;
    size_t patch, text_width, text_mlp, text_heads, vocabulary, context;
} kind;

static const kind clip = {"clip", false, {clip_vision, clip_text}, "quick_gelu", 1e-5, 32, 512, 2048, 8, 49408, 77};
static const kind siglip = {"siglip", true, {siglip_vision, siglip_text}, "gelu_pytorch_tanh", 1e-6, 16, 768, 3072, 12,
                            32000,    64};

/* What there is in a checkpoint: by its architecture, or by its tensors where the architecture does not say. */
typedef struct source {
    const kind *kind;
    const vit__checkpoint *checkpoint;
    vit__reader top, part; /* the config, and the tower's part of it */
    bool both;             /* the full model */
} source;

static bool has_tower(const source *s, vit__tower tower)
{
    bool text = tower == VIT__TOWER_TEXT;
    const char *first = text ? "embeddings.token_embedding.weight" : "embeddings.patch_embedding.weight";
    const char *type = vit__json_string(vit__json_get(s->top.object, "model_type"));
    bool alone = type && strstr(type, text ? "_text_model" : "_vision_model");
    return s->both || alone || vit__family_has(s->checkpoint, first, text ? "text_model." : "vision_model.");
}

/* The sub-config, or the config itself where the checkpoint is of one tower. CLIP's
 * configs of 2021 say it twice, and what stands under ..._config_dict holds. */
static const vit__json *part_of(const vit__json *config, vit__tower tower)
{
    static const char *const keys[] = {"vision_config", "text_config"};
    static const char *const old_keys[] = {"vision_config_dict", "text_config_dict"};
    const char *type = vit__json_string(vit__json_get(config, "model_type"));
    const vit__json *part = vit__json_get(config, old_keys[tower]);
    if (!vit__json_is_object(part))
        part = vit__json_get(config, keys[tower]);
    bool alone = type && (strstr(type, "_text_model") || strstr(type, "_vision_model"));
    return alone && !vit__json_is_object(part) ? config : part;
}

static void name_tower(const source *s, vit__tower tower, vit__plan *out)
{
    const vit__name *names = s->kind->names[tower];
    const vit__naming namings[] = {{tower == VIT__TOWER_TEXT ? "text_model." : "vision_model.", names}, {"", names}};
    vit__family_name(s->checkpoint, namings, 2, out);
}

static void plan_comparison(source *s, vit_config *c)
{
    c->logit_scale = s->both;
    c->logit_bias = s->both && s->kind->siglip;
    c->sigmoid_logits = s->kind->siglip;
}

/* CLIP: post_layernorm on the class token alone; image features are its projection. */
static void plan_clip_pooling(source *s, vit__plan *out)
{
    vit_config *c = &out->config;
    bool projected = s->both || vit__read_architecture(&s->top, "WithProjection");
    size_t width = vit__read_size(&s->part, "projection_dim", 512);
    c->class_token = true;
    c->pre_norm = true;
    c->pre_norm_eps = c->pooled_norm_eps = c->norm_eps;
    c->pooled_norm = true;
    c->pooling = VIT__POOL_CLASS;
    c->projection_width = !projected ? 0 : s->both ? vit__read_size(&s->top, "projection_dim", 512) : width;
    c->embedding = projected ? VIT__EMBEDDING_PROJECTED : VIT__EMBEDDING_POOLED;
    c->pooler = s->both ? VIT__POOLER_EMBEDDING : projected ? VIT__POOLER_NONE : VIT__POOLER_POOLED;
    vit__transformers_head(&s->top, s->checkpoint, VIT__POOL_MEAN_PATCHES, out);
    if (c->head != VIT__HEAD_NONE)
        c->pooler = VIT__POOLER_NONE;
}

/* SigLIP: post_layernorm on all tokens, attention pooling; the classifier reads the mean of the tokens. */
static void plan_siglip_pooling(source *s, vit__plan *out)
{
    vit_config *c = &out->config;
    vit__transformers_head(&s->top, s->checkpoint, VIT__POOL_MEAN_ALL, out);
    bool pool = vit__read_flag(&s->part, "vision_use_head", true) &&
                (c->head == VIT__HEAD_NONE || vit__family_has(s->checkpoint, "head.probe", out->prefix));
    c->patch_bias = true;
    c->final_norm = true;
    c->final_norm_eps = c->norm_eps;
    c->pooling = VIT__POOL_MEAN_ALL;
    c->embedding = VIT__EMBEDDING_MEAN;
    if (!pool)
        return;
    c->pool_heads = c->heads;
    c->pool_mlp_width = c->mlp_width;
    c->pool_norm_eps = c->norm_eps;
    c->pool_activation = c->activation;
    c->pool_query_projected = c->pool_bias = true;
    c->pooling = VIT__POOL_ATTENTION;
    c->embedding = VIT__EMBEDDING_POOLED;
    c->pooler = c->head == VIT__HEAD_NONE ? VIT__POOLER_POOLED : VIT__POOLER_NONE;
}

static void plan_image(source *s, vit__plan *out)
{
    vit_config *c = &out->config;
    vit__transformers_encoder(&s->part, s->kind->eps, c);
    vit__transformers_patches(&s->part, s->kind->patch, c);
    c->activation = vit__read_activation(&s->part, "hidden_act", s->kind->activation);
    c->qkv_bias = true;
    c->patch_bias = false;
    c->position = VIT__POSITION_LEARNED_ALL;
    (s->kind->siglip ? plan_siglip_pooling : plan_clip_pooling)(s, out);
}

static void plan_text(source *s, vit__plan *out)
{
    const kind *k = s->kind;
    vit__reader *r = &s->part;
    vit_config *c = &out->config;
    c->input = VIT__INPUT_TOKENS;
    c->vocabulary = vit__read_size(r, "vocab_size", k->vocabulary);
    c->context = vit__read_size(r, "max_position_embeddings", k->context);
    c->width = vit__read_size(r, "hidden_size", k->text_width);
    c->depth = vit__read_size(r, "num_hidden_layers", 12);
    c->heads = vit__read_size(r, "num_attention_heads", k->text_heads);
    c->mlp_width = vit__read_size(r, "intermediate_size", k->text_mlp);
    c->norm_eps = c->final_norm_eps = vit__read_number(r, "layer_norm_eps", k->eps);
    c->activation = vit__read_activation(r, "hidden_act", k->activation);
    c->qkv_bias = c->key_bias = c->projection_bias = c->mlp_bias = true;
    c->position = VIT__POSITION_LEARNED_ALL;
    c->final_norm = true;
    c->causal = !k->siglip;
    if (k->siglip) {
        c->pooling = VIT__POOL_LAST;
        c->projection_width = vit__read_size(r, "projection_size", c->width);
        c->embedding_bias = true;
    } else {
        bool projected = s->both || vit__read_architecture(&s->top, "WithProjection");
        c->end_token = vit__read_size(r, "eos_token_id", 49407);
        c->pooling = c->end_token == 2 ? VIT__POOL_LARGEST : VIT__POOL_END; /* transformers keeps to an old mistake */
        c->projection_width = !projected ? 0 : vit__read_size(s->both ? &s->top : r, "projection_dim", 512);
    }
    c->embedding = c->projection_width ? VIT__EMBEDDING_PROJECTED : VIT__EMBEDDING_POOLED;
    c->pooler = c->projection_width ? VIT__POOLER_EMBEDDING : VIT__POOLER_POOLED;
}

static vit_status plan(const kind *k, const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out,
                       vit_error *err)
{
    const vit__json *config = vit__checkpoint_config(checkpoint);
    const char *where = vit__checkpoint_config_name(checkpoint);
    source s = {.kind = k, .checkpoint = checkpoint, .top = vit__reader_start(config, where, err)};
    s.part = vit__reader_inside(&s.top, part_of(config, tower));
    bool text = vit__family_has(checkpoint, "embeddings.token_embedding.weight", "text_model.");
    bool image = vit__family_has(checkpoint, "embeddings.patch_embedding.weight", "vision_model.");
    s.both = vit__read_architecture(&s.top, k->siglip ? "SiglipModel" : "CLIPModel") || (text && image);
    out->present = has_tower(&s, tower);
    if (!out->present)
        return s.top.status;
    snprintf(out->config.family, sizeof out->config.family, "%s", k->name);
    name_tower(&s, tower, out);
    (tower == VIT__TOWER_TEXT ? plan_text : plan_image)(&s, out);
    plan_comparison(&s, &out->config);
    return s.top.status;
}

static vit_status plan_of_clip(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    return plan(&clip, checkpoint, tower, out, err);
}

static vit_status plan_of_siglip(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    return plan(&siglip, checkpoint, tower, out, err);
}

static const char *const clip_types[] = {"clip", "clip_vision_model", "clip_text_model", NULL};
static const char *const siglip_types[] = {"siglip", "siglip_vision_model", "siglip_text_model", NULL};
static const char *const harmless[] = {"embeddings.position_ids", NULL};

const vit__family vit__family_clip = {"clip", VIT__CHECKPOINT_TRANSFORMERS, clip_types, plan_of_clip, harmless};
const vit__family vit__family_siglip = {"siglip", VIT__CHECKPOINT_TRANSFORMERS, siglip_types, plan_of_siglip, harmless};
