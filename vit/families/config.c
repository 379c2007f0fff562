/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <math.h>

#include "error.h"
#include "limit.h"
#include "stages.h"

typedef struct limit {
    const char *what;
    size_t value, least, most;
} limit;

/* Far past every published model; small enough that no product of a few of them overflows 64 bits. */

static vit_status check_limits(const limit *limits, size_t n, const char *where, vit_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (limits[i].value < limits[i].least || limits[i].value > limits[i].most)
            return vit__fail(err, VIT_ERR_CORRUPT, where, "%s is %zu: it must be %zu to %zu", limits[i].what,
                             limits[i].value, limits[i].least, limits[i].most);
    return VIT_OK;
}

static vit_status check_sizes(const vit_config *c, const char *where, vit_error *err)
{
    const limit limits[] = {
        {"the width", c->width, 1, VIT__LIMIT_MODEL_WIDTH},
        {"the number of blocks", c->depth, 1, VIT__LIMIT_MODEL_DEPTH},
        {"the number of stages", c->stages.n, 0, VIT__LIMIT_MODEL_STAGES},
        {"the number of branches of a block", c->branches, 0, VIT__LIMIT_MODEL_BRANCHES},
        {"the number of heads", c->heads, 1, VIT__LIMIT_MODEL_WIDTH},
        {"the MLP's width", c->mlp_width, c->order != VIT__BLOCK_PRE_NORM, VIT__LIMIT_MODEL_MLP_WIDTH},
        {"the number of register tokens", c->registers, 0, VIT__LIMIT_MODEL_EDGE},
        {"the number of classes", c->classes, 0, VIT__LIMIT_MODEL_CLASSES},
        {"the projection's width", c->projection_width, 0, VIT__LIMIT_MODEL_WIDTH},
        {"the pooler's width", c->pooler_width, 0, VIT__LIMIT_MODEL_WIDTH},
        {"the latent width", c->latent, 0, VIT__LIMIT_MODEL_WIDTH},
        {"the transformation's width", c->transformation_width, 0, VIT__LIMIT_MODEL_WIDTH},
        {"the first dense layer's width", c->dense[0].width, 0, VIT__LIMIT_MODEL_WIDTH},
        {"the second dense layer's width", c->dense[1].width, 0, VIT__LIMIT_MODEL_WIDTH},
        {"the third dense layer's width", c->dense[2].width, 0, VIT__LIMIT_MODEL_WIDTH},
        {"the attention pool's number of heads", c->pool_heads, 0, VIT__LIMIT_MODEL_WIDTH},
        {"the attention pool's width", c->pool_width, 0, VIT__LIMIT_MODEL_WIDTH},
        {"the attention pool's number of queries", c->pool_queries, 0, VIT__LIMIT_MODEL_EDGE},
        {"the attention pool's MLP width", c->pool_mlp_width, 0, VIT__LIMIT_MODEL_MLP_WIDTH},
    };
    return check_limits(limits, sizeof limits / sizeof *limits, where, err);
}

static vit_status check_picture(const vit_config *c, const char *where, vit_error *err)
{
    const bool free = c->patches_most > 0; /* each picture has a size of its own */
    const limit limits[] = {
        {"the picture's height", c->image_height, !free, free ? 0 : VIT__LIMIT_MODEL_EDGE},
        {"the picture's width", c->image_width, !free, free ? 0 : VIT__LIMIT_MODEL_EDGE},
        {"the patches' height", c->patch_height, 1, free ? VIT__LIMIT_MODEL_EDGE : c->image_height},
        {"the patches' width", c->patch_width, 1, free ? VIT__LIMIT_MODEL_EDGE : c->image_width},
        {"the number of patches of a picture", c->patches_most, 0, VIT__LIMIT_MODEL_EDGE},
        {"the height of the grid of positions", c->position_height, 1, VIT__LIMIT_MODEL_EDGE},
        {"the width of the grid of positions", c->position_width, 1, VIT__LIMIT_MODEL_EDGE},
    };
    vit_status status = check_limits(limits, sizeof limits / sizeof *limits, where, err);
    if (status != VIT_OK)
        return status;
    if (c->channels != 3)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, where, "pictures of %zu channels: this build takes RGB, 3",
                         c->channels);
    if (free && (c->position != VIT__POSITION_LEARNED_PATCHES || c->interpolation == VIT__INTERPOLATION_NONE ||
                 c->rotary.kind != VIT__ROTARY_NONE || c->relative_bias != VIT__RELATIVE_NONE))
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, where,
                         "pictures with sizes of their own need a learned table of the patches' positions alone, "
                         "which is interpolated");
    bool resized = vit__config_rows(c) != c->position_height || vit__config_columns(c) != c->position_width;
    bool tabled = c->position == VIT__POSITION_LEARNED_ALL || c->position == VIT__POSITION_LEARNED_PATCHES ||
                  c->position == VIT__POSITION_LEARNED_CLASS ||
                  (c->relative_bias != VIT__RELATIVE_NONE && !c->stages.n);
    if (resized && tabled && c->interpolation == VIT__INTERPOLATION_NONE)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, where,
                         "the model has positions for %zux%zu patches and its family defines no interpolation of them: "
                         "%zux%zu pixels do not fit",
                         c->position_height, c->position_width, c->image_height, c->image_width);
    return VIT_OK;
}

