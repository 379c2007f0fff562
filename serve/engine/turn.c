/* SPDX-License-Identifier: BSD-2-Clause */
#include "turn.h"

#include "clock.h"

static bool has_ready(const serve_line *line)
{
    return !line->ended && line->n_taken < line->n_ready;
}

static const serve_row *first_ready(const serve_line *line)
{
    return &line->rows[line->ready[line->n_taken]];
}

#define SHORTER 0.75 /* of the time of several inputs: what a batch of one takes at most, if it is to stay alone */

static bool is_quicker_alone(const serve_job *job)
{
    double together = job->model->together[job->tower], alone = job->model->alone[job->tower];
    return alone > 0 && alone < SHORTER * together;
}

serve_group serve_turn_group(const serve_line *line)
{
    const serve_job *job = line->job;
    return (serve_group){.model = job->model,
                         .tower = job->tower,
                         .output = job->output,
                         .layer = job->layer,
                         .length = job->tower == VIT_TOWER_IMAGE ? 0 : first_ready(line)->length,
                         .last = line->waits <= 1 && is_quicker_alone(job)};
}

static bool may_join(const serve_line *line, const serve_group *group)
{
    const serve_group own = serve_turn_group(line);
    return own.model == group->model && own.tower == group->tower && own.output == group->output &&
           own.layer == group->layer && own.length == group->length && (own.last || !group->last);
}

/* The moment, in seconds of vit__seconds(), from which on the line waits. */
static double waits_since(const serve_line *line)
{
    double ready = first_ready(line)->ready_at;
    return ready > line->had_turn ? ready : line->had_turn;
}

serve_line *serve_turn_next(const serve_engine *engine, const serve_group *group)
{
    serve_line *next = NULL, *line = engine->ring;
    if (!line)
        return NULL;
    do {
        bool may = has_ready(line) && (!group || may_join(line, group));
        if (may && (!next || waits_since(line) < waits_since(next)))
            next = line;
        line = line->after;
    } while (line != engine->ring);
    return next;
}

void serve_turn_had(serve_line *line)
{
    line->had_turn = vit__seconds();
}
