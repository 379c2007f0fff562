/* SPDX-License-Identifier: BSD-2-Clause */
/* A request as it was read, and the answer to it. Nothing here knows a connection. */
#ifndef SERVE_MESSAGE_H
#define SERVE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "vit/error.h"

typedef struct serve_field {
    char *name, *value;
} serve_field;

typedef struct serve_fields {
    serve_field *fields;
    size_t n, capacity;
    bool failed; /* out of memory */
} serve_fields;

void serve_fields_add(serve_fields *fields, const char *name, const char *value);
/* Names of headers are compared without case, those of a query with it. NULL: absent. */
const char *serve_fields_header(const serve_fields *fields, const char *name);
const char *serve_fields_get(const serve_fields *fields, const char *name);
size_t serve_fields_count(const serve_fields *fields, const char *name); /* headers of this name */
void serve_fields_free(serve_fields *fields);

typedef struct serve_request {
    char *method;
    char *target; /* as it was sent: "/v1/models/org%2Fm?x=1" */
    char *path;   /* decoded, without the query and a last slash: "/v1/models/org/m" */
    serve_fields headers, query;
    vit__buffer body;
    uint64_t received; /* bytes of the body that came; the body itself may be freed once it was read */
    bool has_body;     /* one was announced, whatever its length */
    bool crowded;      /* as many requests with a body are in work as the server takes at once */
    char id[65];
    double start; /* when its header was complete */
} serve_request;

/* Fills path and query from target. Errors: corrupt (the target is not one: a bad escape, a NUL, no slash in front),
 * out of memory. */
vit_status serve_request_split(serve_request *request);
void serve_request_free(serve_request *request);

typedef struct serve_response {
    unsigned status;
    const char *type; /* static: "application/json" */
    serve_fields headers;
    vit__buffer body;
    bool close; /* the connection ends with this answer */
} serve_response;

void serve_response_free(serve_response *response);

#endif
