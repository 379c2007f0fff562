/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads keys of a config object into fields, with one check at the end: after the first wrong
 * value the reader keeps its error and answers defaults. A key that is absent or null has its
 * default; a value of the wrong type or out of range is an error that names the key. What only
 * models or only preprocessing has in its configs is read by model_keys.h and picture_keys.h.
 */
#ifndef VIT_JSON_READER_H
#define VIT_JSON_READER_H

#include "json.h"
#include "vit/error.h"

typedef struct vit__reader {
    const vit__json *object;
    const char *where; /* the config's path, for messages */
    vit_status status; /* of everything read so far; only the outermost reader keeps it */
    vit_error *err;
    struct vit__reader *outer; /* NULL: this is the outermost */
} vit__reader;

vit__reader vit__reader_start(const vit__json *object, const char *where, vit_error *err);

/* A reader of an object inside. All readers of a config have one outcome, which the outermost keeps: after the first
 * error in any of them, all answer defaults. `outer` stays where it is as long as the inner one is used. */
vit__reader vit__reader_inside(vit__reader *outer, const vit__json *object);

/* Has any reader of the config failed? Asked where the reader may be one inside, which keeps no status. */
bool vit__reader_failed(const vit__reader *reader);

/* An error found by the caller itself; keeps the first. */
void vit__reader_fail(vit__reader *reader, vit_status status, const char *format, ...) VIT_PRINTF(3, 4);

/* The outcome of another function, which has set reader->err if it failed; keeps the first. */
void vit__reader_take(vit__reader *reader, vit_status status);

bool vit__read_has(const vit__reader *reader, const char *key); /* there, and not null */
/* The value of a key that is there; NULL where the default holds. */
const vit__json *vit__read_given(const vit__reader *reader, const char *key);
size_t vit__read_size(vit__reader *reader, const char *key, size_t absent);   /* whole and 0 .. 2^31 - 1 */
double vit__read_number(vit__reader *reader, const char *key, double absent); /* finite */
bool vit__read_flag(vit__reader *reader, const char *key, bool absent);
const char *vit__read_text(vit__reader *reader, const char *key, const char *absent); /* borrowed */

/* As vit__read_size takes it; false: it is none. */
bool vit__whole_size(const vit__json *value, size_t *size);

#endif
