/* SPDX-License-Identifier: BSD-2-Clause */
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "talk.h"

#define BLOCK (64u * 1024u)

void cli_lines_start(cli_lines *lines, size_t longest)
{
    *lines = (cli_lines){.longest = longest, .block = cli_allocate(BLOCK, 1)};
}

bool cli_lines_at_hand(const cli_lines *lines)
{
    return lines->at < lines->size;
}

/* More bytes; false at the end. */
static bool refill(cli_lines *lines)
{
    ssize_t size;
    do
        size = read(STDIN_FILENO, lines->block, BLOCK);
    while (size < 0 && errno == EINTR);
    if (size < 0) {
        cli_error("standard input: cannot read: %s", strerror(errno));
        lines->failed = true;
    }
    lines->at = 0;
    lines->size = size > 0 ? (size_t)size : 0;
    lines->ended = size <= 0;
    return !lines->ended;
}

static void keep(cli_lines *lines, const char *bytes, size_t size)
{
    size_t room = lines->longest - lines->line.size;
    lines->cut = lines->cut || size > room;
    cli_text_add(&lines->line, bytes, size < room ? size : room);
}

bool cli_lines_next(cli_lines *lines)
{
    bool any = false;
    cli_text_clear(&lines->line);
    lines->cut = false;
    while (!lines->ended && (cli_lines_at_hand(lines) || refill(lines))) {
        const char *start = lines->block + lines->at, *feed = memchr(start, '\n', lines->size - lines->at);
        size_t size = feed ? (size_t)(feed - start) : lines->size - lines->at;
        keep(lines, start, size);
        lines->at += size + (feed != NULL);
        any = true;
        if (feed)
            break;
    }
    lines->number += any;
    return any && !lines->failed;
}

void cli_lines_free(cli_lines *lines)
{
    free(lines->block);
    cli_text_free(&lines->line);
    *lines = (cli_lines){0};
}
