/* SPDX-License-Identifier: BSD-2-Clause */
/* The results of a large job in a folder: parts of so many rows, errors.jsonl, manifest.json. Whenever it
 * is cut off, by a signal, a crash or a full disk, it can go on after the last finished part, and ends with
 * the same bytes as if nothing had happened. How: a part is written beside its name, synced and renamed;
 * what failed since the part before is appended to errors.jsonl and synced; only then the manifest says so.
 * What a run that was cut off wrote past the manifest is removed when the job goes on. A job of which
 * nothing is finished binds nobody: the run that goes on may have other options and inputs. */
#ifndef CLI_SHARDS_H
#define CLI_SHARDS_H

#include "manifest.h"

typedef struct cli_shards cli_shards;

typedef struct cli_shards_plan {
    cli_format format;
    cli_vectors vectors;
    bool resume;
    bool new_folder;       /* as cli_shards_make_folder said */
    cli_manifest manifest; /* all but extension, shape and mark */
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

/* Passes over the inputs that are done. false, with a message: they are not those of the manifest. */
bool cli_shards_skip(cli_shards *shards, cli_walk *walk);

/* These print what goes wrong; false is CLI_OUTPUT. */
bool cli_shards_row(cli_shards *shards, const cli_input *input, const float *values);
bool cli_shards_failure(cli_shards *shards, const cli_input *input);
bool cli_shards_flush(cli_shards *shards);
bool cli_shards_complete(cli_shards *shards); /* after the last input */
/* Instead, where there was no input and nothing is finished: removes the job's files, and the
 * folder if it is new. */
bool cli_shards_withdraw(cli_shards *shards);

void cli_shards_close(cli_shards *shards); /* takes NULL; leaves what can be resumed */

#endif
