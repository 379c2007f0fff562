/* SPDX-License-Identifier: BSD-2-Clause */
#include "multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "limit.h"

/* "--" and the boundary that the header names. */
static bool read_boundary(const char *type, char *delimiter, size_t room)
{
    const char *at = type ? strcasestr(type, "boundary=") : NULL;
    if (!at || strncasecmp(type, "multipart/form-data", 19) != 0)
        return false;
    at += 9;
    size_t size = *at == '"' ? strcspn(++at, "\"") : strcspn(at, "; \t");
    if (size == 0 || size > VIT__LIMIT_SERVE_BOUNDARY || size + 3 > room)
        return false;
    snprintf(delimiter, room, "--%.*s", (int)size, at);
    return true;
}

/* The value of name="..." in a Content-Disposition. */
static bool read_name(const char *line, size_t size, char *name, size_t room)
{
    for (size_t i = 0; i + 6 < size; i++) {
        bool starts = strncasecmp(line + i, "name=\"", 6) == 0 && i > 0 && strchr("; \t", line[i - 1]);
        const char *end = starts ? memchr(line + i + 6, '"', size - i - 6) : NULL;
        if (!end)
            continue;
        size_t length = (size_t)(end - (line + i + 6));
        if (length >= room)
            return false;
        memcpy(name, line + i + 6, length);
        name[length] = '\0';
        return true;
    }
    return false;
}

/* Lines of a part's header; the part's bytes start at the answer. NULL: it has no name, or no end. */
static const char *read_header(const char *at, const char *end, serve_part *part)
{
    bool named = false;
    for (;;) {
        const char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);
        if (!line_end)
            return NULL;
        size_t size = (size_t)(line_end - at);
        if (size == 0)
            return named ? line_end + 2 : NULL;
        if (size > 20 && strncasecmp(at, "Content-Disposition:", 20) == 0)
            named = read_name(at, size, part->name, sizeof part->name) || named;
        at = line_end + 2;
    }
}

bool serve_multipart_read(const char *content_type, const char *body, size_t size, serve_parts *parts)
{
    char delimiter[VIT__LIMIT_SERVE_BOUNDARY + 8] = "\r\n";
    const char *end = body + size, *at = body;
    parts->n = 0;
    if (!read_boundary(content_type, delimiter + 2, sizeof delimiter - 2))
        return false;
    size_t length = strlen(delimiter);
    if (size < length - 2 || memcmp(body, delimiter + 2, length - 2) != 0) /* the first has no line before it */
        return false;
    at += length - 2;
    while (end - at >= 2 && memcmp(at, "--", 2) != 0) {
        if (memcmp(at, "\r\n", 2) != 0 || parts->n == VIT__LIMIT_SERVE_PARTS)
            return false;
        serve_part *part = &parts->parts[parts->n];
        part->bytes = read_header(at + 2, end, part);
        /* From the line break of the header on: an empty part has no other. */
        const char *stop = part->bytes ? memmem(part->bytes - 2, (size_t)(end - part->bytes) + 2, delimiter, length)
                                       : NULL;
        if (!stop)
            return false;
        part->size = stop > part->bytes ? (size_t)(stop - part->bytes) : 0;
        parts->n++;
        at = stop + length;
    }
    return end - at >= 2 && parts->n > 0;
}

const serve_part *serve_multipart_find(const serve_parts *parts, const char *name)
{
    for (size_t i = 0; i < parts->n; i++)
        if (strcmp(parts->parts[i].name, name) == 0)
            return &parts->parts[i];
    return NULL;
}
