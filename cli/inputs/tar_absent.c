/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands in for tar.c where libarchive was missing: every tar file is an input that cannot be read. */
#include <stdlib.h>

#include "tar.h"
#include "text.h"

struct cli_tar {
    char *name;
};

cli_tar *cli_tar_open(const char *name)
{
    cli_tar *tar = cli_allocate(1, sizeof *tar);
    tar->name = cli_duplicate(name);
    return tar;
}

bool cli_tar_next(cli_tar *tar, cli_input *input)
{
    if (!tar->name)
        return false;
    *input = (cli_input){.kind = CLI_SOURCE_PATH, .path = tar->name};
    vit_error_set(&input->error, VIT_ERR_UNSUPPORTED_FORMAT, tar->name,
                  "this vit reads no tar files: libarchive was missing when it was built");
    tar->name = NULL;
    return true;
}

bool cli_tar_is(const void *bytes, size_t size)
{
    (void)bytes, (void)size;
    return false;
}

void cli_tar_close(cli_tar *tar)
{
    if (!tar)
        return;
    free(tar->name);
    free(tar);
}
