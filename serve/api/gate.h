/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may ask. Without a key the server listens on loopback alone, and there it answers only requests whose Host
 * is the machine itself: a page of another site that has had its own name point to 127.0.0.1 (DNS rebinding) gets
 * 403. A request that names an Origin comes from a page: it must be this server's own, or one that was allowed.
 */
#ifndef SERVE_GATE_H
#define SERVE_GATE_H

#include "errors.h"
#include "message.h"

typedef struct serve_gate serve_gate;

serve_gate *serve_gate_create(void); /* NULL: out of memory */
void serve_gate_free(serve_gate *gate);

/* Keys of a file (one a line, # comments) and of the environment; may be called again while requests are judged. */
vit_status serve_gate_read_keys(serve_gate *gate, const char *path, const char *further, vit_error *err);
bool serve_gate_has_keys(const serve_gate *gate);
vit_status serve_gate_allow_host(serve_gate *gate, const char *host, vit_error *err);
vit_status serve_gate_allow_origin(serve_gate *gate, const char *origin, vit_error *err);
/* Requests without a key may come from other machines, whatever they name as Host: --no-auth. */
void serve_gate_open(serve_gate *gate);

/* true: it may pass. Else *code and *why (static) say why not. open: a route that needs no key. */
bool serve_gate_passes(serve_gate *gate, const serve_request *request, bool open, serve_code *code, const char **why);

/* The Origin of the request, if answers may be read by its page (Access-Control-Allow-Origin). NULL: not. */
const char *serve_gate_shared_origin(serve_gate *gate, const serve_request *request);

/* Does the host of "localhost:8080", "127.0.0.1", "[::1]:80" mean this machine? */
bool serve_host_is_local(const char *host);

#endif
