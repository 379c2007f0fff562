/* SPDX-License-Identifier: BSD-2-Clause */
#include "json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "json_long.h"
#include "limit.h"
#include "memory.h"
#include "size.h"
#include "utf8.h"

/* vit__json is jansson's json_t under a name of ours. */
static json_t *unwrap(const vit__json *json)
{
    return (json_t *)(uintptr_t)json;
}

static vit__json *wrap(json_t *json)
{
    return (vit__json *)(void *)json;
}

/*
 * jansson (2.14, lex_save) ignores that its buffer of one word could not grow: it goes on without the rest of the
 * word, and past the end of a string that lost its last quote. So the document is read as the second element of
 *
 *     ["aaaa...",
 *     DOCUMENT]
 *
 * where the a's make the buffer grow to what the longest word of the document needs, and not at their last
 * quote. They are fed byte by byte, and errno is looked at before each. After them the buffer never grows.
 */
typedef struct source {
    const char *text;
    size_t size, at;
    size_t padding;              /* of the first element */
    const vit__json_long *aside; /* the strings that were set aside from the text; NULL: none */
    size_t fed;                  /* of what stands ahead of the document */
    bool closed, out_of_memory;
} source;

#define OPENING 2 /* [" */
#define CLOSING 3 /* ", and a new line */

/* The most bytes that the parts of a document take in jansson 2.14 on 64 bits, with malloc's own 8 to 24 for a block.
 * A table of elements and the buckets of an object double when they are full, and are there twice while they grow. */
#define STRING_TAKES 96  /* and its bytes; a key takes less */
#define ARRAY_TAKES 160  /* with room for 8 elements, and the first of them */
#define OBJECT_TAKES 224 /* with room for 8 members */
#define ELEMENT_TAKES 56 /* each further one: a number, and 24 in the table */
#define MEMBER_TAKES 128 /* a number, its entry and its buckets */

/* What is known of a text before it is parsed. */
typedef struct measure {
    size_t longest; /* bytes of the longest string, number or name */
    size_t tree;    /* bytes that its tree takes at most */
    size_t depth;   /* of arrays and objects that are open; past its greatest depth jansson reads no further */
} measure;

/* A character outside strings. */
static void measure_mark(char mark, measure *m)
{
    m->tree += mark == '['   ? ARRAY_TAKES
               : mark == '{' ? OBJECT_TAKES
               : mark == ',' ? ELEMENT_TAKES
               : mark == ':' ? MEMBER_TAKES
                             : 0;
    m->depth += mark == '[' || mark == '{';
    m->depth -= m->depth > 0 && (mark == ']' || mark == '}');
}

static measure measure_text(const char *text, size_t size)
{
    measure m = {.tree = ELEMENT_TAKES};
    size_t start = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        if (in_string && text[i] == '\\') {
            i++;
            continue;
        }
        bool quote = text[i] == '"', outside = !in_string && (quote || strchr(" \t\r\n,:[]{}", text[i]));
        if (!quote && !outside)
            continue;
        m.longest = vit__larger(m.longest, i - start);
        if (in_string)
            m.tree += STRING_TAKES + (i - start);
        else if (m.depth <= JSON_PARSER_MAX_DEPTH)
            measure_mark(text[i], &m);
        in_string = quote != in_string;
        start = i;
    }
    m.longest = vit__larger(m.longest, size - start);
    return m;
}

#define PADDINGS 6 /* times its size: the element, the buffer of twice its size, and the buffer before that */

/* jansson's buffer doubles from 16 bytes: this many a's are
 * some past a doubling, and leave more than twice the room. */
static size_t padding_for(size_t word)
{
    size_t capacity = 16;
    while (capacity < word + 8)
        capacity *= 2;
    return capacity + 4;
}

static char ahead(const source *from, size_t at)
{
    static const char opening[] = "[\"", closing[] = "\",\n";
    if (at < OPENING)
        return opening[at];
    return at < OPENING + from->padding ? 'a' : closing[at - OPENING - from->padding];
}

