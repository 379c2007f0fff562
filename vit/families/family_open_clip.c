/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * open_clip's CLIP models: its own Vision Transformer or one of timm's as the image tower, its own text tower or an
 * encoder of transformers. Keys and defaults are those of CLIPVisionCfg and CLIPTextCfg (open_clip/model.py).
 */
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "foreign_encoder.h"
#include "model_keys.h"
#include "timm.h"

#define BLOCK "transformer.resblocks.%zu."
#define BLOCK_NAMES                                                                                                    \
    [VIT__SLOT_NORM1] = VIT__PAIR(BLOCK "ln_1"),                                                                       \
    [VIT__SLOT_QKV] = {BLOCK "attn.in_proj_weight", BLOCK "attn.in_proj_bias", VIT__LAYOUT_PLAIN},                     \
    [VIT__SLOT_PROJECTION] = VIT__PAIR(BLOCK "attn.out_proj"), [VIT__SLOT_SCALE1] = VIT__ALONE(BLOCK "ls_1.gamma"),    \
    [VIT__SLOT_NORM2] = VIT__PAIR(BLOCK "ln_2"), [VIT__SLOT_FC1] = VIT__PAIR(BLOCK "mlp.c_fc"),                        \
    [VIT__SLOT_FC2] = VIT__PAIR(BLOCK "mlp.c_proj"), [VIT__SLOT_SCALE2] = VIT__ALONE(BLOCK "ls_2.gamma"),              \
    [VIT__SLOT_LOGIT_SCALE] = VIT__ALONE("^logit_scale"), [VIT__SLOT_LOGIT_BIAS] = VIT__ALONE("^logit_bias")

static const vit__name_set vision = {
    BLOCK_NAMES,
    [VIT__SLOT_PATCH] = {"conv1.weight", NULL, VIT__LAYOUT_PLAIN},
    [VIT__SLOT_CLASS_TOKEN] = VIT__ALONE_FLAT("class_embedding"),
    [VIT__SLOT_POSITIONS] = VIT__ALONE_FLAT("positional_embedding"),
    [VIT__SLOT_PRE_NORM] = VIT__PAIR("ln_pre"),
    [VIT__SLOT_FINAL_NORM] = VIT__PAIR("ln_post"),
    [VIT__SLOT_POOLED_NORM] = VIT__PAIR("ln_post"),
    [VIT__SLOT_POOL_LATENT] = VIT__ALONE_FLAT("attn_pool.query"),
    [VIT__SLOT_POOL_QUERY_NORM] = VIT__PAIR("attn_pool.ln_q"),
    [VIT__SLOT_POOL_KEY_NORM] = VIT__PAIR("attn_pool.ln_k"),
    [VIT__SLOT_POOL_QKV] = {"attn_pool.attn.in_proj_weight", "attn_pool.attn.in_proj_bias", VIT__LAYOUT_PLAIN},
    [VIT__SLOT_POOL_QUERY] = VIT__ALONE("attn_pool.attn.q_proj_weight"),
    [VIT__SLOT_POOL_KEY] = VIT__ALONE("attn_pool.attn.k_proj_weight"),
    [VIT__SLOT_POOL_VALUE] = VIT__ALONE("attn_pool.attn.v_proj_weight"),
    [VIT__SLOT_POOL_PROJECTION] = VIT__PAIR("attn_pool.attn.out_proj"),
    [VIT__SLOT_EMBEDDING] = {"proj", NULL, VIT__LAYOUT_TRANSPOSED},
};

#define TEXT_NAMES                                                                                                     \
    BLOCK_NAMES, [VIT__SLOT_TOKENS] = VIT__ALONE("token_embedding.weight"),                                            \
                 [VIT__SLOT_POSITIONS] = VIT__ALONE_FLAT("positional_embedding"),                                      \
                 [VIT__SLOT_FINAL_NORM] = VIT__PAIR("ln_final"), [VIT__SLOT_CLASS_TOKEN] = VIT__ALONE_FLAT("cls_emb")

static const vit__name_set text = {
    TEXT_NAMES, [VIT__SLOT_EMBEDDING] = {"text_projection", NULL, VIT__LAYOUT_TRANSPOSED}};
/* "proj_bias": a linear layer instead of a matrix */
static const vit__name_set biased_text = {TEXT_NAMES, [VIT__SLOT_EMBEDDING] = VIT__PAIR("text_projection")};

