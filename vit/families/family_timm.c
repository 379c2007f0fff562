/* SPDX-License-Identifier: BSD-2-Clause */
/* timm's Vision Transformers, by architecture name. */
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "timm.h"

/* ------------------------------------------------------------------ what the constructors share ---- */

void vit__timm_sizes(vit__reader *r, vit_config *c)
{
    vit__read_extent(r, "img_size", 224, &c->image_height, &c->image_width);
    vit__read_extent(r, "patch_size", 16, &c->patch_height, &c->patch_width);
    c->channels = vit__read_size(r, "in_chans", 3);
    c->width = vit__read_size(r, "embed_dim", 768);
    c->depth = vit__read_size(r, "depth", 12);
    c->heads = vit__read_size(r, "num_heads", 12);
    c->position_height = c->patch_height ? c->image_height / c->patch_height : 0;
    c->position_width = c->patch_width ? c->image_width / c->patch_width : 0;
    c->interpolation = VIT__INTERPOLATION_BICUBIC_ANTIALIAS; /* resample_abs_pos_embed */
    c->patch_bias = c->projection_bias = c->mlp_bias = true;
    c->any_size = vit__read_flag(r, "dynamic_img_size", false);
    vit__read_expect(r, "dynamic_img_pad", false, false, "pictures padded to whole patches");
}

static bool starts_with(const char *text, size_t length, const char *name)
{
    return length == strlen(name) && memcmp(text, name, length) == 0;
}

/* "layernorm", "rmsnorm:1e-05": a kind, and an eps unless it is timm's default */
static void read_norm(vit__reader *r, const char *key, vit__norm_kind *kind, double *eps)
{
    const char *text = vit__read_text(r, key, "layernorm");
    size_t length = strcspn(text, ":");
    vit__json *number = NULL; /* JSON's numbers know no locale */
    *eps = 1e-6;
    *kind = starts_with(text, length, "rmsnorm") ? VIT__NORM_RMS : VIT__NORM_LAYER;
    if (*kind == VIT__NORM_LAYER && !starts_with(text, length, "layernorm"))
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "\"%s\" is \"%.60s\": this build has layernorm and rmsnorm", key,
                         text);
    if (text[length] == ':' &&
        (vit__json_parse(text + length + 1, strlen(text + length + 1), key, &number, NULL) != VIT_OK ||
         !vit__json_number(number, eps)))
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"%s\" is \"%.60s\": the eps is not a number", key, text);
    vit__json_free(number);
}

void vit__timm_norm(vit__reader *r, vit_config *c)
{
    double eps;
    read_norm(r, "norm_layer", &c->norm, &eps);
    c->final_norm_kind = c->qk_norm_kind = c->norm;
    c->norm_eps = c->pre_norm_eps = c->final_norm_eps = c->pooled_norm_eps = c->pool_norm_eps = eps;
    if (!vit__read_has(r, "embed_norm_layer"))
        return;
    vit__norm_kind kind;
    read_norm(r, "embed_norm_layer", &kind, &eps);
    if (kind != c->norm || eps != c->norm_eps)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"embed_norm_layer\" and \"norm_layer\" differ: this build has one kind of norm a model");
    c->patch_norm = true;
}

size_t vit__timm_mlp_width(vit__reader *r, const char *key, double ratio, const vit_config *c)
{
    double width = (double)c->width * vit__read_number(r, key, ratio);
    if (width >= 1 && width <= 2147483647.0)
        return (size_t)width;
    vit__reader_fail(r, VIT_ERR_CORRUPT, "\"%s\" makes an MLP of width %g", key, width);
    return 0;
}

static const struct {
    const char *name;
    vit__pooling pooling;
} poolings[] = {
    {"token", VIT__POOL_CLASS},     {"avg", VIT__POOL_MEAN_PATCHES},
    {"max", VIT__POOL_MAX_PATCHES}, {"avgmax", VIT__POOL_MEAN_MAX_PATCHES},
    {"map", VIT__POOL_ATTENTION},   {"", VIT__POOL_NONE},
};

static vit__pooling pooling_of(vit__reader *r, const char *name)
{
    for (size_t i = 0; i < sizeof poolings / sizeof *poolings; i++)
        if (strcmp(poolings[i].name, name) == 0)
            return poolings[i].pooling;
    vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                     "\"global_pool\" is \"%.60s\": this build pools by token, avg, max, avgmax and map", name);
    return VIT__POOL_NONE;
}

static vit__embedding embedding_of(const vit_config *c)
{
    return c->pooling != VIT__POOL_NONE ? VIT__EMBEDDING_POOLED
           : c->class_token             ? VIT__EMBEDDING_CLASS
                                        : VIT__EMBEDDING_MEAN;
}

void vit__timm_head(vit__reader *r, const char *absent, vit_config *c)
{
    c->pooling = c->head_pooling = pooling_of(r, vit__read_text(r, "global_pool", absent));
    c->classes = vit__read_size(r, "num_classes", 1000);
    c->head = c->classes ? VIT__HEAD_LINEAR : VIT__HEAD_NONE;
    c->head_bias = true;
    if (c->classes && c->pooling == VIT__POOL_NONE)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"global_pool\" is empty: this build has no classifier over every token");
    c->embedding = embedding_of(c);
}

