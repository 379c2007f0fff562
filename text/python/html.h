/* SPDX-License-Identifier: BSD-2-Clause */
/* HTML character references to characters, as Python's html.unescape does, and as ftfy does. */
#ifndef VIT_HTML_H
#define VIT_HTML_H

#include "buffer.h"

typedef struct vit__entity {
    const char *name; /* without '&' and ';' */
    uint32_t first, second;
    int legacy; /* known without a semicolon too */
} vit__entity;

extern const vit__entity vit__entities[]; /* sorted by name */
extern const size_t vit__n_entities;

/* html.unescape */
void vit__html_unescape(const char *text, size_t size, vit__buffer *out);
/* ftfy.fixes.unescape_html: only what ends in a semicolon; names in capitals too, where that is not
 * ambiguous. */
void vit__html_unescape_closed(const char *text, size_t size, vit__buffer *out);

/* What windows-1252 has at bytes 0x80 .. 0x9F, where Latin-1 has control characters; unassigned
 * ones stay. */
extern const uint32_t vit__windows_1252[32];

#endif