/* Options of the two towers that change what is computed, and what this build lacks of them. */
static void refuse_options(vit__reader *r)
{
    static const char *const options[] = {"qk_norm",          "scaled_cosine_attn", "scale_heads",
                                          "scale_attn_inner", "scale_attn",         "scale_fc"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        vit__read_expect(r, options[i], false, false, options[i]);
    if (vit__read_has(r, "block_type"))
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"block_type\" is given: this build lacks it");
}

/* "act_kwargs": arguments of torch's GELU, as {"approximate": "tanh"}. */
static vit__activation activation_of(vit__reader *r, bool quick_gelu)
{
    vit__reader arguments = vit__reader_inside(r, vit__json_get(r->object, "act_kwargs"));
    const char *approximate = vit__read_text(&arguments, "approximate", "none");
    bool tanh = strcmp(approximate, "tanh") == 0, known = tanh || strcmp(approximate, "none") == 0;
    if (!known || (vit__json_length(arguments.object) > 0 && (quick_gelu || vit__json_length(arguments.object) != 1 ||
                                                              !vit__read_has(&arguments, "approximate"))))
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"act_kwargs\": this build knows {\"approximate\": \"tanh\"} and \"none\", for GELU");
    return quick_gelu ? VIT__ACTIVATION_QUICK_GELU : tanh ? VIT__ACTIVATION_GELU_TANH : VIT__ACTIVATION_GELU;
}

/* What both towers share. Some configs carry the norm's eps: {"norm_kwargs": {"eps": 1e-6}}. */
static void plan_blocks(vit__reader *r, bool quick_gelu, vit_config *c)
{
    vit__reader norm = vit__reader_inside(r, vit__json_get(r->object, "norm_kwargs"));
    double ratio = vit__read_number(r, "mlp_ratio", 4);
    if (ratio <= 0 || ratio > 1024)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"mlp_ratio\" is %g: it must be above 0 and at most 1024", ratio);
    else
        c->mlp_width = (size_t)((double)c->width * ratio);
    c->norm_eps = c->pre_norm_eps = c->final_norm_eps = c->pooled_norm_eps = vit__read_number(&norm, "eps", 1e-5);
    c->activation = activation_of(r, quick_gelu);
    c->qkv_bias = c->key_bias = c->projection_bias = c->mlp_bias = true;
    c->attention_scale = c->mlp_scale = vit__read_has(r, "ls_init_value");
}

/* CoCa: learned queries look at the normed tokens, and the first of them becomes the picture's vector. */
static void plan_attention_pool(vit__reader *r, size_t embedding, vit_config *c)
{
    if (!vit__read_flag(r, "attentional_pool", false))
        return;
    if (c->pooling != VIT__POOL_CLASS)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"attentional_pool\" with another \"pool_type\" than tok: this "
                         "build lacks it");
    c->pooling = VIT__POOL_ATTENTION;
    c->pool_heads = vit__read_size(r, "attn_pooler_heads", 8);
    c->pool_queries = vit__read_size(r, "attn_pooler_queries", 256);
    c->pool_width = embedding;
    c->pool_norms = c->pool_query_projected = c->pool_bias = true;
    c->pool_norm_eps = 1e-5;
    c->final_norm = false;
    c->pooled_norm = true;
}

static void plan_image_pooling(vit__reader *r, vit_config *c)
{
    const char *pool = vit__read_text(r, "pool_type", "tok");
    bool mean = strcmp(pool, "avg") == 0, late = vit__read_flag(r, "final_ln_after_pool", false);
    if (!mean && strcmp(pool, "tok") != 0)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"pool_type\" is \"%.40s\": this build has tok and avg", pool);
    c->pooling = mean ? VIT__POOL_MEAN_PATCHES : VIT__POOL_CLASS;
    c->final_norm = !late; /* of all tokens, and then one is taken; or the other way round */
    c->pooled_norm = late;
}

