/* SPDX-License-Identifier: BSD-2-Clause */
#include "http.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "crew.h"
#include "error.h"
#include "framing.h"
#include "memory.h"
#include "mhd.h"
#include "peers.h"

#define POOL ((size_t)64 << 10) /* memory of a connection: its header, and the piece of a body that is read at once */
#define KINDS 16                /* of the library's messages; those past them share the last place */
#define QUIET_SECONDS 60.0      /* until it may say the same again */
#define SPARE 8                 /* connections past max_connections, for those that are being closed to make room */

struct serve_http {
    serve_http_options options;
    struct MHD_Daemon **daemons; /* [options.n] */
    int *quiet;                  /* [options.n] sockets that accept no more; -1 */
    serve_peers peers;
    serve_crew *crew;
    atomic_size_t in_flight;
    atomic_uint_fast64_t received, sent;
    atomic_bool quiesced;
    pthread_mutex_t saying; /* guards said */
    struct said {
        const char *format; /* what the library said, by the address of its text; NULL: nothing */
        double time;
    } said[KINDS];
};

/* A request and its answer. */
typedef struct exchange {
    serve_task task; /* the first member: what the crew is handed */
    serve_http *http;
    struct MHD_Connection *connection;
    serve_peer *peer; /* NULL: out of memory when it came */
    serve_request request;
    serve_response response;
    void *keep;
    uint64_t announced; /* bytes of the body */
    bool chunked, begun, taken;
    bool counted;  /* it is one of http->in_flight */
    bool reading;  /* some of the body has come */
    bool answered; /* the response says all there is to say */
    bool sent;     /* and it is on its way, past the library */
} exchange;

/* ------------------------------------------------------------------ answers ---- */

static enum MHD_Result write_answer(exchange *x)
{
    serve_response *r = &x->response;
    struct MHD_Response *response = serve_mhd.MHD_create_response_from_buffer(r->body.size, r->body.data,
                                                                              MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    if (r->type)
        serve_mhd.MHD_add_response_header(response, "Content-Type", r->type);
    for (size_t i = 0; i < r->headers.n; i++)
        serve_mhd.MHD_add_response_header(response, r->headers.fields[i].name, r->headers.fields[i].value);
    if (r->close)
        serve_mhd.MHD_add_response_header(response, "Connection", "close");
    serve_mhd.MHD_set_connection_option(x->connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)SERVE_WRITE_SECONDS);
    enum MHD_Result queued = serve_mhd.MHD_queue_response(x->connection, r->status, response);
    serve_mhd.MHD_destroy_response(response);
    serve_peers_set(&x->http->peers, x->peer, SERVE_PEER_BUSY);
    atomic_fetch_add(&x->http->sent, r->body.size);
    return queued;
}

static void format_answer(const exchange *x, vit__buffer *out)
{
    const serve_response *r = &x->response;
    vit__buffer_format(out, "HTTP/1.1 %u %s\r\nConnection: close\r\nContent-Length: %zu\r\n", r->status,
                       serve_mhd.MHD_get_reason_phrase_for(r->status), r->body.size);
    if (r->type)
        vit__buffer_format(out, "Content-Type: %s\r\n", r->type);
    for (size_t i = 0; i < r->headers.n; i++)
        vit__buffer_format(out, "%s: %s\r\n", r->headers.fields[i].name, r->headers.fields[i].value);
    vit__buffer_add_string(out, "\r\n");
    if (strcmp(x->request.method, "HEAD") != 0)
        vit__buffer_add(out, r->body.data, r->body.size);
}

/* The answer while the body is still coming. The library would send it and close the socket; what the client sends then
 * makes its system drop the connection, often before the client has read the answer. So the answer is sent past the
 * library, which goes on to read. An answer is shorter than the buffer of a socket, so that it is sent as a whole. */
static enum MHD_Result answer_at_once(exchange *x)
{
    vit__buffer out = {0};
    format_answer(x, &out);
    bool sent = x->peer && !out.failed &&
                send(x->peer->fd, out.data, out.size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)out.size;
    vit__buffer_free(&out);
    if (!sent)
        return MHD_NO;
    shutdown(x->peer->fd, SHUT_WR);
    x->sent = true;
    serve_peers_set(&x->http->peers, x->peer, SERVE_PEER_REFUSED);
    atomic_fetch_add(&x->http->sent, x->response.body.size);
    return MHD_YES;
}

