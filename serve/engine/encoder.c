/* SPDX-License-Identifier: BSD-2-Clause */
/* The one thread that encodes: what is ready becomes a batch, an input of each request in turn. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "line.h"
#include "memory.h"
#include "turn.h"

typedef struct member {
    serve_line *line;
    size_t index;
} member;

/* Inputs of one tower and one output, which one call encodes. */
typedef struct batch {
    member *members; /* [options.batch] */
    size_t n;
    serve_group of;
    vit_pipeline *pipeline;
    size_t size;          /* floats of a result */
    vit_pixels *pictures; /* [options.batch]: where they were loaded */
    char *rows;           /* of texts */
    float *results;
    size_t rows_capacity, results_capacity;
} batch;

/* Nobody waits for it any more. */
static bool is_over(serve_engine *engine, serve_line *line)
{
    serve_job *job = line->job;
    if (job->gone && job->gone(job->context))
        serve_line_end(engine, line, SERVE_GONE);
    else if (vit__seconds() > job->deadline)
        serve_line_end(engine, line, SERVE_OVERLOADED);
    return line->ended;
}

static void take(serve_engine *engine, serve_line *line, batch *b)
{
    serve_job *job = line->job;
    double waited = vit__seconds() - line->start;
    if (line->n_taken == 0) {
        job->queued = waited;
        serve_times_add(&job->model->figures.queue, waited);
    }
    b->members[b->n++] = (member){line, line->ready[line->n_taken++]};
    line->busy++;
    serve_turn_had(line);
    serve_line_wait_less(engine, line, 1);
    engine->pending--;
}

/* A batch is of the group of the line whose turn it is, and takes one input of each line that may join in turn, until
 * it is full or nothing more is ready. */
static void fill(serve_engine *engine, serve_line *next, batch *b)
{
    b->n = 0;
    b->of = serve_turn_group(next);
    b->pipeline = b->of.model->towers[b->of.tower];
    b->size = next->size;
    for (; next && b->n < engine->options.batch; next = serve_turn_next(engine, &b->of))
        if (!is_over(engine, next))
            take(engine, next, b);
    pthread_cond_broadcast(&engine->to_load);
}

/* ------------------------------------------------------------------ without the lock ---- */

static bool reserve(void *pointer, size_t *capacity, size_t bytes)
{
    void **block = pointer;
    if (bytes <= *capacity)
        return true;
    void *grown = vit__realloc(*block, bytes, 1);
    if (!grown)
        return false;
    *block = grown;
    *capacity = bytes;
    return true;
}

static vit_status encode_rows(const batch *b, size_t first, size_t n, vit_error *err)
{
    const vit_request request = {b->of.output, b->of.layer, b->results + first * b->size};
    vit_session *session = vit_pipeline_session(b->pipeline);
    if (b->of.tower == VIT_TOWER_IMAGE)
        return vit_encode_pictures(session, b->pictures + first, n, &request, 1, err);
    const void *rows = b->rows + first * b->of.length * sizeof(int32_t);
    return vit_encode_text_requests(session, rows, n, b->of.length, &request, 1, err);
}

/* false: somebody wrote into the model's files, which is no fault of the input. */
static bool model_stands(const batch *b, vit_error *err)
{
    vit_error broken = {0};
    if (vit_model_check(vit_pipeline_model(b->pipeline), &broken) == VIT_OK)
        return true;
    vit__fail(err, VIT_ERR_UNREADABLE, broken.where, "%s", broken.message);
    return false;
}

static serve_row *row_of(const batch *b, size_t i)
{
    return &b->members[i].line->rows[b->members[i].index];
}

/* statuses[n] and errors of inputs; where the batch fails, each
 * is encoded alone, and one bad input takes none with it. */
static void encode(batch *b, vit_error *errors)
{
    size_t bytes = b->of.tower == VIT_TOWER_TEXT ? b->of.length * sizeof(int32_t) : 0;
    bool room = reserve(&b->rows, &b->rows_capacity, b->n * bytes) &&
                reserve(&b->results, &b->results_capacity, b->n * b->size * sizeof(float));
    for (size_t i = 0; i < b->n; i++) {
        const serve_row *row = row_of(b, i);
        errors[i] = (vit_error){0};
        b->pictures[i] = (vit_pixels){row->values, row->width, row->height};
        if (!room)
            vit__fail_memory(&errors[i], NULL);
        else if (bytes > 0)
            memcpy(b->rows + i * bytes, row->values, bytes);
    }
    if (room && encode_rows(b, 0, b->n, NULL) != VIT_OK)
        for (size_t i = 0; i < b->n; i++)
            if (model_stands(b, &errors[i]))
                encode_rows(b, i, 1, &errors[i]);
}

