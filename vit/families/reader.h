/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads keys of a config object into fields, with one check at the end: after the first wrong value the reader keeps its
 * error and answers defaults. A key that is absent or null has its default; a value of the wrong type or out of range is
 * an error that names the key.
 */
#ifndef VIT_READER_H
#define VIT_READER_H

#include "config.h"
#include "json.h"

typedef struct vit__reader {
    const vit__json *object;
    const char *where; /* the config's path, for messages */
    vit_status status; /* of everything read so far */
    vit_error *err;
} vit__reader;

vit__reader vit__reader_start(const vit__json *object, const char *where, vit_error *err);

bool vit__read_has(const vit__reader *reader, const char *key); /* there, and not null */
size_t vit__read_size(vit__reader *reader, const char *key, size_t absent); /* whole and 0 .. 2^31 - 1 */
double vit__read_number(vit__reader *reader, const char *key, double absent); /* finite */
bool vit__read_flag(vit__reader *reader, const char *key, bool absent);
const char *vit__read_text(vit__reader *reader, const char *key, const char *absent); /* borrowed */
/* "gelu", "quick_gelu", ... as transformers names them. */
vit__activation vit__read_activation(vit__reader *reader, const char *key, const char *absent);
/* A number for both, or [height, width]. */
void vit__read_extent(vit__reader *reader, const char *key, size_t absent, size_t *height, size_t *width);
/* Refuses a value other than the one that this code computes: `feature` says what that is. */
void vit__read_expect(vit__reader *reader, const char *key, bool value, bool absent, const char *feature);

/* An error found by the caller itself; keeps the first. */
void vit__reader_fail(vit__reader *reader, vit_status status, const char *format, ...) VIT_PRINTF(3, 4);

/* The number of classes of a transformers config: id2label's length, else num_labels, else 2. */
size_t vit__read_classes(vit__reader *reader);
/* Is the first of "architectures" this one, or does its name end so ("ForImageClassification")? */
bool vit__read_architecture(const vit__reader *reader, const char *ending);

#endif
