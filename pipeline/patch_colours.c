/* SPDX-License-Identifier: BSD-2-Clause */
/* Patches in the colours of their principal components (Oquab et al. 2023, DINOv2, section 7.5 and figure 1). */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "sheet.h"
#include "vit/pipeline.h"

#define COLOURS 3u

/* What patches of all pictures are like. */
typedef struct colouring {
    const char *function; /* that the caller called, for messages */
    const vit_grid *grid;
    const float *features; /* [n][width] */
    size_t n, width;       /* patches of all pictures, numbers of a patch */
    float *mean;           /* [width] */
    float *components;     /* [COLOURS][width] */
    float *scores;         /* [n][COLOURS] */
    float *chosen;         /* [n][width], of which the first patches are those in front */
    bool *in_front;        /* [n] */
    size_t n_front;
} colouring;

/* How far a patch lies along a component. */
static float score_of(const colouring *c, size_t patch, size_t component)
{
    const float *feature = c->features + patch * c->width;
    double sum = 0;
    for (size_t i = 0; i < c->width; i++)
        sum += ((double)feature[i] - (double)c->mean[i]) * (double)c->components[component * c->width + i];
    return (float)sum;
}

static bool is_at_edge(const vit_grid *grid, size_t patch)
{
    size_t at = patch % (grid->rows * grid->columns), row = at / grid->columns, column = at % grid->columns;
    return row == 0 || column == 0 || row + 1 == grid->rows || column + 1 == grid->columns;
}

static void put_in_front(colouring *c, size_t patch)
{
    c->in_front[patch] = true;
    memcpy(c->chosen + c->n_front++ * c->width, c->features + patch * c->width, c->width * sizeof *c->features);
}

/* The first component of all patches divides them in two. What is at the edges of pictures is rather the background:
 * the sign is such that the patches there have a negative score in the mean. */
static vit_status divide(colouring *c, vit_error *err)
{
    double edges = 0;
    vit_status status = vit_principal_components(c->features, c->n, c->width, 1, c->mean, c->components, err);
    if (status != VIT_OK)
        return status;
    for (size_t i = 0; i < c->n; i++) {
        c->scores[i] = score_of(c, i, 0);
        edges += is_at_edge(c->grid, i) ? (double)c->scores[i] : 0;
    }
    for (size_t i = 0; i < c->n; i++)
        if (edges > 0 ? c->scores[i] < 0 : c->scores[i] > 0)
            put_in_front(c, i);
    return VIT_OK;
}

/* Nothing is background. */
static vit_status divide_nothing(colouring *c, vit_error *err)
{
    (void)err;
    for (size_t i = 0; i < c->n; i++)
        put_in_front(c, i);
    return VIT_OK;
}

/* Least and most of one score among the patches in front. */
static void bounds_of(const colouring *c, size_t component, float *least, float *most)
{
    *least = INFINITY;
    *most = -INFINITY;
    for (size_t i = 0; i < c->n; i++)
        if (c->in_front[i]) {
            *least = fminf(*least, c->scores[i * COLOURS + component]);
            *most = fmaxf(*most, c->scores[i * COLOURS + component]);
        }
}

/* The first three components of what is in front, each from its least score to its largest. */
static vit_status colour(colouring *c, uint8_t *colours, vit_error *err)
{
    const size_t components = c->width < COLOURS ? c->width : COLOURS;
    memset(colours, 0, c->n * COLOURS);
    if (c->n_front == 0)
        return VIT_OK;
    vit_status status = vit_principal_components(c->chosen, c->n_front, c->width, components, c->mean, c->components,
                                                 err);
    for (size_t k = 0; k < components && status == VIT_OK; k++) {
        float least, most;
        for (size_t i = 0; i < c->n; i++)
            c->scores[i * COLOURS + k] = score_of(c, i, k);
        bounds_of(c, k, &least, &most);
        const float factor = most > least ? 255 / (most - least) : 0;
        for (size_t i = 0; i < c->n; i++)
            if (c->in_front[i])
                colours[i * COLOURS + k] = (uint8_t)lrintf((c->scores[i * COLOURS + k] - least) * factor);
    }
    return status;
}

/* Takes what is to be coloured, and the memory for it. */
static vit_status start(colouring *c, size_t pictures, const uint8_t *colours, vit_error *err)
{
    const vit_grid *grid = c->grid;
    size_t patches, size;
    if (!c->features || !grid || !colours)
        return vit__fail_null(err, c->function, !c->features ? "features" : grid ? "colours" : "grid");
    if (!vit__multiply(grid->rows, grid->columns, &patches) || !vit__multiply(patches, pictures, &c->n) || c->n == 0 ||
        !vit__multiply(c->width, sizeof(float), &size) || c->width == 0)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, c->function,
                         "%zu pictures of %zux%zu patches of %zu numbers have no colours", pictures, grid->rows,
                         grid->columns, c->width);
    c->mean = vit__alloc(1, size);
    c->components = vit__alloc_zero(COLOURS, size);
    c->scores = vit__alloc_zero(c->n, COLOURS * sizeof *c->scores);
    c->chosen = vit__alloc(c->n, size);
    c->in_front = vit__alloc_zero(c->n, sizeof *c->in_front);
    return c->mean && c->components && c->scores && c->chosen && c->in_front ? VIT_OK
                                                                             : vit__fail_memory(err, c->function);
}

