/* SPDX-License-Identifier: BSD-2-Clause */
/* The vectors that a layer is fitted to: made here, kept in a folder of parts, or read from what `vit embed` wrote. */
#ifndef CLI_FEATURE_TABLE_H
#define CLI_FEATURE_TABLE_H

#include "embed.h"
#include "items.h"
#include "mapped_file.h"

typedef struct cli_features {
    float *values; /* [n][width] */
    size_t n, width, room;
    size_t *rows; /* [items]: the row of each item; SIZE_MAX: it has none, since it could not be read */
    size_t failed;
    /* of a file of vectors alone: */
    char **paths;          /* [n] of the rows */
    vit__mapped_file file; /* where values lie; empty: they are memory of their own */
    char *metadata;        /* FILE.meta.json; NULL: it is not there */
} cli_features;

/* The items through the model of an open job, whose inputs are the items' paths. embed->path: the folder where vectors
 * are kept, from which a run goes on that was cut off; NULL: none are kept. CLI_DONE or CLI_INPUTS_FAILED, or why there
 * are none. */
cli_exit cli_features_make(const cli_command *command, const cli_items *items, cli_embedding *embed, cli_job *job,
                           cli_features *features);

/* FILE.npy, and FILE.jsonl beside it. CLI_USAGE, with a message. */
cli_exit cli_features_open(const char *path, cli_features *features);

/* Finds each item among the paths. */
void cli_features_find(const cli_items *items, cli_features *features);

void cli_features_free(cli_features *features);

#endif
