/* SPDX-License-Identifier: BSD-2-Clause */
#include "job.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "feed.h"
#include "interrupt.h"
#include "npy.h"
#include "talk.h"
#include "text.h"

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

/* Are there texts that are to become token ids? */
static bool has_words(const cli_inputs *inputs)
{
    return first_of(inputs, CLI_SOURCE_TEXT) || first_of(inputs, CLI_SOURCE_TEXT_LIST);
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

/* The size of pictures in a file of pixels. 0: the file cannot be read; the job will say why later. */
static cli_size size_in(const char *path)
{
    cli_npy npy;
    if (cli_npy_open(path, &npy, NULL) != VIT_OK)
        return (cli_size){0};
    cli_npy_close(&npy);
    return npy.shape[2] > UINT32_MAX || npy.shape[3] > UINT32_MAX
               ? (cli_size){0}
               : (cli_size){(uint32_t)npy.shape[3], (uint32_t)npy.shape[2], path};
}

/* As --image-size says; else, where there are ready pixels alone, and all of one size, theirs. */
static cli_size choose_size(const cli_job *job)
{
    const cli_source *source = first_of(&job->inputs, CLI_SOURCE_PIXELS);
    cli_size size = job->pictures.image_size;
    if (size.height || !source || has_pictures(&job->inputs))
        return size;
    size = size_in(source->value);
    for (size_t i = 0; i < job->inputs.n; i++) {
        cli_size other = size_in(job->inputs.sources[i].value);
        if (other.height && (other.width != size.width || other.height != size.height))
            return (cli_size){0};
    }
    return size;
}

static cli_exit start_words(cli_job *job)
{
    vit_error err = {0};
    if (vit_pipeline_start_words(job->model.pipeline, &err) == VIT_OK)
        return CLI_DONE;
    cli_error("model %s: %s: %s%s%s", job->model.name, vit_status_name(err.status), err.where, err.where[0] ? ": " : "",
              err.message);
    return CLI_MODEL;
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
    if (status == CLI_DONE)
        status = cli_model_make_pipeline(&job->options, 0, &job->pictures, &job->model);
    if (status == CLI_DONE && has_words(&job->inputs))
        status = start_words(job);
    if (status == CLI_DONE && !job->text && has_pictures(&job->inputs))
        status = cli_model_check_preprocessing(command, &job->model, &job->pictures);
    return status;
}

/* Token ids of the texts of a source; 0: that cannot be known, which its inputs will say. */
static size_t length_of(const cli_job *job, const cli_source *source)
{
    cli_npy npy;
    if (source->kind != CLI_SOURCE_TOKENS)
        return vit_pipeline_text_length(job->model.pipeline);
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
            return cli_usage_error(command,
                                   "--output %s: texts of %zu and of %zu tokens have matrices of different sizes",
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
    return cli_model_start_pipeline(&job->model);
}

/* Tells the pipeline what the job's results are. */
static vit_status choose(const cli_job *job, vit_error *err)
{
    const vit_pipeline_options asked = {.output = job->output,
                                        .layer = job->layer,
                                        .normalize = job->normalize,
                                        .sample = job->sample.given,
                                        .seed = job->sample.seed};
    return vit_pipeline_choose(job->model.pipeline, &asked, err);
}

cli_exit cli_job_recipe(const cli_job *job, vit_recipe *recipe)
{
    vit_error err = {0};
    *recipe = (vit_recipe){0};
    if (choose(job, &err) == VIT_OK && vit_recipe_take(job->model.pipeline, recipe, &err) == VIT_OK)
        return CLI_DONE;
    cli_library_error(&err);
    return CLI_MODEL;
}

void cli_job_close(cli_job *job)
{
    cli_walk_free(job->walk);
    job->walk = NULL;
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

/* A run of the pipeline. The inputs of a batch stay until it has been flushed. */
typedef struct job_run {
    cli_feed feed;
    cli_job *job;
    cli_progress progress;
    cli_input **delivered; /* [job->model.batch] */
    size_t n;
} job_run;

static int take(void *context, const vit_result *result)
{
    job_run *run = context;
    cli_job *job = run->job;
    cli_input *input = cli_feed_take(result);
    vit_error err = {0};
    if (input->error.status != VIT_OK && vit_model_check(job->model.model, &err) != VIT_OK) {
        cli_library_error(&err); /* the model failed, not the input, and all others would too */
        cli_give_up(CLI_MODEL);
    }
    if (!job->deliver(job->context, input, input->error.status == VIT_OK ? result->values : NULL))
        cli_give_up(CLI_OUTPUT);
    if (input->error.status != VIT_OK) {
        report(input);
        job->failed++;
    }
    job->done++;
    run->delivered[run->n++] = input;
    return 0;
}

static int batch_taken(void *context)
{
    job_run *run = context;
    cli_job *job = run->job;
    if (!job->flush(job->context))
        cli_give_up(CLI_OUTPUT);
    while (run->n > 0)
        cli_feed_free(run->delivered[--run->n]);
    cli_progress_show(&run->progress, job->already + job->done);
    return 0;
}

/* Inputs are counted beforehand where the progress is shown. How many are passed over shows on the way. */
static cli_progress start_progress(const cli_job *job)
{
    size_t total = job->total;
    if (total == 0 && !job->inputs.look && cli_progress_is_shown(job->progress))
        total = cli_inputs_count(&job->inputs);
    return cli_progress_start(job->progress, job->already, total);
}

/* Positions count among all inputs, those of other parts too. */
static cli_exit run_pipeline(cli_job *job)
{
    vit_error err = {0};
    if (choose(job, &err) != VIT_OK) {
        cli_library_error(&err);
        return CLI_MODEL;
    }
    job_run run = {.feed = {.walk = job->walk, .model = job->model.model},
                   .job = job,
                   .progress = start_progress(job),
                   .delivered = cli_allocate(job->model.batch, sizeof *run.delivered)};
    cli_part part = job->inputs.part;
    const vit_stream stream = {.next = cli_feed_next,
                               .take = take,
                               .batch_taken = batch_taken,
                               .loaded = cli_feed_loaded,
                               .drop = cli_feed_drop,
                               .context = &run,
                               .position = part.count ? part.index + job->already * part.count : job->already,
                               .stride = part.count ? part.count : 1};
    if (vit_pipeline_run(job->model.pipeline, &stream, NULL) != VIT_OK)
        cli_out_of_memory(); /* nothing else ends a run whose callbacks do not */
    cli_progress_end(&run.progress);
    free(run.delivered);
    return job->failed ? CLI_INPUTS_FAILED : CLI_DONE;
}

cli_exit cli_job_run(cli_job *job)
{
    job->done = job->failed = 0;
    if (!job->walk)
        job->walk = cli_walk_start(&job->inputs, false);
    cli_exit status = run_pipeline(job);
    job->found = cli_walk_found(job->walk) || job->done > job->failed;
    cli_walk_free(job->walk);
    job->walk = NULL;
    return status;
}
