/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "interrupt.h"
#include "loader.h"
#include "npy.h"
#include "talk.h"
#include "text.h"

#define DEFAULT_BATCH 8

const cli_option cli_progress_table[] = {
    {"progress", 0, "auto|always|never", cli_set_choice, offsetof(cli_job, progress), cli_progress_names,
     "show progress, rate and time left on stderr (default auto: on a terminal)"},
    {0},
};

static const cli_source *first_of(const cli_inputs *inputs, cli_source_kind kind)
{
    for (size_t i = 0; i < inputs->n; i++)
        if (inputs->sources[i].kind == kind)
            return &inputs->sources[i];
    return NULL;
}

static bool has_pictures(const cli_inputs *inputs)
{
    for (size_t i = 0; i < inputs->n; i++)
        if (inputs->sources[i].kind != CLI_SOURCE_PIXELS)
            return true;
    return false;
}

/* Is there just one input, for all that can be said beforehand? */
static bool is_single(const cli_inputs *inputs)
{
    struct stat info;
    const cli_source *source = inputs->sources;
    if (inputs->n != 1 || inputs->tar)
        return false;
    return source->kind == CLI_SOURCE_STDIN || source->kind == CLI_SOURCE_TEXT ||
           (source->kind == CLI_SOURCE_PATH && stat(source->value, &info) == 0 && S_ISREG(info.st_mode));
}

/* As --image-size says; else, where there are ready pixels alone, theirs. (Whether the file is in order shows later.) */
static cli_size choose_size(const cli_job *job)
{
    const cli_source *source = first_of(&job->inputs, CLI_SOURCE_PIXELS);
    cli_size size = job->pictures.image_size;
    cli_npy npy;
    if (size.height || !source || has_pictures(&job->inputs) || cli_npy_open(source->value, &npy, NULL) != VIT_OK)
        return size;
    cli_npy_close(&npy);
    return npy.shape[2] > UINT32_MAX || npy.shape[3] > UINT32_MAX
               ? size
               : (cli_size){(uint32_t)npy.shape[3], (uint32_t)npy.shape[2], source->value};
}

cli_exit cli_job_open(const cli_command *command, cli_job *job)
{
    cli_exit status = cli_inputs_check(command, &job->inputs);
    if (status != CLI_DONE)
        return status;
    job->text = cli_inputs_are_text(&job->inputs);
    job->options.tower = job->text ? VIT_TOWER_TEXT : VIT_TOWER_IMAGE;
    job->options.once = is_single(&job->inputs);
    job->options.image_size = job->text ? (cli_size){0} : choose_size(job);
    status = cli_model_open(&job->options, &job->model);
    if (status == CLI_DONE && first_of(&job->inputs, CLI_SOURCE_TEXT))
        status = cli_words_open(&job->model, &job->words);
    if (status == CLI_DONE && !job->text && has_pictures(&job->inputs))
        status = cli_model_check_preprocessing(command, &job->model, &job->pictures);
    return status;
}

/* Token ids of the texts of a source; 0: that cannot be known, which its inputs will say. */
static size_t length_of(const cli_job *job, const cli_source *source)
{
    cli_npy npy;
    if (source->kind == CLI_SOURCE_TEXT)
        return job->words.length;
    if (cli_npy_open_ids(source->value, &npy, NULL) != VIT_OK)
        return 0;
    cli_npy_close(&npy);
    return npy.shape[1];
}

/* A matrix has a row for every token, and all matrices of a result are alike. */
static cli_exit common_length(const cli_command *command, const cli_job *job, const char *asked, size_t *length)
{
    *length = 0;
    for (size_t i = 0; i < job->inputs.n; i++) {
        size_t here = length_of(job, &job->inputs.sources[i]);
        if (here && *length && here != *length)
            return cli_usage_error(command, "--output %s: texts of %zu and of %zu tokens have matrices of different sizes",
                                   asked, *length, here);
        *length = here ? here : *length;
    }
    return CLI_DONE;
}

cli_exit cli_job_shape(const cli_command *command, const cli_job *job, const cli_output_name *asked, size_t shape[2])
{
    vit_error err = {0};
    if (vit_output_shape(job->model.model, asked->output, asked->layer, shape, &err) != VIT_OK)
        return cli_usage_error(command, "--output %s: %s", asked->text, err.message);
    if (!job->text || shape[0] == 1)
        return CLI_DONE;
    size_t length;
    cli_exit status = common_length(command, job, asked->text, &length);
    shape[0] = length ? length : shape[0];
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
    cli_words_close(&job->words);
    cli_model_close(&job->model);
    cli_inputs_free(&job->inputs);
}

/* ------------------------------------------------------------------ results ---- */

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

void cli_job_deliver(cli_job *job, cli_input *input, float *values)
{
    bool written = job->deliver(job->context, input, input->error.status == VIT_OK ? values : NULL);
    if (!written)
        cli_give_up(CLI_OUTPUT);
    if (input->error.status != VIT_OK) {
        report(input);
        job->failed++;
    }
    job->done++;
}

