/* SPDX-License-Identifier: BSD-2-Clause */
/* The files that a run is going to write, so that it destroys nothing. A command claims each of
 * them before it opens a model or makes a file. A claim is refused where the name is one for
 * another format, where a file stands that vit has not written in this format, and where another claim is
 * of the same file. Whatever the run reads is then compared with all claims. An example:
 * "vit embed -o p.npy --pixels p.npy" claims p.npy, reads p.npy, and so ends with status 2.
 *
 * A file is the same under every name: other spellings, links, hard links. Standard output that
 * goes into a file is claimed too. Devices and pipes are not files in this sense; there everything
 * may be written. */
#ifndef CLI_CLAIMS_H
#define CLI_CLAIMS_H

#include <stdbool.h>

#include "command.h"
#include "file_kind.h"

typedef struct cli_claim {
    const char *option; /* that named it: "-o" */
    const char *path;   /* NULL and "-": standard output, which needs no check */
    cli_kind kind;
    bool any_name; /* the format was asked for by an option, and the name may be as it is */
    bool proven;   /* the file is known to be vit's, though its bytes do not tell (raw, fvecs) */
} cli_claim;

/* CLI_DONE, or CLI_USAGE with a message. */
cli_exit cli_claim_file(const cli_command *command, const cli_claim *claim);

/* The n kinds that a command can write. The first is the default. *chosen is the index of the kind that is written. It
 * is CLI_BY_NAME where no option chose one: then the end of the file's name decides ("x.csv"). */
#define CLI_BY_NAME (-1)
typedef struct cli_formats {
    const cli_kind *kinds;
    size_t n;
    int *chosen;
    const char *option; /* the option that can choose: "--format" */
} cli_formats;

/* Sets *formats->chosen. CLI_DONE, or CLI_USAGE with a message: the name asks for a kind that the command cannot
 * write. */
cli_exit cli_claim_format(const cli_command *command, const char *option, const char *path, const cli_formats *formats);
/* The same, and claims the file as one of the kind. */
cli_exit cli_claim_formatted(const cli_command *command, const char *option, const char *path,
                             const cli_formats *formats);

void cli_claim_standard_output(void);

/* The run reads this file, folder or, if path is "-", standard input. CLI_DONE, or CLI_USAGE with a
 * message: it would be written over. Threads may call this at the same time, once it was called
 * after the last claim. */
cli_exit cli_claims_spare(const char *path);

/* Is there a device, a pipe or a socket at this path, which cannot be claimed? */
bool cli_path_is_special(const char *path);

#endif
