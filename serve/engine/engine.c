/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "line.h"
#include "memory.h"

/* Seconds after which a job that waits looks whether its client is still there. With 256 jobs that wait, a quarter of a
 * second took one processor's fortieth part. */
#define LOOK_AGAIN 1.0

static vit_status start_threads(serve_engine *engine, vit_error *err)
{
    engine->encoder_runs = pthread_create(&engine->encoder, NULL, serve_encoder_main, engine) == 0;
    while (engine->encoder_runs && engine->n_loaders < engine->options.loaders &&
           pthread_create(&engine->loaders[engine->n_loaders], NULL, serve_loader_main, engine) == 0)
        engine->n_loaders++;
    if (engine->n_loaders > 0)
        return VIT_OK;
    return vit__fail(err, VIT_ERR_OUT_OF_MEMORY, NULL, "no thread can be started");
}

vit_status serve_engine_create(const serve_engine_options *options, serve_engine **result, vit_error *err)
{
    serve_engine *engine = vit__alloc_zero(1, sizeof *engine);
    *result = NULL;
    if (!engine)
        return vit__fail_memory(err, NULL);
    engine->options = *options;
    pthread_mutex_init(&engine->lock, NULL);
    pthread_cond_init(&engine->to_load, NULL);
    pthread_cond_init(&engine->to_encode, NULL);
    pthread_cond_init(&engine->room, NULL);
    engine->cache = serve_text_cache_create(options->text_cache);
    engine->loaders = vit__alloc(options->loaders, sizeof *engine->loaders);
    vit_status status = engine->loaders ? start_threads(engine, err) : vit__fail_memory(err, NULL);
    if (status == VIT_OK)
        *result = engine;
    else
        serve_engine_free(engine);
    return status;
}

void serve_engine_stop(serve_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    engine->stopping = true;
    serve_line *line = engine->ring;
    do {
        if (line) {
            serve_line_end(engine, line, SERVE_STOPPING);
            line = line->after;
        }
    } while (line != engine->ring);
    pthread_cond_broadcast(&engine->to_load);
    pthread_cond_broadcast(&engine->to_encode);
    pthread_cond_broadcast(&engine->room);
    pthread_mutex_unlock(&engine->lock);
}

void serve_engine_free(serve_engine *engine)
{
    if (!engine)
        return;
    serve_engine_stop(engine);
    if (engine->encoder_runs)
        pthread_join(engine->encoder, NULL);
    for (unsigned i = 0; i < engine->n_loaders; i++)
        pthread_join(engine->loaders[i], NULL);
    serve_text_cache_free(engine->cache);
    pthread_cond_destroy(&engine->room);
    pthread_cond_destroy(&engine->to_encode);
    pthread_cond_destroy(&engine->to_load);
    pthread_mutex_destroy(&engine->lock);
    free(engine->loaders);
    free(engine);
}

/* ------------------------------------------------------------------ a job ---- */

static void free_line(serve_line *line)
{
    free(line->rows);
    free(line->ready);
    pthread_cond_destroy(&line->change);
}

static vit_status prepare(serve_job *job, serve_line *line, vit_error *err)
{
    size_t shape[2];
    const vit_pipeline *pipeline = job->model->towers[job->tower];
    job->results = NULL;
    job->failed = job->n;
    job->queued = job->loaded = job->encoded = 0;
    if (!pipeline)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, job->model->name, "the model has no tower of %s",
                         job->tower == VIT_TOWER_TEXT ? "words" : "pictures");
    vit_status status = vit_output_shape(vit_pipeline_model(pipeline), job->output, job->layer, shape, err);
    if (status != VIT_OK)
        return status;
    job->rows = shape[0];
    job->columns = shape[1];
    line->size = shape[0] * shape[1];
    line->row_bytes = vit_pipeline_row_size(pipeline);
    job->results = vit__alloc(job->n * sizeof(float), line->size);
    line->rows = vit__alloc_zero(job->n, sizeof *line->rows);
    line->ready = vit__alloc(job->n, sizeof *line->ready);
    return job->results && line->rows && line->ready ? VIT_OK : vit__fail_memory(err, NULL);
}

/* Words that were encoded before are done; those that are left keep their order. */
static void take_known(serve_engine *engine, serve_line *line)
{
    serve_job *job = line->job;
    bool can = engine->cache && job->output == VIT_OUTPUT_EMBEDDING && job->tower == VIT_TOWER_TEXT;
    while (can && line->next < job->n) {
        serve_input *input = &job->inputs[line->next];
        float *values = job->results + line->next * line->size;
        if (input->kind != SERVE_WORDS || !serve_text_cache_get(engine->cache, job->model, input->data, input->size,
                                                                values, line->size, &input->tokens))
            return;
        if (job->normalize)
            vit_to_unit_length(values, line->size);
        line->next++;
        line->done++;
        line->good++;
        job->model->figures.cached++;
    }
}

static void await_change(serve_engine *engine, serve_line *line)
{
    double left = line->job->deadline - vit__seconds();
    const struct timespec until = vit__moment_in(left < 0 ? 0 : left < LOOK_AGAIN ? left : LOOK_AGAIN);
    pthread_cond_timedwait(&line->change, &engine->lock, &until);
}

static void await_job(serve_engine *engine, serve_line *line)
{
    serve_job *job = line->job;
    while (line->busy > 0 || (!line->ended && line->done < job->n)) {
        await_change(engine, line);
        if (line->ended)
            continue;
        if (vit__seconds() > job->deadline)
            serve_line_end(engine, line, SERVE_OVERLOADED);
        else if (job->gone && job->gone(job->context))
            serve_line_end(engine, line, SERVE_GONE);
    }
}