static size_t feed(void *buffer, size_t room, void *data)
{
    source *from = data;
    char *to = buffer;
    from->out_of_memory = from->out_of_memory || errno == ENOMEM;
    if (from->out_of_memory || from->closed)
        return 0;
    if (from->fed < OPENING + from->padding + CLOSING) {
        *to = ahead(from, from->fed++);
        return 1;
    }
    size_t left = from->size - from->at, n = left < room ? left : room;
    if (n > 0) { /* no bytes may be at NULL */
        memcpy(to, from->text + from->at, n);
        from->at += n;
        return n;
    }
    *to = ']';
    from->closed = true;
    return 1;
}

/* The document out of its frame; NULL: there is not exactly one. */
static json_t *take_document(json_t *framed)
{
    json_t *document = json_array_size(framed) == 2 ? json_incref(json_array_get(framed, 1)) : NULL;
    json_decref(framed);
    return document;
}

/* Did the document end before it was complete? jansson then complains of the bracket behind the
 * document, which is not in the file. */
static bool ends_early(const source *from, const char *problem)
{
    static const char *const endings[] = {"near ']'", "near end of file", "premature end of input"};
    bool early = false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        early = early || strstr(problem, endings[i]);
    return early && from->closed && strncmp(problem, "end of file expected", 20) != 0;
}

/* The usual rules. */
static const vit__json_rules usual = {.file = {.most = VIT__LIMIT_JSON_BYTES, .above = "a JSON file of more than"}};

static size_t flags_of(const vit__json_rules *rules)
{
    return (rules->duplicate_keys ? 0 : JSON_REJECT_DUPLICATES) | (rules->nul_in_strings ? JSON_ALLOW_NUL : 0) |
           (rules->whole_as_real ? JSON_DECODE_INT_AS_REAL : 0);
}

/* The text with marks and the list of strings; the strings, and once more the longest of those with escapes. */
static size_t aside_takes(const vit__json_long *aside)
{
    size_t bytes = aside->text.capacity + aside->capacity * sizeof *aside->strings, longest = 0;
    for (size_t i = 0; i < aside->n; i++) {
        bytes += aside->strings[i].size + STRING_TAKES;
        if (aside->strings[i].escapes)
            longest = vit__larger(longest, aside->strings[i].size);
    }
    return bytes + longest;
}

/* What is wrong with the document, and where in the document. */
static vit_status fail_parsing(const source *from, json_error_t *problem, const char *where, vit_error *err)
{
    size_t line = problem->line > 1 ? (size_t)problem->line - 1 : 0; /* one stands ahead of the document */
    size_t column = problem->column > 0 ? (size_t)problem->column : 0;
    char *near = strstr(problem->text, " near '");
    if (from->aside)
        column = vit__json_long_column(from->aside, line, column);
    if (from->aside && near && vit__json_long_has_mark(near))
        *near = '\0'; /* jansson quotes short words alone, and the one in the document is long */
    const char *why = ends_early(from, problem->text) ? "it ends too early" : problem->text;
    return vit__fail(err, VIT_ERR_CORRUPT, where, "not valid JSON: %s (line %zu, column %zu)", why, line, column);
}

static vit_status parse_text(const vit__json_rules *rules, source *from, const char *where, vit__json **json,
                             vit_error *err)
{
    json_error_t problem;
    const measure m = measure_text(from->text, from->size);
    size_t aside = from->aside ? aside_takes(from->aside) : 0;
    from->padding = padding_for(m.longest);
    *json = NULL;
    if (rules->may_take && !rules->may_take(rules->context, m.tree + aside + PADDINGS * from->padding))
        return vit__fail(err, VIT_ERR_TOO_LARGE, where, "the JSON takes more memory than there is for it");
    errno = 0;
    json_t *framed = json_load_callback(feed, from, flags_of(rules), &problem);
    bool parsed = framed != NULL;
    if (from->out_of_memory || errno == ENOMEM) {
        json_decref(framed);
        return vit__fail_memory(err, where);
    }
    *json = wrap(take_document(framed));
    if (*json)
        return VIT_OK;
    if (parsed)
        return vit__fail(err, VIT_ERR_CORRUPT, where, "not valid JSON: more than one value");
    return fail_parsing(from, &problem, where, err);
}

/* ------------------------------------------------------------------ long strings ---- */

static bool put_back(const vit__json_long *aside, json_t *container);

static json_t *make_string(const vit__json_string_bytes *string)
{
    if (!string->escapes)
        return json_stringn_nocheck(string->bytes, string->size);
    char *bytes = vit__alloc(string->size, 1);
    json_t *made = bytes ? json_stringn_nocheck(bytes, vit__json_long_unescape(string, bytes)) : NULL;
    free(bytes);
    return made;
}