static void plan_image(vit__reader *r, bool quick_gelu, vit_config *c)
{
    refuse_options(r);
    vit__read_extent(r, "image_size", 224, &c->image_height, &c->image_width);
    vit__read_extent(r, "patch_size", 16, &c->patch_height, &c->patch_width);
    c->position_height = c->patch_height ? c->image_height / c->patch_height : 0;
    c->position_width = c->patch_width ? c->image_width / c->patch_width : 0;
    c->channels = 3;
    c->width = vit__read_size(r, "width", 768);
    c->depth = vit__read_size(r, "layers", 12);
    size_t head_width = vit__read_size(r, "head_width", 64);
    c->heads = head_width ? c->width / head_width : 0;
    plan_blocks(r, quick_gelu, c);
    c->class_token = true;
    c->pre_norm = !vit__read_flag(r, "no_ln_pre", false);
    const char *positions = vit__read_text(r, "pos_embed_type", "learnable");
    if (strcmp(positions, "learnable") != 0)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"pos_embed_type\" is \"%.40s\": this build has learnable",
                         positions);
    c->position = VIT__POSITION_LEARNED_ALL;
    c->interpolation = VIT__INTERPOLATION_BICUBIC_ANTIALIAS; /* resize_pos_embed */
    plan_image_pooling(r, c);
}

/* "argmax", "first", "last", "eos": which token stands for the text. */
static void plan_text_pooling(vit__reader *r, vit_config *c)
{
    static const struct {
        const char *name;
        vit__pooling pooling;
    } kinds[] = {
        {"argmax", VIT__POOL_LARGEST}, {"first", VIT__POOL_CLASS}, {"last", VIT__POOL_LAST}, {"eos", VIT__POOL_END}};
    const char *name = vit__read_text(r, "pool_type", "argmax");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(name, kinds[i].name) == 0)
            c->pooling = kinds[i].pooling;
    if (c->pooling == VIT__POOL_NONE)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"pool_type\" is \"%.40s\": this build has argmax, first, last and eos", name);
    c->end_token = vit__read_size(r, "eos_id", 2);
    vit__read_expect(r, "final_ln_after_pool", false, false, "a text's norm after pooling");
}

static void plan_text(vit__reader *r, bool quick_gelu, size_t embedding, vit_config *c)
{
    refuse_options(r);
    c->input = VIT__INPUT_TOKENS;
    c->vocabulary = vit__read_size(r, "vocab_size", 49408);
    c->context = vit__read_size(r, "context_length", 77);
    c->width = vit__read_size(r, "width", 512);
    c->depth = vit__read_size(r, "layers", 12);
    c->heads = vit__read_size(r, "heads", 8);
    plan_blocks(r, quick_gelu, c);
    c->position = VIT__POSITION_LEARNED_ALL;
    c->final_norm = true;
    c->causal = !vit__read_flag(r, "no_causal_mask", false);
    c->class_behind = vit__read_flag(r, "embed_cls", false);
    c->shifted_mask = c->class_behind && !vit__read_flag(r, "correct_cls_mask", false);
    if (c->class_behind && vit__read_size(r, "pad_id", 0) != 0)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"pad_id\" with \"embed_cls\" is not 0: this build lacks it");
    c->embedding_bias = vit__read_flag(r, "proj_bias", false);
    bool projected = strcmp(vit__read_text(r, "proj_type", "linear"), "none") != 0;
    c->projection_width = projected ? embedding : 0;
    c->embedding = projected ? VIT__EMBEDDING_PROJECTED : VIT__EMBEDDING_POOLED;
    plan_text_pooling(r, c);
    if (c->class_behind)
        c->pooling = VIT__POOL_LAST;
}

/* ------------------------------------------------------------------ encoders of transformers ---- */

/* The first of two keys that is there: configs of BiomedCLIP keep to names of an older version. */
static const char *read_either(vit__reader *r, const char *key, const char *old, const char *absent)
{
    return vit__read_text(r, vit__read_has(r, key) ? key : old, absent);
}

/* How the encoder's tokens become one vector; open_clip takes BERT's pooler where it is there. */
static void plan_foreign_pooling(vit__reader *r, const vit__checkpoint *checkpoint, vit__plan *out)
{
    vit_config *c = &out->config;
    const char *pooler = read_either(r, "hf_pooler_type", "pooler_type", "mean_pooler");
    bool dense = vit__family_has(checkpoint, out->names[VIT__SLOT_POOLER].weight, out->prefix);
    c->pooling = strcmp(pooler, "mean_pooler") == 0 ? VIT__POOL_MEAN_ALL : VIT__POOL_CLASS;
    if (strcmp(pooler, "cls_pooler") == 0 && dense) {
        c->dense[0] = (vit__dense){c->width, true, VIT__ACTIVATION_TANH};
        out->composed[VIT__SLOT_DENSE1] = out->composed[VIT__SLOT_POOLER];
    } else if (c->pooling == VIT__POOL_CLASS && strcmp(pooler, "cls_pooler") != 0 &&
               strcmp(pooler, "cls_last_hidden_state_pooler") != 0) {
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"hf_pooler_type\" is \"%.40s\": this build has mean_pooler, cls_pooler and "
                         "cls_last_hidden_state_pooler",
                         pooler);
    }
}

