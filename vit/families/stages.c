/* SPDX-License-Identifier: BSD-2-Clause */
#include "stages.h"

#include <math.h>

#include "error.h"
#include "limit.h"

/* ------------------------------------------------------------------ blocks and stages ---- */

size_t vit__config_stage_first(const vit_config *c, size_t stage)
{
    size_t first = 0;
    for (size_t i = 0; i < stage; i++)
        first += c->stages.stage[i].depth;
    return first;
}

size_t vit__config_stage(const vit_config *c, size_t block)
{
    size_t stage = 0;
    while (stage + 1 < c->stages.n && block >= vit__config_stage_first(c, stage + 1))
        stage++;
    return stage;
}

vit_config vit__config_at(const vit_config *c, size_t block)
{
    vit_config at = *c;
    if (!c->stages.n)
        return at;
    size_t stage = vit__config_stage(c, block), first = vit__config_stage_first(c, stage);
    const vit__stage *s = &c->stages.stage[stage];
    at.width = s->width;
    at.heads = s->heads;
    at.head_dim = s->head_dim;
    at.mlp_width = s->mlp_width;
    at.stages.at = stage;
    at.stages.merges = c->stages.merging_ends ? stage + 1 < c->stages.n && block + 1 == first + s->depth
                                              : stage > 0 && block == first;
    return at;
}

/* ------------------------------------------------------------------ maps and windows ---- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Half of n, so many times, rounded up. */
static size_t halved(size_t n, size_t times)
{
    return (n + (((size_t)1 << times) - 1)) >> times;
}

/* Sets windows and shifts of a stage whose map, for the fitting, has so many rows and columns. */
static void fit_windows(const vit_config *c, const vit__stage *s, size_t rows, size_t columns, vit__map *map)
{
    map->window_height = s->window_height;
    map->window_width = s->window_width;
    map->shift_height = s->window_height / 2;
    map->shift_width = s->window_width / 2;
    size_t side = smaller(rows, columns);
    switch (c->stages.fit) {
    case VIT__WINDOWS_ALWAYS:
        return;
    case VIT__WINDOWS_SMALLER_SIDE:
        rows = columns = side;
        break;
    case VIT__WINDOWS_HEIGHT:
        columns = rows;
        break;
    case VIT__WINDOWS_EACH_SIDE:
        break;
    }
    if (rows <= s->window_height) {
        map->window_height = rows;
        map->shift_height = 0;
    }
    if (columns <= s->window_width) {
        map->window_width = columns;
        map->shift_width = 0;
    }
}

/* The same for the picture size that the model has by itself. */
static void fit_own_windows(const vit_config *c, size_t stage, vit__map *map)
{
    bool down = c->stages.fit == VIT__WINDOWS_HEIGHT;
    size_t rows = down ? c->position_height >> stage : halved(c->position_height, stage);
    size_t columns = down ? c->position_width >> stage : halved(c->position_width, stage);
    fit_windows(c, &c->stages.stage[stage], rows, columns, map);
}

static size_t divide_up(size_t n, size_t by)
{
    return by ? (n + by - 1) / by : 0;
}

vit__map vit__stages_map(const vit_config *c, size_t stage)
{
    vit__map map = {.height = halved(vit__config_rows(c), stage), .width = halved(vit__config_columns(c), stage)};
    if (c->stages.own_windows)
        fit_own_windows(c, stage, &map);
    else
        fit_windows(c, &c->stages.stage[stage], map.height, map.width, &map);
    map.down = divide_up(map.height, map.window_height);
    map.across = divide_up(map.width, map.window_width);
    return map;
}

vit__window vit__stages_table(const vit_config *c, size_t stage)
{
    const vit__stage *s = &c->stages.stage[stage];
    vit__map map = {0};
    if (c->stages.fit == VIT__WINDOWS_SMALLER_SIDE) /* the table is made for the windows asked for */
        return (vit__window){s->window_height, s->window_width};
    fit_own_windows(c, stage, &map);
    return (vit__window){map.window_height, map.window_width};
}

/* ------------------------------------------------------------------ checks ---- */

typedef struct limit {
    const char *what;
    size_t value, least, most;
} limit;

