/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"

#include <stdlib.h>

#include "interrupt.h"
#include "loader.h"
#include "progress.h"
#include "talk.h"
#include "text.h"

#define DEFAULT_BATCH 8

const cli_option cli_progress_table[] = {
    {"progress", 0, "auto|always|never", cli_set_choice, offsetof(cli_job, progress), cli_progress_names,
     "show progress, rate and time left on stderr (default auto: on a terminal)"},
    {0},
};

static bool has_pictures(const cli_inputs *inputs)
{
    for (size_t i = 0; i < inputs->n; i++)
        if (inputs->sources[i].kind != CLI_SOURCE_PIXELS)
            return true;
    return false;
}

cli_exit cli_job_open(const cli_command *command, cli_job *job)
{
    cli_exit status = cli_inputs_check(command, &job->inputs);
    if (status == CLI_DONE)
        status = cli_model_open(&job->options, &job->model);
    if (status == CLI_DONE)
        status = cli_inputs_refuse_text(command, &job->inputs);
    if (status == CLI_DONE)
        status = cli_model_check_inputs(command, &job->model, &job->pictures, has_pictures(&job->inputs));
    return status;
}

cli_exit cli_job_start(cli_job *job)
{
    return cli_model_start(&job->options, DEFAULT_BATCH, &job->model);
}

void cli_job_close(cli_job *job)
{
    cli_walk_free(job->walk);
    job->walk = NULL;
    cli_model_close(&job->model);
    cli_inputs_free(&job->inputs);
}

void cli_encode_each(const cli_model *model, const float *pixels, size_t n, const vit_request *request,
                     vit_error **errors)
{
    size_t stride = vit_model_pixels_size(model->model);
    size_t size = vit_output_size(model->model, request->output, request->layer);
    if (n > 1 && vit_encode_requests(model->session, pixels, n, request, 1, NULL) == VIT_OK)
        return;
    for (size_t i = 0; i < n; i++) {
        vit_request one = *request;
        one.result += i * size;
        vit_encode_requests(model->session, pixels + i * stride, 1, &one, 1, errors[i]);
    }
}

/* The images worked on together, failed ones among them: pixels and results stand close together for those that were read. */
typedef struct job_batch {
    cli_input *inputs;
    vit_error **errors; /* of those that were read */
    float *pixels, *results;
    size_t n, read;
} job_batch;

static job_batch batch_create(const cli_job *job)
{
    size_t images = job->model.batch;
    return (job_batch){
        .inputs = cli_allocate(images, sizeof(cli_input)),
        .errors = cli_allocate(images, sizeof(vit_error *)),
        .pixels = cli_allocate(images, vit_model_pixels_size(job->model.model) * sizeof(float)),
        .results = cli_allocate(images, vit_output_size(job->model.model, job->output, job->layer) * sizeof(float)),
    };
}

static void batch_free(job_batch *batch)
{
    free(batch->inputs);
    free(batch->errors);
    free(batch->pixels);
    free(batch->results);
}

/* false: nothing left. */
static bool batch_fill(job_batch *batch, const cli_job *job, cli_loader *loader)
{
    size_t stride = vit_model_pixels_size(job->model.model);
    batch->n = batch->read = 0;
    while (batch->n < job->model.batch) {
        cli_input *input = &batch->inputs[batch->n];
        if (!cli_loader_next(loader, input, batch->pixels + batch->read * stride))
            break;
        if (input->error.status == VIT_OK)
            batch->errors[batch->read++] = &input->error;
        batch->n++;
    }
    return batch->n > 0;
}

/* A member's name alone does not say where to look for it. */
static void report(const cli_input *input)
{
    cli_text name = {0};
    if (input->member)
        cli_text_format(&name, "%s: ", input->member->tar);
    cli_text_string(&name, input->path);
    cli_input_error(name.data, &input->error);
    cli_text_free(&name);
}

static void batch_deliver(job_batch *batch, cli_job *job)
{
    size_t size = vit_output_size(job->model.model, job->output, job->layer), row = 0;
    for (size_t i = 0; i < batch->n; i++) {
        cli_input *input = &batch->inputs[i];
        /* The batch's errors point at the inputs' own: an image that was read may have failed since. */
        bool was_read = row < batch->read && batch->errors[row] == &input->error;
        float *values = was_read ? batch->results + row++ * size : NULL;
        bool written = job->deliver(job->context, input, input->error.status == VIT_OK ? values : NULL);
        if (!written)
            cli_give_up(CLI_OUTPUT);
        if (input->error.status != VIT_OK) {
            report(input);
            job->failed++;
        }
        job->done++;
        cli_input_free(input);
    }
    if (!job->flush(job->context))
        cli_give_up(CLI_OUTPUT);
}

cli_exit cli_job_run(cli_job *job)
{
    job->done = job->failed = 0;
    job_batch batch = batch_create(job);
    cli_progress progress = cli_progress_start(job->progress, &job->inputs, job->already, job->total);
    cli_walk *walk = job->walk ? job->walk : cli_walk_start(&job->inputs, false);
    job->walk = NULL;
    cli_loader *loader = cli_loader_start(walk, &job->pictures, &job->model, job->model.batch);
    vit_request request = {.output = job->output, .layer = job->layer, .result = batch.results};
    while (batch_fill(&batch, job, loader)) {
        if (batch.read > 0)
            cli_encode_each(&job->model, batch.pixels, batch.read, &request, batch.errors);
        batch_deliver(&batch, job);
        cli_progress_show(&progress, job->already + job->done);
    }
    cli_progress_end(&progress);
    cli_loader_free(loader);
    batch_free(&batch);
    return job->failed ? CLI_INPUTS_FAILED : CLI_DONE;
}