/* ------------------------------------------------------------------ with it again ---- */

static void remember(serve_engine *engine, const member *m, const float *values)
{
    const serve_job *job = m->line->job;
    const serve_input *input = &job->inputs[m->index];
    if (input->kind == SERVE_WORDS && job->output == VIT_OUTPUT_EMBEDDING)
        serve_text_cache_put(engine->cache, job->model, input->data, input->size, values, m->line->size, input->tokens);
}

/* Of inputs of one request that share a batch, the first: the time of the batch counts once. */
static bool is_first_of_line(const batch *b, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (b->members[j].line == b->members[i].line)
            return false;
    return true;
}

static void deliver(serve_engine *engine, const batch *b, size_t i, const vit_error *err, double seconds)
{
    serve_line *line = b->members[i].line;
    const float *values = b->results + i * b->size;
    serve_line_drop_row(engine, line, b->members[i].index);
    serve_turn_had(line);
    line->busy--;
    line->done++;
    if (is_first_of_line(b, i))
        line->job->encoded += seconds;
    if (err->status == VIT_OK) {
        remember(engine, &b->members[i], values);
        serve_line_put(line, b->members[i].index, values);
        line->good++;
    } else if (!line->ended) {
        line->error = *err;
        line->job->failed = b->members[i].index;
        serve_line_end(engine, line, SERVE_FAILED);
    }
    if (line->done == line->job->n || line->ended)
        pthread_cond_signal(&line->change);
}

static double recent(double before, double now, double weight)
{
    return before > 0 ? (1 - weight) * before + weight * now : now;
}

#define FORGET 0.995 /* of the time of one input, with each batch of several */

/* A time of one input that was long because others had the processors would keep one input from being encoded alone,
 * and so from being measured again: the time is forgotten little by little, until it is tried again. */
static void learn_times(serve_model *model, vit_tower tower, size_t n, double seconds)
{
    if (n == 1) {
        model->alone[tower] = recent(model->alone[tower], seconds, 0.5);
        return;
    }
    model->together[tower] = recent(model->together[tower], seconds, 0.5);
    model->alone[tower] *= FORGET;
}

static void count(serve_engine *engine, const batch *b, double seconds)
{
    serve_model *model = b->of.model;
    serve_model_figures *f = &model->figures;
    size_t n = b->n;
    size_t size = 0;
    while (size + 1 < SERVE_BATCH_SIZES && n > (size_t)1 << size)
        size++;
    f->batches[size]++;
    f->n_batches++;
    f->batched += n;
    serve_line_stage(model, SERVE_STAGE_ENCODE, seconds);
    engine->pace = recent(engine->pace, seconds / (double)n, 0.2);
    learn_times(model, b->of.tower, n, seconds);
}

/* Waits for more inputs, where the options ask for it and a batch is not full yet. */
static void linger(serve_engine *engine)
{
    double wait = engine->options.batch_delay;
    if (wait <= 0 || engine->pending >= engine->options.batch)
        return;
    const struct timespec until = vit__moment_in(wait);
    while (!engine->stopping && engine->waiting < engine->options.batch &&
           pthread_cond_timedwait(&engine->to_encode, &engine->lock, &until) != ETIMEDOUT)
        ;
}

static void run_batch(serve_engine *engine, serve_line *next, batch *b, vit_error *errors)
{
    fill(engine, next, b);
    engine->figures.beats++;
    if (b->n == 0)
        return; /* all that was ready is over */
    pthread_mutex_unlock(&engine->lock);
    double start = vit__seconds();
    encode(b, errors);
    double seconds = vit__seconds() - start;
    pthread_mutex_lock(&engine->lock);
    count(engine, b, seconds);
    for (size_t i = 0; i < b->n; i++)
        deliver(engine, b, i, &errors[i], seconds);
}

void *serve_encoder_main(void *argument)
{
    serve_engine *engine = argument;
    batch b = {.members = vit__alloc(engine->options.batch, sizeof(member)),
               .pictures = vit__alloc(engine->options.batch, sizeof(vit_pixels))};
    vit_error *errors = vit__alloc(engine->options.batch, sizeof *errors);
    pthread_mutex_lock(&engine->lock);
    while (!engine->stopping && b.members && b.pictures && errors) {
        if (serve_turn_next(engine, NULL))
            linger(engine);
        serve_line *line = serve_turn_next(engine, NULL);
        if (line)
            run_batch(engine, line, &b, errors);
        else
            pthread_cond_wait(&engine->to_encode, &engine->lock);
    }
    pthread_mutex_unlock(&engine->lock);
    free(b.members);
    free(b.pictures);
    free(b.rows);
    free(b.results);
    free(errors);
    return NULL;
}
