/* SPDX-License-Identifier: BSD-2-Clause */
#include "outline.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN 24      /* where values start */
#define ARRAY_SHOWN 12 /* elements of an array before it is cut */

/* Every function takes the place in the JSON text where something starts and answers where it ends. */

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* A string without its quotes; escapes stay as they are, but for \" and \\ and \/. */
static const char *add_string(const char *at, cli_text *text)
{
    for (at++; *at && *at != '"'; at++) {
        bool plain_escape = at[0] == '\\' && at[1] && strchr("\"\\/", at[1]);
        if (plain_escape)
            at++;
        else if (at[0] == '\\' && at[1])
            cli_text_add(text, at++, 1);
        cli_text_add(text, at, 1);
    }
    return *at ? at + 1 : at;
}

/* Of a fraction the fewest digits that give the same number back: JSON has all 17. */
static void add_number(const char *at, size_t length, cli_text *text)
{
    char shorter[32];
    snprintf(shorter, sizeof shorter, "%.15g", strtod(at, NULL));
    if (memchr(at, '.', length) && strtod(shorter, NULL) == strtod(at, NULL))
        cli_text_string(text, shorter);
    else
        cli_text_add(text, at, length);
}

static const char *add_scalar(const char *at, cli_text *text)
{
    if (*at == '"')
        return add_string(at, text);
    size_t length = strcspn(at, ",]} \t\r\n");
    if (length == 0)
        return *at ? at + 1 : at; /* not JSON: move on, and never stand still */
    if (strncmp(at, "null", length) == 0)
        cli_text_string(text, "none");
    else
        add_number(at, length, text);
    return at + length;
}

/* "a, b, c" on one line, or "a; b; c" of strings, in which commas are usual; whatever
 * is nested inside in brackets; past ARRAY_SHOWN elements only their number. */
static const char *add_array(const char *at, cli_text *text)
{
    size_t n = 0;
    for (at = skip_space(at + 1); *at && *at != ']'; n++) {
        size_t before = text->size;
        if (n > 0)
            cli_text_string(text, *at == '"' ? "; " : ", ");
        if (*at == '[') {
            cli_text_string(text, "[");
            at = add_array(at, text);
            cli_text_string(text, "]");
        } else {
            at = add_scalar(at, text);
        }
        if (n >= ARRAY_SHOWN)
            cli_text_cut(text, before);
        at = skip_space(at);
        at = skip_space(at + (*at == ','));
    }
    if (n > ARRAY_SHOWN)
        cli_text_format(text, " ... (%zu in all)", n);
    return *at ? at + 1 : at;
}

static const char *add_object(const char *at, int depth, cli_text *text)
{
    for (at = skip_space(at + 1); *at && *at != '}';) {
        size_t start = text->size;
        cli_text_format(text, "%*s", 2 * depth, "");
        at = skip_space(add_string(at, text));
        at = skip_space(at + (*at == ':'));
        if (*at == '{') {
            cli_text_string(text, "\n");
            at = add_object(at, depth + 1, text);
        } else {
            size_t column = text->size - start;
            cli_text_format(text, "%*s", column < COLUMN ? (int)(COLUMN - column) : 1, "");
            at = *at == '[' ? add_array(at, text) : add_scalar(at, text);
            cli_text_string(text, "\n");
        }
        at = skip_space(at);
        at = skip_space(at + (*at == ','));
    }
    return *at ? at + 1 : at;
}

void cli_json_outline(const char *json, cli_text *text)
{
    add_object(skip_space(json), 0, text);
}
