/* SPDX-License-Identifier: BSD-2-Clause */
/* multipart/form-data (RFC 7578), of a body that is there as a whole. Nothing is copied. */
#ifndef SERVE_MULTIPART_H
#define SERVE_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "limit.h"

typedef struct serve_part {
    char name[64];
    const char *bytes;
    size_t size;
} serve_part;

typedef struct serve_parts {
    serve_part parts[VIT__LIMIT_SERVE_PARTS];
    size_t n;
} serve_parts;

/* false: content_type names no boundary, a part is not closed or has no name, or there are more than 8. */
bool serve_multipart_read(const char *content_type, const char *body, size_t size, serve_parts *parts);
const serve_part *serve_multipart_find(const serve_parts *parts, const char *name); /* NULL: absent */

#endif