static vit_status check_words(const vit_config *c, const char *where, vit_error *err)
{
    bool bucketed = c->relative_bias == VIT__RELATIVE_BUCKETS;
    const limit limits[] = {
        {"the vocabulary", c->vocabulary, 1, VIT__LIMIT_MODEL_CLASSES},
        {"the number of tokens of a text", c->context, 1, VIT__LIMIT_MODEL_EDGE},
        {"the row of the first position", c->position_first, 0, VIT__LIMIT_MODEL_EDGE},
        {"the number of types of tokens", c->token_types, 0, VIT__LIMIT_MODEL_EDGE},
        {"the number of buckets of distances", c->relative_buckets, bucketed ? 4 : 0, VIT__LIMIT_MODEL_EDGE},
        {"the distance from which on all share a bucket", c->relative_distance, bucketed ? 2 : 0,
         VIT__LIMIT_MODEL_EDGE},
    };
    vit_status status = check_limits(limits, sizeof limits / sizeof *limits, where, err);
    if (status == VIT_OK && bucketed && c->relative_distance <= c->relative_buckets / 4)
        return vit__fail(err, VIT_ERR_CORRUPT, where,
                         "%zu buckets of distances, a quarter of them for one distance each, do not fit a greatest "
                         "distance of %zu",
                         c->relative_buckets, c->relative_distance);
    return status;
}

static vit_status check_tokens(const vit_config *c, const char *where, vit_error *err)
{
    if (vit__config_tokens(c) > VIT__LIMIT_MODEL_TOKENS)
        return vit__fail(err, VIT_ERR_TOO_LARGE, where, "%zu tokens a picture: this build takes %u at most",
                         vit__config_tokens(c), VIT__LIMIT_MODEL_TOKENS);
    bool classless = !c->class_token && c->input == VIT__INPUT_PIXELS;
    bool head_reads_class = c->head_input == VIT__HEAD_INPUT_CLASS || c->head_input == VIT__HEAD_INPUT_CLASS_MEAN;
    if (classless && (c->pooling == VIT__POOL_CLASS || c->head_pooling == VIT__POOL_CLASS ||
                      c->head_pooling == VIT__POOL_CLASS_AND_MEAN || head_reads_class))
        return vit__fail(err, VIT_ERR_CORRUPT, where, "the pooled output is the class token's, but there is none");
    return VIT_OK;
}

static vit_status check_heads(vit_config *c, const char *where, vit_error *err)
{
    if (c->head_dim == 0 && c->width % c->heads != 0)
        return vit__fail(err, VIT_ERR_CORRUPT, where, "a width of %zu is not a multiple of its %zu heads", c->width,
                         c->heads);
    if (c->head_dim == 0)
        c->head_dim = c->width / c->heads;
    if (c->head_dim > VIT__LIMIT_MODEL_WIDTH || vit__config_attention_width(c) > 4 * VIT__LIMIT_MODEL_WIDTH)
        return vit__fail(err, VIT_ERR_CORRUPT, where, "%zu heads of %zu make no sense", c->heads, c->head_dim);
    if (c->attention == VIT__ATTENTION_DIFFERENTIAL && c->head_dim % 2 != 0)
        return vit__fail(err, VIT_ERR_CORRUPT, where, "differential attention halves its heads: %zu is odd",
                         c->head_dim);
    bool pairs = c->rotary.kind == VIT__ROTARY_MIXED || c->rotary.kind == VIT__ROTARY_LINE;
    if (c->rotary.kind != VIT__ROTARY_NONE && c->head_dim % (pairs ? 2 : 4) != 0)
        return vit__fail(err, VIT_ERR_CORRUPT, where,
                         "rotary positions need a head width that is a multiple of %d: %zu", pairs ? 2 : 4,
                         c->head_dim);
    if (c->position == VIT__POSITION_SINES && (c->width % 2 != 0 || c->width < 4))
        return vit__fail(err, VIT_ERR_CORRUPT, where, "sines and cosines need an even width of 4 at least: %zu",
                         c->width);
    if (c->position == VIT__POSITION_SINCOS_2D && c->width % 4 != 0)
        return vit__fail(err, VIT_ERR_CORRUPT, where,
                         "sine-cosine positions along two axes need a width that is a multiple of 4: %zu", c->width);
    size_t pool = vit__config_pool_width(c);
    if (c->pool_heads && pool % c->pool_heads != 0)
        return vit__fail(err, VIT_ERR_CORRUPT, where,
                         "a width of %zu is not a multiple of its attention pool's %zu heads", pool, c->pool_heads);
    return VIT_OK;
}