/* What takes the place of an element or a member: a string that was set aside, or nothing (NULL). */
static json_t *replacement(const vit__json_long *aside, json_t *value, bool *failed)
{
    const vit__json_string_bytes *found = json_is_string(value) ? vit__json_long_find(aside, json_string_value(value))
                                                                : NULL;
    json_t *string = found ? make_string(found) : NULL;
    *failed = *failed || (found && !string) || !put_back(aside, value);
    return string;
}

/* As deep as jansson reads: 2,048 levels. false: out of memory. */
static bool put_back(const vit__json_long *aside, json_t *container)
{
    bool failed = false;
    for (size_t i = 0; i < json_array_size(container) && !failed; i++) {
        json_t *string = replacement(aside, json_array_get(container, i), &failed);
        if (string)
            json_array_set_new(container, i, string);
    }
    for (void *member = json_object_iter(container); member && !failed;
         member = json_object_iter_next(container, member)) {
        json_t *string = replacement(aside, json_object_iter_value(member), &failed);
        if (string)
            json_object_iter_set_new(container, member, string);
    }
    return !failed;
}

static vit_status parse_aside(const vit__json_rules *rules, const vit__json_long *aside, const char *where,
                              vit__json **json, vit_error *err)
{
    source from = {.text = aside->text.data, .size = aside->text.size, .aside = aside};
    vit_status status = parse_text(rules, &from, where, json, err);
    if (status != VIT_OK)
        return status;
    bool failed = false;
    json_t *whole = replacement(aside, unwrap(*json), &failed); /* a document may be a string alone */
    if (whole || failed) {
        vit__json_free(*json);
        *json = wrap(whole);
    }
    return failed ? vit__fail_memory(err, where) : VIT_OK;
}

/* ------------------------------------------------------------------ documents and files ---- */

vit_status vit__json_parse_by(const vit__json_rules *rules, const char *text, size_t size, const char *where,
                              vit__json **json, vit_error *err)
{
    source from = {.text = text, .size = size};
    vit__json_long aside;
    bool marked = vit__json_set_aside(text, size, &aside);
    vit_status status = marked ? parse_aside(rules, &aside, where, json, err)
                               : parse_text(rules, &from, where, json, err);
    vit__json_long_free(&aside);
    return status;
}

vit_status vit__json_parse(const char *text, size_t size, const char *where, vit__json **json, vit_error *err)
{
    return vit__json_parse_by(&usual, text, size, where, json, err);
}

vit_status vit__json_load_by(const vit__json_rules *rules, const char *path, vit__json **json, vit_error *err)
{
    vit__buffer text;
    *json = NULL;
    vit_status status = vit__file_read(path, &rules->file, &text, err);
    if (status == VIT_OK)
        status = vit__json_parse_by(rules, text.data, text.size, path, json, err);
    vit__buffer_free(&text);
    return status;
}

vit_status vit__json_load(const char *path, vit__json **json, vit_error *err)
{
    return vit__json_load_by(&usual, path, json, err);
}

void vit__json_free(vit__json *json)
{
    json_decref(unwrap(json));
}

const vit__json *vit__json_get(const vit__json *object, const char *key)
{
    return wrap(json_object_get(unwrap(object), key));
}

bool vit__json_is_null(const vit__json *value)
{
    return !value || json_is_null(unwrap(value));
}

bool vit__json_is_object(const vit__json *value)
{
    return json_is_object(unwrap(value));
}

bool vit__json_is_array(const vit__json *value)
{
    return json_is_array(unwrap(value));
}

bool vit__json_is_number(const vit__json *value)
{
    return json_is_number(unwrap(value));
}

const char *vit__json_string(const vit__json *value)
{
    return json_string_value(unwrap(value));
}

const char *vit__json_bytes(const vit__json *value, size_t *size)
{
    const char *string = vit__json_string(value);
    *size = string ? json_string_length(unwrap(value)) : 0;
    return string;
}

bool vit__json_is(const vit__json *value, const char *string)
{
    size_t size, wanted = strlen(string);
    const char *found = vit__json_bytes(value, &size);
    return found && size == wanted && memcmp(found, string, size) == 0;
}

