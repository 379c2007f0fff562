/* SPDX-License-Identifier: BSD-2-Clause */
/* Classes that are described in words (Radford et al. 2021): the classifier's weights are the embeddings
 * of texts, and a picture's logits are its similarities with them, by the model's own scale. */
#ifndef CLI_ZERO_SHOT_H
#define CLI_ZERO_SHOT_H

#include "job.h"

typedef struct cli_zero_shot {
    /* options */
    cli_values labels;    /* lists of labels, with commas between them */
    const char *file;     /* a file with a label on each line */
    cli_values templates; /* "a photo of a {}" */
    cli_inputs texts;     /* labels of --text, or of --tokens */
    const char *model;    /* the model that encodes the labels; NULL: the model of the pictures */
    /* at work */
    char **names; /* [n]; NULL for a label that was given as token ids */
    size_t n;
    vit_labels *classes; /* [n] */
} cli_zero_shot;

extern const cli_option cli_zero_shot_table[];

/* Are classes described in words at all? */
bool cli_zero_shot_asked(const cli_zero_shot *zero_shot);

/* Opens the text tower, encodes the labels, and closes the tower. Prints what is wrong: CLI_USAGE or CLI_MODEL. Always
 * freed with cli_zero_shot_free. */
cli_exit cli_zero_shot_open(const cli_command *command, const cli_model_options *options, cli_zero_shot *zero_shot);
/* Reads the labels of --labels and --labels-file into names[n]. Nothing is encoded. */
cli_exit cli_zero_shot_read_names(const cli_command *command, cli_zero_shot *zero_shot);
void cli_zero_shot_free(cli_zero_shot *zero_shot);

#endif
