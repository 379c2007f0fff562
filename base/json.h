/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON documents as trees; jansson parses and writes them. A value that is read from a document lives as long as the
 * document. Getters may be given NULL, or a value of another type: they answer "absent". So a chain of getters needs
 * one check. */
#ifndef VIT_JSON_H
#define VIT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"

typedef struct vit__json vit__json;

/* What a kind of documents may hold, beside the usual. */
typedef struct vit__json_rules {
    vit__file_kind file;
    bool nul_in_strings; /* strings, not keys, may hold U+0000; vit__json_bytes gives them whole */
    bool whole_as_real;  /* whole numbers become doubles, so that none is too large (10^30) */
    bool duplicate_keys; /* an object may name a key twice; the last one counts */
    /* Asked once, before a document is parsed: may this take so many bytes? They bound what the tree takes, and what
     * parsing takes meanwhile, beside the text: some 100 for "[1,2]", 18,000,000 for 100,000 times "[]," and 1,000,400
     * for a string of 1,000,000 letters. false: the document is refused with VIT_ERR_TOO_LARGE. NULL: nothing is
     * asked. */
    bool (*may_take)(void *context, size_t bytes);
    void *context;
} vit__json_rules;

/* Parses one UTF-8 document. Refuses duplicate keys, NaN and infinity, U+0000 in strings, and whole
 * numbers past 64 bits (VIT_ERR_CORRUPT). Free with vit__json_free. */
vit_status vit__json_parse(const char *text, size_t size, const char *where, vit__json **json, vit_error *err);
vit_status vit__json_parse_by(const vit__json_rules *rules, const char *text, size_t size, const char *where,
                              vit__json **json, vit_error *err);
/* Reads and parses a file of at most 100,000,000 bytes. Not found, unreadable, too large, corrupt. */
vit_status vit__json_load(const char *path, vit__json **json, vit_error *err);
vit_status vit__json_load_by(const vit__json_rules *rules, const char *path, vit__json **json, vit_error *err);
void vit__json_free(vit__json *json);

/* Reading. */
const vit__json *vit__json_get(const vit__json *object, const char *key); /* NULL: absent, or not an object */
bool vit__json_is_null(const vit__json *value);                           /* absent or null */
bool vit__json_is_object(const vit__json *value);
bool vit__json_is_array(const vit__json *value);
bool vit__json_is_number(const vit__json *value);
const char *vit__json_string(const vit__json *value);                /* NULL: not a string */
const char *vit__json_bytes(const vit__json *value, size_t *size);   /* the same, and its size in bytes */
bool vit__json_is(const vit__json *value, const char *string);       /* is it this string? */
bool vit__json_equal(const vit__json *a, const vit__json *b);        /* the same value, whatever the order of keys */
bool vit__json_number(const vit__json *value, double *number);       /* false: not a number */
bool vit__json_integer(const vit__json *value, int64_t *integer);    /* false: not a whole number (5.0 is one) */
bool vit__json_size(const vit__json *value, size_t *size);           /* false: not written as a whole number >= 0 */
bool vit__json_boolean(const vit__json *value, bool *boolean);       /* false: not a boolean */
size_t vit__json_length(const vit__json *value);                     /* of an array or object; else 0 */
const vit__json *vit__json_at(const vit__json *array, size_t index); /* NULL past the end */

/* Walks the members of an object: for (void *i = vit__json_first(o); i; i = vit__json_next(o, i)). */
void *vit__json_first(const vit__json *object);
void *vit__json_next(const vit__json *object, void *iterator);
const char *vit__json_key(void *iterator);
const vit__json *vit__json_value(void *iterator);

/* Building. Setters return false when out of memory (or when object is NULL) and then leave the object as it was;
 * vit__json_set takes over value in every case. */
vit__json *vit__json_new_object(void);
vit__json *vit__json_new_array(void);
vit__json *vit__json_new_string(const char *string); /* NULL gives a JSON null; invalid UTF-8 gives NULL */
/* Of a path, which may have any bytes: each that is no UTF-8 becomes U+FFFD. */
vit__json *vit__json_new_path(const char *path);
vit__json *vit__json_new_number(double number); /* whole numbers are written without a fraction */
vit__json *vit__json_new_boolean(bool boolean);
vit__json *vit__json_copy(const vit__json *json); /* with all that is inside; NULL: json is NULL, or out of memory */
bool vit__json_set(vit__json *object, const char *key, vit__json *value);
bool vit__json_append(vit__json *array, vit__json *value);
/* Text, keys in the order they were set; indent 0 = one line: {"a": 1, "b": 2}. VIT__JSON_COMPACT: {"a":1,"b":2}. The
 * caller frees with free(). NULL: out of memory. */
#define VIT__JSON_COMPACT (-1)
char *vit__json_text(const vit__json *json, int indent);

#endif
