/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of timm's SwinTransformer and SwinTransformerV2. */
#include "limit.h"
#include "swin.h"
#include "timm.h"

/* A number for both sides, or [height, width]; false: neither. */
static bool read_pair(const vit__json *value, size_t *height, size_t *width)
{
    if (vit__whole_size(value, height)) {
        *width = *height;
        return true;
    }
    return vit__json_length(value) == 2 && vit__whole_size(vit__json_at(value, 0), height) &&
           vit__whole_size(vit__json_at(value, 1), width);
}

/* resolve_stage_window_sizes(): one number, [height, width], or one of these for every stage. */
static void read_windows(vit__reader *r, vit_config *c)
{
    const vit__json *value = vit__read_given(r, "window_size");
    size_t height = 7, width = 7;
    bool shared = !value || read_pair(value, &height, &width);
    if (!shared && vit__json_length(value) != c->stages.n)
        vit__reader_fail(r, VIT_ERR_CORRUPT,
                         "\"window_size\" must be a whole number, two, or one for each of %zu stages", c->stages.n);
    for (size_t i = 0; i < c->stages.n; i++) {
        if (!shared && !read_pair(vit__json_at(value, i), &height, &width))
            vit__reader_fail(r, VIT_ERR_CORRUPT, "\"window_size\"[%zu] must be a whole number, or two", i);
        c->stages.stage[i].window_height = height;
        c->stages.stage[i].window_width = width;
    }
}

/* to_ntuple(): one value for all stages, or a list of them. The value of a stage; NULL: the default holds. */
static const vit__json *of_stage(vit__reader *r, const char *key, size_t stage, size_t stages)
{
    const vit__json *value = vit__read_given(r, key);
    double number;
    if (!value || vit__json_number(value, &number))
        return value;
    if (vit__json_length(value) != stages)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"%s\" must be a number, or a list of %zu", key, stages);
    return vit__json_at(value, stage);
}

static void read_mlp(vit__reader *r, vit_config *c)
{
    double ratios[VIT__LIMIT_MODEL_STAGES] = {0};
    for (size_t i = 0; i < c->stages.n; i++) {
        const vit__json *value = of_stage(r, "mlp_ratio", i, c->stages.n);
        ratios[i] = 4;
        if (value && !vit__json_number(value, &ratios[i]))
            vit__reader_fail(r, VIT_ERR_CORRUPT, "\"mlp_ratio\" must hold numbers");
    }
    vit__swin_mlp(r, c, ratios);
}

/* Swin alone; a null in the list is the default, which is 0 here. */
static void read_head_dims(vit__reader *r, vit_config *c)
{
    for (size_t i = 0; i < c->stages.n; i++) {
        const vit__json *value = of_stage(r, "head_dim", i, c->stages.n);
        if (!vit__json_is_null(value) && !vit__whole_size(value, &c->stages.stage[i].head_dim))
            vit__reader_fail(r, VIT_ERR_CORRUPT, "\"head_dim\" must hold whole numbers");
    }
}

/* SwinV2 alone. */
static void read_pretrained(vit__reader *r, vit_config *c)
{
    const vit__json *list = vit__read_given(r, "pretrained_window_sizes");
    if (list && vit__json_length(list) < c->stages.n)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"pretrained_window_sizes\" must have a number for each of %zu stages",
                         c->stages.n);
    for (size_t i = 0; list && i < c->stages.n; i++) {
        vit__stage *s = &c->stages.stage[i];
        if (!read_pair(vit__json_at(list, i), &s->pretrained_height, &s->pretrained_width))
            vit__reader_fail(r, VIT_ERR_CORRUPT, "\"pretrained_window_sizes\"[%zu] must be a whole number, or two", i);
    }
}

/* A model that takes any size keeps the windows that it was built with; another is built anew for the size. */
static void read_fit(vit__reader *r, vit_config *c)
{
    bool strict = vit__read_flag(r, "strict_img_size", true);
    c->any_size = c->stages.own_windows = !strict || vit__read_flag(r, "dynamic_img_size", false);
    c->stages.fit = vit__read_flag(r, "always_partition", false) ? VIT__WINDOWS_ALWAYS : VIT__WINDOWS_EACH_SIDE;
    c->stages.turns_first = true;
}

static void swin(vit__reader *r, bool second, vit_config *c)
{
    c->norm = c->final_norm_kind = VIT__NORM_LAYER;
    c->norm_eps = c->final_norm_eps = c->pooled_norm_eps = 1e-5; /* torch's own LayerNorm */
    vit__read_extent(r, "img_size", 224, &c->image_height, &c->image_width);
    c->channels = vit__read_size(r, "in_chans", 3);
    vit__read_extent(r, "patch_size", 4, &c->patch_height, &c->patch_width);
    c->position_height = c->patch_height ? c->image_height / c->patch_height : 0;
    c->position_width = c->patch_width ? c->image_width / c->patch_width : 0;
    c->interpolation = VIT__INTERPOLATION_NONE;
    vit__swin_version(r, second, c);
    vit__swin_stages(r, c);
    read_mlp(r, c);
    read_windows(r, c);
    read_fit(r, c);
    c->activation = second ? vit__read_activation(r, "act_layer", "gelu") : VIT__ACTIVATION_GELU;
    (second ? read_pretrained : read_head_dims)(r, c);
    vit__swin_close(c);
    vit__timm_head(r, "avg", c);
}

void vit__timm_swin(vit__reader *r, vit_config *c)
{
    swin(r, false, c);
}

void vit__timm_swin2(vit__reader *r, vit_config *c)
{
    swin(r, true, c);
}
