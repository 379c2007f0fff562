/* SPDX-License-Identifier: BSD-2-Clause */
#include "sqlite_functions.h"

#include <string.h>

#include "utf8.h"
#include "words.h"
#ifdef VIT_WITH_UNISTRING
#include "unicode.h"
#endif

#define ALWAYS (SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)

/* ------------------------------------------------------------------ letters ---- */

typedef void change(const char *text, size_t size, vit__buffer *result);

/* Letters from first to last become those that start at `to`. */
static void change_ascii(const char *text, size_t size, char first, char to, vit__buffer *result)
{
    for (size_t i = 0; i < size; i++) {
        bool letter = text[i] >= first && text[i] - first < 26;
        char c = letter ? (char)(text[i] - first + to) : text[i];
        vit__buffer_add(result, &c, 1);
    }
}

#ifdef VIT_WITH_UNISTRING
static bool is_unicode(const char *text, size_t size)
{
    size_t bad;
    return vit__unicode_check(text, size, &bad);
}

static void lower(const char *text, size_t size, vit__buffer *result)
{
    if (!is_unicode(text, size))
        change_ascii(text, size, 'A', 'a', result);
    else
        for (size_t at = 0; at < size;)
            vit__unicode_add_lower(result, vit__utf8_next(text, size, &at));
}

static void upper(const char *text, size_t size, vit__buffer *result)
{
    if (is_unicode(text, size))
        vit__unicode_add_upper(result, text, size);
    else
        change_ascii(text, size, 'a', 'A', result);
}

/* The text as it is compared where case does not matter: folded, composed. Of what is not UTF-8, ASCII alone. */
static void fold(const char *text, size_t size, vit__buffer *result)
{
    if (is_unicode(text, size))
        vit__unicode_add_folded(result, text, size);
    else
        change_ascii(text, size, 'A', 'a', result);
}
#else
static void lower(const char *text, size_t size, vit__buffer *result)
{
    change_ascii(text, size, 'A', 'a', result);
}

static void upper(const char *text, size_t size, vit__buffer *result)
{
    change_ascii(text, size, 'a', 'A', result);
}

static void fold(const char *text, size_t size, vit__buffer *result)
{
    change_ascii(text, size, 'A', 'a', result);
}
#endif

/* ------------------------------------------------------------------ LIKE ---- */

/* A place in a text or pattern; characters are compared whole. */
typedef struct place {
    const char *at, *end;
} place;

/* The whole of it, which may be empty. */
static place place_of(const vit__buffer *text)
{
    const char *start = text->size ? text->data : "";
    return (place){start, start + text->size};
}

static bool next(place *p, uint32_t *c)
{
    if (p->at == p->end)
        return false;
    p->at += vit__word_character(p->at, (size_t)(p->end - p->at), c);
    return true;
}

/* % is any text, _ any character. Goes back to the last % alone, so that no pattern takes more than the product of the
 * lengths. */
static bool is_like(place pattern, place text, uint32_t escape)
{
    place after_any = {0}, retry = {0};
    for (;;) {
        uint32_t want = 0, have = 0;
        bool more = next(&pattern, &want), any = more && want == '%' && escape != '%';
        if (any) {
            after_any = pattern;
            retry = text;
            continue;
        }
        bool literal = more && escape && want == escape && next(&pattern, &want);
        if (!more && text.at == text.end)
            return true;
        bool same = more && next(&text, &have) && ((want == '_' && !literal) || want == have);
        if (same)
            continue;
        if (!after_any.at || !next(&retry, &have))
            return false;
        pattern = after_any;
        text = retry;
    }
}

static void call_like(sqlite3_context *context, int n, sqlite3_value **values)
{
    vit__buffer pattern = {0}, text = {0};
    const char *texts[2] = {(const char *)sqlite3_value_text(values[0]), (const char *)sqlite3_value_text(values[1])};
    const char *escape = n > 2 ? (const char *)sqlite3_value_text(values[2]) : NULL;
    uint32_t mark = 0;
    if (!texts[0] || !texts[1] || (n > 2 && !escape))
        return; /* NULL */
    if (escape) {
        place p = {escape, escape + strlen(escape)};
        uint32_t second;
        if (!next(&p, &mark) || next(&p, &second)) {
            sqlite3_result_error(context, "ESCAPE expression must be a single character", -1);
            return;
        }
    }
    fold(texts[0], strlen(texts[0]), &pattern);
    fold(texts[1], strlen(texts[1]), &text);
    if (pattern.failed || text.failed)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_int(context, is_like(place_of(&pattern), place_of(&text), mark));
    vit__buffer_free(&pattern);
    vit__buffer_free(&text);
}

/* ------------------------------------------------------------------ of one text ---- */

static void call_change(sqlite3_context *context, change *made, sqlite3_value *value)
{
    vit__buffer result = {0};
    const char *text = (const char *)sqlite3_value_text(value);
    if (!text)
        return; /* NULL */
    made(text, strlen(text), &result);
    if (result.failed)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_text(context, result.size ? result.data : "", (int)result.size, SQLITE_TRANSIENT);
    vit__buffer_free(&result);
}

static void add_words(const char *text, size_t size, vit__buffer *result)
{
    vit__add_words(result, text, size);
}

static void call_lower(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    call_change(context, lower, values[0]);
}

static void call_upper(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    call_change(context, upper, values[0]);
}

static void call_words(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    call_change(context, add_words, values[0]);
}

static const struct {
    const char *name;
    int arguments;
    void (*call)(sqlite3_context *context, int n, sqlite3_value **values);
} functions[] = {
    {"like", 2, call_like},   {"like", 3, call_like},       {"lower", 1, call_lower},
    {"upper", 1, call_upper}, {"vit_words", 1, call_words},
};

bool vit__sqlite_add_functions(sqlite_store *store)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (sqlite3_create_function(store->db, functions[i].name, functions[i].arguments, ALWAYS, NULL,
                                    functions[i].call, NULL, NULL) != SQLITE_OK)
            return vit__sqlite_fail(store);
    return true;
}
