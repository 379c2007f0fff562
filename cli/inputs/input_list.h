/* SPDX-License-Identifier: BSD-2-Clause */
/* The inputs of a job as a whole: its digest, how many there are, and going on in their midst. Lists and folders are
 * walked for it, images are not opened. Of a tar file its path and size count; its members show as they are read. */
#ifndef CLI_INPUT_LIST_H
#define CLI_INPUT_LIST_H

#include "inputs.h"
#include "sha256.h"

/* Of a file that has a name for a moment only; what is left of it in a folder after a crash can be removed. */
#define CLI_LIST_PREFIX ".list."

/* Keeps what lists say that can be read once only (standard input, a pipe), each in a file without a
 * name in the folder, so that they can be walked again. false, with a message: one cannot be kept. */
bool cli_inputs_keep_lists(cli_inputs *inputs, const char *folder);

/* The digest of all inputs, those of other parts among them, and how many of
 * them this part (inputs->part) has; 0: that is not known (tar files). */
void cli_inputs_digest(const cli_inputs *inputs, char hex[VIT__SHA256_HEX], size_t *count);

/* Adds what tells an input from others: its kind, path and row. */
void cli_digest_input(vit__sha256_state *digest, const cli_input *input);

/* Passes over n inputs and adds them to the digest. false: there are fewer. */
bool cli_walk_skip(cli_walk *walk, size_t n, vit__sha256_state *digest);

#endif
