/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of a command are tables: one parser reads them and one page of --help is printed from them. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"

typedef struct cli_option cli_option;
struct cli_option {
    const char *name;  /* without "--"; NULL: only a letter */
    char letter;       /* '\0': only a name */
    const char *value; /* how help calls the value; NULL: a flag */
    /* Stores the value at field. Answers NULL; or, if the value is wrong, what a right value is: "a whole number from 1
     * to 9". The answer "" stands for one of `choices`, which the parser lists. */
    const char *(*set)(const cli_option *option, const char *value, void *field);
    size_t offset; /* of the field in the group's target */
    /* The words that the value may be, ending with NULL; for cli_set_choice, and for other setters that know words. If
     * the value is misspelt, the message asks about the nearest word. */
    const char *const *choices;
    const char *help;
};

/* Options about one noun, and the struct that they fill. Stands in an array that ends with a group without title. */
typedef struct cli_group {
    const char *title;
    const cli_option *options; /* ends with a row that has neither name nor letter */
    void *target;
    /* Takes what is not an option; NULL: this group takes none. */
    void (*operand)(void *target, const char *value);
} cli_group;

#define CLI_GO_ON (-1)

/* Fills the targets. CLI_GO_ON, or the status to end with: usage
 * errors and --help end here. -q and -h are known to every command. */
int cli_parse(const cli_command *command, const cli_group *groups, int argc, char **argv);

/* Does the command that this process runs take the option ("tar")? For hints, after cli_parse, from
 * any thread. */
bool cli_takes(const char *option);

/* Prints "vit: MESSAGE; see 'vit NAME --help'" and answers CLI_USAGE. Behind a message that ends with
 * a question mark a new sentence begins: "vit: MESSAGE? See 'vit NAME --help'". */
cli_exit cli_usage_error(const cli_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Setters, and the type of the field. */
const char *cli_set_flag(const cli_option *option, const char *value, void *field);    /* bool */
const char *cli_set_text(const cli_option *option, const char *value, void *field);    /* const char *, not empty */
const char *cli_set_count(const cli_option *option, const char *value, void *field);   /* size_t, 1 .. 1,000,000 */
const char *cli_set_threads(const cli_option *option, const char *value, void *field); /* unsigned, 1 .. 1024 */
const char *cli_set_large(const cli_option *option, const char *value, void *field);   /* uint64_t, 1 .. 2^63 - 1 */
/* double, above 0 */
const char *cli_set_positive(const cli_option *option, const char *value, void *field);
const char *cli_set_choice(const cli_option *option, const char *value, void *field); /* int, index of the choice */

/* Values of an option that may be given again, in order. The strings are the caller's; values is freed with free(). */
typedef struct cli_values {
    const char **values;
    size_t n;
} cli_values;
const char *cli_add_value(const cli_option *option, const char *value, void *field); /* cli_values */

/* Reads a finite number without sign: "5", "0.95", "1e-5". false: value is anything else. */
bool cli_read_number(const char *value, double *number);

/* A picture's size; all zero: not given. */
typedef struct cli_size {
    uint32_t width, height;
    const char *asked_by; /* for messages: the file that asks for this size; NULL: an option does */
} cli_size;

#endif
