/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "limit.h"
#include "output_file.h"
#include "shipped.h"
#include "spelling.h"
#include "talk.h"
#include "text.h"

typedef struct general {
    bool help, quiet;
} general;

static const cli_option general_options[] = {
    {"quiet", 'q', NULL, cli_set_flag, offsetof(general, quiet), NULL,
     "no progress and no notes on stderr, only errors"},
    {"help", 'h', NULL, cli_set_flag, offsetof(general, help), NULL, "print this and exit"},
    {0},
};

/* ------------------------------------------------------------------ setters ---- */

const char *cli_set_flag(const cli_option *option, const char *value, void *field)
{
    (void)option, (void)value;
    *(bool *)field = true;
    return NULL;
}

const char *cli_add_value(const cli_option *option, const char *value, void *field)
{
    (void)option;
    cli_values *list = field;
    list->values = cli_reallocate(list->values, list->n + 1, sizeof *list->values);
    list->values[list->n++] = value;
    return NULL;
}

const char *cli_set_text(const cli_option *option, const char *value, void *field)
{
    (void)option;
    if (!*value)
        return "a name that is not empty";
    *(const char **)field = value;
    return NULL;
}

/* Digits only: strtoull alone would take signs and spaces. */
static bool read_whole(const char *value, uint64_t low, uint64_t high, uint64_t *number)
{
    if (!*value || value[strspn(value, "0123456789")])
        return false;
    errno = 0;
    unsigned long long read = strtoull(value, NULL, 10);
    if (errno || read < low || read > high)
        return false;
    *number = read;
    return true;
}

const char *cli_set_count(const cli_option *option, const char *value, void *field)
{
    (void)option;
    uint64_t number;
    if (!read_whole(value, 1, VIT__LIMIT_COUNT, &number))
        return "a whole number from 1 to 1000000";
    *(size_t *)field = (size_t)number;
    return NULL;
}

const char *cli_set_threads(const cli_option *option, const char *value, void *field)
{
    (void)option;
    uint64_t number;
    if (!read_whole(value, 1, VIT__LIMIT_THREADS, &number))
        return "a whole number from 1 to 1024";
    *(unsigned *)field = (unsigned)number;
    return NULL;
}

const char *cli_set_large(const cli_option *option, const char *value, void *field)
{
    (void)option;
    if (!read_whole(value, 1, INT64_MAX, field))
        return "a whole number from 1 to 9223372036854775807";
    return NULL;
}

/* Digits, point and exponent only: strtod alone would take signs, spaces, "inf" and hexadecimal
 * numbers. */
bool cli_read_number(const char *value, double *number)
{
    char *end;
    if (*value == '+' || *value == '-' || value[strspn(value, "0123456789.eE+-")])
        return false;
    double read = strtod(value, &end);
    if (end == value || *end || !isfinite(read))
        return false;
    *number = read;
    return true;
}

const char *cli_set_positive(const cli_option *option, const char *value, void *field)
{
    (void)option;
    double number;
    if (!cli_read_number(value, &number) || number <= 0)
        return "a number above 0";
    *(double *)field = number;
    return NULL;
}

const char *cli_set_choice(const cli_option *option, const char *value, void *field)
{
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], value) == 0) {
            *(int *)field = i;
            return NULL;
        }
    }
    return ""; /* the parser lists the choices */
}

/* ------------------------------------------------------------------ errors and help ---- */

cli_exit cli_usage_error(const cli_command *command, const char *format, ...)
{
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    size_t size = strlen(message);
    bool asks = size > 0 && message[size - 1] == '?';
    cli_error("%s%s 'vit %s --help'", message, asks ? " See" : "; see", command->name);
    return CLI_USAGE;
}

/* "  -m, --model MODEL      what it does", wrapped at 100 columns. */
static void help_option(const cli_option *option, cli_text *text)
{
    enum { COLUMN = 28, WIDTH = 100 };
    size_t start = text->size;
    if (option->letter)
        cli_text_format(text, "  -%c%s", option->letter, option->name ? ", " : "");
    else
        cli_text_string(text, "      ");
    if (option->name)
        cli_text_format(text, "--%s", option->name);
    if (option->value)
        cli_text_format(text, " %s", option->value);
    size_t column = text->size - start;
    if (column + 2 > COLUMN) {
        cli_text_string(text, "\n");
        column = 0;
    }
    cli_text_format(text, "%*s", (int)(COLUMN - column), "");
    column = COLUMN;
    for (const char *word = option->help; *word;) {
        size_t length = strcspn(word, " ");
        if (column > COLUMN && column + 1 + length > WIDTH) {
            cli_text_format(text, "\n%*s", COLUMN, "");
            column = COLUMN;
        } else if (column > COLUMN) {
            cli_text_string(text, " ");
            column++;
        }
        cli_text_add(text, word, length);
        column += length;
        word += length + strspn(word + length, " ");
    }
    cli_text_string(text, "\n");
}

