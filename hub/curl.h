/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of libcurl that is used: one request at a time, and which server a URL names. */
#ifndef VIT_CURL_H
#define VIT_CURL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "vit/error.h"

/* A client. It keeps connections open from one request to the next. Only one thread uses it. */
typedef struct vit__curl vit__curl;

/* VIT_ERR_UNAVAILABLE: this machine has no libcurl, or one that is too old. id: of the checkpoint, for a message that
 * says how to do without. */
vit_status vit__curl_open(vit__curl **curl, const char *id, vit_error *err);
void vit__curl_close(vit__curl *curl);

typedef enum vit__outcome {
    VIT__ANSWERED,   /* with a status, whatever it is */
    VIT__LOST,       /* no connection, a connection that broke, or silence for too long: another try may succeed */
    VIT__IMPOSSIBLE, /* a wrong certificate, a forbidden scheme, headers without end: another try would fail as well */
    VIT__STOPPED,    /* `take` answered false */
    VIT__CANCELLED,  /* `go_on` answered false */
    VIT__NO_MEMORY
} vit__outcome;

typedef struct vit__answer {
    vit__outcome outcome;
    long status;         /* of HTTP, such as 200; 0: no status came */
    vit__buffer headers; /* as they came */
    char why[256];       /* words for people, of every outcome but VIT__ANSWERED */
} vit__answer;

typedef struct vit__request {
    const char *url;
    const char *token; /* NULL: none is sent */
    bool head;         /* HEAD, not GET */
    bool http;         /* plain http is allowed beside https */
    uint64_t from;     /* the body is wanted from this byte on; above 0 the request has a Range */
    bool small_pieces; /* `take` gets little at a time, so that the caller can slow the transfer down */
    long seconds;      /* after so many seconds without a byte the connection counts as lost */
    void *target;      /* for take and go_on */
    /* Called with each piece of the body of an answer whose status is 200 or 206. Answers false to end the request. May
     * be NULL. */
    bool (*take)(void *target, const vit__answer *answer, const void *bytes, size_t size);
    bool (*go_on)(void *target); /* called several times a second; answers false to end the request; may be NULL */
} vit__request;

/* Sends the request and waits for the end of the answer. A redirect is not followed: it is an answer like any other.
 * The caller frees answer->headers. */
void vit__curl_ask(vit__curl *curl, const vit__request *request, vit__answer *answer);

/* Copies the value of the first header of this name, without the space around the value. false, with "" in value: there
 * is no such header, or `size` bytes are too few. */
bool vit__answer_header(const vit__answer *answer, const char *name, char *value, size_t size);
/* The value of the first header of this name as a whole number. false: there is none, or it is no whole number. */
bool vit__answer_number(const vit__answer *answer, const char *name, uint64_t *number);

/* The URL that the Location header of an answer leads to. location may be relative to base, the URL that was asked:
 * "https://a/b/c" and "../d" make "https://a/d". The caller frees the URL with free(). NULL: the result is no URL of
 * http or https; or out of memory. */
char *vit__url_join(const char *base, const char *location);
/* Scheme, host and port of a URL, in small letters: "https://host:443". The caller frees the text with free(). NULL: it
 * is no URL of http or https; or out of memory. */
char *vit__url_origin(const char *url);

#endif
