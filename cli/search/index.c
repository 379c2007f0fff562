/* SPDX-License-Identifier: BSD-2-Clause */
/* vit index: vectors of images into a place where they can be searched, and again whenever the images change. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "interrupt.h"
#include "job.h"
#include "sync.h"
#include "talk.h"
#include "vit/pipeline.h"

typedef struct index_command {
    /* options */
    cli_store_options place;
    cli_output_name output;
    bool prune;
    /* at work */
    cli_pin there; /* of the index as it was; all NULL: it is new */
    cli_pin pin;   /* of this run */
    cli_store *store;
    cli_sync sync;
    bool pinned; /* the index has its pin */
    bool begun;  /* a transaction */
    size_t columns, added;
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

/* The first picture brings the pin: an index of nothing takes whatever comes next. Another process
 * may have brought one meanwhile. */
static bool pin(index_command *index)
{
    cli_store *store = index->store;
    cli_pin there = {0};
    if (index->pinned)
        return true;
    index->pinned = store->kind->write_pin(store, &index->pin) && store->kind->read_pin(store, &there) &&
                    cli_pin_matches(&there, &index->pin, store->place);
    cli_pin_free(&there);
    return index->pinned;
}

static bool begin(index_command *index)
{
    if (!index->begun)
        index->begun = pin(index) && index->store->kind->begin(index->store);
    return index->begun;
}

static bool put(index_command *index, const cli_input *input, const float *vector)
{
    char hash[CLI_DIGEST_HEX];
    /* Changed while it was read: without a hash the next run encodes it again. */
    if (!cli_file_hash_of(input->path, &input->stamp, hash))
        hash[0] = '\0';
    int64_t caption_time = cli_caption_time(input->path);
    char *caption = caption_time ? cli_caption_read(input->path) : NULL;
    const cli_item item = {
        .path = input->path,
        .size = input->stamp.size,
        .time = input->stamp.time,
        .hash = hash,
        .width = input->width,
        .height = input->height,
        .caption = caption,
        .caption_time = caption_time,
    };
    bool done = begin(index) && index->store->kind->put(index->store, &item, vector);
    free(caption);
    index->added++;
    return done;
}

/* The file is no longer the picture that the index has: gone, or not a
 * picture any more. A file that merely cannot be read now keeps its place. */
static bool drop(index_command *index, const cli_input *input)
{
    switch (input->error.status) {
    case VIT_ERR_NOT_FOUND:
    case VIT_ERR_UNSUPPORTED_FORMAT:
    case VIT_ERR_CORRUPT:
    case VIT_ERR_TRUNCATED:
    case VIT_ERR_TOO_LARGE:
    case VIT_ERR_NON_FINITE:
        break;
    default:
        return true;
    }
    if (!cli_catalogue_find(&index->sync.catalogue, input->path))
        return true;
    index->sync.removed++;
    return begin(index) && index->store->kind->remove(index->store, input->path);
}

static bool deliver(void *context, cli_input *input, float *values)
{
    index_command *index = context;
    if (values && !vit_to_unit_length(values, index->columns)) {
        vit_error_set(&input->error, VIT_ERR_NON_FINITE, input->path,
                      "its vector has no direction: it is all zero, or next to it");
        values = NULL;
    }
    cli_interrupt_hold();
    bool done = values ? put(index, input, values) : drop(index, input);
    cli_interrupt_release();
    return done;
}

static bool commit(index_command *index)
{
    bool done = !index->begun || index->store->kind->commit(index->store);
    index->begun = false;
    return done;
}

/* After every batch. */
static bool flush(void *context)
{
    index_command *index = context;
    cli_interrupt_hold();
    bool done = cli_sync_apply(&index->sync, &index->begun) && commit(index);
    cli_interrupt_release();
    return done;
}

/* ------------------------------------------------------------------ the command ---- */

static cli_exit check_options(const cli_command *command, const index_command *index, const cli_job *job)
{
    if (!index->place.place)
        return cli_usage_error(command, "where? name the index with --db, such as --db photos.db");
    for (size_t i = 0; i < job->inputs.n; i++)
        if (job->inputs.sources[i].kind != CLI_SOURCE_PATH && job->inputs.sources[i].kind != CLI_SOURCE_LIST)
            return cli_usage_error(command, "'%s': " FILES_ALONE, job->inputs.sources[i].value);
    return cli_store_claim(command, &index->place);
}

/* An index that is there says by which model, and how, images become vectors. */
static cli_exit consult(index_command *index, cli_job *job)
{
    const char *place = index->place.place;
    if (cli_store_is_there(&index->place)) {
        index->store = cli_store_open(&index->place, CLI_STORE_READ);
        if (!index->store || !index->store->kind->read_pin(index->store, &index->there))
            return CLI_OUTPUT;
        place = index->store->place;
    }
    return cli_pin_apply(&index->there, job, &index->output, place) ? CLI_DONE : CLI_USAGE;
}

/* What the index has already must fit. */
static cli_exit open_index(const cli_command *command, index_command *index, cli_job *job)
{
    cli_exit status = cli_pin_take(command, job, &index->output, &index->pin);
    if (status != CLI_DONE)
        return status;
    index->columns = cli_pin_dimensions(&index->pin);
    cli_store_close(index->store);
    index->store = cli_store_open(&index->place, CLI_STORE_WRITE);
    if (!index->store)
        return CLI_OUTPUT;
    cli_pin there = {0};
    if (!index->store->kind->read_pin(index->store, &there))
        status = CLI_OUTPUT;
    index->pinned = cli_pin_dimensions(&there) > 0;
    if (index->pinned && !cli_pin_matches(&there, &index->pin, index->store->place))
        status = CLI_USAGE;
    cli_pin_free(&there);
    return status;
}

static void report(const index_command *index, const cli_job *job)
{
    const cli_sync *sync = &index->sync;
    cli_note("%s: %zu encoded, %zu moved, %zu copied, %zu removed, %zu unchanged, %zu failed", index->store->place,
             index->added, sync->moved, sync->copied, sync->removed, sync->unchanged, job->failed);
}

static cli_exit index_images(index_command *index, cli_job *job)
{
    if (!cli_sync_start(&index->sync, index->store))
        return CLI_OUTPUT;
    job->inputs.pass_over = cli_sync_pass_over;
    job->inputs.context = &index->sync;
    cli_exit status = cli_job_run(job);
    cli_interrupt_hold();
    bool done = cli_sync_apply(&index->sync, &index->begun) &&
                cli_sync_forget(&index->sync, &job->inputs, index->prune, &index->begun) && commit(index) &&
                index->store->kind->finish(index->store);
    cli_interrupt_release();
    if (!done)
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
        {"Index", cli_store_write_table, &index.place, NULL},
        {"Images", index_table, &index, NULL},
        CLI_JOB_GROUPS(job),
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? run_job(command, &index, &job) : (cli_exit)parsed;
    if (index.sync.store)
        cli_sync_end(&index.sync);
    cli_store_close(index.store);
    cli_pin_free(&index.there);
    cli_pin_free(&index.pin);
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
