/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request while it is answered. An endpoint is a function that reads the request, has the engine encode, and writes
 * the response; it answers false where it failed, and then the response is the error, in the shape of its dialect.
 */
#ifndef SERVE_CALL_H
#define SERVE_CALL_H

#include "app.h"
#include "json.h"
#include "json_text.h"
#include "routes.h"

typedef struct serve_call {
    serve_app *app;
    const serve_route *route;
    serve_vars vars;
    serve_request *request;
    serve_response *response;
    void *connection;
    size_t taken;      /* bytes that the call has of the engine's memory */
    size_t used;       /* of them, those for which there is a use by now; never more than taken */
    serve_place place; /* in the engine's queue */
    /* while it is answered: */
    vit__json *json;    /* the body, where it is JSON; NULL */
    serve_model *model; /* held; NULL: none is used */
    void **owned;       /* memory of the call */
    size_t n_owned, owned_capacity;
    size_t n_inputs, tokens;
    double start, deadline;
    double parsed, done; /* when its first job began, when its last one ended; 0: it has had none */
    double queued, loaded, encoded;
    const char *output; /* of the vectors, for the headers; NULL: none */
} serve_call;

/* Makes the response an error and answers false. param: the member or input at fault, or NULL. */
bool serve_fail(serve_call *call, serve_code code, const char *param, const char *format, ...)
    __attribute__((__format__(__printf__, 4, 5)));
bool serve_fail_memory(serve_call *call);

/*
 * The memory that all requests share (--max-memory). A request takes twice its body before the body is read, 2 MB for a
 * body of 1 MB: once for the body, and once for what is made of it. What is made beyond that is taken when it is made.
 *
 *     body of 1 MB of JSON          used 1.0 of 2 MB
 *     parsed                        used 2.0 of 2 MB        then the body is freed: used 1.0
 *     a picture out of base64       used 1.75 of 2 MB
 *     answered                      the answer's 11 kB alone stay taken until it is written
 */
/* The call uses so many more bytes. false: there is no room for them now (429), or there never is (413); the response
 * says so. */
bool serve_call_take(serve_call *call, size_t bytes);
/* The body has been read: it is freed. */
void serve_call_drop_body(serve_call *call);

/* Memory that lives as long as the call, all zero, and is taken as above. NULL: there is none, the response says so. */
void *serve_call_alloc(serve_call *call, size_t count, size_t size);
char *serve_call_copy(serve_call *call, const char *bytes, size_t size); /* terminated */
/* Takes over a block of malloc's family. false: out of memory, and it is freed. */
bool serve_call_own(serve_call *call, void *block);

/* The model of this name, held until the call ends; its own name goes into the headers. */
bool serve_call_hold(serve_call *call, const char *name);

/* What the body is: content decides, since clients send whatever Content-Type. A picture is what begins as a file in
 * any format that is known: the decoder says whether it is one ("this is a film (MPEG-4), not a picture"). */
typedef enum serve_body { SERVE_BODY_EMPTY, SERVE_BODY_PICTURE, SERVE_BODY_JSON, SERVE_BODY_OTHER } serve_body;
serve_body serve_body_kind(const serve_request *request);
/* Parses JSON that a client sent into call->json. Whole numbers of any size are taken, also in members that nobody
 * reads. false: there is no memory for it, and the response says so already. true with *err set: it is no JSON. */
bool serve_parse_json(serve_call *call, const char *text, size_t size, vit_error *err);
/* A whole number of at least 0, as JSON Schema has it: 24.0 is one. false: it is none. */
bool serve_read_size(const vit__json *value, size_t *size);
/* Parses the body into call->json; an object, or an array where `array`. The body is freed. */
bool serve_call_parse(serve_call *call, bool array);

/* Members of the body. Absent and null are the same: false without an error, *failed
 * untouched. A member of another type is an error: false, and *failed is set. */
bool serve_member_string(serve_call *call, const vit__json *object, const char *key, const char **value, bool *failed);
bool serve_member_boolean(serve_call *call, const vit__json *object, const char *key, bool *value, bool *failed);
bool serve_member_size(serve_call *call, const vit__json *object, const char *key, size_t *value, bool *failed);

/* Has the engine do a job of the call's model. Its results are the call's memory. false: the response says why. */
bool serve_call_run(serve_call *call, serve_job *job);

/* Ends the response of an endpoint that wrote its body. */
bool serve_done(serve_call *call, const char *type);

#endif
