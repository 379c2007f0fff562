/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a tar file of images and what belongs to them. */
#include <stdlib.h>

#include "fuzz.h"
#include "talk.h"
#include "tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    scratch_write("fuzz.tar", bytes, size);
    cli_set_quiet(true);
    cli_tar *tar = cli_tar_open(scratch_path("fuzz.tar"));
    for (cli_input input = {0}; cli_tar_next(tar, &input); cli_input_free(&input))
        if (!input.path || (input.kind == CLI_SOURCE_MEMBER ? !input.member : input.error.status == VIT_OK))
            abort();
    cli_tar_close(tar);
    return 0;
}
