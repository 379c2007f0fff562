/* SPDX-License-Identifier: BSD-2-Clause */
/* vit: the table of commands. Each stands in a file of its name; adding one is adding a row here. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "claims.h"
#include "command.h"
#include "interrupt.h"
#include "licences.h"
#include "output_file.h"
#include "shipped.h"
#include "spelling.h"
#include "talk.h"
#include "text.h"
#include "vit/io.h"
#include "vit/vit.h"

static const cli_command *const commands[] = {
    &cli_classify, &cli_embed, &cli_fit,   &cli_attention, &cli_preprocess, &cli_tokenize, &cli_index, &cli_search,
    &cli_dedup,    &cli_info,  &cli_bench, &cli_verify,    &cli_quantize,   &cli_serve,    &cli_pull,
};
#define N_COMMANDS (sizeof commands / sizeof *commands)

static const cli_command *find(const char *name)
{
    static const char *const others[] = {"help", "--help", "--version"};
    cli_spelling spelling = {.written = name};
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
        cli_spelling_show(&spelling, commands[i]->name);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cli_spelling_show(&spelling, others[i]);
    if (spelling.best)
        cli_error("unknown command '%s'; did you mean \"%s\"? 'vit help' lists all", name, spelling.best);
    else
        cli_error("unknown command '%s'; 'vit help' lists them", name);
    return NULL;
}

static cli_exit print_overview(void)
{
    cli_text text = {0};
    cli_text_string(&text,
                    "Usage: vit COMMAND [OPTION]... [INPUT]...\n\n"
                    "Runs Vision Transformers on the CPU, straight from their checkpoint folders.\n\nCommands:\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        cli_text_format(&text, "  %-12s%s\n", commands[i]->name, commands[i]->summary);
    cli_text_string(
        &text,
        "  help        this page, or 'vit help COMMAND' for that of a command\n"
        "\nOptions:\n  -h, --help      print this and exit\n  -V, --version   print the version and exit; with --licences also what\n"
        "                  vit is made of, and under which terms\n"
        "\nExample:\n  vit classify photo.jpg\n"
        "\nExit status: 0 all done, 1 some inputs failed, 2 wrong usage, 3 the model cannot be loaded,\n"
        "4 the output cannot be written, 130 interrupted.\n");
    cli_shipped_documentation(&text);
    cli_exit status = cli_print(&text);
    cli_text_free(&text);
    return status;
}

/* In either spelling. */
static bool is_licences(const char *word)
{
    return strcmp(word, "--licences") == 0 || strcmp(word, "--licenses") == 0;
}

static cli_exit print_version(void)
{
    cli_text text = {0};
    cli_text_format(&text, "vit %s\npictures:", vit_version());
    for (size_t i = 0; vit_image_format(i); i++)
        cli_text_format(&text, "%s %s", i ? "," : "", vit_image_format(i));
    cli_text_string(&text, "\n");
    cli_exit status = cli_print(&text);
    cli_text_free(&text);
    return status;
}

static cli_exit help(char *name)
{
    static char option[] = "--help";
    char *arguments[] = {name, option, NULL};
    const cli_command *command = find(name);
    return command ? command->run(command, 2, arguments) : CLI_USAGE;
}

/* A standard stream that is closed must not be taken by the next file that is opened, which messages
 * or results would then be written into. What stands in for it fails as a closed one does. */
static void hold_standard_streams(void)
{
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        if (fcntl(stream, F_GETFD) < 0)
            open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* takes the lowest free number */
}

int main(int argc, char **argv)
{
    hold_standard_streams();
    setenv("OPENBLAS_NUM_THREADS", "1",
           1); /* for libvit, should it load OpenBLAS: threads of its own would only spin */
    cli_interrupt_install();
    cli_claim_standard_output();
    if (argc < 2) {
        cli_error("no command; 'vit help' lists them");
        return CLI_USAGE;
    }
    char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        return (int)(argc > 2 && is_licences(argv[2]) ? cli_print_licences() : print_version());
    if (strcmp(name, "help") == 0 && argc > 2)
        return (int)help(argv[2]);
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return (int)print_overview();
    const cli_command *command = find(name);
    return command ? (int)command->run(command, argc - 1, argv + 1) : CLI_USAGE;
}