static void count(exchange *x)
{
    x->counted = true;
    atomic_fetch_add(&x->http->in_flight, 1);
}

static void count_off(exchange *x)
{
    if (x->counted)
        atomic_fetch_sub(&x->http->in_flight, 1);
    x->counted = false;
}

/* The response is a refusal. Without a body to come, the last call for this request writes it, and the connection is
 * kept. A client that waits for leave to send its body sends none. */
static enum MHD_Result say_no(exchange *x)
{
    x->answered = true;
    count_off(x);
    if (x->response.status == 429)
        serve_peers_hurry(&x->http->peers);
    if (!x->request.has_body)
        return MHD_YES;
    x->response.close = true;
    bool waits = serve_fields_header(&x->request.headers, "Expect") && !x->reading;
    return waits ? write_answer(x) : answer_at_once(x);
}

/* The response becomes a refusal, and nothing more is to be said. */
static void fill_refusal(exchange *x, unsigned status, const char *why)
{
    const serve_handler *h = &x->http->options.handler;
    h->refuse(h->context, &x->request, status, why, &x->response);
    x->answered = true;
}

static enum MHD_Result refuse(exchange *x, unsigned status, const char *why)
{
    fill_refusal(x, status, why);
    return say_no(x);
}

static enum MHD_Result refuse_large(exchange *x)
{
    char why[96];
    snprintf(why, sizeof why, "the body is larger than %llu bytes (--max-body)",
             (unsigned long long)x->http->options.max_body);
    return refuse(x, 413, why);
}

/* A request whose end is in doubt: what follows it may be anything, and is not looked at. */
static enum MHD_Result refuse_framing(exchange *x, unsigned status, const char *why)
{
    fill_refusal(x, status, why);
    x->response.close = true;
    return write_answer(x);
}

/* ------------------------------------------------------------------ requests ---- */

static enum MHD_Result add_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    serve_request *request = context;
    (void)kind;
    serve_fields_add(&request->headers, name, value ? value : "");
    return MHD_YES;
}

static enum MHD_Result begin(exchange *x, struct MHD_Connection *connection, const char *method)
{
    serve_http *http = x->http;
    const serve_handler *h = &http->options.handler;
    serve_request *request = &x->request;
    const char *why = "";
    x->begun = true;
    x->connection = connection;
    request->start = vit__seconds();
    request->method = vit__strdup(method);
    serve_mhd.MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, request);
    if (!request->method || request->headers.failed)
        return MHD_NO;
    serve_peers_set(&http->peers, x->peer, SERVE_PEER_BODY);
    unsigned status = serve_framing_check(request, &x->announced, &x->chunked, &why);
    if (status)
        return refuse_framing(x, status, why);
    request->has_body = x->announced > 0 || x->chunked;
    request->crowded = request->has_body && !serve_peers_claim(&http->peers, x->peer);
    vit_status split = serve_request_split(request);
    if (split == VIT_ERR_OUT_OF_MEMORY)
        return refuse(x, 429, "there is no memory for the request now");
    if (split != VIT_OK)
        return refuse(x, 400, "the address of the request is not one");
    if (x->announced > http->options.max_body)
        return refuse_large(x);
    if (!h->begin(h->context, request, x->announced, &x->response, &x->keep))
        return say_no(x);
    if (x->announced > 0 && !vit__buffer_reserve(&request->body, (size_t)x->announced))
        return refuse(x, 429, "there is no memory for the body now");
    count(x);
    return MHD_YES;
}

static enum MHD_Result take_body(exchange *x, const char *data, size_t *size)
{
    serve_http *http = x->http;
    const serve_handler *h = &http->options.handler;
    vit__buffer *body = &x->request.body;
    size_t came = *size;
    *size = 0;
    x->reading = true;
    atomic_fetch_add(&http->received, came);
    if (x->answered) /* what comes behind an early answer */
        return MHD_YES;
    if (came > http->options.max_body - body->size)
        return refuse_large(x);
    if (x->chunked && !h->grow(h->context, &x->request, body->size + came, &x->response, x->keep))
        return say_no(x);
    vit__buffer_add(body, data, came);
    x->request.received += came;
    serve_peers_count(&http->peers, x->peer, came);
    return body->failed ? refuse(x, 429, "there is no memory for the body now") : MHD_YES;
}

