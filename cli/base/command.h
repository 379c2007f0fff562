/* SPDX-License-Identifier: BSD-2-Clause */
/* A command of `vit` is one row of the table in main.c and one file; this is what the row holds. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

/* Exit statuses. Scripts rely on them: never renumbered. */
typedef enum cli_exit {
    CLI_DONE = 0,
    CLI_INPUTS_FAILED = 1, /* some inputs failed, the rest is done */
    CLI_USAGE = 2,         /* wrong usage, or the model has not what was asked of it */
    CLI_MODEL = 3,         /* the model cannot be loaded */
    CLI_OUTPUT = 4,        /* the output cannot be written */
    CLI_INTERRUPTED = 130
} cli_exit;

/* An option of a shared table that a command has no use for. Its --help does not list it. Where
 * `refusal` says why, the option is refused; else it is taken and a note says that it does nothing,
 * so that scripts may give all commands the same options. */
typedef struct cli_left_out {
    const char *option; /* without "--" */
    const char *refusal;
} cli_left_out;

typedef struct cli_command cli_command;
struct cli_command {
    const char *name;
    const char *summary; /* half a line, for `vit help` */
    const char *usage;   /* what stands after `vit NAME ` */
    const char *text;    /* what the command does, for its --help */
    const char *example;
    const cli_left_out *left_out;                                       /* ends with a row without option; NULL: none */
    cli_exit (*run)(const cli_command *command, int argc, char **argv); /* argv[0] is the command's name */
};

extern const cli_command cli_classify, cli_embed, cli_fit, cli_attention, cli_verify, cli_preprocess, cli_tokenize,
    cli_index, cli_search, cli_dedup, cli_info, cli_bench, cli_quantize, cli_serve, cli_pull;

#endif
