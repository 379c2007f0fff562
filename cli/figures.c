/* SPDX-License-Identifier: BSD-2-Clause */
#include "figures.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "patches.h"
#include "pin.h"
#include "talk.h"
#include "text.h"

struct cli_figures {
    cli_job job; /* with a model of its own, and no inputs */
    cli_patches patches;
    cli_figure figures[VIT__LIMIT_HTML_FIGURES];
    vit_image images[VIT__LIMIT_HTML_FIGURES]; /* a pixel a patch */
};

/* As the vectors of the index were made: patches of another model would explain nothing. */
static cli_exit open_model(const cli_command *command, const vit_index *index, cli_figures *f)
{
    cli_job *job = &f->job;
    cli_output_name output = {0};
    if (!cli_pin_apply(vit_index_get_pin(index), job, &output, vit_index_place(index)))
        return CLI_USAGE;
    job->options.tower = VIT_TOWER_IMAGE;
    job->options.image_size = job->pictures.image_size;
    cli_exit status = cli_model_open(&job->options, &job->model);
    if (status == CLI_DONE)
        status = cli_patches_start(command, "--output tokens", &job->model, &job->pictures, &f->patches);
    if (status == CLI_DONE)
        status = cli_model_check_preprocessing(command, &job->model, &job->pictures);
    if (status == CLI_DONE)
        status = cli_model_make_pipeline(&job->options, 1, &job->pictures, &job->model);
    if (status == CLI_DONE)
        status = cli_pin_confirm(command, job, &output, index);
    return status == CLI_DONE ? cli_model_start_pipeline(&job->model) : status;
}

cli_exit cli_figures_open(const cli_command *command, const cli_job *job, const vit_index *index, cli_figures **figures)
{
    cli_figures *f = cli_allocate(1, sizeof *f);
    *f = (cli_figures){.job = {.options = job->options, .pictures = job->pictures}};
    cli_exit status = open_model(command, index, f);
    if (status != CLI_DONE) {
        cli_figures_free(f);
        f = NULL;
    }
    *figures = f;
    return status;
}

static void clear(cli_figures *f)
{
    for (size_t i = 0; i < VIT__LIMIT_HTML_FIGURES; i++)
        vit_image_free(&f->images[i]);
    cli_patches_clear(&f->patches);
}

/* The cards whose pictures can be read, in shown[]. The page says of the others that there is no picture. */
static void read_pictures(cli_figures *f, cli_card *cards, size_t n, cli_card **shown)
{
    for (size_t i = 0; i < n && f->patches.n < VIT__LIMIT_HTML_FIGURES; i++) {
        vit_image picture;
        const char *path = cards[i].file ? cards[i].file : cards[i].path;
        if (cli_patches_add(&f->patches, path, &picture, NULL) == VIT_OK)
            shown[f->patches.n - 1] = &cards[i];
        vit_image_free(&picture);
    }
}

static vit_status draw(cli_figures *f, const uint8_t *colours, cli_card **shown, vit_error *err)
{
    const vit_grid *grid = &f->patches.grid;
    const size_t size = 3 * grid->rows * grid->columns;
    vit_status status = VIT_OK;
    for (size_t i = 0; i < f->patches.n && status == VIT_OK; i++) {
        status = vit_image_alloc((uint32_t)grid->columns, (uint32_t)grid->rows, &f->images[i], err);
        if (status != VIT_OK)
            return status;
        memcpy(f->images[i].pixels, colours + i * size, size);
        f->figures[i] = (cli_figure){&f->images[i], (uint32_t)(grid->columns * grid->patch_width),
                                     (uint32_t)(grid->rows * grid->patch_height)};
        shown[i]->figure = &f->figures[i];
    }
    return status;
}

void cli_figures_draw(cli_figures *f, cli_card *cards, size_t n)
{
    cli_card *shown[VIT__LIMIT_HTML_FIGURES];
    vit_error err = {0};
    clear(f);
    read_pictures(f, cards, n, shown);
    if (f->patches.n == 0)
        return;
    uint8_t *colours = cli_allocate(f->patches.n, 3 * f->patches.grid.rows * f->patches.grid.columns);
    if (cli_patches_colour_each(&f->patches, colours, &err) != VIT_OK || draw(f, colours, shown, &err) != VIT_OK)
        cli_library_error(&err);
    free(colours);
}

void cli_figures_free(cli_figures *f)
{
    if (!f)
        return;
    clear(f);
    cli_patches_free(&f->patches);
    cli_job_close(&f->job);
    free(f);
}