/* NULL: the command uses the option. */
static const cli_left_out *left_out(const cli_command *command, const cli_option *option)
{
    for (const cli_left_out *row = command->left_out; row && row->option; row++)
        if (option->name && strcmp(option->name, row->option) == 0)
            return row;
    return NULL;
}

static void help_group(const cli_command *command, const char *title, const cli_option *options, cli_text *text)
{
    cli_text_format(text, "\n%s:\n", title);
    for (const cli_option *option = options; option->name || option->letter; option++)
        if (!left_out(command, option))
            help_option(option, text);
}

static cli_exit help(const cli_command *command, const cli_group *groups)
{
    cli_text text = {0};
    cli_text_format(&text, "Usage: vit %s %s\n\n%s\n", command->name, command->usage, command->text);
    for (const cli_group *group = groups; group->title; group++)
        help_group(command, group->title, group->options, &text);
    help_group(command, "General", general_options, &text);
    cli_text_format(&text, "\nExample:\n  %s\n", command->example);
    cli_shipped_documentation(&text);
    cli_exit status = cli_print(&text);
    cli_text_free(&text);
    return status;
}

/* ------------------------------------------------------------------ the parser ---- */

/* What the process was started for; set once, before there are other threads. */
static struct {
    const cli_command *command;
    const cli_group *groups;
} parsed;

bool cli_takes(const char *name)
{
    for (const cli_group *group = parsed.groups; group && group->title; group++)
        for (const cli_option *option = group->options; option->name || option->letter; option++)
            if (option->name && strcmp(option->name, name) == 0)
                return !left_out(parsed.command, option);
    return false;
}

typedef struct parser {
    const cli_command *command;
    const cli_group *groups;
    int argc;
    char **argv;
    int at;
    char letter; /* of the option at hand, where it was written as one; else '\0' */
    general general;
    cli_text idle; /* options that the command does nothing with, as written: "--exif, -t" */
} parser;

/* The option at hand as it was written: "-k" and "--top" are one option. */
static void spell(const parser *p, const cli_option *option, cli_text *text)
{
    if (p->letter)
        cli_text_format(text, "-%c", p->letter);
    else
        cli_text_format(text, "--%s", option->name);
}

static void ask(cli_text *text, const char *before, const char *guess)
{
    if (guess)
        cli_text_format(text, "; did you mean \"%s%s\"?", before, guess);
}

static int value_error(const parser *p, const cli_option *option, const char *value, const char *want)
{
    cli_text text = {0};
    cli_spelling spelling = {.written = value};
    spell(p, option, &text);
    cli_text_format(&text, ": '%s' is not %s", value, *want ? want : "one of ");
    for (int i = 0; option->choices && option->choices[i]; i++) {
        if (!*want)
            cli_text_format(&text, "%s%s", i ? ", " : "", option->choices[i]);
        cli_spelling_show(&spelling, option->choices[i]);
    }
    ask(&text, "", spelling.best);
    cli_usage_error(p->command, "%s", text.data);
    cli_text_free(&text);
    return CLI_USAGE;
}

/* The options of group after group, the general ones last. NULL: there are no more. */
static const cli_option *options_of(const parser *p, size_t group)
{
    size_t n = 0;
    while (n < group && p->groups[n].title)
        n++;
    return n < group ? NULL : p->groups[n].title ? p->groups[n].options : general_options;
}

/* written: an option that the command does not know, from its first dash on. What looks like a group
 * of letters may be a long option that lacks a dash: "-json". */
static int unknown_option(const parser *p, const char *written)
{
    cli_text text = {0}, name = {0};
    bool by_name = written[1] == '-';
    cli_text_add(&name, written + 1 + by_name, strcspn(written + 1 + by_name, "="));
    cli_spelling spelling = {.written = name.data};
    const cli_option *options;
    for (size_t group = 0; (options = options_of(p, group)) != NULL; group++)
        for (const cli_option *option = options; option->name || option->letter; option++)
            if (option->name && !left_out(p->command, option))
                cli_spelling_show(&spelling, option->name);
    if (by_name)
        cli_text_format(&text, "unknown option '--%s'", name.data);
    else
        cli_text_format(&text, "unknown option '-%c'", p->letter);
    ask(&text, "--", spelling.best);
    cli_usage_error(p->command, "%s", text.data);
    cli_text_free(&text);
    cli_text_free(&name);
    return CLI_USAGE;
}

