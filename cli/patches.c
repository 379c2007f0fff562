/* SPDX-License-Identifier: BSD-2-Clause */
#include "patches.h"

#include <stdlib.h>
#include <string.h>

#include "drawing.h"
#include "talk.h"

static size_t patches_of(const cli_patches *p)
{
    return p->grid.rows * p->grid.columns;
}

cli_exit cli_patches_start(const cli_command *command, const char *option, const cli_model *model,
                           const cli_picture_options *pictures, cli_patches *patches)
{
    size_t shape[2];
    vit_error err = {0};
    *patches = (cli_patches){.model = model, .pictures = pictures, .grid = vit_model_grid(model->model)};
    if (vit_output_shape(model->model, VIT_OUTPUT_TOKENS, 0, shape, &err) != VIT_OK || patches_of(patches) == 0 ||
        shape[0] < patches_of(patches))
        return cli_usage_error(command, "%s: the model has no patches whose features can be compared%s%s", option,
                               *err.message ? ": " : "", err.message);
    patches->tokens = shape[0];
    patches->width = shape[1];
    patches->pixels = cli_allocate(vit_model_pixels_size(model->model), sizeof *patches->pixels);
    patches->all = cli_allocate(patches->tokens, patches->width * sizeof *patches->all);
    return CLI_DONE;
}

/* The class token and registers come before the patches. */
static void keep(cli_patches *p)
{
    const size_t patches = patches_of(p), size = patches * p->width;
    p->features = cli_grow(p->features, &p->room, p->n, size * sizeof *p->features);
    memcpy(p->features + p->n * size, p->all + (p->tokens - patches) * p->width, size * sizeof *p->features);
    p->n++;
}

vit_status cli_patches_add(cli_patches *p, const char *path, vit_image *picture, vit_error *err)
{
    const cli_seen seen = {p->model->model, p->pictures};
    *picture = (vit_image){0};
    vit_status status = cli_picture_see(&seen, path, picture, p->pixels, err);
    if (status == VIT_OK)
        status = vit_encode(p->model->session, p->pixels, 1, VIT_OUTPUT_TOKENS, p->all, err);
    if (status == VIT_OK)
        keep(p);
    else
        vit_image_free(picture);
    return status;
}

vit_status cli_patches_colour(const cli_patches *p, uint8_t *colours, vit_error *err)
{
    return vit_patch_colours(p->features, p->n, &p->grid, p->width, colours, err);
}

static bool is_black(const uint8_t *colours, size_t size)
{
    size_t i = 0;
    while (i < size && colours[i] == 0)
        i++;
    return i == size;
}

vit_status cli_patches_colour_each(const cli_patches *p, uint8_t *colours, vit_error *err)
{
    const size_t size = 3 * patches_of(p);
    vit_status status = cli_patches_colour(p, colours, err);
    for (size_t i = 0; i < p->n && status == VIT_OK; i++)
        if (is_black(colours + i * size, size))
            return vit_patch_colours_all(p->features, p->n, &p->grid, p->width, colours, err);
    return status;
}

void cli_patches_clear(cli_patches *p)
{
    p->n = 0;
}

void cli_patches_free(cli_patches *p)
{
    free(p->features);
    free(p->pixels);
    free(p->all);
    *p = (cli_patches){0};
}
