/* SPDX-License-Identifier: BSD-2-Clause */
/* What must be done so that an index follows the files: which
 * images are to be encoded, which only moved, which are gone. */
#ifndef CLI_SYNC_H
#define CLI_SYNC_H

#include <pthread.h>

#include "catalogue.h"
#include "inputs.h"

typedef struct sync_action sync_action;

typedef struct cli_sync {
    cli_store *store;
    cli_catalogue catalogue;
    pthread_mutex_t lock; /* of the actions: found by the walk, done by the command */
    sync_action *actions;
    size_t n_actions;
    size_t unchanged, moved, copied, removed;
} cli_sync;

/* Always followed by cli_sync_end. */
bool cli_sync_start(cli_sync *sync, cli_store *store);
void cli_sync_end(cli_sync *sync);

/* For cli_inputs.pass_over, sync being the context: true for what needs no encoding. Fills the stamp of the others, and
 * writes their paths plainly ("a.jpg" for "./a.jpg"). */
bool cli_sync_pass_over(void *sync, cli_input *input);

/* Does what was found to be needed so far. In a transaction that it
 * begins if there is something to do; *begun says whether one is open. */
bool cli_sync_apply(cli_sync *sync, bool *begun);

/* After the walk: forgets images whose files are gone, below the folders among the inputs, or everywhere. */
bool cli_sync_forget(cli_sync *sync, const cli_inputs *inputs, bool everywhere, bool *begun);

#endif
