/* SPDX-License-Identifier: BSD-2-Clause */
#include "line.h"

#include <stdlib.h>
#include <string.h>

void serve_line_enter(serve_engine *engine, serve_line *line)
{
    serve_line *first = engine->ring;
    if (!first) {
        line->before = line->after = line;
        engine->ring = line;
    } else { /* the last to have its turn */
        line->after = first;
        line->before = first->before;
        first->before->after = line;
        first->before = line;
    }
    pthread_cond_broadcast(&engine->to_load);
}

void serve_line_leave(serve_engine *engine, serve_line *line)
{
    serve_line *after = line->after == line ? NULL : line->after;
    line->before->after = line->after;
    line->after->before = line->before;
    if (engine->ring == line)
        engine->ring = after;
}

void serve_line_wait(serve_engine *engine, serve_line *line, size_t inputs)
{
    engine->waiting += inputs;
    line->waits += inputs;
    line->job->model->figures.waiting += inputs;
}

void serve_line_wait_less(serve_engine *engine, serve_line *line, size_t inputs)
{
    engine->waiting -= inputs;
    line->waits -= inputs;
    line->job->model->figures.waiting -= inputs;
}

void serve_line_stage(serve_model *model, serve_stage stage, double seconds)
{
    model->figures.stages[stage].seconds += seconds;
    model->figures.stages[stage].n++;
}

void serve_line_drop_row(serve_engine *engine, serve_line *line, size_t index)
{
    free(line->rows[index].values);
    line->rows[index].values = NULL;
    engine->memory_used -= line->row_bytes;
}

/* What is ready and will not be encoded makes room for others. */
static void drop_ready(serve_engine *engine, serve_line *line)
{
    for (; line->n_taken < line->n_ready; line->n_taken++) {
        serve_line_drop_row(engine, line, line->ready[line->n_taken]);
        engine->pending--;
        serve_line_wait_less(engine, line, 1);
    }
    serve_line_wait_less(engine, line, line->job->n - line->next);
    line->next = line->job->n;
    pthread_cond_broadcast(&engine->to_load);
}

void serve_line_end(serve_engine *engine, serve_line *line, serve_outcome outcome)
{
    if (!line->ended) {
        line->ended = true;
        line->outcome = outcome;
        drop_ready(engine, line);
    }
    pthread_cond_signal(&line->change);
}

void serve_line_put(serve_line *line, size_t index, const float *values)
{
    serve_job *job = line->job;
    float *result = job->results + index * line->size;
    memcpy(result, values, line->size * sizeof *result);
    for (size_t row = 0; job->normalize && row < job->rows; row++)
        vit_to_unit_length(result + row * job->columns, job->columns);
}
