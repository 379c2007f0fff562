/* SPDX-License-Identifier: BSD-2-Clause */
#include "framing.h"

#include <string.h>
#include <strings.h>

#include "limit.h"

/* RFC 9110, section 5.6.2: a token. */
static bool is_name(const char *name)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    const char *at = name;
    for (; *at; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9');
        if (!letter && !strchr(marks, *at))
            return false;
    }
    return at > name;
}

/* RFC 9110, section 5.5: no control character but the tab; a folded line keeps its line break here. */
static bool is_value(const char *value)
{
    for (const unsigned char *at = (const unsigned char *)value; *at; at++)
        if ((*at < 0x20 && *at != '\t') || *at == 0x7F)
            return false;
    return true;
}

static bool read_length(const char *text, uint64_t *length)
{
    *length = 0;
    if (!*text || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
        return false;
    for (; *text; text++)
        *length = *length * 10 + (uint64_t)(*text - '0');
    return true;
}

unsigned serve_framing_check(const serve_request *request, uint64_t *body, bool *chunked, const char **why)
{
    const serve_fields *headers = &request->headers;
    const char *length = serve_fields_header(headers, "Content-Length");
    const char *encoding = serve_fields_header(headers, "Transfer-Encoding");
    size_t size = strlen(request->target);
    *body = 0;
    *chunked = false;
    for (size_t i = 0; i < headers->n; i++) {
        size += strlen(headers->fields[i].name) + strlen(headers->fields[i].value);
        *why = "the name of a header is none";
        if (!is_name(headers->fields[i].name))
            return 400;
        *why = "the value of a header holds a control character";
        if (!is_value(headers->fields[i].value))
            return 400;
    }
    *why = "the header is larger than 32 KiB";
    if (size > VIT__LIMIT_SERVE_HEADER_BYTES)
        return 431;
    *why = "a header that may be there once is there twice";
    if (serve_fields_count(headers, "Content-Length") > 1 || serve_fields_count(headers, "Host") > 1 ||
        serve_fields_count(headers, "Transfer-Encoding") > 1)
        return 400;
    *why = "Content-Length beside Transfer-Encoding";
    if (length && encoding)
        return 400;
    *why = "Transfer-Encoding other than chunked";
    if (encoding && strcasecmp(encoding, "chunked") != 0)
        return 400;
    *why = "Content-Length is no number";
    if (length && !read_length(length, body))
        return 400;
    *chunked = encoding != NULL;
    return 0;
}
