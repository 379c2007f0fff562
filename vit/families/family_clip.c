/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transformers' CLIP (Radford et al. 2021) and SigLIP (Zhai et al. 2023), which share names and structure: both towers,
 * one alone, with and without projection, and their image classifiers. MetaCLIP 2 is CLIP that reads its texts
 * otherwise; SigLIP 2 NaFlex (Tschannen et al. 2025) is SigLIP whose pictures keep their aspect; Chinese-CLIP and
 * AltCLIP have CLIP's image tower, and BERT or XLM-RoBERTa beside it. What sets them apart is the table `kinds`.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text_encoder.h"
#include "transformers.h"

#define BLOCK_NAMES(block)                                                                                             \
    [VIT__SLOT_NORM1] = VIT__PAIR(block "layer_norm1"), [VIT__SLOT_QUERY] = VIT__PAIR(block "self_attn.q_proj"),       \
    [VIT__SLOT_KEY] = VIT__PAIR(block "self_attn.k_proj"), [VIT__SLOT_VALUE] = VIT__PAIR(block "self_attn.v_proj"),    \
    [VIT__SLOT_PROJECTION] = VIT__PAIR(block "self_attn.out_proj"),                                                    \
    [VIT__SLOT_NORM2] = VIT__PAIR(block "layer_norm2"), [VIT__SLOT_FC1] = VIT__PAIR(block "mlp.fc1"),                  \
    [VIT__SLOT_FC2] = VIT__PAIR(block "mlp.fc2")
#define BLOCK "encoder.layers.%zu."

#define VISION_NAMES(block)                                                                                            \
    [VIT__SLOT_POSITIONS] = VIT__ALONE_FLAT("embeddings.position_embedding.weight"), BLOCK_NAMES(block),               \
    VIT__CLASSIFIER_NAME, [VIT__SLOT_LOGIT_SCALE] = VIT__ALONE("^logit_scale"),                                        \
    [VIT__SLOT_LOGIT_BIAS] = VIT__ALONE("^logit_bias")

#define TEXT_NAMES                                                                                                     \
    [VIT__SLOT_TOKENS] = VIT__ALONE("embeddings.token_embedding.weight"),                                              \
    [VIT__SLOT_POSITIONS] = VIT__ALONE_FLAT("embeddings.position_embedding.weight"),                                   \
    BLOCK_NAMES(BLOCK), [VIT__SLOT_FINAL_NORM] = VIT__PAIR("final_layer_norm"),                                        \
    [VIT__SLOT_LOGIT_SCALE] = VIT__ALONE("^logit_scale"), [VIT__SLOT_LOGIT_BIAS] = VIT__ALONE("^logit_bias")

/* pre_layrnorm: sic */
#define CLIP_NAMES(block)                                                                                              \
    VISION_NAMES(block), [VIT__SLOT_PATCH] = VIT__PAIR("embeddings.patch_embedding"),                                  \
                         [VIT__SLOT_CLASS_TOKEN] = VIT__ALONE_FLAT("embeddings.class_embedding"),                      \
                         [VIT__SLOT_PRE_NORM] = VIT__PAIR("pre_layrnorm"),                                             \
                         [VIT__SLOT_POOLED_NORM] = VIT__PAIR("post_layernorm"),                                        \
                         [VIT__SLOT_EMBEDDING] = VIT__ALONE("^visual_projection.weight")
static const vit__name_set clip_vision = {CLIP_NAMES(BLOCK)};
static const vit__name_set altclip_vision = {CLIP_NAMES("encoder.layer.%zu.")}; /* as transformers 5 writes AltCLIP */

static const vit__name_set clip_text = {TEXT_NAMES, [VIT__SLOT_EMBEDDING] = VIT__ALONE("^text_projection.weight")};

#define SIGLIP_NAMES                                                                                                   \
    VISION_NAMES(BLOCK),                                                                                               \
        [VIT__SLOT_FINAL_NORM] = VIT__PAIR("post_layernorm"), [VIT__SLOT_POOL_LATENT] = VIT__ALONE("head.probe"),      \
        [VIT__SLOT_POOL_QKV] = {"head.attention.in_proj_weight", "head.attention.in_proj_bias", VIT__LAYOUT_PLAIN},    \
        [VIT__SLOT_POOL_PROJECTION] = VIT__PAIR("head.attention.out_proj"),                                            \
        [VIT__SLOT_POOL_NORM] = VIT__PAIR("head.layernorm"), [VIT__SLOT_POOL_FC1] = VIT__PAIR("head.mlp.fc1"),         \
        [VIT__SLOT_POOL_FC2] = VIT__PAIR("head.mlp.fc2")

#define VISION_PATCH(layout)                                                                                           \
    {                                                                                                                  \
        "embeddings.patch_embedding.weight", "embeddings.patch_embedding.bias", layout                                 \
    }

