/* SPDX-License-Identifier: BSD-2-Clause */
#include "outputs.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [VIT_OUTPUT_EMBEDDING] = "embedding", [VIT_OUTPUT_CLASS] = "cls",     [VIT_OUTPUT_MEAN] = "mean",
    [VIT_OUTPUT_TOKENS] = "tokens",       [VIT_OUTPUT_HIDDEN] = "hidden", [VIT_OUTPUT_POOLER] = "pooler",
    [VIT_OUTPUT_LOGITS] = "logits",       [VIT_OUTPUT_PROBABILITIES] = "probs",
    [VIT_OUTPUT_LATENT] = "latent",       [VIT_OUTPUT_LATENT_LOG_VARIANCE] = "latent-log-variance",
};
#define N_NAMES (sizeof names / sizeof *names)

const char *const cli_output_choices[] = {"embedding", "cls",   "mean",   "tokens",
                                          "hidden:K",  "pooler", "logits", "probs",
                                          "latent",    "latent-log-variance", NULL};

const char *cli_output_name_of(vit_output output)
{
    return (size_t)output < N_NAMES ? names[output] : NULL;
}

const char *cli_set_output(const cli_option *option, const char *value, void *field)
{
    (void)option;
    static const char hidden[] = "hidden:";
    cli_output_name *name = field;
    const char *number = value + sizeof hidden - 1;
    if (strncmp(value, hidden, sizeof hidden - 1) == 0 && *number && strlen(number) <= 6 &&
        !number[strspn(number, "0123456789")]) {
        *name = (cli_output_name){value, VIT_OUTPUT_HIDDEN, strtoul(number, NULL, 10)};
        return NULL;
    }
    for (size_t i = 0; i < N_NAMES; i++) {
        if (i != VIT_OUTPUT_HIDDEN && strcmp(value, names[i]) == 0) {
            *name = (cli_output_name){value, (vit_output)i, 0};
            return NULL;
        }
    }
    return ""; /* the parser lists the choices */
}