/* A matrix, or two with GELU between them, whose inner width is the middle of the outer two. */
static void plan_foreign_projection(vit__reader *r, size_t embedding, vit__plan *out)
{
    vit_config *c = &out->config;
    const char *projection = read_either(r, "hf_proj_type", "proj", "mlp");
    bool mlp = strcmp(projection, "mlp") == 0;
    size_t behind = c->dense[0].width ? 1 : 0;
    if (mlp) {
        c->dense[behind] = (vit__dense){(c->width + embedding) / 2, false, VIT__ACTIVATION_GELU};
        out->composed[VIT__SLOT_DENSE1 + behind] = (vit__name)VIT__ALONE("^text.proj.0.weight");
    } else if (strcmp(projection, "linear") != 0) {
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"hf_proj_type\" is \"%.40s\": this build has linear and mlp",
                         projection);
    }
    c->projection_width = embedding;
    c->embedding = VIT__EMBEDDING_PROJECTED;
    out->composed[VIT__SLOT_EMBEDDING] = mlp ? (vit__name)VIT__ALONE("^text.proj.2.weight")
                                             : (vit__name)VIT__ALONE("^text.proj.weight");
}

static void plan_foreign(vit__reader *r, const vit__checkpoint *checkpoint, size_t embedding, vit__plan *out)
{
    const vit__foreign_encoder encoder = {.key = "hf_model_name",
                                          .name = vit__read_text(r, "hf_model_name", ""),
                                          .prefix = "text.transformer.",
                                          .pad_of_config = true};
    vit__foreign_encoder_plan(&encoder, checkpoint, r, out);
    if (out->names != out->composed)
        return; /* it has failed */
    plan_foreign_pooling(r, checkpoint, out);
    plan_foreign_projection(r, embedding, out);
    out->composed[VIT__SLOT_LOGIT_SCALE] = text[VIT__SLOT_LOGIT_SCALE];
    out->composed[VIT__SLOT_LOGIT_BIAS] = text[VIT__SLOT_LOGIT_BIAS];
}

/* ------------------------------------------------------------------ both ---- */

/* The two scalars, under either tower; a logit's bias is what SigLIP's loss has. */
static void plan_comparison(const vit__checkpoint *checkpoint, vit__reader *model, vit_config *c)
{
    c->logit_scale = true;
    c->logit_bias = vit__family_has(checkpoint, "logit_bias", "");
    if (vit__read_has(model, "init_logit_bias") && !c->logit_bias)
        vit__reader_fail(model, VIT_ERR_MODEL_MISMATCH,
                         "\"init_logit_bias\" is given, but tensor \"logit_bias\" is missing");
    c->sigmoid_logits = c->logit_bias;
}

/* "timm_proj": what stands behind the trunk. */
typedef enum projection {
    PROJECTION_HEAD, /* "" or null: the trunk's classifier projects */
    PROJECTION_LINEAR,
    PROJECTION_NONE
} projection;

static projection projection_of(vit__reader *r)
{
    const vit__json *value = vit__json_get(r->object, "timm_proj");
    const char *name = vit__read_text(r, "timm_proj", value ? "" : "linear");
    if (strcmp(name, "linear") != 0 && strcmp(name, "none") != 0 && *name)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"timm_proj\" is \"%.40s\": this build has linear, none and the trunk's own head", name);
    return !*name ? PROJECTION_HEAD : strcmp(name, "none") == 0 ? PROJECTION_NONE : PROJECTION_LINEAR;
}

/* What TimmModel hands to timm. With a projection behind it the trunk is built with its
 * own pooling, and given another one later (vit__timm_model). The picture size is the one
 * that timm has for the architecture, which image_size repeats. NULL: out of memory. */