/* timm's reset_classifier(): another pooling, while the norms stay where the first one has put them. */
static void repool(vit__reader *r, const char *name, vit_config *c)
{
    vit__pooling pooling = pooling_of(r, name);
    if (pooling == VIT__POOL_ATTENTION && c->pooling != VIT__POOL_ATTENTION)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "the pooling \"map\" is asked for, but the architecture has no attention pool");
    if (vit__read_flag(r, "pool_include_prefix", false) && pooling != VIT__POOL_ATTENTION &&
        pooling != VIT__POOL_CLASS) {
        if (pooling != VIT__POOL_MEAN_PATCHES)
            vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                             "the pooling \"%s\" is asked for over all tokens: this build has it over patches", name);
        pooling = VIT__POOL_MEAN_ALL;
    }
    if (pooling != VIT__POOL_ATTENTION)
        c->pool_heads = 0;
    if (c->pooling != VIT__POOL_CLASS_DISTILLATION)
        c->pooling = c->head_pooling = pooling;
    c->embedding = embedding_of(c);
}

static void remove_head(vit_config *c)
{
    c->classes = 0;
    c->head = VIT__HEAD_NONE;
}

/* The classifier as a projection. */
static void project(vit__reader *r, vit_config *c)
{
    if (c->head == VIT__HEAD_TWO_AVERAGED)
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL, "a distilled DeiT has no one head that could be the projection");
    c->projection_width = c->classes;
    c->embedding_bias = true;
    c->embedding = VIT__EMBEDDING_PROJECTED;
    remove_head(c);
}

/* ------------------------------------------------------------------ the plan ---- */

static const struct {
    const char *family;
    void (*configure)(vit__reader *reader, vit_config *config);
    bool staged; /* it shares no sizes with the others */
} constructors[] = {
    [VIT__TIMM_VIT] = {"timm/vit", vit__timm_vit, false},
    [VIT__TIMM_DISTILLED] = {"timm/deit", vit__timm_distilled, false},
    [VIT__TIMM_EVA] = {"timm/eva", vit__timm_eva, false},
    [VIT__TIMM_BEIT] = {"timm/beit", vit__timm_beit, false},
    [VIT__TIMM_SWIN] = {"timm/swin", vit__timm_swin, true},
    [VIT__TIMM_SWIN2] = {"timm/swinv2", vit__timm_swin2, true},
};

/* In the first files of Swin a merging ends a stage; in timm's own a merging begins one, so that stage 0 has none. */
#define OLD_MERGING "layers.%zu.downsample.reduction.weight"

vit_status vit__timm_plan(const vit__timm_model *model, const vit__checkpoint *checkpoint, vit__plan *plan,
                          vit_error *err)
{
    const char *where = vit__checkpoint_config_name(checkpoint);
    vit__json *arguments;
    vit__timm_class kind;
    vit_status status = vit__timm_arguments(model, where, &arguments, &kind, err);
    if (status != VIT_OK)
        return status;
    vit_config *c = &plan->config;
    vit__reader r = vit__reader_start(arguments, where, err);
    plan->present = true;
    plan->prefix = model->prefix;
    snprintf(c->family, sizeof c->family, "%s", constructors[kind].family);
    if (!constructors[kind].staged) {
        vit__timm_sizes(&r, c);
        vit__timm_norm(&r, c);
    }
    constructors[kind].configure(&r, c);
    if (model->headless)
        remove_head(c);
    if (model->pooling)
        repool(&r, model->pooling, c);
    if (model->head_projects)
        project(&r, c);
    c->stages.merging_ends = c->stages.n && vit__family_has(checkpoint, OLD_MERGING, model->prefix);
    plan->names = vit__timm_names(kind, checkpoint, model, c);
    vit__json_free(arguments);
    return r.status;
}

#define WRAPPER_PREFIX "timm_model." /* of the names that transformers writes */

/* transformers' TimmWrapperModel is the model without its classifier, whatever num_classes says. */
static bool is_bare_wrapper(const vit__json *config)
{
    const char *name = vit__json_string(vit__json_at(vit__json_get(config, "architectures"), 0));
    return name && strcmp(name, "TimmWrapperModel") == 0;
}

static vit_status plan_image(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *plan, vit_error *err)
{
    if (tower != VIT__TOWER_IMAGE)
        return VIT_OK;
    const vit__json *config = vit__checkpoint_config(checkpoint);
    const vit__json *cfg = vit__json_get(config, "pretrained_cfg");
    vit__timm_model model = {
        .architecture = vit__json_string(vit__json_get(config, "architecture")),
        .model_args = vit__json_get(config, "model_args"),
        .pretrained_cfg = cfg ? cfg : config, /* the layout of 2022 has everything at the top */
        .num_classes = vit__json_get(config, "num_classes"),
        .prefix = vit__family_has(checkpoint, "patch_embed.proj.weight", WRAPPER_PREFIX) ? WRAPPER_PREFIX : "",
        .headless = is_bare_wrapper(config),
    };
    return vit__timm_plan(&model, checkpoint, plan, err);
}

/* Buffers, and what a training run leaves behind. */
static const char *const harmless[] = {"relative_position_index", "relative_coords_table", "attn_mask", "mask_token",
                                       NULL};

const vit__family vit__family_timm = {"timm", VIT__CHECKPOINT_TIMM, NULL, plan_image, harmless};
