/* SPDX-License-Identifier: BSD-2-Clause */
#include "feed.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mistaken.h"
#include "npy.h"
#include "picture.h"
#include "text.h"

#define STDIN_NAME "standard input" /* in messages of what was read from it */

/* ------------------------------------------------------------------ rows of arrays ---- */

/* On threads of the pipeline, which reads a row when it is wanted. The item's data is the model. */
static size_t read_pixels(const vit_item *item, void *row, vit_error *err)
{
    const cli_input *input = item->context;
    cli_npy npy;
    vit_status status = cli_npy_open(input->path, &npy, err);
    if (status != VIT_OK)
        return 0;
    if (npy.shape[2] != item->height || npy.shape[3] != item->width)
        status = vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, input->path, "the file was changed meanwhile");
    else
        status = cli_npy_read(&npy, input->path, input->row, row, err);
    cli_npy_close(&npy);
    return status == VIT_OK ? (size_t)3 * item->height * item->width : 0;
}

static size_t read_ids(const vit_item *item, void *row, vit_error *err)
{
    const cli_input *input = item->context;
    size_t context = vit_model_context(item->data);
    cli_npy npy;
    vit_status status = cli_npy_open_ids(input->path, &npy, err);
    if (status != VIT_OK)
        return 0;
    size_t length = npy.shape[1];
    if (length > context)
        status = vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, input->path,
                               "texts of %zu tokens: the model takes 1 to %zu", length, context);
    else
        status = cli_npy_read_ids(&npy, input->path, input->row, row, err);
    cli_npy_close(&npy);
    return status == VIT_OK ? length : 0;
}

/* ------------------------------------------------------------------ items ---- */

static void give_bytes(vit_item *item, const void *bytes, size_t size)
{
    item->kind = VIT_ITEM_BYTES;
    item->data = bytes;
    item->size = size;
}

static void give_rows(vit_item *item, const vit_model *model, size_t (*read)(const vit_item *, void *, vit_error *))
{
    item->kind = VIT_ITEM_READ;
    item->data = model;
    item->read = read;
}

static void read_standard_input(void **bytes, size_t *size, vit_error *err)
{
    vit_descriptor_read(STDIN_FILENO, STDIN_NAME, 0, bytes, size, err);
}

/* The input gets a copy, which is freed with the input. */
static void repeat_standard_input(cli_standard_input *kept, cli_input *input)
{
    if (!kept->bytes)
        read_standard_input(&kept->bytes, &kept->size, &input->error);
    if (!kept->bytes)
        return;
    input->size = kept->size;
    input->bytes = cli_allocate(kept->size + 1, 1); /* of nothing there is no copy */
    memcpy(input->bytes, kept->bytes, kept->size);
}

void cli_standard_input_free(cli_standard_input *kept)
{
    vit_free(kept->bytes);
    *kept = (cli_standard_input){0};
}

/* Standard input is read here, where it is met: it is one picture, and only one thread walks. */
static vit_item item_of(const cli_feed *feed, cli_input *input)
{
    vit_item item = {.kind = VIT_ITEM_PATH, .name = input->path, .error = &input->error, .context = input};
    if (input->kind == CLI_SOURCE_STDIN) {
        if (feed->kept)
            repeat_standard_input(feed->kept, input);
        else
            read_standard_input(&input->bytes, &input->size, &input->error);
        item.name = STDIN_NAME;
        give_bytes(&item, input->bytes, input->size);
    } else if (input->kind == CLI_SOURCE_MEMBER) {
        give_bytes(&item, input->member->bytes, input->member->size);
    } else if (input->kind == CLI_SOURCE_TEXT) {
        item.kind = VIT_ITEM_TEXT;
        item.data = input->path;
        item.size = strlen(input->path);
    } else if (input->kind == CLI_SOURCE_PIXELS) {
        give_rows(&item, feed->model, read_pixels);
        item.width = input->width;
        item.height = input->height;
    } else if (input->kind == CLI_SOURCE_TOKENS) {
        give_rows(&item, feed->model, read_ids);
    }
    return item;
}

int cli_feed_next(void *context, vit_item *item)
{
    const cli_feed *feed = context;
    cli_input *input = cli_allocate(1, sizeof *input);
    if (!cli_walk_next(feed->walk, input)) {
        free(input);
        return 0;
    }
    *item = item_of(feed, input);
    return 1;
}

void cli_feed_loaded(void *feed, const vit_item *item)
{
    (void)feed;
    cli_input_free_bytes(item->context);
}

void cli_feed_drop(void *feed, const vit_item *item)
{
    (void)feed;
    cli_feed_free(item->context);
}

void cli_feed_free(cli_input *input)
{
    cli_input_free(input);
    free(input);
}

/* Why what was given as a picture is none. */
static void explain(cli_input *input)
{
    if (input->kind == CLI_SOURCE_PATH)
        cli_picture_explain(input->path, &input->error);
    if (input->kind == CLI_SOURCE_STDIN && input->error.status == VIT_ERR_UNSUPPORTED_FORMAT)
        cli_mistaken(input->bytes, input->size, "-", &input->error);
}

cli_input *cli_feed_take(const vit_result *result)
{
    cli_input *input = result->item.context;
    input->width = result->width;
    input->height = result->height;
    input->seconds = result->seconds;
    if (result->error && input->error.status == VIT_OK) {
        input->error = *result->error;
        explain(input);
    }
    return input;
}
