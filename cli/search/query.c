/* SPDX-License-Identifier: BSD-2-Clause */
#include "query.h"

#include <stdlib.h>
#include <string.h>

#include "pin.h"
#include "place.h"
#include "talk.h"
#include "text.h"
#include "vit/pipeline.h"

/* The queries that are answered together. Their inputs belong
 * to whoever put them there, and live until flush returns. */
typedef struct gathering {
    size_t columns, n;
    float *vectors;     /* [capacity][columns] */
    char *digest;       /* of the text model; NULL: there is none */
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
    free(g->digest);
    g->digest = NULL;
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
    g->queries[g->n++] = (cli_query){.input = input, .vector = usable ? vector : NULL, .text_model_digest = g->digest};
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

/* The index's own model, run as it was for the index. */
static cli_exit open_own(const cli_command *command, cli_job *job, vit_index *index)
{
    cli_output_name output = {0};
    if (!cli_pin_apply(vit_index_get_pin(index), job, &output, vit_index_place(index)))
        return CLI_USAGE;
    cli_exit status = cli_job_open(command, job);
    return status == CLI_DONE ? cli_pin_confirm(command, job, &output, index) : status;
}

/* Takes the digest of the text model, which is open, for messages and results. */
static cli_exit take_digest(const cli_job *job, const char *place, gathering *g)
{
    vit_recipe recipe;
    cli_exit status = cli_job_recipe(job, &recipe);
    if (status != CLI_DONE)
        return status;
    g->digest = cli_duplicate(recipe.values[VIT_RECIPE_MODEL_DIGEST]);
    vit_recipe_free(&recipe);
    cli_note("%s: texts are encoded by %s (digest %.12s), not by the model of the index", place, job->model.name,
             g->digest);
    return CLI_DONE;
}

/* A text model that was trained beside the index's model. Nothing in the two says that they belong together: only the
 * lengths of their vectors can be compared. */
static cli_exit open_paired(const cli_command *command, cli_job *job, vit_index *index, const char *model, gathering *g)
{
    const vit_index_pin *pin = vit_index_get_pin(index);
    const char *place = vit_index_place(index), *output = pin->recipe.values[VIT_RECIPE_OUTPUT];
    if (output && strcmp(output, "embedding") != 0)
        return cli_usage_error(command,
                               "--text-model gives embeddings, and the vectors of %s are --output %s; they cannot be "
                               "compared",
                               place, output);
    job->options.model = model;
    job->pictures = (cli_picture_options){0}; /* there are none */
    job->output = VIT_OUTPUT_EMBEDDING;
    cli_exit status = cli_job_open(command, job);
    if (status != CLI_DONE)
        return status;
    size_t here = vit_output_size(job->model.model, VIT_OUTPUT_EMBEDDING, 0), there = vit_index_columns(index);
    if (here != there)
        return cli_usage_error(command, "--text-model %s: its vectors have %zu numbers, those of %s have %zu", model,
                               here, place, there);
    return take_digest(job, place, g);
}

static cli_exit encode(const cli_command *command, cli_job *job, vit_index *index, const char *text_model, gathering *g)
{
    cli_exit status = text_model ? open_paired(command, job, index, text_model, g) : open_own(command, job, index);
    if (status == CLI_DONE)
        status = cli_job_start(job);
    if (status == CLI_DONE) {
        job->deliver = deliver;
        job->flush = flush;
        job->context = g;
        start(g, vit_index_columns(index), job->model.batch);
        status = cli_job_run(job);
    }
    finish(g);
    return status;
}

cli_exit cli_query_each(const cli_command *command, cli_job *job, vit_index *index, const char *text_model,
                        cli_answer *answer, void *context)
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
    return status == CLI_DONE && !known ? encode(command, job, index, text_model, &g) : status;
}
