/* SPDX-License-Identifier: BSD-2-Clause */
#include "pca.h"

#include <stdlib.h>

#include "drawing.h"
#include "patches.h"
#include "talk.h"
#include "text.h"
#include "vit/pipeline.h"

/* All pictures, as far as they were read. */
typedef struct drawing {
    const cli_pca *pca;
    cli_model model;
    cli_patches patches;
    size_t picture_room, failed;
    vit_image *pictures; /* [patches.n] */
} drawing;

static cli_exit open_model(const cli_command *command, drawing *d)
{
    cli_exit status = cli_model_open(d->pca->options, &d->model);
    if (status == CLI_DONE)
        status = cli_patches_start(command, "--pca", &d->model, d->pca->pictures, &d->patches);
    if (status == CLI_DONE)
        status = cli_model_check_preprocessing(command, &d->model, d->pca->pictures);
    return status == CLI_DONE ? cli_model_start(d->pca->options, 1, &d->model) : status;
}

static void add_picture(drawing *d, cli_input *input)
{
    const char *path = input->kind == CLI_SOURCE_STDIN ? NULL : input->path;
    const size_t n = d->patches.n;
    d->pictures = cli_grow(d->pictures, &d->picture_room, n, sizeof *d->pictures);
    if (input->error.status == VIT_OK)
        cli_patches_add(&d->patches, path, &d->pictures[n], &input->error);
    if (input->error.status == VIT_OK)
        return;
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
    const vit_grid *grid = &d->patches.grid;
    uint8_t *colours = cli_allocate(d->patches.n, grid->rows * grid->columns * 3);
    vit_image sheet = {0};
    const vit_patch_picture what = {.pictures = d->pictures, .grid = *grid, .n = d->patches.n, .colours = colours};
    vit_status status = cli_patches_colour(&d->patches, colours, err);
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
        status = d.patches.n > 0 ? write_sheet(&d) : CLI_INPUTS_FAILED;
        if (d.patches.n == 0)
            cli_error("no picture could be read, so nothing is drawn");
    }
    for (size_t i = 0; i < d.patches.n; i++)
        vit_image_free(&d.pictures[i]);
    free(d.pictures);
    cli_patches_free(&d.patches);
    cli_model_close(&d.model);
    return status;
}