/* A few bytes of a config can ask for tables of positions that are large and slow to compute. */
static vit_status check_tables(const vit_config *c, const char *where, vit_error *err)
{
    size_t tokens = vit__config_tokens(c), sizes[4] = {0};
    if (c->position != VIT__POSITION_NONE)
        sizes[0] = (tokens + c->position_first) * c->width;
    if (c->rotary.kind == VIT__ROTARY_MIXED)
        sizes[1] = 2 * tokens * vit__config_attention_width(c) * c->depth;
    else if (c->rotary.kind != VIT__ROTARY_NONE)
        sizes[1] = 2 * tokens * c->head_dim;
    if (c->relative_bias == VIT__RELATIVE_BUCKETS) {
        sizes[2] = 2 * tokens;
        sizes[3] = c->relative_buckets * c->heads;
    } else if (c->relative_bias != VIT__RELATIVE_NONE && !c->stages.n) { /* of stages: vit__stages_check */
        sizes[2] = tokens * tokens;                                      /* the index */
        sizes[3] = 4 * tokens * c->heads * (c->relative_bias == VIT__RELATIVE_SHARED ? 1 : c->depth);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] > VIT__LIMIT_MODEL_TABLES)
            return vit__fail(err, VIT_ERR_TOO_LARGE, where,
                             "%zu tokens a picture: their positions alone would take %zu MiB, and this build takes %u",
                             tokens, sizes[i] / 262144, VIT__LIMIT_MODEL_TABLES / 262144);
    return VIT_OK;
}

static vit_status check_numbers(const vit_config *c, const char *where, vit_error *err)
{
    const double eps[] = {c->norm_eps, c->pre_norm_eps, c->final_norm_eps, c->pooled_norm_eps, c->pool_norm_eps};
    for (size_t i = 0; i < sizeof eps / sizeof *eps; i++)
        if (!isfinite(eps[i]) || eps[i] < 0 || eps[i] > 1)
            return vit__fail(err, VIT_ERR_CORRUPT, where, "a norm's eps of %g makes no sense", eps[i]);
    if (c->rotary.kind != VIT__ROTARY_NONE && c->rotary.kind != VIT__ROTARY_MIXED &&
        (!isfinite(c->rotary.theta) || c->rotary.theta <= 0))
        return vit__fail(err, VIT_ERR_CORRUPT, where, "a rotary theta of %g makes no sense", c->rotary.theta);
    return VIT_OK;
}

vit_status vit__config_finish(vit_config *c, const char *where, vit_error *err)
{
    vit_status status = check_sizes(c, where, err);
    if (status == VIT_OK)
        status = c->input == VIT__INPUT_TOKENS ? check_words(c, where, err) : check_picture(c, where, err);
    if (status == VIT_OK)
        status = check_tokens(c, where, err);
    if (status == VIT_OK)
        status = check_heads(c, where, err);
    if (status == VIT_OK)
        status = check_tables(c, where, err);
    if (status == VIT_OK)
        status = check_numbers(c, where, err);
    if (status == VIT_OK && c->stages.n)
        status = vit__stages_finish(c, where, err);
    return status;
}

double vit__config_flops(const vit_config *c)
{
    if (c->stages.n)
        return vit__stages_flops(c);
    double tokens = (double)vit__config_tokens(c), width = (double)c->width;
    double attention = (double)vit__config_attention_width(c);
    double fc1 = (double)c->mlp_width * (c->mlp == VIT__MLP_GATED ? 2 : 1);
    double block = 4 * width * attention + width * fc1 + width * (double)c->mlp_width + 2 * tokens * attention;
    double patches = c->input == VIT__INPUT_PIXELS ? (double)vit__config_patches(c) * width *
                                                         (double)(c->channels * c->patch_height * c->patch_width)
                                                   : 0;
    return 2 * (patches + (double)vit__config_pairs(c) * tokens * block);
}
