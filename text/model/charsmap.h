/* SPDX-License-Identifier: BSD-2-Clause */
/* sentencepiece's precompiled character map: a double array (Darts) from byte strings to their
 * replacements. */
#ifndef VIT_CHARSMAP_H
#define VIT_CHARSMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "error.h"

typedef struct vit__charsmap {
    uint32_t *units;
    size_t n;
    vit__buffer strings; /* replacements, each ended by NUL */
} vit__charsmap;

/* Copies the map, and checks that no walk through it can leave it: sentencepiece itself does not
 * look. */
vit_status vit__charsmap_parse(const char *blob, size_t size, const char *where, vit__charsmap *map, vit_error *err);
vit_status vit__charsmap_from_base64(const char *text, size_t size, const char *where, vit__charsmap *map,
                                     vit_error *err);
void vit__charsmap_free(vit__charsmap *map);

/* Replacement (terminated) for the longest key that begins this text, and the bytes of the key;
 * NULL: none does. The map may be all zero. */
const char *vit__charsmap_longest(const vit__charsmap *map, const char *text, size_t size, size_t *key);

/* Adds the text as the `tokenizers` library maps it: by grapheme cluster, and by the shortest key
 * that begins it. */
void vit__charsmap_apply(const vit__charsmap *map, const char *text, size_t size, vit__buffer *out);

#endif