static void finish(colouring *c)
{
    free(c->in_front);
    free(c->chosen);
    free(c->scores);
    free(c->components);
    free(c->mean);
}

static vit_status run(colouring *c, size_t pictures, vit_status (*division)(colouring *, vit_error *), uint8_t *colours,
                      vit_error *err)
{
    vit_status status = start(c, pictures, colours, err);
    if (status == VIT_OK)
        status = division(c, err);
    if (status == VIT_OK)
        status = colour(c, colours, err);
    finish(c);
    return status;
}

vit_status vit_patch_colours(const float *features, size_t pictures, const vit_grid *grid, size_t width,
                             uint8_t *colours, vit_error *err)
{
    colouring c = {.function = __func__, .features = features, .grid = grid, .width = width};
    return run(&c, pictures, divide, colours, err);
}

vit_status vit_patch_colours_all(const float *features, size_t pictures, const vit_grid *grid, size_t width,
                                 uint8_t *colours, vit_error *err)
{
    colouring c = {.function = __func__, .features = features, .grid = grid, .width = width};
    return run(&c, pictures, divide_nothing, colours, err);
}

/* ------------------------------------------------------------------ drawing ---- */

/* The colours of one picture, a pixel a patch. */
static vit_status patch_image(const vit_patch_picture *what, size_t index, vit_image *image, vit_error *err)
{
    const vit_grid *grid = &what->grid;
    const size_t size = grid->rows * grid->columns * COLOURS;
    vit_status status = vit_image_alloc((uint32_t)grid->columns, (uint32_t)grid->rows, image, err);
    if (status == VIT_OK)
        memcpy(image->pixels, what->colours + index * size, size);
    return status;
}

/* The picture, and its patches beside it. */
static vit_status draw_pair(const vit_patch_picture *what, size_t index, vit__sheet *sheet, vit_error *err)
{
    vit_image patches = {0};
    const vit_grid *grid = &what->grid;
    const vit_image *picture = &what->pictures[index];
    const uint32_t whole[2] = {picture->width, picture->height};
    const uint32_t size[2] = {(uint32_t)(grid->columns * grid->patch_width),
                              (uint32_t)(grid->rows * grid->patch_height)};
    uint32_t at[2];
    vit__sheet_next(sheet, at);
    vit_status status = vit__sheet_draw(sheet, picture, whole, VIT_FILTER_BILINEAR, at, err);
    if (status == VIT_OK)
        status = patch_image(what, index, &patches, err);
    vit__sheet_next(sheet, at);
    if (status == VIT_OK)
        status = vit__sheet_draw(sheet, &patches, size, VIT_FILTER_NEAREST, at, err);
    vit_image_free(&patches);
    return status;
}

/* Every picture has the same size as the first, and its patches fit into it. */
static vit_status check_picture(const vit_patch_picture *what, vit_error *err)
{
    const vit_image *first = what->pictures;
    const vit_grid *grid = &what->grid;
    for (size_t i = 0; i < what->n; i++) {
        const vit_image *picture = &what->pictures[i];
        if (!picture->pixels)
            return vit__fail_null(err, "vit_patch_picture_draw", "pictures");
        if (picture->width != first->width || picture->height != first->height)
            return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, "vit_patch_picture_draw",
                             "picture %zu is %ux%u pixels large, and the first one %ux%u", i, picture->width,
                             picture->height, first->width, first->height);
    }
    if (what->n == 0 || grid->columns == 0 || grid->rows == 0 || grid->patch_width == 0 || grid->patch_height == 0 ||
        grid->columns > first->width / grid->patch_width || grid->rows > first->height / grid->patch_height)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, "vit_patch_picture_draw",
                         "%zu pictures with %zux%zu patches cannot be drawn", what->n, grid->rows, grid->columns);
    return VIT_OK;
}

vit_status vit_patch_picture_draw(const vit_patch_picture *what, vit_image *image, vit_error *err)
{
    if (image)
        *image = (vit_image){0};
    if (!what || !image || !what->pictures || !what->colours)
        return vit__fail_null(err, __func__,
                              !what            ? "what"
                              : !image         ? "sheet"
                              : what->pictures ? "colours"
                                               : "pictures");
    vit__sheet sheet;
    vit_status status = check_picture(what, err);
    if (status == VIT_OK) /* pairs stay together */
        status = vit__sheet_start(&sheet, what->pictures, 2 * what->n, 2 * (size_t)ceil(sqrt((double)what->n / 2)),
                                  image, err);
    for (size_t i = 0; i < what->n && status == VIT_OK; i++)
        status = draw_pair(what, i, &sheet, err);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}
