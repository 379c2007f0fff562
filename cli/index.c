/* SPDX-License-Identifier: BSD-2-Clause */
/* vit index: vectors of images into a place where they can be searched, and again whenever the images change. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "interrupt.h"
#include "job.h"
#include "pin.h"
#include "place.h"
#include "talk.h"
#include "text.h"
#include "vit/index.h"

typedef struct index_command {
    /* options */
    cli_place place;
    cli_output_name output;
    bool prune;
    /* at work */
    vit_index_pin there; /* of the index as it was; all NULL: it is new */
    char *there_place;
    vit_index_pin pin; /* of this run */
    vit_index *index;
    vit_follow *follow;
    size_t columns;
} index_command;

#define FIELD(member) offsetof(index_command, member)
static const cli_option index_table[] = {
    {"output", 0, "NAME", cli_set_output, FIELD(output), cli_output_choices,
     "which vector of an image: embedding (default, the family's own), cls, mean, pooler, logits, probs"},
    {"prune", 0, NULL, cli_set_flag, FIELD(prune), NULL,
     "forget every image whose file is gone, not only those below the folders named"},
    {0},
};

#define FILES_ALONE "an index is of image files; name files, folders, or lists with --from"
static const cli_left_out left_out[] = {
    {"tar", "an index is of image files that stay where they are; unpack the tar files"},
    {"pixels", FILES_ALONE},
    {"text", FILES_ALONE},
    {"tokens", FILES_ALONE},
    {0},
};

/* ------------------------------------------------------------------ images ---- */

/* Says what went wrong. The pin of an index that another process made meanwhile is told as at the start. */
static bool is_done(const index_command *index, vit_status status, const vit_error *err)
{
    const char *place = vit_index_place(index->index);
    if (status == VIT_ERR_MODEL_MISMATCH && !cli_pin_matches(vit_index_get_pin(index->index), &index->pin, place))
        return false;
    return cli_index_is(index->index, status, err);
}

/* cli_inputs.look: true for a file that needs no encoding. Fills the input's stamp, and makes its path the plain name
 * that the index has for the file. */
static bool look(void *context, cli_input *input)
{
    index_command *index = context;
    char *plain;
    int encode;
    if (input->error.status != VIT_OK || input->kind != CLI_SOURCE_PATH)
        return false;
    if (vit_follow_look(index->follow, input->path, &plain, &input->stamp, &encode, NULL) != VIT_OK)
        cli_out_of_memory();
    free(input->path);
    input->path = plain;
    return !encode;
}

static bool deliver(void *context, cli_input *input, float *values)
{
    index_command *index = context;
    vit_error err = {0};
    if (values && !vit_to_unit_length(values, index->columns)) {
        vit_error_set(&input->error, VIT_ERR_NON_FINITE, input->path,
                      "its vector has no direction: it is all zero, or next to it");
        values = NULL;
    }
    cli_interrupt_hold();
    vit_status status = values ? vit_follow_put(index->follow, input->path, &input->stamp, input->width, input->height,
                                                values, &err)
                               : vit_follow_drop(index->follow, input->path, input->error.status, &err);
    cli_interrupt_release();
    return is_done(index, status, &err);
}

/* After every batch. */
static bool flush(void *context)
{
    index_command *index = context;
    vit_error err = {0};
    cli_interrupt_hold();
    vit_status status = vit_follow_commit(index->follow, &err);
    cli_interrupt_release();
    return is_done(index, status, &err);
}

/* ------------------------------------------------------------------ the command ---- */

static cli_exit check_options(const cli_command *command, const index_command *index, const cli_job *job)
{
    if (!index->place.place)
        return cli_usage_error(command, "where? name the index with --db, such as --db photos.db");
    for (size_t i = 0; i < job->inputs.n; i++)
        if (job->inputs.sources[i].kind != CLI_SOURCE_PATH && job->inputs.sources[i].kind != CLI_SOURCE_LIST)
            return cli_usage_error(command, "'%s': " FILES_ALONE, job->inputs.sources[i].value);
    return cli_place_claim(command, &index->place);
}

/* An index that is there says by which model, and how, images become vectors. */
static cli_exit consult(index_command *index, cli_job *job)
{
    index->there_place = cli_duplicate(index->place.place);
    if (vit_index_is_there(index->place.place)) {
        vit_index *there = cli_place_open(&index->place, VIT_INDEX_READ, 0);
        if (!there)
            return CLI_OUTPUT;
        const vit_index_pin *pin = vit_index_get_pin(there);
        if (vit_index_pin_take(&pin->recipe, pin->model, pin->preprocessor, &index->there, NULL) != VIT_OK)
            cli_out_of_memory();
        free(index->there_place);
        index->there_place = cli_duplicate(vit_index_place(there));
        vit_index_free(there);
    }
    return cli_pin_apply(&index->there, job, &index->output, index->there_place) ? CLI_DONE : CLI_USAGE;
}

