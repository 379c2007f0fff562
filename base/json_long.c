/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_long.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "memory.h"

/* U+FDD0, which stands for no character. A number follows. */
#define MARK "\xEF\xB7\x90"
#define MARK_SIZE 3

/* Could a string of the document be taken for a mark? It may also have U+FDD0 as an escape. */
static bool has_mark(const char *document, size_t size)
{
    const char *at = document, *end = document + size;
    if (memmem(document, size, MARK, MARK_SIZE))
        return true;
    while ((at = memmem(at, (size_t)(end - at), "\\u", 2))) {
        at += 2;
        if (end - at >= 4 && strncasecmp(at, "fdd0", 4) == 0)
            return true;
    }
    return false;
}

/* What a letter behind a backslash stands for; 0: another escape (\u00e9), or none. */
static char escaped(char letter)
{
    static const char letters[] = "\"\\/bfnrt", characters[] = "\"\\/\b\f\n\r\t";
    const char *at = letter ? strchr(letters, letter) : NULL;
    return at ? characters[at - letters] : 0;
}

/* Can it be set aside? PHP writes each '/' of base64 as "\/". */
static bool is_plain(const char *bytes, size_t size, bool escapes)
{
    unsigned others = 0;
    for (size_t i = 0; i < size; i++)
        others |= (unsigned char)(bytes[i] - 0x20) > 0x7E - 0x20;
    for (size_t i = 0; escapes && i < size; i++)
        if (bytes[i] == '\\')
            others |= !escaped(bytes[++i]); /* the quote stands behind the last byte */
    return !others;
}

/* The quote that ends a string. NULL: there is none. */
static const char *end_of_string(const char *at, const char *end, bool *escapes)
{
    const char *quote = memchr(at, '"', (size_t)(end - at));
    *escapes = quote && memchr(at, '\\', (size_t)(quote - at));
    if (!*escapes)
        return quote;
    while (at < end && *at != '"')
        at += *at == '\\' ? 2 : 1;
    return at < end ? at : NULL;
}

static bool is_key(const char *behind, const char *end)
{
    while (behind < end && *behind && strchr(" \t\r\n", *behind))
        behind++;
    return behind < end && *behind == ':';
}

static bool keep(vit__json_long *aside, vit__json_string_bytes string)
{
    vit__json_string_bytes *grown = vit__grow(aside->strings, &aside->capacity, aside->n, 1, sizeof *grown);
    if (!grown)
        return false;
    aside->strings = grown;
    vit__buffer_format(&aside->text, MARK "%zu", aside->n);
    aside->strings[aside->n++] = string;
    return true;
}

bool vit__json_set_aside(const char *document, size_t size, vit__json_long *aside)
{
    *aside = (vit__json_long){0};
    if (size < VIT__JSON_LONG || has_mark(document, size))
        return false;
    const char *end = document + size, *copied = document, *at = document, *quote;
    while ((at = memchr(at, '"', (size_t)(end - at)))) {
        bool escapes;
        quote = end_of_string(++at, end, &escapes);
        if (!quote)
            return false;
        size_t length = (size_t)(quote - at);
        if (length >= VIT__JSON_LONG && is_plain(at, length, escapes) && !is_key(quote + 1, end)) {
            vit__buffer_add(&aside->text, copied, (size_t)(at - copied));
            if (!keep(aside, (vit__json_string_bytes){at, length, escapes}))
                return false;
            copied = quote;
        }
        at = quote + 1;
    }
    vit__buffer_add(&aside->text, copied, (size_t)(end - copied));
    return aside->n > 0 && !aside->text.failed;
}

const vit__json_string_bytes *vit__json_long_find(const vit__json_long *aside, const char *string)
{
    if (strncmp(string, MARK, MARK_SIZE) != 0)
        return NULL;
    size_t number = strtoul(string + MARK_SIZE, NULL, 10);
    return number < aside->n ? &aside->strings[number] : NULL;
}

size_t vit__json_long_unescape(const vit__json_string_bytes *string, char *bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < string->size; i++)
        bytes[n++] = string->bytes[i] == '\\' ? escaped(string->bytes[++i]) : string->bytes[i];
    return n;
}

bool vit__json_long_has_mark(const char *message)
{
    return strstr(message, MARK) != NULL;
}

/* The start of a line, counted from 1; the end, if there are not so many. */
static const char *find_line(const char *at, const char *end, size_t line)
{
    for (; line > 1 && at < end; line--) {
        const char *last = memchr(at, '\n', (size_t)(end - at));
        at = last ? last + 1 : end;
    }
    return at;
}

/* How many characters the string is longer than the mark that stands for it. A quote follows the mark. */
static size_t longer_than_mark(const vit__json_long *aside, const char *mark)
{
    char *behind;
    size_t number = strtoul(mark + MARK_SIZE, &behind, 10);
    return number < aside->n ? aside->strings[number].size - (1 + (size_t)(behind - mark - MARK_SIZE)) : 0;
}

size_t vit__json_long_column(const vit__json_long *aside, size_t line, size_t column)
{
    const char *end = aside->text.data + aside->text.size, *at = find_line(aside->text.data, end, line);
    size_t further = 0;
    for (size_t i = 0; i < column && at < end; i++) {
        if (end - at > MARK_SIZE && memcmp(at, MARK, MARK_SIZE) == 0)
            further += longer_than_mark(aside, at);
        do
            at++;
        while (at < end && (*at & 0xC0) == 0x80); /* the other bytes of a character */
    }
    return column + further;
}

void vit__json_long_free(vit__json_long *aside)
{
    vit__buffer_free(&aside->text);
    free(aside->strings);
}
