/* SPDX-License-Identifier: BSD-2-Clause */
#include "outputs.h"

const char *const cli_output_choices[] = {
    "embedding",           "cls", "cls+mean", "mean", "tokens", "hidden:K", "pooler", "logits", "probs", "latent",
    "latent-log-variance", NULL};

/* Maps of attention have a command of their own. */
const char *cli_set_output(const cli_option *option, const char *value, void *field)
{
    (void)option;
    cli_output_name name = {.text = value};
    if (!vit_output_parse(value, &name.output, &name.layer) || name.output == VIT_OUTPUT_ATTENTION)
        return ""; /* the parser lists the choices */
    *(cli_output_name *)field = name;
    return NULL;
}
