/* SPDX-License-Identifier: BSD-2-Clause */
#include "html.h"

#include <stdlib.h>
#include <string.h>

#include "unicode.h"
#include "utf8.h"

#define LONGEST_NAME 32        /* characters that html.unescape takes for a name */
#define LONGEST_CLOSED_NAME 24 /* and ftfy */

const uint32_t vit__windows_1252[32] = {0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                        0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
                                        0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                        0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    char lower = (char)(c | 32);
    return is_digit(c) || (lower >= 'a' && lower <= 'f');
}

static bool is_alphanumeric(char c)
{
    char lower = (char)(c | 32);
    return is_digit(c) || (lower >= 'a' && lower <= 'z');
}

typedef struct name {
    const char *text;
    size_t size;
} name;

static int compare_name(const void *key, const void *row)
{
    const name *wanted = key;
    const vit__entity *entity = row;
    int order = strncmp(wanted->text, entity->name, wanted->size);
    return order != 0 ? order : entity->name[wanted->size] == '\0' ? 0 : -1;
}

static const vit__entity *find(const char *text, size_t size)
{
    name wanted = {text, size};
    if (memchr(text, '\0', size))
        return NULL;
    return bsearch(&wanted, vit__entities, vit__n_entities, sizeof *vit__entities, compare_name);
}

static void add_entity(vit__buffer *out, const vit__entity *entity)
{
    vit__buffer_add_char(out, entity->first);
    if (entity->second)
        vit__buffer_add_char(out, entity->second);
}

/* ------------------------------------------------------------------ html.unescape ---- */

/* HTML 5's rules for numbers that are no character. */
static void add_number(vit__buffer *out, uint32_t number)
{
    bool surrogate = number >= 0xD800 && number <= 0xDFFF;
    bool control = (number < 0x20 && number != '\t' && number != '\n' && number != '\f') || number == 0x7F;
    bool noncharacter = (number & 0xFFFE) == 0xFFFE || (number >= 0xFDD0 && number <= 0xFDEF);
    if (number == 0 || surrogate || number > 0x10FFFF)
        vit__buffer_add_char(out, 0xFFFD);
    else if (number >= 0x80 && number < 0xA0)
        vit__buffer_add_char(out, vit__windows_1252[number - 0x80]);
    else if (number == '\r' || !(control || noncharacter))
        vit__buffer_add_char(out, number);
}

/* "&#123;" or "&#x1F;" at text; the bytes taken, or 0. */
static size_t number_reference(const char *text, size_t size, vit__buffer *out)
{
    bool hex = size > 2 && (text[2] | 32) == 'x';
    size_t start = hex ? 3 : 2, at = start;
    uint32_t number = 0;
    for (; at < size && (hex ? is_hex(text[at]) : is_digit(text[at])); at++) {
        uint32_t digit = is_digit(text[at]) ? (uint32_t)(text[at] - '0') : (uint32_t)((text[at] | 32) - 'a') + 10;
        if (number <= 0x10FFFF) /* else it stays too large */
            number = number * (hex ? 16 : 10) + digit;
    }
    if (at == start)
        return 0;
    add_number(out, number);
    return at + (at < size && text[at] == ';');
}

/* Bytes of the name after '&': up to 32 characters that cannot end it. */
static size_t name_length(const char *text, size_t size)
{
    size_t at = 1;
    for (size_t n = 0; at < size && n < LONGEST_NAME && (!strchr("\t\n\f <&#;", text[at]) || text[at] == '\0'); n++)
        vit__utf8_next(text, size, &at);
    return at - 1;
}

/* "&name;", "&name" or "&namerest" at text; the bytes taken, or 0. */
static size_t name_reference(const char *text, size_t size, vit__buffer *out)
{
    size_t length = name_length(text, size);
    bool closed = 1 + length < size && text[1 + length] == ';';
    const vit__entity *entity = length > 0 ? find(text + 1, length) : NULL;
    if (entity && (closed || entity->legacy)) {
        add_entity(out, entity);
        return 1 + length + closed;
    }
    for (size_t part = length; part >= 2; part--) {
        entity = find(text + 1, part);
        if (entity && entity->legacy && (part < length || closed)) {
            add_entity(out, entity);
            return 1 + part;
        }
    }
    return 0;
}

void vit__html_unescape(const char *text, size_t size, vit__buffer *out)
{
    for (size_t at = 0; at < size;) {
        size_t taken = 0;
        if (text[at] == '&')
            taken = at + 1 < size && text[at + 1] == '#' ? number_reference(text + at, size - at, out)
                                                         : name_reference(text + at, size - at, out);
        if (taken == 0)
            vit__buffer_add(out, text + at, taken = 1);
        at += taken;
    }
}

/* ------------------------------------------------------------------ ftfy ---- */

/* &EACUTE; for &eacute;: a name in small letters, written in capitals, that means nothing so. */
static bool add_capitals(const char *reference, size_t size, vit__buffer *out)
{
    char lower[LONGEST_CLOSED_NAME];
    size_t length = size - 2;
    for (size_t i = 0; i < length; i++) {
        char c = reference[1 + i];
        if (c >= 'a')
            return false;
        lower[i] = is_digit(c) ? c : (char)(c | 32);
    }
    const vit__entity *entity = find(lower, length);
    vit__buffer plain = {0}, character = {0};
    vit__html_unescape(reference, size, &plain);
    bool meaningless = plain.size == size && memcmp(plain.data, reference, size) == 0;
    if (entity && meaningless) {
        add_entity(&character, entity);
        vit__unicode_add_upper(out, character.data, character.size);
    }
    out->failed = out->failed || plain.failed || character.failed;
    vit__buffer_free(&plain);
    vit__buffer_free(&character);
    return entity && meaningless;
}

/* A number, only if all of it up to the semicolon is one (and is not itself a semicolon). */
static bool add_closed_number(const char *reference, size_t size, vit__buffer *out)
{
    vit__buffer character = {0};
    vit__html_unescape(reference, size, &character);
    bool whole = !character.failed && !(character.size > 0 && memchr(character.data, ';', character.size));
    if (whole)
        vit__buffer_add(out, character.data, character.size);
    out->failed = out->failed || character.failed;
    vit__buffer_free(&character);
    return whole;
}

static bool add_closed(const char *reference, size_t size, vit__buffer *out)
{
    if (reference[1] == '#')
        return add_closed_number(reference, size, out);
    const vit__entity *entity = find(reference + 1, size - 2);
    if (entity)
        add_entity(out, entity);
    return entity || add_capitals(reference, size, out);
}

/* Bytes of  &#?[0-9A-Za-z]{1,24};  at text, or 0. */
static size_t closed_reference(const char *text, size_t size)
{
    size_t start = size > 1 && text[1] == '#' ? 2 : 1, at = start;
    while (at < size && at - start < LONGEST_CLOSED_NAME && is_alphanumeric(text[at]))
        at++;
    return at > start && at < size && text[at] == ';' ? at + 1 : 0;
}

void vit__html_unescape_closed(const char *text, size_t size, vit__buffer *out)
{
    for (size_t at = 0; at < size;) {
        size_t length = text[at] == '&' ? closed_reference(text + at, size - at) : 0;
        bool replaced = length > 0 && add_closed(text + at, length, out);
        if (length == 0)
            length = 1;
        if (!replaced)
            vit__buffer_add(out, text + at, length);
        at += length;
    }
}