void cli_job_flush(cli_job *job, cli_input *inputs, size_t n)
{
    if (!job->flush(job->context))
        cli_give_up(CLI_OUTPUT);
    for (size_t i = 0; i < n; i++)
        cli_input_free(&inputs[i]);
}

/* ------------------------------------------------------------------ pictures ---- */

/* The images worked on together, failed ones among them: pixels and results stand close together for those that were read. */
typedef struct job_batch {
    cli_input *inputs;
    vit_error **errors; /* of those that were read */
    float *pixels;
    vit_request requests[2]; /* what was asked for, and what a draw of it needs */
    size_t n_requests;
    size_t n, read;
} job_batch;

static float *results_of(const cli_job *job, vit_output output, size_t layer)
{
    return cli_allocate(job->model.batch, vit_output_size(job->model.model, output, layer) * sizeof(float));
}

static job_batch batch_create(const cli_job *job)
{
    size_t images = job->model.batch;
    job_batch batch = {
        .inputs = cli_allocate(images, sizeof(cli_input)),
        .errors = cli_allocate(images, sizeof(vit_error *)),
        .pixels = cli_allocate(images, vit_model_pixels_size(job->model.model) * sizeof(float)),
        .requests[0] = {job->output, job->layer, results_of(job, job->output, job->layer)},
        .n_requests = job->sample.given ? 2 : 1,
    };
    if (job->sample.given)
        batch.requests[1] = (vit_request){VIT_OUTPUT_LATENT_LOG_VARIANCE, 0,
                                          results_of(job, VIT_OUTPUT_LATENT_LOG_VARIANCE, 0)};
    return batch;
}

static void batch_free(job_batch *batch)
{
    free(batch->inputs);
    free(batch->errors);
    free(batch->pixels);
    free(batch->requests[0].result);
    free(batch->requests[1].result);
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

/* Encodes what was read; where that fails, each image alone, so that one bad image takes none with it. */
static void batch_encode(const job_batch *batch, const cli_job *job)
{
    const cli_model *model = &job->model;
    size_t stride = vit_model_pixels_size(model->model);
    if (batch->read > 1 && vit_encode_requests(model->session, batch->pixels, batch->read, batch->requests,
                                               batch->n_requests, NULL) == VIT_OK)
        return;
    for (size_t i = 0; i < batch->read; i++) {
        vit_request one[2] = {batch->requests[0], batch->requests[1]};
        for (size_t j = 0; j < batch->n_requests; j++)
            one[j].result += i * vit_output_size(model->model, one[j].output, one[j].layer);
        vit_encode_requests(model->session, batch->pixels + i * stride, 1, one, batch->n_requests, batch->errors[i]);
    }
}

/* Of the next input to be delivered, among all inputs, those of other parts too. */
static uint64_t position(const cli_job *job)
{
    uint64_t here = job->already + job->done;
    cli_part part = job->inputs.part;
    return part.count ? part.index + here * part.count : here;
}

static void batch_deliver(job_batch *batch, cli_job *job)
{
    size_t size = vit_output_size(job->model.model, job->output, job->layer), row = 0;
    for (size_t i = 0; i < batch->n; i++) {
        cli_input *input = &batch->inputs[i];
        /* The batch's errors point at the inputs' own: an image that was read may have failed since. */
        bool was_read = row < batch->read && batch->errors[row] == &input->error;
        float *values = was_read ? batch->requests[0].result + row * size : NULL;
        if (values && job->sample.given)
            cli_latent_draw(job->sample.seed, position(job), batch->requests[1].result + row * size, size, values);
        row += was_read;
        cli_job_deliver(job, input, values);
    }
    cli_job_flush(job, batch->inputs, batch->n);
}

static void run_pictures(cli_job *job, cli_walk *walk, cli_progress *progress)
{
    job_batch batch = batch_create(job);
    cli_loader *loader = cli_loader_start(walk, &job->pictures, &job->model, job->model.batch);
    while (batch_fill(&batch, job, loader)) {
        batch_encode(&batch, job);
        batch_deliver(&batch, job);
        cli_progress_show(progress, job->already + job->done);
    }
    cli_loader_free(loader);
    batch_free(&batch);
}

cli_exit cli_job_run(cli_job *job)
{
    job->done = job->failed = 0;
    cli_progress progress = cli_progress_start(job->progress, &job->inputs, job->already, job->total);
    if (!job->walk)
        job->walk = cli_walk_start(&job->inputs, false);
    (job->text ? cli_job_run_texts : run_pictures)(job, job->walk, &progress);
    cli_progress_end(&progress);
    job->found = cli_walk_found(job->walk) || job->done > job->failed;
    cli_walk_free(job->walk);
    job->walk = NULL;
    return job->failed ? CLI_INPUTS_FAILED : CLI_DONE;
}