/* What the index has already must fit. */
static cli_exit open_index(const cli_command *command, index_command *index, cli_job *job)
{
    cli_exit status = cli_pin_take(command, job, &index->output, &index->pin);
    if (status != CLI_DONE)
        return status;
    vit_error err = {0};
    index->columns = (size_t)strtoul(index->pin.recipe.values[VIT_RECIPE_DIMENSIONS], NULL, 10);
    index->index = cli_place_open(&index->place, VIT_INDEX_WRITE, 0);
    if (!index->index)
        return CLI_OUTPUT;
    vit_status started = vit_follow_start(index->index, &index->pin, &index->follow, &err);
    if (is_done(index, started, &err))
        return CLI_DONE;
    return started == VIT_ERR_MODEL_MISMATCH ? CLI_USAGE : CLI_OUTPUT;
}

static void report(const index_command *index, const cli_job *job)
{
    vit_follow_counts counts;
    vit_follow_count(index->follow, &counts);
    cli_note("%s: %zu encoded, %zu moved, %zu copied, %zu removed, %zu unchanged, %zu failed",
             vit_index_place(index->index), counts.encoded, counts.moved, counts.copied, counts.removed,
             counts.unchanged, job->failed);
}

/* Forgets images whose files are gone: below the folders among the inputs, or everywhere. */
static vit_status forget(index_command *index, const cli_inputs *inputs, vit_error *err)
{
    if (index->prune)
        return vit_follow_forget(index->follow, NULL, err);
    vit_status status = VIT_OK;
    for (size_t i = 0; i < inputs->n && status == VIT_OK; i++)
        if (inputs->sources[i].kind == CLI_SOURCE_PATH)
            status = vit_follow_forget(index->follow, inputs->sources[i].value, err);
    return status;
}

static cli_exit index_images(index_command *index, cli_job *job)
{
    vit_error err = {0};
    job->inputs.look = look;
    job->inputs.context = index;
    cli_exit status = cli_job_run(job);
    cli_interrupt_hold();
    vit_status done = forget(index, &job->inputs, &err);
    if (done == VIT_OK)
        done = vit_follow_commit(index->follow, &err);
    if (done == VIT_OK)
        done = vit_index_finish(index->index, &err);
    cli_interrupt_release();
    if (!is_done(index, done, &err))
        return CLI_OUTPUT;
    report(index, job);
    return status;
}

static cli_exit run_job(const cli_command *command, index_command *index, cli_job *job)
{
    cli_exit status = check_options(command, index, job);
    if (status == CLI_DONE)
        status = consult(index, job);
    if (status == CLI_DONE)
        status = cli_job_open(command, job);
    if (status == CLI_DONE)
        status = open_index(command, index, job);
    if (status == CLI_DONE)
        status = cli_job_start(job);
    return status == CLI_DONE ? index_images(index, job) : status;
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    index_command index = {0};
    cli_job job = {.deliver = deliver, .flush = flush, .context = &index, .pictures = CLI_PICTURES_UNSET};
    const cli_group groups[] = {
        {"Index", cli_place_write_table, &index.place, NULL},
        {"Images", index_table, &index, NULL},
        CLI_JOB_GROUPS(job),
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? run_job(command, &index, &job) : (cli_exit)parsed;
    vit_follow_free(index.follow);
    vit_index_free(index.index);
    vit_index_pin_free(&index.there);
    vit_index_pin_free(&index.pin);
    free(index.there_place);
    cli_job_close(&job);
    return status;
}

const cli_command cli_index = {
    .name = "index",
    .summary = "vectors of images into an index that can be searched",
    .usage = "[OPTION]... --db PLACE INPUT...",
    .text = "Makes or updates an index of images. An INPUT is an image or a folder (searched for images, the\n"
            "folders below it too). Run it again whenever images change: only what is new is encoded, and\n"
            "files that moved, changed or are gone are noticed. It may be stopped at any moment and goes on\n"
            "where it was. An index that is there knows its model and how it was run: these options are not\n"
            "needed again, and -m only if the model has moved. A caption beside an image (a.txt or a.json\n"
            "for a.jpg) is kept for 'vit search --match'.",
    .example = "vit index --db photos.db photos/",
    .left_out = left_out,
    .run = run,
};