static const vit__name_set siglip_vision = {SIGLIP_NAMES, [VIT__SLOT_PATCH] = VISION_PATCH(VIT__LAYOUT_PLAIN)};
static const vit__name_set siglip2_vision = {SIGLIP_NAMES, [VIT__SLOT_PATCH] = VISION_PATCH(VIT__LAYOUT_PIXELS)};

static const vit__name_set siglip_text = {TEXT_NAMES, [VIT__SLOT_EMBEDDING] = VIT__PAIR("head")};

/* The defaults of CLIPVisionConfig, CLIPTextConfig, SiglipVisionConfig and SiglipTextConfig, and their names. */
typedef struct kind {
    const char *name, *model; /* of the family, and the class of the full model */
    bool siglip, naflex;      /* naflex: pictures have sizes of their own */
    const vit__name *names[VIT__TOWERS];
    const char *activation;
    double eps;
    size_t patch, text_width, text_mlp, text_heads, vocabulary, context, projection;
    bool first_end;      /* the text is read at its first eos_token_id, also if that is 2 */
    const char *encoder; /* a row of text_encoder.h in place of the text tower; NULL: none */
    const char *prefix;  /* of its tensors */
    bool transformation; /* all its tokens are normed and transformed */
    bool dual; /* both parts are models by themselves, and their own configs say which; BERT's pooler is read */
} kind;

#define CLIP_SIZES                                                                                                     \
    .activation = "quick_gelu", .eps = 1e-5, .patch = 32, .text_width = 512, .text_mlp = 2048, .text_heads = 8,        \
    .vocabulary = 49408, .context = 77
static const kind clip = {
    .name = "clip", .model = "CLIPModel", .names = {clip_vision, clip_text}, CLIP_SIZES, .projection = 512};
static const kind metaclip = {.name = "metaclip_2",
                              .model = "MetaClip2Model",
                              .names = {clip_vision, clip_text},
                              CLIP_SIZES,
                              .projection = 512,
                              .first_end = true};
static const kind chinese_clip = {.name = "chinese_clip",
                                  .model = "ChineseCLIPModel",
                                  .names = {clip_vision, clip_text},
                                  CLIP_SIZES,
                                  .projection = 512,
                                  .encoder = "bert",
                                  .prefix = "text_model."};
static const kind altclip = {.name = "altclip",
                             .model = "AltCLIPModel",
                             .names = {clip_vision, clip_text},
                             CLIP_SIZES,
                             .projection = 768,
                             .encoder = "altclip_text_model",
                             .prefix = "text_model.roberta.",
                             .transformation = true};
static const kind dual = {.name = "vision-text-dual-encoder",
                          .model = "VisionTextDualEncoderModel",
                          .names = {clip_vision, clip_text},
                          CLIP_SIZES,
                          .projection = 512,
                          .encoder = "bert",
                          .prefix = "text_model.",
                          .dual = true};
#define SIGLIP_SIZES                                                                                                   \
    .siglip = true, .activation = "gelu_pytorch_tanh", .eps = 1e-6, .patch = 16, .text_width = 768, .text_mlp = 3072,  \
    .text_heads = 12, .vocabulary = 32000, .context = 64
static const kind siglip = {
    .name = "siglip", .model = "SiglipModel", .names = {siglip_vision, siglip_text}, SIGLIP_SIZES};
static const kind siglip2 = {
    .name = "siglip2", .model = "Siglip2Model", .names = {siglip2_vision, siglip_text}, SIGLIP_SIZES, .naflex = true};

/* What there is in a checkpoint: by its architecture, or by its tensors where the architecture does not say. */
typedef struct source {
    const kind *kind;
    const vit__checkpoint *checkpoint;
    vit__reader top, part; /* the config, and the tower's part of it */
    bool both;             /* the full model */
} source;

static const char *image_prefix(const kind *k)
{
    return k->dual ? "vision_model.vision_model." : "vision_model.";
}

/* Its first tensor, where the checkpoint may hold both towers. */
static bool has_first_tensor(const source *s, vit__tower tower)
{
    if (tower == VIT__TOWER_IMAGE)
        return vit__family_has(s->checkpoint, "embeddings.patch_embedding.weight", image_prefix(s->kind)) ||
               vit__family_has(s->checkpoint, "embeddings.patch_embedding.weight", "vision_model.");
    return s->kind->encoder ? vit__family_has(s->checkpoint, "embeddings.word_embeddings.weight", s->kind->prefix)
                            : vit__family_has(s->checkpoint, "embeddings.token_embedding.weight", "text_model.");
}

