/* SPDX-License-Identifier: BSD-2-Clause */
#include "environment.h"

#include "talk.h"
#include "vit/vit.h"

void cli_environment_note(void)
{
    vit_error err = {0};
    if (vit_check_environment("VIT_CPU", &err) != VIT_OK)
        cli_note("VIT_CPU: %s", err.message);
}
