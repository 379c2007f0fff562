/* SPDX-License-Identifier: BSD-2-Clause */
#include "query.h"

#include <stdlib.h>
#include <string.h>

#include "file_facts.h"
#include "talk.h"
#include "text.h"
#include "unit_length.h"

typedef struct gathering {
    size_t columns, n, capacity;
    cli_input *inputs; /* without stamp: path, kind, error */
    float *vectors;    /* [capacity][columns] */
    cli_query *queries;
    cli_answer *answer;
    void *context;
} gathering;

static void start(gathering *g, size_t columns, size_t capacity)
{
    g->columns = columns;
    g->capacity = capacity;
    g->inputs = cli_allocate(capacity, sizeof *g->inputs);
    g->queries = cli_allocate(capacity, sizeof *g->queries);
    g->vectors = cli_allocate(capacity, columns * sizeof *g->vectors);
}

static void clear(gathering *g)
{
    while (g->n > 0)
        cli_input_free(&g->inputs[--g->n]);
}

static void finish(gathering *g)
{
    clear(g);
    free(g->inputs);
    free(g->queries);
    free(g->vectors);
}

static bool deliver(void *context, cli_input *input, float *values)
{
    gathering *g = context;
    if (values && !cli_to_length_one(values, g->columns))
        vit_error_set(&input->error, VIT_ERR_NON_FINITE, input->path, "its vector has no direction: it is all zero, or next to it");
    bool usable = values && input->error.status == VIT_OK;
    float *vector = g->vectors + g->n * g->columns;
    if (usable)
        memcpy(vector, values, g->columns * sizeof *vector);
    g->inputs[g->n] = *input;
    g->inputs[g->n].path = cli_duplicate(input->path);
    g->queries[g->n] = (cli_query){.input = &g->inputs[g->n], .vector = usable ? vector : NULL};
    g->n++;
    return true;
}

static bool flush(void *context)
{
    gathering *g = context;
    bool done = g->answer(g->context, g->queries, g->n);
    clear(g);
    return done;
}

/* ------------------------------------------------------------------ without a model ---- */

static bool fetch(cli_store *store, const cli_source *source, size_t columns, float *vector, bool *found)
{
    char hash[CLI_DIGEST_HEX];
    cli_file_stamp stamp;
    *found = false;
    if (source->kind != CLI_SOURCE_PATH || !cli_file_stamp_of(source->value, &stamp) || !cli_file_hash(source->value, hash))
        return true;
    return store->kind->find_vector(store, hash, vector, columns, found);
}

/* Where the index has the vectors of all pictures asked for. *known: it had. */
static bool answer_known(gathering *g, const cli_job *job, cli_store *store, bool *known)
{
    *known = !job->options.model && !job->options.preprocessor;
    for (size_t i = 0; i < job->inputs.n && *known; i++) {
        const cli_source *source = &job->inputs.sources[i];
        if (!fetch(store, source, g->columns, g->vectors + i * g->columns, known))
            return false;
        g->inputs[i] = (cli_input){.kind = source->kind, .path = cli_duplicate(source->value)};
        g->queries[i] = (cli_query){.input = &g->inputs[i], .vector = g->vectors + i * g->columns};
        g->n = i + 1;
    }
    if (!*known) {
        clear(g);
        return true;
    }
    return flush(g);
}

/* ------------------------------------------------------------------ with it ---- */

static cli_exit encode(const cli_command *command, cli_job *job, const cli_pin *pin, cli_store *store, gathering *g)
{
    cli_output_name output = {"embedding", VIT_OUTPUT_EMBEDDING, 0};
    cli_pin now = {0};
    if (!cli_pin_apply(pin, job, &output, store->place))
        return CLI_USAGE;
    cli_exit status = cli_job_open(command, job);
    if (status == CLI_DONE)
        status = cli_pin_take(command, job, &output, &now);
    if (status == CLI_DONE && !cli_pin_matches(pin, &now, store->place))
        status = CLI_USAGE;
    cli_pin_free(&now);
    if (status == CLI_DONE)
        status = cli_job_start(job);
    if (status != CLI_DONE)
        return status;
    job->output = output.output;
    job->layer = output.layer;
    job->deliver = deliver;
    job->flush = flush;
    job->context = g;
    start(g, cli_pin_dimensions(pin), job->model.batch);
    status = cli_job_run(job);
    finish(g);
    return status;
}

cli_exit cli_query_each(const cli_command *command, cli_job *job, cli_store *store, cli_answer *answer, void *context)
{
    cli_pin pin = {0};
    gathering g = {.answer = answer, .context = context};
    cli_exit status = cli_inputs_check(command, &job->inputs);
    if (status == CLI_DONE && !store->kind->read_pin(store, &pin))
        status = CLI_OUTPUT;
    if (status == CLI_DONE && cli_pin_dimensions(&pin) == 0) {
        cli_error("%s: nothing was indexed here yet", store->place);
        status = CLI_USAGE;
    }
    bool known = false;
    if (status == CLI_DONE) {
        start(&g, cli_pin_dimensions(&pin), job->inputs.n);
        if (!answer_known(&g, job, store, &known))
            status = CLI_OUTPUT;
        finish(&g);
        g = (gathering){.answer = answer, .context = context};
    }
    if (status == CLI_DONE && !known)
        status = encode(command, job, &pin, store, &g);
    cli_pin_free(&pin);
    return status;
}