bool vit__json_equal(const vit__json *a, const vit__json *b)
{
    return json_equal(unwrap(a), unwrap(b)) != 0;
}

bool vit__json_number(const vit__json *value, double *number)
{
    if (!json_is_number(unwrap(value)))
        return false;
    *number = json_number_value(unwrap(value));
    return true;
}

bool vit__json_integer(const vit__json *value, int64_t *integer)
{
    if (json_is_integer(unwrap(value))) {
        *integer = json_integer_value(unwrap(value));
        return true;
    }
    double number;
    if (!vit__json_number(value, &number) || fabs(number) > 9007199254740992.0 || number != floor(number))
        return false;
    *integer = (int64_t)number;
    return true;
}

bool vit__json_size(const vit__json *value, size_t *size)
{
    json_int_t integer = json_integer_value(unwrap(value)); /* 0 for another type */
    if (!json_is_integer(unwrap(value)) || integer < 0 || (uintmax_t)integer > SIZE_MAX)
        return false;
    *size = (size_t)integer;
    return true;
}

bool vit__json_boolean(const vit__json *value, bool *boolean)
{
    if (!json_is_boolean(unwrap(value)))
        return false;
    *boolean = json_is_true(unwrap(value));
    return true;
}

size_t vit__json_length(const vit__json *value)
{
    return json_is_array(unwrap(value)) ? json_array_size(unwrap(value)) : json_object_size(unwrap(value));
}

const vit__json *vit__json_at(const vit__json *array, size_t index)
{
    return wrap(json_array_get(unwrap(array), index));
}

void *vit__json_first(const vit__json *object)
{
    return json_object_iter(unwrap(object));
}

void *vit__json_next(const vit__json *object, void *iterator)
{
    return json_object_iter_next(unwrap(object), iterator);
}

const char *vit__json_key(void *iterator)
{
    return json_object_iter_key(iterator);
}

const vit__json *vit__json_value(void *iterator)
{
    return wrap(json_object_iter_value(iterator));
}

vit__json *vit__json_new_object(void)
{
    return wrap(json_object());
}

vit__json *vit__json_new_array(void)
{
    return wrap(json_array());
}

vit__json *vit__json_new_string(const char *string)
{
    return wrap(string ? json_string(string) : json_null());
}

vit__json *vit__json_new_path(const char *path)
{
    vit__buffer text = {0};
    for (const unsigned char *at = (const unsigned char *)path; *at;) {
        const size_t length = vit__utf8_valid_length(at);
        vit__buffer_add(&text, length ? (const char *)at : "\xEF\xBF\xBD", length ? length : 3);
        at += length ? length : 1;
    }
    vit__json *string = vit__buffer_terminate(&text) ? vit__json_new_string(text.data) : NULL;
    vit__buffer_free(&text);
    return string;
}

vit__json *vit__json_new_number(double number)
{
    bool whole = number == floor(number) && fabs(number) < 9007199254740992.0;
    return wrap(whole ? json_integer((json_int_t)number) : json_real(number));
}

vit__json *vit__json_new_boolean(bool boolean)
{
    return wrap(json_boolean(boolean));
}

vit__json *vit__json_copy(const vit__json *json)
{
    return wrap(json_deep_copy(unwrap(json)));
}

bool vit__json_set(vit__json *object, const char *key, vit__json *value)
{
    return json_object_set_new(unwrap(object), key, unwrap(value)) == 0;
}

bool vit__json_append(vit__json *array, vit__json *value)
{
    return json_array_append_new(unwrap(array), unwrap(value)) == 0;
}

char *vit__json_text(const vit__json *json, int indent)
{
    size_t flags = JSON_PRESERVE_ORDER | JSON_ENCODE_ANY |
                   (indent == VIT__JSON_COMPACT ? JSON_COMPACT : JSON_INDENT((unsigned)indent));
    /* json_dumps leaves a key out where the text cannot grow: so its size is counted first */
    size_t size = json_dumpb(unwrap(json), NULL, 0, flags);
    char *text = size ? vit__alloc(size + 1, 1) : NULL;
    if (!text)
        return NULL;
    if (json_dumpb(unwrap(json), text, size, flags) != size) {
        free(text);
        return NULL;
    }
    text[size] = '\0';
    return text;
}
