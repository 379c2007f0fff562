/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two ways of vit embed, into one file and into a folder of parts, have in common. */
#ifndef CLI_EMBED_H
#define CLI_EMBED_H

#include "job.h"
#include "outputs.h"
#include "shards.h"

typedef struct cli_embedding {
    /* options */
    cli_output_name output;
    bool normalize;
    cli_seed sample;
    int dtype;
    int format; /* a cli_format, or CLI_BY_NAME */
    const char *path;
    const char *option; /* that names the path; NULL: -o */
    size_t shard_size;  /* 0: not given */
    bool resume;
    /* at work */
    cli_vectors vectors;
    cli_writer *writer; /* one file */
    cli_shards *shards; /* or a folder of parts */
} cli_embedding;

extern const char *const cli_dtype_names[];

/* Appends what made the vectors, as JSON members without braces: with it the same vectors can be made again, and one
 * can tell whether two files may be compared. CLI_MODEL, with a message, if the model cannot be read. */
cli_exit cli_embed_settings(const cli_embedding *embed, const cli_job *job, cli_text *text);

/* Runs the job into a folder of parts. The job is open, but has no session yet. */
cli_exit cli_embed_bulk(const cli_command *command, cli_embedding *embed, cli_job *job);

#endif
