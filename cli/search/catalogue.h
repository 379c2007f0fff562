/* SPDX-License-Identifier: BSD-2-Clause */
/* What an index knew when the command started: by path, and by content. */
#ifndef CLI_CATALOGUE_H
#define CLI_CATALOGUE_H

#include "store.h"

typedef struct cli_known {
    cli_item item; /* without caption; id 0 never stands for an image */
    char *text;    /* where its path and hash are */
    bool seen;     /* met among the inputs */
    bool moved;    /* its file was found under another path */
} cli_known;

/* Starts all zero; freed with cli_catalogue_free. */
typedef struct cli_catalogue {
    cli_known *known; /* by path */
    size_t n;
    size_t *by_size; /* indices into known */
} cli_catalogue;

bool cli_catalogue_load(cli_catalogue *catalogue, cli_store *store);
void cli_catalogue_free(cli_catalogue *catalogue);

cli_known *cli_catalogue_find(const cli_catalogue *catalogue, const char *path); /* NULL: unknown */

/* Calls match for every image of this size until it says yes; that image, or NULL. */
cli_known *cli_catalogue_find_size(const cli_catalogue *catalogue, int64_t size,
                                   bool (*match)(void *context, const cli_known *known), void *context);

/* The first image whose path is not before this one; n if there is none. Those below a folder stand together. */
size_t cli_catalogue_position(const cli_catalogue *catalogue, const char *path);

#endif
