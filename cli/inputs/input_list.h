/* SPDX-License-Identifier: BSD-2-Clause */
/* The inputs of a job as a whole: their digest, how many there are, and how a job that was cut off goes on among them.
 * Lists and folders are walked for this, but no image is opened. A tar file counts by its path and size, since its
 * members are known only when they are read. */
#ifndef CLI_INPUT_LIST_H
#define CLI_INPUT_LIST_H

#include "inputs.h"
#include "sha256.h"

/* How the name begins of a file that has a name for a moment only. A file that a crash left can be removed. */
#define CLI_LIST_PREFIX ".list."

/* Copies lists that can be read once only (standard input, a pipe), each into a file without a name in this folder, so
 * that they can be walked again. false, with a message: a list could not be copied. */
bool cli_inputs_keep_lists(cli_inputs *inputs, const char *folder);

/* The digest of all inputs, also of those that other parts of the job have. *count: how many inputs this part
 * (inputs->part) has; 0: it is not known, since there are tar files. */
void cli_inputs_digest(const cli_inputs *inputs, char hex[VIT__SHA256_HEX], size_t *count);

/* Adds what tells an input from others: its kind, path and row. */
void cli_digest_input(vit__sha256_state *digest, const cli_input *input);

/* Passes over n inputs and adds them to the digest. false: there are fewer. */
bool cli_walk_skip(cli_walk *walk, size_t n, vit__sha256_state *digest);

#endif