/* What became of each input, once nothing more is done. */
static void count_inputs(const serve_line *line, serve_outcome outcome)
{
    size_t *inputs = line->job->model->figures.inputs[line->job->tower], failed = outcome == SERVE_FAILED;
    inputs[SERVE_INPUT_OK] += line->good;
    inputs[SERVE_INPUT_FAILED] += failed;
    inputs[SERVE_INPUT_DROPPED] += line->job->n - line->good - failed;
}

/* ------------------------------------------------------------------ admission ---- */

/* Of one request at most half of the queue counts. Requests take turns: what one has beyond half of the queue
 * delays nobody else. So a request of a thousand texts does not shut out single ones. */
static size_t count_waiting(const serve_engine *engine)
{
    const size_t most = (engine->options.queue + 1) / 2;
    size_t n = engine->coming;
    const serve_line *line = engine->ring;
    do {
        if (line) {
            n += line->waits < most ? line->waits : most;
            line = line->after;
        }
    } while (line != engine->ring);
    return n;
}

/* Admission is the same for one input and for many. */
static bool admit(serve_engine *engine, serve_place *place)
{
    if (*place == SERVE_PLACE_NONE && count_waiting(engine) < engine->options.queue) {
        *place = SERVE_PLACE_KEPT;
        engine->coming++;
    }
    return *place != SERVE_PLACE_NONE;
}

static void dismiss(serve_engine *engine, serve_place *place, serve_place then)
{
    engine->coming -= *place == SERVE_PLACE_KEPT;
    *place = then;
}

bool serve_engine_admit(serve_engine *engine, serve_place *place)
{
    pthread_mutex_lock(&engine->lock);
    bool admitted = admit(engine, place);
    pthread_mutex_unlock(&engine->lock);
    return admitted;
}

void serve_engine_dismiss(serve_engine *engine, serve_place *place)
{
    pthread_mutex_lock(&engine->lock);
    dismiss(engine, place, SERVE_PLACE_NONE);
    pthread_mutex_unlock(&engine->lock);
}

/* ------------------------------------------------------------------ a job from start to end ---- */

static serve_outcome run_line(serve_engine *engine, serve_line *line, vit_error *err)
{
    serve_outcome outcome;
    pthread_mutex_lock(&engine->lock);
    if (engine->stopping || !admit(engine, line->job->place)) {
        outcome = engine->stopping ? SERVE_STOPPING : SERVE_OVERLOADED;
    } else {
        dismiss(engine, line->job->place, SERVE_PLACE_TAKEN);
        take_known(engine, line);
        serve_line_wait(engine, line, line->job->n - line->next);
        serve_line_enter(engine, line);
        await_job(engine, line);
        serve_line_leave(engine, line);
        outcome = line->ended ? line->outcome : SERVE_DONE;
        count_inputs(line, outcome);
        if (outcome == SERVE_FAILED && err && err->status == VIT_OK)
            *err = line->error;
    }
    pthread_mutex_unlock(&engine->lock);
    return outcome;
}

serve_outcome serve_engine_run(serve_engine *engine, serve_job *job, vit_error *err)
{
    serve_line line = {.job = job, .start = vit__seconds()};
    pthread_cond_init(&line.change, NULL);
    serve_outcome outcome = prepare(job, &line, err) == VIT_OK ? SERVE_DONE : SERVE_FAILED;
    if (outcome == SERVE_DONE && job->n > 0)
        outcome = run_line(engine, &line, err);
    free_line(&line);
    return outcome;
}

/* ------------------------------------------------------------------ memory, figures ---- */

bool serve_engine_take(serve_engine *engine, size_t bytes)
{
    pthread_mutex_lock(&engine->lock);
    bool fits = bytes <= engine->options.memory && engine->memory_used <= engine->options.memory - bytes;
    if (fits)
        engine->memory_used += bytes;
    pthread_mutex_unlock(&engine->lock);
    return fits;
}

void serve_engine_give(serve_engine *engine, size_t bytes)
{
    serve_engine_exchange(engine, bytes, 0);
}

void serve_engine_exchange(serve_engine *engine, size_t before, size_t after)
{
    pthread_mutex_lock(&engine->lock);
    engine->memory_used += after - before;
    if (after < before)
        pthread_cond_broadcast(&engine->room);
    pthread_mutex_unlock(&engine->lock);
}

unsigned serve_engine_retry_after(serve_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    double seconds = (double)engine->waiting * engine->pace;
    pthread_mutex_unlock(&engine->lock);
    return seconds < 1 ? 1 : seconds > 60 ? 60 : (unsigned)seconds;
}

void serve_engine_read(serve_engine *engine, serve_engine_figures *figures)
{
    pthread_mutex_lock(&engine->lock);
    *figures = engine->figures;
    figures->waiting = engine->waiting;
    figures->memory_used = engine->memory_used;
    figures->memory = engine->options.memory;
    pthread_mutex_unlock(&engine->lock);
}

void serve_engine_read_model(serve_engine *engine, const serve_model *model, serve_model_figures *figures)
{
    pthread_mutex_lock(&engine->lock);
    *figures = model->figures;
    pthread_mutex_unlock(&engine->lock);
}

void serve_engine_count_stage(serve_engine *engine, serve_model *model, serve_stage stage, double seconds)
{
    pthread_mutex_lock(&engine->lock);
    serve_line_stage(model, stage, seconds);
    pthread_mutex_unlock(&engine->lock);
}