/* All of a request is here that was refused before. */
static enum MHD_Result end_refused(exchange *x)
{
    if (!x->sent)
        return write_answer(x);
    shutdown(x->peer->fd, SHUT_RDWR); /* which the library sees as the end of the connection */
    return MHD_YES;
}

static enum MHD_Result hand_over(exchange *x)
{
    serve_http *http = x->http;
    serve_peers_set(&http->peers, x->peer, SERVE_PEER_BUSY);
    x->taken = true;
    serve_mhd.MHD_suspend_connection(x->connection);
    if (serve_crew_hand(http->crew, &x->task))
        return MHD_YES;
    fill_refusal(x, 503, "no thread can be started for the request");
    serve_mhd.MHD_resume_connection(x->connection);
    return MHD_YES;
}

/* On a worker's thread. */
static void work(serve_task *task)
{
    exchange *x = (exchange *)(void *)task;
    serve_http *http = x->http;
    const serve_handler *h = &http->options.handler;
    h->answer(h->context, &x->request, &x->response, x->keep, x);
    x->answered = true;
    serve_mhd.MHD_resume_connection(x->connection); /* after which x may be gone */
}

static enum MHD_Result access_request(void *context, struct MHD_Connection *connection, const char *url,
                                      const char *method, const char *version, const char *upload, size_t *upload_size,
                                      void **own)
{
    exchange *x = *own;
    (void)context;
    (void)url;
    (void)version;
    if (!x)
        return MHD_NO;
    if (!x->begun)
        return begin(x, connection, method);
    if (*upload_size > 0)
        return take_body(x, upload, upload_size);
    if (x->answered)
        return end_refused(x);
    return x->taken ? MHD_YES : hand_over(x);
}

/* ------------------------------------------------------------------ from start to end ---- */

static void *begin_exchange(void *context, const char *uri, struct MHD_Connection *connection)
{
    serve_http *http = context;
    exchange *x = vit__alloc_zero(1, sizeof *x);
    if (!x)
        return NULL;
    const union MHD_ConnectionInfo *info = serve_mhd.MHD_get_connection_info(connection,
                                                                             MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    x->http = http;
    x->peer = info ? info->socket_context : NULL;
    x->request.target = vit__strdup(uri);
    if (x->request.target)
        return x;
    free(x);
    return NULL;
}

static void end_exchange(void *context, struct MHD_Connection *connection, void **own,
                         enum MHD_RequestTerminationCode code)
{
    exchange *x = *own;
    (void)context;
    (void)connection;
    (void)code;
    if (!x)
        return;
    const serve_handler *h = &x->http->options.handler;
    if (x->begun && x->request.method)
        h->end(h->context, &x->request, &x->response, x->keep);
    count_off(x);
    serve_peers_set(&x->http->peers, x->peer, SERVE_PEER_IDLE);
    serve_request_free(&x->request);
    serve_response_free(&x->response);
    free(x);
    *own = NULL;
}

static void change_connection(void *context, struct MHD_Connection *connection, void **own,
                              enum MHD_ConnectionNotificationCode code)
{
    serve_http *http = context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        serve_peers_remove(&http->peers, *own);
        *own = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info = serve_mhd.MHD_get_connection_info(connection,
                                                                             MHD_CONNECTION_INFO_CONNECTION_FD);
    *own = info ? serve_peers_add(&http->peers, info->connect_fd) : NULL;
}

/* That a client has gone, and not which one: nothing that people can do something about. */
static bool is_about_clients(const char *format)
{
    return strncmp(format, "Connection ", 11) == 0 || strncmp(format, "Socket ", 7) == 0;
}

/* A client that does again and again what the library has a word for fills no log. */
static bool said_lately(serve_http *http, const char *format)
{
    double time = vit__seconds();
    pthread_mutex_lock(&http->saying);
    size_t at = 0;
    while (at < KINDS - 1 && http->said[at].format && http->said[at].format != format)
        at++;
    bool lately = http->said[at].format && time - http->said[at].time < QUIET_SECONDS;
    if (!lately)
        http->said[at] = (struct said){format, time};
    pthread_mutex_unlock(&http->saying);
    return lately;
}

VIT_PRINTF(2, 0) static void log_message(void *context, const char *format, va_list arguments)
{
    serve_http *http = context;
    char message[256];
    if (!http->options.log || is_about_clients(format) || said_lately(http, format))
        return;
    vsnprintf(message, sizeof message, format, arguments);
    message[strcspn(message, "\n")] = '\0';
    http->options.log(message);
}

static struct MHD_Daemon *start_daemon(serve_http *http, int socket)
{
    return serve_mhd.MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        access_request, http, MHD_OPTION_EXTERNAL_LOGGER, log_message, (void *)http, MHD_OPTION_LISTEN_SOCKET, socket,
        MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, (void *)http, MHD_OPTION_NOTIFY_COMPLETED, end_exchange,
        (void *)http, MHD_OPTION_NOTIFY_CONNECTION, change_connection, (void *)http, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)(http->options.max_connections + SPARE), MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SERVE_IDLE_SECONDS + 1, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
}

