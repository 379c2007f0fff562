/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of --output. */
#ifndef CLI_OUTPUTS_H
#define CLI_OUTPUTS_H

#include "options.h"
#include "vit/vit.h"

typedef struct cli_output_name {
    const char *text; /* as the user wrote it */
    vit_output output;
    size_t layer; /* of hidden:K */
} cli_output_name;

/* For the rows of options that cli_set_output sets. */
extern const char *const cli_output_choices[];
const char *cli_set_output(const cli_option *option, const char *value, void *field); /* cli_output_name */

#endif
