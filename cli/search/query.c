/* SPDX-License-Identifier: BSD-2-Clause */
#include "query.h"

#include <stdlib.h>
#include <string.h>

#include "pin.h"
#include "place.h"
#include "text.h"
#include "vit/pipeline.h"

/* The queries that are answered together. Their inputs belong
 * to whoever put them there, and live until flush returns. */
typedef struct gathering {
    size_t columns, n;
    float *vectors;     /* [capacity][columns] */
    cli_query *queries; /* [capacity] */
    cli_answer *answer;
    void *context;
} gathering;

static void start(gathering *g, size_t columns, size_t capacity)
{
    g->columns = columns;
    g->queries = cli_allocate(capacity, sizeof *g->queries);
    g->vectors = cli_allocate(capacity, columns * sizeof *g->vectors);
}

static void finish(gathering *g)
{
    free(g->queries);
    free(g->vectors);
    g->queries = NULL;
    g->vectors = NULL;
    g->n = 0;
}

static bool deliver(void *context, cli_input *input, float *values)
{
    gathering *g = context;
    if (values && !vit_to_unit_length(values, g->columns))
        vit_error_set(&input->error, VIT_ERR_NON_FINITE, input->path,
                      "its vector has no direction: it is all zero, or next to it");
    bool usable = values && input->error.status == VIT_OK;
    float *vector = g->vectors + g->n * g->columns;
    if (usable)
        memcpy(vector, values, g->columns * sizeof *vector);
    g->queries[g->n++] = (cli_query){.input = input, .vector = usable ? vector : NULL};
    return true;
}

static bool flush(void *context)
{
    gathering *g = context;
    bool done = g->answer(g->context, g->queries, g->n);
    g->n = 0;
    return done;
}

/* ------------------------------------------------------------------ without a model ---- */

static bool fetch(vit_index *index, const cli_source *source, float *vector, bool *found)
{
    vit_error err = {0};
    int there = 0;
    vit_status status = source->kind == CLI_SOURCE_PATH
                            ? vit_index_find_file(index, source->value, vector, &there, &err)
                            : VIT_OK;
    *found = there;
    return cli_index_is(index, status, &err);
}

/* Where the queries are files by name, all of them, and nothing asks for a run of the model. */
static bool may_be_known(const cli_job *job)
{
    const cli_model_options *options = &job->options;
    return !options->model && !options->preprocessor && options->precision == VIT_PRECISION_AUTO && !job->inputs.tar &&
           job->inputs.part.count == 0;
}

/* Where the index has the vectors of all pictures asked for. *known: it had. */
static bool answer_known(gathering *g, const cli_job *job, vit_index *index, bool *known)
{
    size_t n = job->inputs.n;
    cli_input *inputs = cli_allocate(n, sizeof *inputs);
    bool done = true;
    *known = may_be_known(job);
    for (size_t i = 0; i < n && *known && done; i++) {
        const cli_source *source = &job->inputs.sources[i];
        float *vector = g->vectors + i * g->columns;
        done = fetch(index, source, vector, known);
        inputs[i] = (cli_input){.kind = source->kind, .path = cli_duplicate(source->value)};
        g->queries[g->n++] = (cli_query){.input = &inputs[i], .vector = vector};
    }
    if (done && *known)
        done = flush(g);
    for (size_t i = 0; i < n; i++)
        cli_input_free(&inputs[i]);
    free(inputs);
    return done;
}

/* ------------------------------------------------------------------ with it ---- */

static cli_exit encode(const cli_command *command, cli_job *job, vit_index *index, gathering *g)
{
    const vit_index_pin *pin = vit_index_get_pin(index);
    const char *place = vit_index_place(index);
    cli_output_name output = {0};
    vit_index_pin now = {0};
    if (!cli_pin_apply(pin, job, &output, place))
        return CLI_USAGE;
    cli_exit status = cli_job_open(command, job);
    if (status == CLI_DONE)
        status = cli_pin_take(command, job, &output, &now);
    if (status == CLI_DONE && !cli_pin_matches(pin, &now, place))
        status = CLI_USAGE;
    vit_index_pin_free(&now);
    if (status == CLI_DONE)
        status = cli_job_start(job);
    if (status != CLI_DONE)
        return status;
    job->deliver = deliver;
    job->flush = flush;
    job->context = g;
    start(g, vit_index_columns(index), job->model.batch);
    status = cli_job_run(job);
    finish(g);
    return status;
}

cli_exit cli_query_each(const cli_command *command, cli_job *job, vit_index *index, cli_answer *answer, void *context)
{
    gathering g = {.answer = answer, .context = context};
    cli_exit status = cli_inputs_check(command, &job->inputs);
    if (status != CLI_DONE)
        return status;
    bool known = false;
    start(&g, vit_index_columns(index), job->inputs.n);
    if (!answer_known(&g, job, index, &known))
        status = CLI_OUTPUT;
    finish(&g);
    return status == CLI_DONE && !known ? encode(command, job, index, &g) : status;
}
