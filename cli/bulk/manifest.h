/* SPDX-License-Identifier: BSD-2-Clause */
/* manifest.json of a folder of parts: what all its parts have in common, and how far the job is. It is the only file
 * that says what is finished. It is replaced as a whole, after the parts that it names are on the disk. It holds no
 * time, host or process: a job that was interrupted and went on ends with the same manifest as one that was not. */
#ifndef CLI_MANIFEST_H
#define CLI_MANIFEST_H

#include "sha256.h"
#include "writer.h"

#define CLI_MANIFEST_NAME "manifest.json"

typedef struct cli_progress_mark {
    size_t inputs; /* worked on: rows + failed */
    size_t rows, failed;
    size_t errors_size;           /* bytes of errors.jsonl that are about these inputs */
    char digest[VIT__SHA256_HEX]; /* of these inputs */
    bool complete;
} cli_progress_mark;

typedef struct cli_manifest {
    const char *folder;
    const char *option;       /* the option that names the folder: "-o" */
    const char *model;        /* as the user named it; the same model may have two names */
    const cli_text *settings; /* JSON members without braces, which must be the same for all parts */
    const char *extension;    /* of each part, such as ".npy" */
    size_t shard_size;        /* rows of every part but the last. 0: cli_manifest_read takes it from the file */
    size_t shape[2];          /* the shape of a row; shape[0] 0: a row is a vector of shape[1] numbers */
    cli_progress_mark mark;
} cli_manifest;

/* "part-00000", without extension. Freed with free(). */
char *cli_part_name(const cli_manifest *manifest, size_t part);
/* How many parts hold the rows of the mark. */
size_t cli_part_count(const cli_manifest *manifest);

bool cli_manifest_exists(const char *folder);

/* Prints what goes wrong; false is CLI_OUTPUT. */
bool cli_manifest_write(const cli_manifest *manifest);

/* Reads the mark, and the shard size if manifest has none. CLI_OUTPUT, with a message: the manifest is damaged, or a
 * part is missing. CLI_USAGE: it belongs to a job with other settings, of which something is finished. */
cli_exit cli_manifest_read(const cli_command *command, cli_manifest *manifest);

#endif
