/* SPDX-License-Identifier: BSD-2-Clause */
#include "environment.h"

#include "talk.h"
#include "vit/vit.h"

void cli_environment_note(void)
{
    static const char *const variables[] = {"VIT_CPU", "VIT_GEMM"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        vit_error err = {0};
        if (vit_check_environment(variables[i], &err) != VIT_OK)
            cli_note("%s: %s", variables[i], err.message);
    }
}
