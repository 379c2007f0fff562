/* SPDX-License-Identifier: BSD-2-Clause */
/* vit serve of a build without libmicrohttpd. */
#include "command.h"
#include "talk.h"

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    (void)command, (void)argc, (void)argv;
    cli_error("this build has no server: install libmicrohttpd-dev and build again");
    return CLI_USAGE;
}

const cli_command cli_serve = {.name = "serve", .summary = "a server over HTTP, which this build lacks", .run = run};
