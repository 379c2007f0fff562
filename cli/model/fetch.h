/* SPDX-License-Identifier: BSD-2-Clause */
/* A checkpoint from the hub: what `vit pull` and the option --pull share. Nothing else of the command touches the
 * network. */
#ifndef CLI_FETCH_H
#define CLI_FETCH_H

#include "command.h"
#include "progress.h"
#include "vit/hub.h"

/* Fetches the files that are not there, with progress on stderr (mode: a cli_progress_mode). The caller sets all
 * options but those of the progress. The caller frees *snapshot. On failure *snapshot is NULL, a message says why, and
 * the status is CLI_USAGE (no hub id), CLI_OUTPUT (the disk) or CLI_MODEL. After an interruption the next run goes on
 * with the bytes that have come. */
cli_exit cli_fetch(const char *name, vit_hub_options options, int mode, vit_hub_snapshot **snapshot);

/* Does what --pull says: fetches the model, unless it is a folder or a file, or a hub id that is complete in the
 * cache. Of the file of a classifier alone the model that the file names is meant. */
cli_exit cli_fetch_absent(const char *name);

/* fetched = "NAME@REVISION"; without a revision (NULL) the name alone. CLI_USAGE, with a message: it is no hub id, or
 * has a revision already. Freed with free(). */
cli_exit cli_fetch_name(const char *name, const char *revision, char **fetched);

#endif
