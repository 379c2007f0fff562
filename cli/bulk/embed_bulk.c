/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>

#include "embed.h"
#include "input_list.h"
#include "interrupt.h"
#include "talk.h"

/* All that must not change between the runs of a job: what makes
 * the vectors, and which inputs there are in which order. */
static cli_exit add_settings(const cli_embedding *embed, cli_job *job, cli_text *text)
{
    cli_exit status = cli_embed_settings(embed, job, text);
    if (status != CLI_DONE)
        return status;
    if (!cli_inputs_keep_lists(&job->inputs, embed->path))
        return CLI_OUTPUT;
    const cli_picture_options *pictures = &job->pictures;
    const cli_inputs *inputs = &job->inputs;
    char digest[VIT__SHA256_HEX];
    cli_inputs_digest(inputs, digest, &job->total);
    cli_text_format(text, ",\"image_size\":[%u,%u],\"max_pixels\":%" PRIu64, pictures->image_size.height,
                    pictures->image_size.width, pictures->max_pixels ? pictures->max_pixels : VIT_MAX_PIXELS);
    cli_text_format(text, ",\"format\":\"%s\",\"tar\":%s,\"shard\":\"%zu/%zu\",\"input_digest\":\"%s\"",
                    cli_format_names[embed->format], inputs->tar ? "true" : "false", inputs->part.index,
                    inputs->part.count ? inputs->part.count : 1, digest);
    return CLI_DONE;
}

static cli_exit whole_status(const cli_shards *shards)
{
    return cli_shards_mark(shards)->failed ? CLI_INPUTS_FAILED : CLI_DONE;
}

/* A job without inputs would be complete at once, and refuse the inputs that were meant. */
static cli_exit give_back(const cli_embedding *embed)
{
    cli_error("%s: no input was found, so no job was begun here: name images, or folders with "
              "images in them",
              embed->path);
    return cli_shards_withdraw(embed->shards) ? CLI_INPUTS_FAILED : CLI_OUTPUT;
}

/* From the mark to the end. */
static cli_exit go_on(cli_embedding *embed, cli_job *job)
{
    const cli_progress_mark *mark = cli_shards_mark(embed->shards);
    if (mark->complete) {
        cli_note("%s: nothing is left to do: %zu rows, %zu inputs failed", embed->path, mark->rows, mark->failed);
        return whole_status(embed->shards);
    }
    if (mark->inputs > 0)
        cli_note("%s: going on after %zu inputs: %zu rows, %zu inputs failed", embed->path, mark->inputs, mark->rows,
                 mark->failed);
    job->walk = cli_walk_start(&job->inputs, false);
    if (!cli_shards_skip(embed->shards, job->walk))
        return CLI_USAGE;
    job->already = mark->inputs;
    cli_exit status = cli_job_start(job);
    if (status != CLI_DONE)
        return status;
    cli_interrupt_say("vit: interrupted; the same command with --resume goes on after the last finished part\n");
    cli_job_run(job);
    if (!job->found && mark->inputs == 0)
        return give_back(embed);
    return cli_shards_complete(embed->shards) ? whole_status(embed->shards) : CLI_OUTPUT;
}

cli_exit cli_embed_bulk(const cli_command *command, cli_embedding *embed, cli_job *job)
{
    cli_text settings = {0};
    bool made = false;
    cli_exit status = cli_shards_make_folder(embed->path, &made);
    if (status == CLI_DONE)
        status = add_settings(embed, job, &settings);
    if (status == CLI_DONE) {
        const cli_shards_plan plan = {
            .format = (cli_format)embed->format,
            .vectors = embed->vectors,
            .resume = embed->resume,
            .new_folder = made,
            .manifest = {.folder = embed->path,
                         .option = embed->option ? embed->option : "-o",
                         .model = job->model.name,
                         .settings = &settings,
                         .shard_size = embed->shard_size},
        };
        status = cli_shards_open(command, &plan, &embed->shards);
    }
    if (status == CLI_DONE)
        status = go_on(embed, job);
    cli_shards_close(embed->shards);
    embed->shards = NULL;
    cli_text_free(&settings);
    return status;
}
