/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that make rows of inputs: pixels of pictures, token ids of words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "line.h"
#include "memory.h"

/* Two batches may be ready while another one is encoded, and one more of lines that have nothing ready: a request that
 * comes is then in the next batch, and does not wait until there is room behind what others have ready. */
static bool may_load(const serve_engine *engine, const serve_line *line)
{
    size_t batches = line->n_ready == line->n_taken ? 3 : 2;
    return !line->ended && line->next < line->job->n && engine->pending < batches * engine->options.batch;
}

/* The next line, by turns, that has an input to be loaded. */
static serve_line *choose(serve_engine *engine)
{
    serve_line *line = engine->ring;
    if (!line)
        return NULL;
    do {
        if (may_load(engine, line)) {
            engine->ring = line->after;
            return line;
        }
        line = line->after;
    } while (line != engine->ring);
    return NULL;
}

static vit_item item_of(const serve_input *input, const char *name)
{
    static const vit_item_kind kinds[] = {[SERVE_PICTURE] = VIT_ITEM_BYTES,
                                          [SERVE_WORDS] = VIT_ITEM_TEXT,
                                          [SERVE_PIXELS] = VIT_ITEM_PIXELS,
                                          [SERVE_IDS] = VIT_ITEM_TOKENS};
    return (vit_item){.kind = kinds[input->kind],
                      .name = name,
                      .data = input->data,
                      .size = input->size,
                      .width = input->pixels_width,
                      .height = input->pixels_height};
}

/* Of a picture its patches and further tokens; of token ids their number. */
static size_t tokens_of(const vit_pipeline *pipeline, const vit_loaded *loaded)
{
    size_t shape[2];
    const vit_model *model = vit_pipeline_model(pipeline);
    const vit_grid grid = vit_model_grid(model);
    if (vit_model_pixels_size(model) == 0)
        return loaded->length;
    if (vit_output_shape(model, VIT_OUTPUT_TOKENS, 0, shape, NULL) != VIT_OK)
        return 0;
    if (vit_model_patches(model) == 0)
        return shape[0];
    return shape[0] - vit_model_patches(model) +
           (loaded->pixels_height / grid.patch_height) * (loaded->pixels_width / grid.patch_width);
}

/* Bytes that the picture takes once it is decoded. 0: the input is none, or cannot be read, as loading will tell. */
static size_t decoded_size(const serve_input *input, const vit_pipeline *pipeline)
{
    vit_picture picture;
    const vit_load_options *options = &vit_pipeline_settings(pipeline)->load;
    if (input->kind != SERVE_PICTURE ||
        vit_picture_measure(input->data, input->size, NULL, options, &picture, NULL) != VIT_OK)
        return 0;
    return serve_decoded_bytes(picture.stored_width, picture.stored_height);
}

/* What of the input is known once it is loaded. */
static void fill_input(serve_input *input, const vit_pipeline *pipeline, const vit_loaded *loaded)
{
    input->tokens = loaded->tokens ? loaded->tokens : tokens_of(pipeline, loaded);
    input->width = loaded->width;
    input->height = loaded->height;
    input->stored_width = loaded->stored_width;
    input->stored_height = loaded->stored_height;
}

/* Without the lock. The row belongs to the line. */
static vit_status load(serve_engine *engine, const serve_line *line, size_t index, vit_loaded *loaded, vit_error *err)
{
    serve_input *input = &line->job->inputs[index];
    serve_row *row = &line->rows[index];
    const vit_pipeline *pipeline = line->job->model->towers[line->job->tower];
    size_t decoded = decoded_size(input, pipeline);
    char name[32];
    snprintf(name, sizeof name, "input[%zu]", index);
    vit_item item = item_of(input, name);
    if (decoded > engine->options.memory)
        return vit__fail(err, VIT_ERR_TOO_LARGE, name,
                         "the picture has %zu bytes once it is decoded, more than there are for all requests "
                         "(--max-memory)",
                         decoded);
    row->values = vit__alloc(1, line->row_bytes);
    if (!row->values)
        return vit__fail_memory(err, name);
    if (decoded > 0)
        serve_engine_enter_decoding(engine, decoded);
    vit_status status = vit_pipeline_load(pipeline, &item, row->values, loaded, err);
    if (decoded > 0)
        serve_engine_leave_decoding(engine, decoded);
    if (status != VIT_OK)
        return status;
    row->length = loaded->length;
    row->width = loaded->pixels_width;
    row->height = loaded->pixels_height;
    row->ready_at = vit__seconds();
    fill_input(input, pipeline, loaded);
    return VIT_OK;
}

/* With the lock, as is the whole loop outside `load`. */
static void finish(serve_engine *engine, serve_line *line, size_t index, vit_status status, const vit_error *err)
{
    line->busy--;
    if (status == VIT_OK && !line->ended) {
        line->ready[line->n_ready++] = index;
        pthread_cond_signal(&engine->to_encode);
        return;
    }
    serve_line_drop_row(engine, line, index);
    engine->pending--;
    serve_line_wait_less(engine, line, 1);
    pthread_cond_signal(&engine->to_load);
    if (status != VIT_OK && !line->ended) {
        line->error = *err;
        line->job->failed = index;
    }
    serve_line_end(engine, line, SERVE_FAILED);
}

static void count(const serve_line *line, const vit_loaded *loaded)
{
    serve_model *model = line->job->model;
    if (line->job->tower == VIT_TOWER_IMAGE)
        serve_line_stage(model, SERVE_STAGE_DECODE, loaded->seconds - loaded->preprocess_seconds);
    serve_line_stage(model, SERVE_STAGE_PREPROCESS, loaded->preprocess_seconds);
}

void *serve_loader_main(void *argument)
{
    serve_engine *engine = argument;
    pthread_mutex_lock(&engine->lock);
    while (!engine->stopping) {
        serve_line *line = choose(engine);
        if (!line) {
            pthread_cond_wait(&engine->to_load, &engine->lock);
            continue;
        }
        size_t index = line->next++;
        vit_error err = {0};
        vit_loaded loaded = {0};
        line->busy++;
        engine->pending++;
        engine->memory_used += line->row_bytes;
        pthread_mutex_unlock(&engine->lock);
        double start = vit__seconds();
        vit_status status = load(engine, line, index, &loaded, &err);
        double seconds = vit__seconds() - start;
        pthread_mutex_lock(&engine->lock);
        line->job->loaded += seconds;
        count(line, &loaded);
        finish(engine, line, index, status, &err);
    }
    pthread_mutex_unlock(&engine->lock);
    return NULL;
}
