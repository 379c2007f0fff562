/* SPDX-License-Identifier: BSD-2-Clause */
#include "pca.h"

#include <stdlib.h>
#include <string.h>

#include "drawing.h"
#include "talk.h"
#include "text.h"
#include "vit/pipeline.h"

/* All pictures, as far as they were read. */
typedef struct drawing {
    const cli_pca *pca;
    cli_model model;
    vit_grid grid;
    size_t tokens, width; /* of a picture, and of a token */
    size_t n, picture_room, feature_room, failed;
    vit_image *pictures; /* [n] */
    float *features;     /* [n][patches][width] */
    float *pixels, *all; /* of one picture: what goes in, and [tokens][width] that come out */
} drawing;

static size_t patches_of(const drawing *d)
{
    return d->grid.rows * d->grid.columns;
}

static cli_exit open_model(const cli_command *command, drawing *d)
{
    size_t shape[2];
    vit_error err = {0};
    cli_exit status = cli_model_open(d->pca->options, &d->model);
    if (status != CLI_DONE)
        return status;
    d->grid = vit_model_grid(d->model.model);
    if (vit_output_shape(d->model.model, VIT_OUTPUT_TOKENS, 0, shape, &err) != VIT_OK || shape[0] < patches_of(d))
        return cli_usage_error(command, "--pca: the model has no patches whose features can be compared%s%s",
                               *err.message ? ": " : "", err.message);
    d->tokens = shape[0];
    d->width = shape[1];
    d->pixels = cli_allocate(vit_model_pixels_size(d->model.model), sizeof *d->pixels);
    d->all = cli_allocate(d->tokens, d->width * sizeof *d->all);
    status = cli_model_check_preprocessing(command, &d->model, d->pca->pictures);
    return status == CLI_DONE ? cli_model_start(d->pca->options, 1, &d->model) : status;
}

/* The class token and registers come before the patches. */
static void keep_patches(drawing *d)
{
    const size_t patches = patches_of(d), size = patches * d->width;
    memcpy(d->features + d->n * size, d->all + (d->tokens - patches) * d->width, size * sizeof *d->features);
    d->n++;
}

static void make_room(drawing *d)
{
    d->pictures = cli_grow(d->pictures, &d->picture_room, d->n, sizeof *d->pictures);
    d->features = cli_grow(d->features, &d->feature_room, d->n, patches_of(d) * d->width * sizeof *d->features);
}

static void add_picture(drawing *d, cli_input *input)
{
    const cli_seen seen = {d->model.model, d->pca->pictures};
    const char *path = input->kind == CLI_SOURCE_STDIN ? NULL : input->path;
    vit_status status = input->error.status;
    make_room(d);
    d->pictures[d->n] = (vit_image){0};
    if (status == VIT_OK)
        status = cli_picture_see(&seen, path, &d->pictures[d->n], d->pixels, &input->error);
    if (status == VIT_OK)
        status = vit_encode(d->model.session, d->pixels, 1, VIT_OUTPUT_TOKENS, d->all, &input->error);
    if (status == VIT_OK) {
        keep_patches(d);
        return;
    }
    vit_image_free(&d->pictures[d->n]);
    cli_input_error(input->path, &input->error);
    d->failed++;
}

static void add_pictures(drawing *d)
{
    cli_walk *walk = cli_walk_start(d->pca->inputs, false);
    for (cli_input input; cli_walk_next(walk, &input); cli_input_free(&input)) {
        add_picture(d, &input);
        cli_input_free_bytes(&input);
    }
    cli_walk_free(walk);
}

static vit_status draw(const drawing *d, void **bytes, size_t *size, vit_error *err)
{
    uint8_t *colours = cli_allocate(d->n, patches_of(d) * 3);
    vit_image sheet = {0};
    const vit_patch_picture what = {.pictures = d->pictures, .grid = d->grid, .n = d->n, .colours = colours};
    vit_status status = vit_patch_colours(d->features, d->n, &d->grid, d->width, colours, err);
    if (status == VIT_OK)
        status = vit_patch_picture_draw(&what, &sheet, err);
    if (status == VIT_OK)
        status = vit_image_encode_png(&sheet, bytes, size, err);
    vit_image_free(&sheet);
    free(colours);
    return status;
}

static cli_exit write_sheet(const drawing *d)
{
    cli_file file = {0};
    void *bytes = NULL;
    size_t size = 0;
    vit_error err = {0};
    if (draw(d, &bytes, &size, &err) != VIT_OK) {
        cli_library_error(&err);
        return CLI_INPUTS_FAILED;
    }
    bool done = cli_drawing_write(d->pca->path, bytes, size, &file) && cli_file_commit(&file);
    cli_file_discard(&file); /* nothing, once committed */
    vit_free(bytes);
    if (!done)
        return CLI_OUTPUT;
    return d->failed ? CLI_INPUTS_FAILED : CLI_DONE;
}

cli_exit cli_pca_draw(const cli_command *command, const cli_pca *pca)
{
    drawing d = {.pca = pca};
    cli_exit status = open_model(command, &d);
    if (status == CLI_DONE) {
        add_pictures(&d);
        status = d.n > 0 ? write_sheet(&d) : CLI_INPUTS_FAILED;
        if (d.n == 0)
            cli_error("no picture could be read, so nothing is drawn");
    }
    while (d.n > 0)
        vit_image_free(&d.pictures[--d.n]);
    free(d.pictures);
    free(d.features);
    free(d.pixels);
    free(d.all);
    cli_model_close(&d.model);
    return status;
}
