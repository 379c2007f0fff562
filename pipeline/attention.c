/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps of attention: how much each patch of a picture weighs, and drawing that over the picture. */

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "error.h"
#include "vit/pipeline.h"

#define EDGE_LEAST 256u /* of the shorter edge of a tile: small pictures are enlarged by a whole number */
#define GAP 4u          /* pixels between tiles */
#define SHARE 0.6f      /* of the colours; the rest is the picture's */

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

static vit_status resized(const vit_image *image, uint32_t width, uint32_t height, vit_image *result, vit_error *err)
{
    vit_status status = vit_image_alloc(width, height, result, err);
    return status == VIT_OK ? vit_image_resize(image, result, VIT_FILTER_BILINEAR, VIT_RESAMPLER_PILLOW, err) : status;
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

static void paste(const vit_image *tile, vit_image *sheet, uint32_t left, uint32_t top)
{
    for (uint32_t y = 0; y < tile->height; y++)
        memcpy(sheet->pixels + 3 * ((size_t)(top + y) * sheet->width + left),
               tile->pixels + 3 * (size_t)y * tile->width, 3 * (size_t)tile->width);
}

static vit_status draw_map(const vit_heat_map *map, size_t index, uint32_t scale, vit_image *sheet,
                           const uint32_t at[2], vit_error *err)
{
    vit_image levels = {0}, smooth = {0};
    const vit_grid *grid = &map->grid;
    uint32_t width = (uint32_t)(grid->columns * grid->patch_width),
             height = (uint32_t)(grid->rows * grid->patch_height);
    vit_status status = gray_levels(map->weights + index * grid->rows * grid->columns, grid, &levels, err);
    if (status == VIT_OK)
        status = resized(&levels, width * scale, height * scale, &smooth, err);
    if (status == VIT_OK)
        blend(&smooth, sheet, at[0], at[1]);
    vit_image_free(&levels);
    vit_image_free(&smooth);
    return status;
}

/* Room for all tiles, as square as may be, on white. */
static vit_status make_sheet(const vit_image *tile, size_t n, size_t across, vit_image *sheet, vit_error *err)
{
    size_t down = (n + across - 1) / across;
    uint64_t width = (uint64_t)across * (tile->width + GAP) - GAP, height = (uint64_t)down * (tile->height + GAP) - GAP;
    if (width > UINT32_MAX || height > UINT32_MAX || width * height > VIT_MAX_PIXELS)
        return vit_error_set(err, VIT_ERR_TOO_LARGE, NULL, "%zu maps of %ux%u pixels are too many for one picture", n,
                             tile->width, tile->height);
    vit_status status = vit_image_alloc((uint32_t)width, (uint32_t)height, sheet, err);
    if (status == VIT_OK)
        memset(sheet->pixels, 255, 3 * (size_t)(width * height));
    return status;
}

vit_status vit_heat_map_draw(const vit_heat_map *map, vit_image *sheet, vit_error *err)
{
    if (sheet)
        *sheet = (vit_image){0};
    if (!map || !sheet || !map->picture || !map->picture->pixels || !map->weights)
        return vit__fail_null(err, __func__, !map ? "map" : !sheet ? "sheet" : !map->weights ? "weights" : "picture");
    const vit_image *picture = map->picture;
    uint32_t edge = picture->width < picture->height ? picture->width : picture->height;
    uint32_t scale = edge < EDGE_LEAST ? (EDGE_LEAST + edge - 1) / edge : 1;
    size_t across = (size_t)ceil(sqrt((double)map->n));
    vit_image tile = {0};
    vit_status status = resized(picture, picture->width * scale, picture->height * scale, &tile, err);
    if (status == VIT_OK)
        status = make_sheet(&tile, map->n, across, sheet, err);
    for (size_t i = 0; i < map->n && status == VIT_OK; i++) {
        const uint32_t at[2] = {(uint32_t)(i % across) * (tile.width + GAP),
                                (uint32_t)(i / across) * (tile.height + GAP)};
        paste(&tile, sheet, at[0], at[1]);
        status = draw_map(map, i, scale, sheet, at, err);
    }
    vit_image_free(&tile);
    if (status != VIT_OK)
        vit_image_free(sheet);
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