static bool has_tower(const source *s, vit__tower tower)
{
    bool text = tower == VIT__TOWER_TEXT;
    const char *type = vit__json_string(vit__json_get(s->top.object, "model_type"));
    bool alone = type && strstr(type, text ? "_text_model" : "_vision_model");
    return s->both || alone || has_first_tensor(s, tower);
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
    bool text = tower == VIT__TOWER_TEXT; /* transformers 5 drops the inner of two prefixes */
    const vit__naming namings[] = {{text ? "text_model." : image_prefix(s->kind), names},
                                   {text ? "text_model." : "vision_model.", names},
                                   {"", names},
                                   {"vision_model.", altclip_vision}};
    const size_t all = sizeof namings / sizeof *namings;
    vit__family_name(s->checkpoint, namings, s->kind->transformation && !text ? all : all - 1, out);
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
    size_t most = s->kind->projection, width = vit__read_size(&s->part, "projection_dim", most);
    c->class_token = true;
    c->pre_norm = true;
    c->pre_norm_eps = c->pooled_norm_eps = c->norm_eps;
    c->pooled_norm = true;
    c->pooling = VIT__POOL_CLASS;
    c->projection_width = !projected ? 0 : s->both ? vit__read_size(&s->top, "projection_dim", most) : width;
    c->embedding = projected ? VIT__EMBEDDING_PROJECTED : VIT__EMBEDDING_POOLED;
    bool apart = s->kind->transformation || s->kind->dual; /* their towers are run without the projection */
    c->pooler = s->both && !apart       ? VIT__POOLER_EMBEDDING
                : projected && !s->both ? VIT__POOLER_NONE
                                        : VIT__POOLER_POOLED;
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

/* Siglip2VisionEmbeddings: a square table of positions, which is interpolated to the patches of each picture. How many
 * there may be is the image processor's to say; what stands here is its default. */
static void plan_naflex(source *s, vit_config *c)
{
    size_t patches = vit__read_size(&s->part, "num_patches", 256), edge = (size_t)sqrt((double)patches);
    if (edge * edge != patches)
        vit__reader_fail(&s->part, VIT_ERR_CORRUPT, "\"num_patches\" is %zu: the table of positions is no square",
                         patches);
    c->channels = vit__read_size(&s->part, "num_channels", 3);
    vit__read_extent(&s->part, "patch_size", s->kind->patch, &c->patch_height, &c->patch_width);
    if (c->patch_height != c->patch_width)
        vit__reader_fail(&s->part, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"patch_size\" is %zux%zu: pictures with sizes of their own have square patches",
                         c->patch_height, c->patch_width);
    c->position = VIT__POSITION_LEARNED_PATCHES;
    c->position_height = c->position_width = edge;
    c->interpolation = VIT__INTERPOLATION_BILINEAR_ANTIALIAS;
    c->any_size = true;
    c->image_height = c->image_width = 0;
    c->patches_most = 256;
}

static void plan_image(source *s, vit__plan *out)
{
    vit_config *c = &out->config;
    const char *type = vit__read_text(&s->part, "model_type", "");
    if (s->kind->dual && strcmp(type, "clip_vision_model") != 0)
        vit__reader_fail(&s->part, VIT_ERR_UNSUPPORTED_MODEL,
                         "the vision_config is of \"%.40s\": this build has clip_vision_model beside a text encoder",
                         type);
    vit__transformers_encoder(&s->part, s->kind->eps, c);
    c->position = VIT__POSITION_LEARNED_ALL;
    if (s->kind->naflex)
        plan_naflex(s, c);
    else
        vit__transformers_patches(&s->part, s->kind->patch, c);
    c->activation = vit__read_activation(&s->part, "hidden_act", s->kind->activation);
    c->qkv_bias = true;
    c->patch_bias = false;
    (s->kind->siglip ? plan_siglip_pooling : plan_clip_pooling)(s, out);
}

/* An encoder of transformers: its first token, transformed where the kind says so, and projected. */
static void plan_encoder(source *s, vit__plan *out)
{
    const kind *k = s->kind;
    vit_config *c = &out->config;
    const bool alone = !has_first_tensor(s, VIT__TOWER_TEXT);
    const vit__text_source encoder = {.checkpoint = s->checkpoint,
                                      .config = &s->part,
                                      .model_type = k->dual ? vit__read_text(&s->part, "model_type", k->encoder)
                                                            : k->encoder,
                                      .prefix = !alone              ? k->prefix
                                                : k->transformation ? "roberta."
                                                                    : ""};
    vit__text_encoder_plan(&encoder, out);
    out->composed[VIT__SLOT_LOGIT_SCALE] = (vit__name)VIT__ALONE("^logit_scale");
    out->composed[VIT__SLOT_EMBEDDING] = (vit__name)VIT__ALONE("^text_projection.weight");
    if (k->transformation) {
        c->final_norm = true;
        c->final_norm_eps = c->norm_eps;
        c->transformation_width = vit__read_size(&s->part, "project_dim", 768);
        out->composed[VIT__SLOT_FINAL_NORM] = alone ? (vit__name)VIT__PAIR("^pre_LN")
                                                    : (vit__name)VIT__PAIR("^text_model.pre_LN");
        out->composed[VIT__SLOT_TRANSFORMATION] = alone ? (vit__name)VIT__PAIR("^transformation")
                                                        : (vit__name)VIT__PAIR("^text_model.transformation");
    }
    if (k->dual) {
        c->dense[0] = (vit__dense){c->width, true, VIT__ACTIVATION_TANH};
        out->composed[VIT__SLOT_DENSE1] = out->composed[VIT__SLOT_POOLER];
    }
    if (!s->both)
        return;
    c->projection_width = vit__read_size(&s->top, "projection_dim", k->projection);
    c->embedding = VIT__EMBEDDING_PROJECTED;
    c->pooler = VIT__POOLER_EMBEDDING;
}

static void plan_text(source *s, vit__plan *out)
{
    const kind *k = s->kind;
    if (k->encoder) {
        plan_encoder(s, out);
        return;
    }
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
        bool largest = c->end_token == 2 && !k->first_end; /* transformers keeps to an old mistake */
        c->pooling = largest ? VIT__POOL_LARGEST : VIT__POOL_END;
        c->projection_width = !projected ? 0 : vit__read_size(s->both ? &s->top : r, "projection_dim", k->projection);
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
    s.both = vit__read_architecture(&s.top, k->model) ||
             (has_first_tensor(&s, VIT__TOWER_TEXT) && has_first_tensor(&s, VIT__TOWER_IMAGE));
    out->present = has_tower(&s, tower);
    if (!out->present)
        return s.top.status;
    snprintf(out->config.family, sizeof out->config.family, "%s", k->name);
    if (tower == VIT__TOWER_IMAGE || !k->encoder)
        name_tower(&s, tower, out);
    (tower == VIT__TOWER_TEXT ? plan_text : plan_image)(&s, out);
    plan_comparison(&s, &out->config);
    return s.top.status;
}

static vit_status plan_of_clip(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    return plan(&clip, checkpoint, tower, out, err);
}

static vit_status plan_of_metaclip(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    return plan(&metaclip, checkpoint, tower, out, err);
}

static vit_status plan_of_chinese_clip(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out,
                                       vit_error *err)
{
    return plan(&chinese_clip, checkpoint, tower, out, err);
}

static vit_status plan_of_altclip(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    return plan(&altclip, checkpoint, tower, out, err);
}

static vit_status plan_of_dual(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    return plan(&dual, checkpoint, tower, out, err);
}

static vit_status plan_of_siglip(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    return plan(&siglip, checkpoint, tower, out, err);
}

static vit_status plan_of_siglip2(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    return plan(&siglip2, checkpoint, tower, out, err);
}

static const char *const clip_types[] = {"clip", "clip_vision_model", "clip_text_model", NULL};
static const char *const siglip_types[] = {"siglip", "siglip_vision_model", "siglip_text_model", NULL};
static const char *const siglip2_types[] = {"siglip2", "siglip2_vision_model", "siglip2_text_model", NULL};
static const char *const metaclip_types[] = {"metaclip_2", "metaclip_2_vision_model", "metaclip_2_text_model", NULL};
static const char *const chinese_clip_types[] = {"chinese_clip", "chinese_clip_vision_model", NULL};
static const char *const dual_types[] = {"vision-text-dual-encoder", NULL};
static const char *const altclip_types[] = {"altclip", "altclip_vision_model", NULL};
static const char *const harmless[] = {"embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias", NULL};

const vit__family vit__family_clip = {"clip", VIT__CHECKPOINT_TRANSFORMERS, clip_types, plan_of_clip, harmless};
const vit__family vit__family_metaclip = {"metaclip_2", VIT__CHECKPOINT_TRANSFORMERS, metaclip_types, plan_of_metaclip,
                                          harmless};
const vit__family vit__family_chinese_clip = {"chinese_clip", VIT__CHECKPOINT_TRANSFORMERS, chinese_clip_types,
                                              plan_of_chinese_clip, harmless};
const vit__family vit__family_altclip = {"altclip", VIT__CHECKPOINT_TRANSFORMERS, altclip_types, plan_of_altclip,
                                         harmless};
const vit__family vit__family_dual = {"vision-text-dual-encoder", VIT__CHECKPOINT_TRANSFORMERS, dual_types,
                                      plan_of_dual, harmless};
const vit__family vit__family_siglip = {"siglip", VIT__CHECKPOINT_TRANSFORMERS, siglip_types, plan_of_siglip, harmless};
const vit__family vit__family_siglip2 = {"siglip2", VIT__CHECKPOINT_TRANSFORMERS, siglip2_types, plan_of_siglip2,
                                         harmless};