static vit_status check_limits(const vit_config *c, size_t stage, const char *where, vit_error *err)
{
    const vit__stage *s = &c->stages.stage[stage];
    const limit limits[] = {
        {"the number of blocks", s->depth, 1, VIT__LIMIT_MODEL_DEPTH},
        {"the width", s->width, 1, VIT__LIMIT_MODEL_WIDTH},
        {"the number of heads", s->heads, 1, VIT__LIMIT_MODEL_WIDTH},
        {"the width of a head", s->head_dim, 1, VIT__LIMIT_MODEL_WIDTH},
        {"the width of all heads", s->heads * s->head_dim, 1, 4 * VIT__LIMIT_MODEL_WIDTH},
        {"the MLP's width", s->mlp_width, 1, VIT__LIMIT_MODEL_MLP_WIDTH},
        {"the windows' height", s->window_height, 1, VIT__LIMIT_MODEL_EDGE},
        {"the windows' width", s->window_width, 1, VIT__LIMIT_MODEL_EDGE},
        {"the height of the windows of the pretraining", s->pretrained_height, 0, VIT__LIMIT_MODEL_EDGE},
        {"the width of the windows of the pretraining", s->pretrained_width, 0, VIT__LIMIT_MODEL_EDGE},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (limits[i].value < limits[i].least || limits[i].value > limits[i].most)
            return vit__fail(err, VIT_ERR_CORRUPT, where, "%s of stage %zu is %zu: it must be %zu to %zu",
                             limits[i].what, stage, limits[i].value, limits[i].least, limits[i].most);
    return VIT_OK;
}

/* Stage by stage, and what the merging makes of the one before. */
static vit_status check_stage(vit_config *c, size_t stage, const char *where, vit_error *err)
{
    vit__stage *s = &c->stages.stage[stage];
    if (s->head_dim == 0 && s->heads > 0 && s->width % s->heads != 0)
        return vit__fail(err, VIT_ERR_CORRUPT, where, "the width of stage %zu, %zu, is not a multiple of its %zu heads",
                         stage, s->width, s->heads);
    if (s->head_dim == 0 && s->heads > 0)
        s->head_dim = s->width / s->heads;
    if (stage > 0 && s->width != 2 * c->stages.stage[stage - 1].width)
        return vit__fail(err, VIT_ERR_CORRUPT, where,
                         "stage %zu is %zu wide: it must be twice as wide as the one before, which is %zu", stage,
                         s->width, c->stages.stage[stage - 1].width);
    return check_limits(c, stage, where, err);
}

/* Where windows shrink, their table of positions would have to as well. */
static vit_status check_map(const vit_config *c, size_t stage, const char *where, vit_error *err)
{
    vit__map map = vit__stages_map(c, stage);
    vit__window table = vit__stages_table(c, stage);
    if (map.window_height == 0 || map.window_width == 0)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, where,
                         "%zux%zu patches leave stage %zu without a whole token: the picture is too small",
                         c->position_height, c->position_width, stage);
    bool shrunk = map.window_height != table.height || map.window_width != table.width;
    if (c->relative_bias == VIT__RELATIVE_WINDOW && shrunk)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, where,
                         "pictures of %zux%zu pixels leave stage %zu %zux%zu tokens, so its windows would be %zux%zu: "
                         "their table of positions is for %zux%zu, and the family defines no other",
                         c->image_height, c->image_width, stage, map.height, map.width, map.window_height,
                         map.window_width, table.height, table.width);
    if (vit__map_padded(&map) > VIT__LIMIT_MODEL_TOKENS || vit__map_window(&map) > VIT__LIMIT_WINDOW_TOKENS)
        return vit__fail(err, VIT_ERR_TOO_LARGE, where,
                         "stage %zu has %zu tokens in windows of %zu: this build takes %u in windows of %u", stage,
                         vit__map_padded(&map), vit__map_window(&map), VIT__LIMIT_MODEL_TOKENS,
                         VIT__LIMIT_WINDOW_TOKENS);
    return VIT_OK;
}

