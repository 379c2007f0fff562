/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of libcurl that is used: one request at a time, and what it takes to know whom a URL asks. */
#ifndef VIT_CURL_H
#define VIT_CURL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "vit/error.h"

/* Keeps connections open from one request to the next. For one thread. */
typedef struct vit__curl vit__curl;

/* VIT_ERR_UNAVAILABLE: this machine has no libcurl, or one that is too old. id: of the checkpoint, for a message that
 * says how to do without. */
vit_status vit__curl_open(vit__curl **curl, const char *id, vit_error *err);
void vit__curl_close(vit__curl *curl);

typedef enum vit__outcome {
    VIT__ANSWERED,   /* with a status, whatever it is */
    VIT__LOST,       /* no connection, or it broke, or nothing came for too long: it may work another time */
    VIT__IMPOSSIBLE, /* a wrong certificate, a scheme that is not allowed, headers without end: it never will work */
    VIT__STOPPED,    /* `take` wanted no more */
    VIT__CANCELLED,  /* `go_on` said so */
    VIT__NO_MEMORY
} vit__outcome;

typedef struct vit__answer {
    vit__outcome outcome;
    long status;         /* 200; 0: none came */
    vit__buffer headers; /* of the last answer, as they came */
    char why[256];       /* of an outcome that is no answer */
} vit__answer;

typedef struct vit__request {
    const char *url;
    const char *token; /* NULL: none is sent */
    bool head;         /* HEAD, not GET */
    bool http;         /* plain http is allowed beside https */
    uint64_t from;     /* the first byte that is wanted */
    bool small_pieces; /* for who paces them */
    long seconds;      /* without a byte that count as silence */
    void *target;
    /* Bytes of the body of an answer of status 200 or 206. false: no more are wanted. May be NULL. */
    bool (*take)(void *target, const vit__answer *answer, const void *bytes, size_t size);
    bool (*go_on)(void *target); /* several times a second; false: it is to end. May be NULL. */
} vit__request;

/* Redirects are answers. The caller frees answer->headers. */
void vit__curl_ask(vit__curl *curl, const vit__request *request, vit__answer *answer);

/* Copies the value of the first header of this name, without the space around it; false: there is none, or it does not
 * fit, and value is "". */
bool vit__answer_header(const vit__answer *answer, const char *name, char *value, size_t size);
/* The same as a whole number. */
bool vit__answer_number(const vit__answer *answer, const char *name, uint64_t *number);

/* url = where `location`, which may be relative, leads from `base`. The caller frees it with free(). NULL: it is no
 * URL of http or https; or out of memory. */
char *vit__url_join(const char *base, const char *location);
/* "https://host:443" of a URL, in small letters, which the caller frees with free(). NULL: as above. */
char *vit__url_origin(const char *url);

#endif
