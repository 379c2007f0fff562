/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps of attention: how much each patch of a picture weighs, and drawing that over the picture. */

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "error.h"
#include "sheet.h"
#include "vit/pipeline.h"

#define SHARE 0.6f /* of the colours; the rest is the picture's */

/* Black, violet, red, orange, light yellow: brighter throughout, so that it reads in gray too. */
static const float stops[][3] = {{0, 0, 4}, {87, 16, 110}, {188, 55, 84}, {249, 142, 9}, {252, 255, 164}};
#define STOPS (sizeof stops / sizeof *stops)

/* level 0 ... 1 */
static void colour_of(float level, float rgb[3])
{
    float at = level * (float)(STOPS - 1);
    size_t stop = (size_t)at < STOPS - 2 ? (size_t)at : STOPS - 2;
    float share = at - (float)stop;
    for (size_t i = 0; i < 3; i++)
        rgb[i] = stops[stop][i] * (1 - share) + stops[stop + 1][i] * share;
}

/* One pixel a patch, gray: 0 for the smallest weight, 255 for the largest. */
static vit_status gray_levels(const float *weights, const vit_grid *grid, vit_image *levels, vit_error *err)
{
    size_t patches = grid->rows * grid->columns;
    float least = weights[0], most = weights[0];
    for (size_t i = 1; i < patches; i++) {
        least = fminf(least, weights[i]);
        most = fmaxf(most, weights[i]);
    }
    vit_status status = vit_image_alloc((uint32_t)grid->columns, (uint32_t)grid->rows, levels, err);
    float factor = most > least ? 255 / (most - least) : 0;
    for (size_t i = 0; i < patches && status == VIT_OK; i++)
        memset(levels->pixels + 3 * i, (int)lrintf((weights[i] - least) * factor), 3);
    return status;
}

/* Mixes the colours of the levels into the tile whose top left is at (left, top). */
static void blend(const vit_image *levels, vit_image *sheet, uint32_t left, uint32_t top)
{
    for (uint32_t y = 0; y < levels->height; y++)
        for (uint32_t x = 0; x < levels->width; x++) {
            float rgb[3];
            uint8_t *pixel = sheet->pixels + 3 * ((size_t)(top + y) * sheet->width + left + x);
            colour_of((float)levels->pixels[3 * ((size_t)y * levels->width + x)] / 255, rgb);
            for (size_t i = 0; i < 3; i++)
                pixel[i] = (uint8_t)lrintf(SHARE * rgb[i] + (1 - SHARE) * (float)pixel[i]);
        }
}

static vit_status draw_map(const vit_heat_map *map, size_t index, vit__sheet *sheet, vit_error *err)
{
    vit_image levels = {0}, smooth = {0};
    const vit_grid *grid = &map->grid;
    const uint32_t size[2] = {(uint32_t)(grid->columns * grid->patch_width),
                              (uint32_t)(grid->rows * grid->patch_height)};
    const uint32_t whole[2] = {map->picture->width, map->picture->height};
    uint32_t at[2];
    vit__sheet_next(sheet, at);
    vit_status status = vit__sheet_draw(sheet, map->picture, whole, VIT_FILTER_BILINEAR, at, err);
    if (status == VIT_OK)
        status = gray_levels(map->weights + index * grid->rows * grid->columns, grid, &levels, err);
    if (status == VIT_OK)
        status = vit__sheet_scale(sheet, &levels, size, VIT_FILTER_BILINEAR, &smooth, err);
    if (status == VIT_OK)
        blend(&smooth, sheet->image, at[0], at[1]);
    vit_image_free(&levels);
    vit_image_free(&smooth);
    return status;
}

vit_status vit_heat_map_draw(const vit_heat_map *map, vit_image *image, vit_error *err)
{
    if (image)
        *image = (vit_image){0};
    if (!map || !image || !map->picture || !map->picture->pixels || !map->weights)
        return vit__fail_null(err, __func__, !map ? "map" : !image ? "sheet" : !map->weights ? "weights" : "picture");
    vit__sheet sheet;
    vit_status status = vit__sheet_start(&sheet, map->picture, map->n, (size_t)ceil(sqrt((double)map->n)), image, err);
    for (size_t i = 0; i < map->n && status == VIT_OK; i++)
        status = draw_map(map, i, &sheet, err);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}

/* ------------------------------------------------------------------ weights ---- */

/* Adds share times the weights of the patches in one head. */
static void add_head(const float *head, size_t tokens, size_t patches, bool class_token, float share, float *map)
{
    size_t prefix = tokens - patches, first = class_token ? 0 : prefix, queries = class_token ? 1 : patches;
    for (size_t query = first; query < first + queries; query++) {
        const float *row = head + query * tokens + prefix;
        for (size_t i = 0; i < patches; i++)
            map[i] += row[i] * share / (float)queries;
    }
}

vit_status vit_attention_map(const vit_model *model, const float *weights, int head, float *map, vit_error *err)
{
    size_t shape[2];
    const vit_grid grid = vit_model_grid(model);
    size_t patches = grid.rows * grid.columns;
    bool class_token = vit_output_size(model, VIT_OUTPUT_CLASS, 0) > 0;
    if (!model || !weights || !map)
        return vit__fail_null(err, __func__, !model ? "model" : weights ? "map" : "weights");
    vit_status status = vit_output_shape(model, VIT_OUTPUT_ATTENTION, 0, shape, err);
    if (status != VIT_OK)
        return status;
    size_t tokens = shape[1], heads = shape[0] / shape[1];
    if (head >= 0 && (size_t)head >= heads)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__, "the model has heads 0 to %zu", heads - 1);
    memset(map, 0, patches * sizeof *map);
    for (size_t i = 0; i < heads; i++)
        if (head < 0 || (size_t)head == i)
            add_head(weights + i * tokens * tokens, tokens, patches, class_token, head < 0 ? 1 / (float)heads : 1, map);
    return VIT_OK;
}
