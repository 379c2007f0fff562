/* SPDX-License-Identifier: BSD-2-Clause */
/* vit embed: a vector for each image. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "embed.h"
#include "half.h"
#include "json_write.h"
#include "npy.h"
#include "talk.h"

enum { DTYPE_F32, DTYPE_F16 };

#define FIELD(member) offsetof(cli_embedding, member)
static const cli_option embed_table[] = {
    {"output", 0, "NAME", cli_set_output, FIELD(output), cli_output_choices,
     "which result: embedding (default, the family's own), cls, mean, cls+mean (both side by side), tokens, hidden:K, pooler, logits, probs, latent, "
     "latent-log-variance"},
    {"sample", 0, "SEED", cli_set_seed, FIELD(sample), NULL,
     "draw from the Gaussian latent of a variational autoencoder instead of giving its mean (with --output latent)"},
    {"normalize", 0, NULL, cli_set_flag, FIELD(normalize), NULL, "divide each vector by its length"},
    {"dtype", 0, "f32|f16", cli_set_choice, FIELD(dtype), cli_dtype_names, "how numbers are stored (default f32)"},
    {"format", 0, "npy|jsonl|csv|raw|fvecs|pgcopy", cli_set_choice, FIELD(format), cli_format_names,
     "default: as FILE ends, else npy. npy, raw and fvecs have FILE.jsonl with the paths and FILE.meta.json beside them; "
     "pgcopy is for PostgreSQL's COPY items (path, embedding) FROM STDIN BINARY, with pgvector's vector, or halfvec with "
     "--dtype f16"},
    {NULL, 'o', "FILE|DIR", cli_set_text, FIELD(path), NULL,
     "where to write; - is standard output (all but npy); a folder with --shard-size"},
    {"shard-size", 0, "ROWS", cli_set_count, FIELD(shard_size), NULL,
     "write parts of so many rows into the folder DIR, with errors.jsonl and manifest.json: a large job that can be cut "
     "off at any moment and go on with --resume"},
    {"resume", 0, NULL, cli_set_flag, FIELD(resume), NULL,
     "go on with the job in DIR after its last finished part, or begin it if DIR is missing or empty; the model and the "
     "options must be the same, and the inputs"},
    {0},
};

/* To what f16 can hold. false: a value is past its range. */
static bool round_to_half(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        values[i] = vit__half_to_float(vit__half(values[i]));
        if (!isfinite(values[i]))
            return false;
    }
    return true;
}

static bool deliver(void *context, cli_input *input, float *values)
{
    cli_embedding *e = context;
    const cli_vectors *vectors = &e->vectors;
    if (values && vectors->half && !round_to_half(values, vectors->rows * vectors->columns)) {
        vit_error_set(&input->error, VIT_ERR_NON_FINITE, input->path,
                      "a value is past the range of f16 (65504): use --dtype f32 or --normalize");
        values = NULL;
    }
    if (e->shards)
        return values ? cli_shards_row(e->shards, input, values) : cli_shards_failure(e->shards, input);
    return values ? cli_writer_row(e->writer, input, values) : cli_writer_failure(e->writer, input);
}

static bool flush(void *context)
{
    cli_embedding *e = context;
    return e->shards ? cli_shards_flush(e->shards) : cli_writer_flush(e->writer);
}

static void add_shape(const cli_embedding *e, cli_text *text)
{
    cli_text_format(text, "[%zu,", cli_writer_rows(e->writer));
    if (e->vectors.matrix)
        cli_text_format(text, "%zu,", e->vectors.rows);
    cli_text_format(text, "%zu]", e->vectors.columns);
}

/* The line of FILE.meta.json. */
static cli_exit describe(const cli_embedding *e, const cli_job *job, cli_text *text)
{
    cli_text_string(text, "{\"model\":");
    cli_json_string(text, job->model.name);
    cli_text_string(text, ",");
    cli_exit status = cli_embed_settings(e, job, text);
    cli_text_string(text, ",\"shape\":");
    add_shape(e, text);
    cli_text_string(text, "}\n");
    return status;
}

static cli_exit finish(cli_embedding *e, const cli_job *job, cli_exit status)
{
    cli_text metadata = {0};
    cli_exit described = CLI_DONE;
    if (cli_writer_has_metadata(e->writer))
        described = describe(e, job, &metadata);
    if (described != CLI_DONE) {
        cli_writer_discard(e->writer);
        status = described;
    } else if (!cli_writer_commit(e->writer, metadata.size ? &metadata : NULL)) {
        status = CLI_OUTPUT;
    }
    cli_text_free(&metadata);
    return status;
}