/* By name or by letter; *target is where the option's fields are. */
static const cli_option *find_option(parser *p, const char *name, size_t length, char letter, void **target)
{
    const cli_option *options;
    for (size_t group = 0; (options = options_of(p, group)) != NULL; group++) {
        for (const cli_option *option = options; option->name || option->letter; option++) {
            bool named = name && option->name && strlen(option->name) == length &&
                         strncmp(option->name, name, length) == 0;
            if (named || (letter && option->letter == letter)) {
                *target = options == general_options ? &p->general : p->groups[group].target;
                return option;
            }
        }
    }
    return NULL;
}

static int set_option(parser *p, const cli_option *option, const char *value, void *target)
{
    const cli_left_out *unused = left_out(p->command, option);
    if (unused && unused->refusal)
        return (int)cli_usage_error(p->command, "--%s: %s", option->name, unused->refusal);
    if (unused) {
        cli_text_string(&p->idle, p->idle.size ? ", " : "");
        spell(p, option, &p->idle);
    }
    const char *want = option->set(option, value, (char *)target + option->offset);
    return want ? value_error(p, option, value, want) : CLI_GO_ON;
}

/* The value that follows as an argument of its own. */
static int set_from_next(parser *p, const cli_option *option, void *target)
{
    if (p->at + 1 >= p->argc) {
        cli_text text = {0};
        spell(p, option, &text);
        cli_usage_error(p->command, "%s needs a value: %s", text.data, option->value);
        cli_text_free(&text);
        return CLI_USAGE;
    }
    return set_option(p, option, p->argv[++p->at], target);
}

/* --name, --name=value, --name value */
static int parse_long(parser *p, const char *argument)
{
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    void *target;
    p->letter = '\0';
    const cli_option *option = find_option(p, name, length, '\0', &target);
    if (!option)
        return unknown_option(p, argument);
    bool joined = name[length] == '=';
    if (joined && !option->value)
        return (int)cli_usage_error(p->command, "--%s takes no value", option->name);
    if (joined || !option->value)
        return set_option(p, option, joined ? name + length + 1 : "", target);
    return set_from_next(p, option, target);
}

/* -q, -k5, -k 5, -q0 */
static int parse_letters(parser *p, const char *argument)
{
    for (const char *letter = argument + 1; *letter; letter++) {
        void *target;
        p->letter = *letter;
        const cli_option *option = find_option(p, NULL, 0, *letter, &target);
        if (!option)
            return unknown_option(p, argument);
        if (option->value)
            return letter[1] ? set_option(p, option, letter + 1, target) : set_from_next(p, option, target);
        int status = set_option(p, option, "", target);
        if (status != CLI_GO_ON)
            return status;
    }
    return CLI_GO_ON;
}

static int parse_operand(parser *p, const char *argument)
{
    for (const cli_group *group = p->groups; group->title; group++) {
        if (group->operand) {
            group->operand(group->target, argument);
            return CLI_GO_ON;
        }
    }
    return (int)cli_usage_error(p->command, "'%s': %s takes no files", argument, p->command->name);
}

/* CLI_GO_ON until the options end, in one way or another. */
static int parse_all(parser *p)
{
    bool options_ended = false;
    for (p->at = 1; p->at < p->argc; p->at++) {
        const char *argument = p->argv[p->at];
        int status = CLI_GO_ON;
        if (options_ended || argument[0] != '-' || !argument[1])
            status = parse_operand(p, argument);
        else if (strcmp(argument, "--") == 0)
            options_ended = true;
        else if (argument[1] == '-')
            status = parse_long(p, argument);
        else
            status = parse_letters(p, argument);
        if (p->general.help)
            return (int)help(p->command, p->groups);
        if (status != CLI_GO_ON)
            return status;
    }
    return CLI_GO_ON;
}

int cli_parse(const cli_command *command, const cli_group *groups, int argc, char **argv)
{
    parser p = {.command = command, .groups = groups, .argc = argc, .argv = argv};
    int status = parse_all(&p);
    parsed.command = command;
    parsed.groups = groups;
    if (status == CLI_GO_ON)
        cli_set_quiet(p.general.quiet);
    if (status == CLI_GO_ON)
        cli_environment_note();
    if (status == CLI_GO_ON && p.idle.size)
        cli_note("'vit %s' does nothing with %s", command->name, p.idle.data);
    cli_text_free(&p.idle);
    return status;
}
