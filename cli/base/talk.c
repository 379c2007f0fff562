/* SPDX-License-Identifier: BSD-2-Clause */
#include "talk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error_code.h"
#include "visible.h"

#define MESSAGE_MAX 4096

static bool quiet;
static size_t status_width; /* of the status line that stands on the terminal; guarded by stderr's lock */

void cli_set_quiet(bool value)
{
    quiet = value;
}

bool cli_is_quiet(void)
{
    return quiet;
}

bool cli_is_watched(void)
{
    return !quiet && isatty(STDERR_FILENO);
}

/* Under stderr's lock. Spaces, not an escape sequence: works on every terminal and reads well in a log. */
static void clear_status(void)
{
    if (status_width > 0)
        fprintf(stderr, "\r%*s\r", (int)status_width, "");
    status_width = 0;
}

/* One write for the whole line, so that the lines of several processes do not mix. */
static void put_line(const char *message)
{
    static const char prefix[] = "vit: ";
    static char
        line[sizeof prefix + CLI_VISIBLE_MOST * MESSAGE_MAX]; /* guarded by stderr's lock; no memory is taken here */
    flockfile(stderr);
    clear_status();
    memcpy(line, prefix, sizeof prefix - 1);
    size_t size = sizeof prefix - 1 + cli_visible(message, line + sizeof prefix - 1);
    line[size++] = '\n';
    fwrite(line, 1, size, stderr);
    funlockfile(stderr);
}

VIT_PRINTF(1, 0) static void put_formatted(const char *format, va_list arguments)
{
    char message[MESSAGE_MAX];
    vsnprintf(message, sizeof message, format, arguments);
    put_line(message);
}

void cli_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_formatted(format, arguments);
    va_end(arguments);
}

void cli_note(const char *format, ...)
{
    if (quiet)
        return;
    va_list arguments;
    va_start(arguments, format);
    put_formatted(format, arguments);
    va_end(arguments);
}

void cli_library_error(const vit_error *error)
{
    if (error->where[0])
        cli_error("%s: %s", error->where, error->message);
    else
        cli_error("%s", error->message);
}

void cli_input_error(const char *path, const vit_error *error)
{
    cli_error("%s: %s: %s", path, cli_error_code(error->status), error->message);
}

void cli_status_line(const char *line)
{
    flockfile(stderr);
    clear_status();
    int width = fprintf(stderr, "vit: %s", line);
    status_width = width > 0 ? (size_t)width : 0;
    fflush(stderr);
    funlockfile(stderr);
}

void cli_status_end(void)
{
    flockfile(stderr);
    if (status_width > 0)
        fputc('\n', stderr);
    status_width = 0;
    funlockfile(stderr);
}