static cli_exit check_format(const cli_command *command, const cli_embedding *e)
{
    const char *refusal = cli_writer_refusal((cli_format)e->format, &e->vectors, e->path);
    if (refusal)
        return cli_usage_error(command, "--format %s %s", cli_format_names[e->format], refusal);
    return CLI_DONE;
}

static bool is_bulk(const cli_embedding *e)
{
    return e->shard_size > 0 || e->resume;
}

static cli_exit check_path(const cli_command *command, cli_embedding *e)
{
    if (is_bulk(e) && (!e->path || strcmp(e->path, "-") == 0))
        return cli_usage_error(command, "--shard-size and --resume need a folder: -o DIR");
    if (is_bulk(e) && e->format == CLI_BY_NAME)
        e->format = CLI_FORMAT_NPY;
    if (!e->path && (e->format == CLI_BY_NAME || e->format == CLI_FORMAT_NPY))
        return cli_usage_error(command,
                               "name the output with -o FILE.npy; the other formats also go to standard output");
    if (!e->path)
        e->path = "-";
    return cli_writer_choose(command, e->path, &e->format);
}

/* What can be said before the model is opened. */
static cli_exit check_options(const cli_command *command, cli_embedding *e)
{
    cli_exit status = check_path(command, e);
    if (status != CLI_DONE)
        return status;
    e->vectors.matrix = e->output.output == VIT_OUTPUT_TOKENS || e->output.output == VIT_OUTPUT_HIDDEN;
    e->vectors.half = e->dtype == DTYPE_F16;
    if (e->sample.given && e->output.output != VIT_OUTPUT_LATENT)
        return cli_usage_error(command, "--sample draws from a Gaussian latent: it goes with --output latent");
    status = check_format(command, e);
    if (status != CLI_DONE)
        return status;
    return is_bulk(e) ? cli_shards_claim(command, e->path) : cli_writer_claim(command, (cli_format)e->format, e->path);
}

static cli_exit check_output(const cli_command *command, cli_embedding *e, const cli_job *job)
{
    size_t shape[2];
    cli_exit status = cli_job_shape(command, job, &e->output, shape);
    if (status != CLI_DONE)
        return status;
    e->vectors.rows = shape[0];
    e->vectors.columns = shape[1];
    return check_format(command, e);
}

static cli_exit embed_into_file(cli_embedding *e, cli_job *job)
{
    cli_exit status = cli_job_start(job);
    if (status != CLI_DONE)
        return status;
    e->writer = cli_writer_open((cli_format)e->format, &e->vectors, e->path);
    return e->writer ? finish(e, job, cli_job_run(job)) : CLI_OUTPUT;
}

static cli_exit embed_inputs(const cli_command *command, cli_embedding *e, cli_job *job)
{
    cli_exit status = check_options(command, e);
    if (status == CLI_DONE)
        status = cli_job_open(command, job);
    if (status == CLI_DONE)
        status = check_output(command, e, job);
    if (status != CLI_DONE)
        return status;
    job->output = e->output.output;
    job->layer = e->output.layer;
    job->sample = e->sample;
    job->normalize = e->normalize;
    return is_bulk(e) ? cli_embed_bulk(command, e, job) : embed_into_file(e, job);
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    cli_embedding e = {.output = {"embedding", VIT_OUTPUT_EMBEDDING, 0}, .format = CLI_BY_NAME};
    cli_job job = {.deliver = deliver, .flush = flush, .context = &e};
    const cli_group groups[] = {
        {"Results", embed_table, &e, NULL},
        CLI_JOB_GROUPS(job),
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? embed_inputs(command, &e, &job) : (cli_exit)parsed;
    cli_job_close(&job);
    return status;
}

const cli_command cli_embed = {
    .name = "embed",
    .summary = "a vector for each image or text, for search and the like",
    .usage = "[OPTION]... -o FILE INPUT...",
    .text =
        "Writes a vector for each image, in the order of the inputs. An INPUT is an image, a folder (searched for\n"
        "images, the folders below it too), or - for one image on standard input. An image that cannot be read\n"
        "gets no row and is reported, in FILE.errors.jsonl too. With --shard-size the vectors go into a folder, in parts.\n"
        "With --text or --tokens it writes a vector for each text instead, and the model's image tower is not touched.",
    .example = "vit embed --normalize -o photos.npy photos/",
    .run = run,
};
