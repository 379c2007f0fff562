/* SPDX-License-Identifier: BSD-2-Clause */
/* A classifier as a folder that Python's transformers opens: config.json, preprocessor_config.json and
 * model.safetensors. The model's own folder of transformers is copied, in F32, with another classifier. */
#ifndef CLI_TRANSFORMERS_FOLDER_H
#define CLI_TRANSFORMERS_FOLDER_H

#include <stdbool.h>

#include "command.h"
#include "vit/vit.h"

typedef struct cli_transformers_wish {
    const char *folder;     /* to be made */
    const vit_model *model; /* whose vectors the classifier reads */
    const char *name;       /* of the model, for messages */
    vit_output output;
    bool normalize;
} cli_transformers_wish;

/* Is there room for the files under their names? Makes nothing. CLI_USAGE, with a message: one of them is there.
 * CLI_OUTPUT: the folder cannot be made. */
cli_exit cli_transformers_claim(const cli_command *command, const char *folder);

/* Has transformers a class that computes the same? For before the work. CLI_USAGE, with a message, if not; CLI_MODEL
 * if the files of the model cannot be read. */
cli_exit cli_transformers_check(const cli_command *command, const cli_transformers_wish *wish);

/* Writes the folder, config.json at the end, so that a folder with it is whole. CLI_OUTPUT or CLI_MODEL, with a
 * message, if not. The output and normalize of *head are those of the wish. */
cli_exit cli_transformers_write(const cli_command *command, const cli_transformers_wish *wish, const vit_head *head);

#endif