static vit_status check_tables(const vit_config *c, const char *where, vit_error *err)
{
    size_t sum = 0;
    for (size_t i = 0; i < c->stages.n; i++) {
        vit__map map = vit__stages_map(c, i);
        const vit__window window = {map.window_height, map.window_width};
        sum += vit__window_entries(window) * c->stages.stage[i].heads * c->stages.stage[i].depth;
        if (sum > VIT__LIMIT_MODEL_TABLES)
            return vit__fail(err, VIT_ERR_TOO_LARGE, where,
                             "the positions inside windows alone would take more than %u MiB",
                             VIT__LIMIT_MODEL_TABLES / 262144);
    }
    if (c->position != VIT__POSITION_NONE &&
        vit__config_patches(c) * c->stages.stage[0].width > VIT__LIMIT_MODEL_TABLES)
        return vit__fail(err, VIT_ERR_TOO_LARGE, where, "the positions of %zu patches would take more than %u MiB",
                         vit__config_patches(c), VIT__LIMIT_MODEL_TABLES / 262144);
    return VIT_OK;
}

/* The head reads the last stage; the blocks are those of all. */
static bool agrees(const vit_config *c)
{
    const vit__stage *last = &c->stages.stage[c->stages.n - 1];
    return c->depth == vit__config_stage_first(c, c->stages.n) && c->width == last->width && c->heads == last->heads &&
           c->head_dim == last->head_dim && c->mlp_width == last->mlp_width;
}

/* Does the config ask for nothing that only an encoder without stages can have? */
static bool is_plain(const vit_config *c)
{
    bool positions = c->position == VIT__POSITION_NONE || c->position == VIT__POSITION_LEARNED_PATCHES;
    bool relative = c->relative_bias == VIT__RELATIVE_WINDOW || c->relative_bias == VIT__RELATIVE_CONTINUOUS;
    bool attention = c->attention == VIT__ATTENTION_PLAIN || c->attention == VIT__ATTENTION_COSINE;
    bool order = c->order == VIT__BLOCK_PRE_NORM || c->order == VIT__BLOCK_BRANCH_NORM;
    bool more = c->class_token || c->distillation_token || c->registers || c->branches || c->rotary.kind || c->causal ||
                c->qk_norm || c->attention_norm || c->mlp_norm || c->attention_scale || c->mlp_scale || c->pre_norm ||
                c->pool_heads || c->grouped_keys || c->unscaled_scores;
    return c->input == VIT__INPUT_PIXELS && positions && relative && attention && order && !more &&
           c->mlp == VIT__MLP_PLAIN;
}

vit_status vit__stages_finish(vit_config *c, const char *where, vit_error *err)
{
    vit_status status = VIT_OK;
    for (size_t i = 0; i < c->stages.n && status == VIT_OK; i++)
        status = check_stage(c, i, where, err);
    if (status == VIT_OK && (!agrees(c) || !is_plain(c)))
        status = vit__fail(err, VIT_ERR_CORRUPT, where, "the config contradicts itself: stages with what they lack");
    for (size_t i = 0; i < c->stages.n && status == VIT_OK; i++)
        status = check_map(c, i, where, err);
    if (status == VIT_OK)
        status = check_tables(c, where, err);
    const double numbers[] = {c->stages.norm_eps, c->stages.strangers};
    for (size_t i = 0; i < 2 && status == VIT_OK; i++)
        if (!isfinite(numbers[i]) || fabs(numbers[i]) > 1000 || (i == 0 && (numbers[i] < 0 || numbers[i] > 1)))
            status = vit__fail(err, VIT_ERR_CORRUPT, where, "%s of %g makes no sense",
                               i == 0 ? "a norm's eps" : "a mask", numbers[i]);
    return status;
}

double vit__stages_flops(const vit_config *c)
{
    double patch = (double)(c->channels * c->patch_height * c->patch_width);
    double sum = (double)vit__config_patches(c) * (double)c->stages.stage[0].width * patch;
    for (size_t i = 0; i < c->stages.n; i++) {
        const vit__stage *s = &c->stages.stage[i];
        vit__map map = vit__stages_map(c, i);
        double tokens = (double)vit__map_tokens(&map), padded = (double)vit__map_padded(&map);
        double width = (double)s->width, attention = (double)(s->heads * s->head_dim);
        double block = padded * attention * (3 * width + 2 * (double)vit__map_window(&map)) +
                       tokens * width * (attention + 2 * (double)s->mlp_width);
        sum += (double)s->depth * block + (i > 0 ? 2 * tokens * width * width : 0);
    }
    return 2 * sum;
}
