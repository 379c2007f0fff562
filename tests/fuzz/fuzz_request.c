/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a request: the target on the first line, a header on each further one, and behind an empty line the
 * body, as multipart and as base64. */
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "framing.h"
#include "fuzz.h"
#include "multipart.h"

/* Takes a line of the text, without its end. NULL: it was the last one, or an empty one. */
static char *next_line(char **text)
{
    char *line = *text, *end = line ? strchr(line, '\n') : NULL;
    if (end)
        *end = '\0';
    *text = end ? end + 1 : NULL;
    return line && *line ? line : NULL;
}

/* Answers the body. */
static char *read_head(char *text, serve_request *request)
{
    char *line = next_line(&text);
    request->target = strdup(line ? line : "/");
    while ((line = next_line(&text)) != NULL) {
        char *value = strchr(line, ':');
        if (value)
            *value++ = '\0';
        serve_fields_add(&request->headers, line, value ? value + strspn(value, " \t") : "");
    }
    if (!request->target || request->headers.failed)
        abort();
    return text;
}

static void check_framing(const serve_request *request)
{
    uint64_t length;
    bool chunked;
    const char *why = NULL;
    const unsigned status = serve_framing_check(request, &length, &chunked, &why);
    if (status != 0 && status != 400 && status != 413 && status != 431)
        abort();
    if (status != 0 ? !why : chunked && length > 0)
        abort();
}

static void check_target(serve_request *request)
{
    if (serve_request_split(request) != VIT_OK)
        return;
    if (*request->path != '/' || strlen(request->path) > strlen(request->target))
        abort();
    for (size_t i = 0; i < request->query.n; i++)
        if (!request->query.fields[i].name || !request->query.fields[i].value)
            abort();
}

static void check_parts(const serve_request *request, const char *body, size_t size)
{
    serve_parts parts;
    if (!serve_multipart_read(serve_fields_header(&request->headers, "Content-Type"), body, size, &parts))
        return;
    for (size_t i = 0; i < parts.n; i++)
        if (parts.parts[i].bytes < body || parts.parts[i].size > size - (size_t)(parts.parts[i].bytes - body) ||
            !serve_multipart_find(&parts, parts.parts[i].name))
            abort();
}

static void check_base64(const char *text, size_t size)
{
    unsigned char *bytes = malloc(size * 3 / 4 + 3);
    if (!bytes)
        return;
    const size_t n = serve_base64_decode(text, size, bytes);
    if (n != SIZE_MAX && n > size * 3 / 4 + 3)
        abort();
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    serve_request request = {0};
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, bytes, size);
    text[size] = '\0';
    const char *body = read_head(text, &request);
    check_framing(&request);
    check_target(&request);
    if (body) {
        const size_t length = size - (size_t)(body - text);
        check_parts(&request, body, length);
        check_base64(body, length);
    }
    serve_request_free(&request);
    free(text);
    return 0;
}
