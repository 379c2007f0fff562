/* SPDX-License-Identifier: BSD-2-Clause */
#include "outline.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "visible.h"

#define COLUMN 24      /* where values start */
#define ARRAY_SHOWN 12 /* elements of an array before it is cut */

/* A fraction gets the fewest digits that give the same number back. */
static void add_number(double number, cli_text *text)
{
    char shorter[32];
    snprintf(shorter, sizeof shorter, "%.15g", number);
    if (strtod(shorter, NULL) == number)
        cli_text_string(text, shorter);
    else
        cli_text_format(text, "%.17g", number);
}

static void add_scalar(const vit__json *value, cli_text *text)
{
    const char *string = vit__json_string(value);
    bool truth;
    int64_t whole;
    double number;
    if (string)
        cli_text_visible(text, string);
    else if (vit__json_boolean(value, &truth))
        cli_text_string(text, truth ? "true" : "false");
    else if (vit__json_integer(value, &whole))
        cli_text_format(text, "%" PRId64, whole);
    else if (vit__json_number(value, &number))
        add_number(number, text);
    else
        cli_text_string(text, "none");
}

static void add_array(const vit__json *array, cli_text *text);

/* In brackets, where it stands among others. */
static void add_inner(const vit__json *value, cli_text *text)
{
    bool array = vit__json_is_array(value);
    cli_text_string(text, array ? "[" : "");
    if (array)
        add_array(value, text);
    else
        add_scalar(value, text);
    cli_text_string(text, array ? "]" : "");
}

/* "depth 2, width 96, map [56, 56]" */
static void add_members(const vit__json *object, cli_text *text)
{
    bool first = true;
    for (void *i = vit__json_first(object); i; i = vit__json_next(object, i), first = false) {
        cli_text_string(text, first ? "" : ", ");
        cli_text_visible(text, vit__json_key(i));
        cli_text_string(text, " ");
        add_inner(vit__json_value(i), text);
    }
}

/* "a, b, c" on one line, or "a; b; c" of strings, in which commas are usual. */
static void add_array(const vit__json *array, cli_text *text)
{
    size_t n = vit__json_length(array);
    for (size_t i = 0; i < n && i < ARRAY_SHOWN; i++) {
        const vit__json *element = vit__json_at(array, i);
        if (i > 0)
            cli_text_string(text, vit__json_string(element) ? "; " : ", ");
        add_inner(element, text);
    }
    if (n > ARRAY_SHOWN)
        cli_text_format(text, " ... (%zu in all)", n);
}

static bool holds_objects(const vit__json *value)
{
    return vit__json_is_array(value) && vit__json_is_object(vit__json_at(value, 0));
}

/* An object of an array on a line of its own, behind its number. */
static void add_lines(const vit__json *array, int depth, cli_text *text)
{
    for (size_t i = 0; i < vit__json_length(array); i++) {
        cli_text_format(text, "%*s%-*zu", 2 * depth, "", COLUMN - 2 * depth, i);
        add_members(vit__json_at(array, i), text);
        cli_text_string(text, "\n");
    }
}

static void add_object(const vit__json *object, int depth, cli_text *text)
{
    for (void *i = vit__json_first(object); i; i = vit__json_next(object, i)) {
        const vit__json *value = vit__json_value(i);
        size_t start = text->size;
        cli_text_format(text, "%*s", 2 * depth, "");
        cli_text_visible(text, vit__json_key(i));
        if (vit__json_is_object(value)) {
            cli_text_string(text, "\n");
            add_object(value, depth + 1, text);
            continue;
        }
        size_t column = text->size - start;
        cli_text_format(text, "%*s", column < COLUMN ? (int)(COLUMN - column) : 1, "");
        if (holds_objects(value)) {
            cli_text_string(text, "\n");
            add_lines(value, depth + 1, text);
            continue;
        }
        if (vit__json_is_array(value))
            add_array(value, text);
        else
            add_scalar(value, text);
        cli_text_string(text, "\n");
    }
}

void cli_json_outline(const vit__json *object, cli_text *text)
{
    add_object(object, 0, text);
}
