/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP/1.1 over libmicrohttpd. One thread for each listening socket reads requests and writes answers, and never waits:
 *
 *     header complete -> begin, which may refuse -> body, within limits -> answer, on a worker's thread -> written
 *
 * Who is refused is told so at once, and the rest of the body is read and thrown away for a while: a client that
 * still sends when its connection is closed would see a broken connection instead of the answer. Connections are
 * accepted past the number that is served. There, too, the answer is a refusal and not silence.
 *
 * While a worker has a request its connection is suspended. What libmicrohttpd 0.9.75 lets pass and should not
 * (two lengths, a length beside chunks, names with a space before the colon) is refused before a body is used.
 * Slow clients are cut off by a list of deadlines, since the library's own timeout counts silence alone.
 */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include "message.h"
#include "vit/error.h"

typedef struct serve_http serve_http;

/* What is asked of the server's owner. All but begin are called on workers' threads, several at once. */
typedef struct serve_handler {
    /* The header is complete. false: *response is the answer, no body is read. *keep: passed on to answer and end.
     * On the HTTP thread: it must not wait. body: announced bytes, or 0 where the length is not known yet. */
    bool (*begin)(void *context, serve_request *request, uint64_t body, serve_response *response, void **keep);
    /* Room for a body of so many bytes, whose length was not announced. false: *response is the answer,
     * and no more of the body is taken. On the HTTP thread. */
    bool (*grow)(void *context, const serve_request *request, uint64_t body, serve_response *response, void *keep);
    /* The whole request is here. gone(connection) tells whether its client has left. */
    void (*answer)(void *context, serve_request *request, serve_response *response, void *keep, void *connection);
    /* The answer was written, or could not be. On the HTTP thread. `keep` is the owner's to free. */
    void (*end)(void *context, const serve_request *request, const serve_response *response, void *keep);
    /* Fills a response for what this layer refuses: status and what is wrong. */
    void (*refuse)(void *context, serve_request *request, unsigned status, const char *message,
                   serve_response *response);
    void *context;
} serve_handler;

typedef struct serve_http_options {
    const int *sockets; /* [n] listening, the server's own from now on */
    size_t n;
    size_t max_requests;    /* with a body that are in work at a time, of all sockets; request.crowded says: no more */
    size_t max_connections; /* of all sockets; more than max_requests. Past it idle connections are closed */
    uint64_t max_body;
    serve_handler handler;
    void (*log)(const char *message); /* what the library itself has to say */
} serve_http_options;

typedef struct serve_http_figures {
    size_t connections;      /* now */
    size_t in_flight;        /* requests now, from the end of the header to the last byte of the answer */
    uint64_t received, sent; /* bytes of bodies */
    size_t slow;             /* connections that were cut off */
} serve_http_figures;

/* VIT_ERR_UNSUPPORTED_FORMAT: libmicrohttpd is not installed. */
vit_status serve_http_start(const serve_http_options *options, serve_http **http, vit_error *err);
/* Cuts off connections that are past their deadlines. To be called a few times a second. */
void serve_http_reap(serve_http *http);
/* No new connections, and no further request on those that there are. */
void serve_http_quiesce(serve_http *http);
size_t serve_http_in_flight(serve_http *http);
void serve_http_read(serve_http *http, serve_http_figures *figures);
/* After serve_http_quiesce, once every answer function has returned or is about to. Waits for them. */
void serve_http_free(serve_http *http);

/* Has the client of this connection left? From the thread that answers it. */
bool serve_http_gone(void *connection);

#endif