vit_status serve_http_start(const serve_http_options *options, serve_http **result, vit_error *err)
{
    *result = NULL;
    const char *why = serve_mhd_load();
    if (why)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, "libmicrohttpd",
                         "the library is not there (apt-get install libmicrohttpd12): %s", why);
    serve_http *http = vit__alloc_zero(1, sizeof *http);
    if (!http)
        return vit__fail_memory(err, NULL);
    http->options = *options;
    pthread_mutex_init(&http->saying, NULL);
    serve_peers_create(&http->peers, options->max_connections, options->max_requests);
    http->daemons = vit__alloc_zero(options->n, sizeof(struct MHD_Daemon *));
    http->quiet = vit__alloc(options->n, sizeof *http->quiet);
    http->crew = serve_crew_create(options->max_connections + SPARE, work);
    bool started = http->daemons && http->quiet && http->crew;
    for (size_t i = 0; i < options->n && started; i++) {
        http->quiet[i] = -1;
        http->daemons[i] = start_daemon(http, options->sockets[i]);
        started = http->daemons[i] != NULL;
    }
    if (started) {
        *result = http;
        return VIT_OK;
    }
    serve_http_free(http);
    return vit__fail(err, VIT_ERR_OUT_OF_MEMORY, "libmicrohttpd", "the server cannot be started");
}

void serve_http_reap(serve_http *http)
{
    serve_peers_reap(&http->peers);
}

void serve_http_quiesce(serve_http *http)
{
    if (atomic_exchange(&http->quiesced, true))
        return;
    for (size_t i = 0; http->daemons && i < http->options.n; i++)
        if (http->daemons[i])
            http->quiet[i] = serve_mhd.MHD_quiesce_daemon(http->daemons[i]);
}

size_t serve_http_in_flight(serve_http *http)
{
    return atomic_load(&http->in_flight);
}

void serve_http_read(serve_http *http, serve_http_figures *figures)
{
    pthread_mutex_lock(&http->peers.lock);
    figures->connections = http->peers.n;
    figures->slow = http->peers.n_cut;
    pthread_mutex_unlock(&http->peers.lock);
    figures->in_flight = atomic_load(&http->in_flight);
    figures->received = atomic_load(&http->received);
    figures->sent = atomic_load(&http->sent);
}

/* The daemon must not be stopped while a connection is suspended: the crew resumes all of them first. */
void serve_http_free(serve_http *http)
{
    if (!http)
        return;
    serve_http_quiesce(http);
    serve_crew_free(http->crew);
    for (size_t i = 0; http->daemons && i < http->options.n; i++) {
        if (http->daemons[i])
            serve_mhd.MHD_stop_daemon(http->daemons[i]);
        if (http->daemons[i] && http->quiet[i] >= 0)
            close(http->quiet[i]);
    }
    serve_peers_destroy(&http->peers);
    pthread_mutex_destroy(&http->saying);
    free(http->daemons);
    free(http->quiet);
    free(http);
}

bool serve_http_gone(void *connection)
{
    const exchange *x = connection;
    char byte;
    return x->peer && recv(x->peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}
