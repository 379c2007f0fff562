/* SPDX-License-Identifier: BSD-2-Clause */
/* The results of a large job in a folder: parts of so many rows, errors.jsonl, manifest.json. A job may be cut off at
 * any time, by a signal, a crash or a full disk. It then goes on after the last finished part, and ends with the same
 * bytes as if nothing had happened. The order of writing makes this so:
 *
 *     1. a part is written under another name, synced and renamed
 *     2. inputs that failed since the last part are appended to errors.jsonl, which is synced
 *     3. manifest.json is replaced: now the part counts
 *
 * When a job goes on, files that the manifest does not name are removed. If nothing of a job is finished, the run that
 * goes on may have other options and other inputs. */
#ifndef CLI_SHARDS_H
#define CLI_SHARDS_H

#include "manifest.h"

typedef struct cli_shards cli_shards;

typedef struct cli_shards_plan {
    cli_format format;
    cli_vectors vectors;
    bool resume;
    bool new_folder;       /* *made of cli_shards_make_folder */
    cli_manifest manifest; /* without extension, shape and mark, which cli_shards_open fills */
} cli_shards_plan;

/* Makes the folder if it is missing; *made says whether it was. CLI_OUTPUT, with a message, if it
 * cannot be made. */
cli_exit cli_shards_make_folder(const char *folder, bool *made);

/* Claims the folder and all that stands in it under names that a job gives. CLI_USAGE, with a
 * message. */
cli_exit cli_shards_claim(const cli_command *command, const char *folder);

/* Begins the job, or finds where it stands (cli_shards_mark). The folder must be there; what plan
 * points to must outlive the shards. CLI_USAGE or CLI_OUTPUT, with a message, and NULL if not. */
cli_exit cli_shards_open(const cli_command *command, const cli_shards_plan *plan, cli_shards **shards);
const cli_progress_mark *cli_shards_mark(const cli_shards *shards);

/* Moves the walk past the inputs that are done. false, with a message: they are not the inputs of the manifest. */
bool cli_shards_skip(cli_shards *shards, cli_walk *walk);

/* These print what goes wrong; false is CLI_OUTPUT. */
bool cli_shards_row(cli_shards *shards, const cli_input *input, const float *values);
bool cli_shards_failure(cli_shards *shards, const cli_input *input);
bool cli_shards_flush(cli_shards *shards);
bool cli_shards_complete(cli_shards *shards); /* after the last input */
/* For a job that found no input, in the place of cli_shards_complete, while nothing is finished: removes the job's
 * files, and the folder if it is new. */
bool cli_shards_withdraw(cli_shards *shards);

void cli_shards_close(cli_shards *shards); /* takes NULL; leaves what can be resumed */

#endif