static vit__json *trunk_arguments(vit__reader *r, projection behind, const char *pool, size_t embedding)
{
    size_t classes = behind == PROJECTION_HEAD ? embedding : 0;
    size_t height, width;
    vit__read_extent(r, "image_size", 224, &height, &width);
    vit__json *arguments = vit__json_new_object(), *size = vit__json_new_array();
    bool done = vit__json_append(size, vit__json_new_number((double)height)) &&
                vit__json_append(size, vit__json_new_number((double)width));
    done = vit__json_set(arguments, "img_size", size) && done;
    done = done && (behind == PROJECTION_LINEAR || vit__json_set(arguments, "global_pool", vit__json_new_string(pool)));
    done = done && vit__json_set(arguments, "num_classes", vit__json_new_number((double)classes));
    if (done)
        return arguments;
    vit__json_free(arguments);
    return NULL;
}

static vit_status plan_trunk(const vit__checkpoint *checkpoint, vit__reader *model, vit__reader *r, vit__plan *out)
{
    const char *pool = vit__read_text(r, "timm_pool", "avg");
    projection behind = projection_of(r);
    size_t embedding = vit__read_size(model, "embed_dim", 512);
    if (strcmp(pool, "abs_attn") == 0 || strcmp(pool, "rot_attn") == 0)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"timm_pool\" is \"%s\": this build lacks it", pool);
    vit__timm_model trunk = {.architecture = vit__read_text(r, "timm_model_name", ""),
                             .prefix = "visual.trunk.",
                             .pooling = behind == PROJECTION_LINEAR && *pool ? pool : NULL,
                             .head_projects = behind == PROJECTION_HEAD};
    vit__json *arguments = trunk_arguments(r, behind, pool, embedding);
    vit_status status = model->status;
    if (status == VIT_OK && !arguments)
        status = vit__fail_memory(r->err, r->where);
    trunk.model_args = arguments;
    if (status == VIT_OK)
        status = vit__timm_plan(&trunk, checkpoint, out, r->err);
    vit__json_free(arguments);
    if (status != VIT_OK)
        return status;
    vit_config *c = &out->config;
    if (behind == PROJECTION_LINEAR) {
        c->projection_width = embedding;
        c->embedding_bias = vit__read_flag(r, "timm_proj_bias", false);
        c->embedding = VIT__EMBEDDING_PROJECTED;
    }
    plan_comparison(checkpoint, model, c);
    return model->status;
}

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    const char *where = vit__checkpoint_config_name(checkpoint);
    bool words = tower == VIT__TOWER_TEXT;
    const vit__json *config = vit__json_get(vit__checkpoint_config(checkpoint), "model_cfg");
    vit__reader model = vit__reader_start(config, where, err);
    vit__reader r = vit__reader_inside(&model, vit__json_get(config, words ? "text_cfg" : "vision_cfg"));
    if (!vit__json_is_object(config) || !vit__json_is_object(r.object))
        vit__reader_fail(&model, VIT_ERR_CORRUPT, "\"model_cfg\" or its \"%s\" is missing",
                         words ? "text_cfg" : "vision_cfg");
    if (model.status != VIT_OK)
        return model.status;
    bool quick_gelu = vit__read_flag(&model, "quick_gelu", false);
    size_t embedding = vit__read_size(&model, "embed_dim", 512);
    bool custom_text = vit__family_has(checkpoint, "token_embedding.weight", "text.");
    out->present = true;
    snprintf(out->config.family, sizeof out->config.family, "open_clip");
    if (!words && vit__read_has(&r, "timm_model_name"))
        return plan_trunk(checkpoint, &model, &r, out);
    if (words && vit__read_has(&r, "hf_model_name")) {
        plan_foreign(&r, checkpoint, embedding, out);
        plan_comparison(checkpoint, &model, &out->config);
        return model.status;
    }
    out->prefix = words ? custom_text ? "text." : "" : "visual.";
    if (words) {
        plan_text(&r, quick_gelu, embedding, &out->config);
        out->names = out->config.embedding_bias ? biased_text : text;
    } else {
        plan_image(&r, quick_gelu, &out->config);
        out->names = vision;
        plan_attention_pool(&r, embedding, &out->config);
        out->config.projection_width = embedding;
        out->config.embedding = VIT__EMBEDDING_PROJECTED;
    }
    plan_comparison(checkpoint, &model, &out->config);
    return model.status;
}

static const char *const harmless[] = {"attn_mask",
                                       "embeddings.position_ids",
                                       "pooler.dense.weight",
                                       "pooler.dense.bias",
                                       "embed_positions.weights",
                                       "text_decoder.*",
                                       NULL};

const vit__family vit__family_open_clip = {"open_clip", VIT__CHECKPOINT_OPEN_CLIP, NULL, plan, harmless};
