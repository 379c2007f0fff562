/* SPDX-License-Identifier: BSD-2-Clause */
/* From a request's header to the last line about it: who may ask, which endpoint answers, what every answer says. */
#include "app.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "call.h"
#include "clock.h"
#include "log.h"
#include "memory.h"
#include "metrics.h"

#define STEP ((uint64_t)1 << 20) /* bytes of memory that a body of unknown length takes at a time */

static atomic_uint_fast64_t requests;

/* The client's own, if it is harmless in a header and a log. */
static void name_request(serve_request *request)
{
    static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const char *given = serve_fields_header(&request->headers, "X-Request-Id");
    size_t size = given ? strlen(given) : 0;
    if (size > 0 && size <= 64 && strspn(given, good) == size)
        snprintf(request->id, sizeof request->id, "%s", given);
    else
        snprintf(request->id, sizeof request->id, "%08lx-%lx", (unsigned long)(vit__seconds() * 1000),
                 (unsigned long)atomic_fetch_add(&requests, 1));
}

/* When a client that was refused for load, or because the server is not ready, may come again. */
static void add_retry(const serve_app *app, serve_response *response)
{
    char text[24];
    unsigned seconds = response->status == 429 ? serve_engine_retry_after(app->engine) : 1;
    if (response->status != 429 && response->status != 503)
        return;
    snprintf(text, sizeof text, "%u", seconds);
    serve_fields_add(&response->headers, "Retry-After", text);
    snprintf(text, sizeof text, "%u000", seconds);
    serve_fields_add(&response->headers, "retry-after-ms", text);
}

static void add_common(const serve_app *app, const serve_request *request, serve_response *response)
{
    serve_fields *h = &response->headers;
    const char *origin = serve_gate_shared_origin(app->gate, request);
    serve_fields_add(h, "X-Request-Id", request->id);
    serve_fields_add(h, "Cache-Control", "no-store");
    serve_fields_add(h, "X-Content-Type-Options", "nosniff");
    serve_fields_add(h, "Cross-Origin-Resource-Policy", origin ? "cross-origin" : "same-origin");
    add_retry(app, response);
    if (!origin)
        return;
    serve_fields_add(h, "Access-Control-Allow-Origin", origin);
    serve_fields_add(h, "Vary", "Origin");
}

static void refuse(void *context, serve_request *request, unsigned status, const char *message,
                   serve_response *response)
{
    if (!*request->id)
        name_request(request);
    serve_error_write(response, serve_route_shape(request->path), serve_code_of_status(status), NULL, message);
    add_common(context, request, response);
}

/* ------------------------------------------------------------------ the header ---- */

static bool say_no(serve_app *app, const serve_request *request, serve_code code, const char *message,
                   serve_response *response)
{
    serve_error_write(response, serve_route_shape(request->path), code, NULL, message);
    add_common(app, request, response);
    return false;
}

static bool answer_preflight(serve_app *app, const serve_request *request, serve_response *response)
{
    response->status = 204;
    add_common(app, request, response);
    serve_fields_add(&response->headers, "Access-Control-Allow-Methods", "GET, HEAD, POST");
    serve_fields_add(&response->headers, "Access-Control-Allow-Headers", "Authorization, Content-Type, X-Request-Id");
    serve_fields_add(&response->headers, "Access-Control-Max-Age", "600");
    return false;
}

static bool is_identity(const char *encoding)
{
    return !encoding || !*encoding || strcasecmp(encoding, "identity") == 0;
}

/* Loading or ending: only what watches the server is answered. */
static bool is_served_now(const serve_app *app, const serve_route *route)
{
    return route->open || atomic_load(&app->state) == SERVE_READY;
}

/* What needs nothing but the header: who asks, and whether the server can answer at all now. */
static bool passes(serve_app *app, const serve_request *request, const serve_route *route, serve_response *response)
{
    serve_code code;
    const char *why;
    if (!serve_gate_passes(app->gate, request, route && route->open, &code, &why)) {
        if (code == SERVE_UNAUTHORIZED)
            serve_fields_add(&response->headers, "WWW-Authenticate", "Bearer");
        return say_no(app, request, code, why, response);
    }
    if (!route)
        return true;
    if (!is_identity(serve_fields_header(&request->headers, "Content-Encoding"))) {
        serve_fields_add(&response->headers, "Accept-Encoding", "identity");
        return say_no(app, request, SERVE_UNSUPPORTED_ENCODING, "bodies are taken as they are, never compressed",
                      response);
    }
    if (!is_served_now(app, route))
        return say_no(app, request, SERVE_UNAVAILABLE,
                      atomic_load(&app->state) == SERVE_LOADING ? "loading" : "stopping", response);
    return true;
}

/* Memory for a body of so many bytes, and as much for what is made of it (call.h). Where that is more than there is for
 * all requests, the request has all. */
static bool take_memory(serve_call *call, const serve_request *request, uint64_t body, serve_response *response)
{
    serve_app *app = call->app;
    if (body > app->limits.memory)
        return say_no(app, request, SERVE_TOO_LARGE,
                      "the body is larger than the memory for all requests (--max-memory)", response);
    size_t wanted = (size_t)(body <= app->limits.memory / 2 ? 2 * body : app->limits.memory);
    if (!serve_engine_take(app->engine, wanted - call->taken))
        return say_no(app, request, SERVE_TOO_MANY, "the memory for requests is taken (--max-memory)", response);
    call->taken = wanted;
    call->used = (size_t)body;
    return true;
}

/* What a request takes while it is answered: a place in the queue and memory for its body. Load is told here, before
 * the body is read: to read, parse and decode what is refused in the end would cost those that are served. */
static bool take_room(serve_call *call, const serve_request *request, uint64_t body, serve_response *response)
{
    serve_app *app = call->app;
    char why[64];
    if (request->has_body && request->crowded)
        return say_no(app, request, SERVE_TOO_MANY, "too many requests are in work (--max-connections)", response);
    snprintf(why, sizeof why, "too much is waiting; come again in %u s", serve_engine_retry_after(app->engine));
    if (request->has_body && !serve_engine_admit(app->engine, &call->place))
        return say_no(app, request, SERVE_TOO_MANY, why, response);
    return take_memory(call, request, body, response);
}

static void give_room(serve_call *call)
{
    serve_engine_dismiss(call->app->engine, &call->place);
    serve_engine_give(call->app->engine, call->taken);
}

static bool begin(void *context, serve_request *request, uint64_t body, serve_response *response, void **keep)
{
    serve_app *app = context;
    serve_vars vars;
    serve_code code = SERVE_NOT_FOUND;
    char allowed[64];
    name_request(request);
    const serve_route *route = serve_route_find(request->method, request->path, &vars, &code, allowed);
    if (!passes(app, request, route, response))
        return false;
    if (!route && strcmp(request->method, "OPTIONS") == 0 && *allowed)
        return answer_preflight(app, request, response);
    if (!route) {
        if (*allowed)
            serve_fields_add(&response->headers, "Allow", allowed);
        return say_no(app, request, code, *allowed ? "this method is not offered here" : "there is nothing here",
                      response);
    }
    serve_call *call = vit__alloc_zero(1, sizeof *call);
    if (!call)
        return say_no(app, request, SERVE_OUT_OF_MEMORY, "out of memory", response);
    *keep = call; /* also where it is refused: the log and the figures know its route */
    call->app = app;
    call->route = route;
    call->vars = vars;
    return take_room(call, request, body, response);
}

/* In steps, so that the lock is not taken for every piece. */
static bool grow(void *context, const serve_request *request, uint64_t body, serve_response *response, void *keep)
{
    (void)context;
    serve_call *call = keep;
    uint64_t most = call->app->limits.memory, step = (body + STEP - 1) / STEP * STEP;
    return body <= call->used || take_memory(call, request, body > most || step <= most ? step : most, response);
}

/* ------------------------------------------------------------------ the answer ---- */

/* A client sees when vectors are of another space. */
static void add_model(const serve_call *call, serve_response *response)
{
    serve_fields *h = &response->headers;
    const serve_facts *f = &call->model->facts;
    char timing[160];
    serve_fields_add(h, "X-Vit-Model", call->model->name);
    serve_fields_add(h, "X-Vit-Model-Digest", f->digest);
    if (*f->preprocessing)
        serve_fields_add(h, "X-Vit-Preprocessing-Digest", f->preprocessing);
    serve_fields_add(h, "X-Vit-Precision", f->precision);
    if (call->output)
        serve_fields_add(h, "X-Vit-Output", call->output);
    snprintf(timing, sizeof timing, "queue;dur=%.3f, decode;dur=%.3f, encode;dur=%.3f", call->queued * 1e3,
             call->loaded * 1e3, call->encoded * 1e3);
    serve_fields_add(h, "Server-Timing", timing);
}

static void release(serve_call *call)
{
    if (call->model)
        serve_model_release(call->model);
    call->model = NULL;
    vit__json_free(call->json);
    call->json = NULL;
    for (size_t i = 0; i < call->n_owned; i++)
        free(call->owned[i]);
    free(call->owned);
    call->owned = NULL;
    call->n_owned = call->owned_capacity = 0;
}

/* What the call has of the shared memory is, from now on, what its answer takes. */
static void settle(serve_call *call)
{
    serve_call_drop_body(call);
    serve_engine_exchange(call->app->engine, call->taken, call->response->body.capacity);
    call->taken = call->used = call->response->body.capacity;
}

static void count_stages(const serve_call *call)
{
    if (call->parsed == 0)
        return;
    serve_engine_count_stage(call->app->engine, call->model, SERVE_STAGE_PARSE, call->parsed - call->start);
    serve_engine_count_stage(call->app->engine, call->model, SERVE_STAGE_WRITE, vit__seconds() - call->done);
}

static void answer(void *context, serve_request *request, serve_response *response, void *keep, void *connection)
{
    serve_app *app = context;
    serve_call *call = keep;
    call->request = request;
    call->response = response;
    call->connection = connection;
    call->start = vit__seconds();
    call->deadline = call->start + app->limits.timeout;
    call->route->endpoint(call);
    add_common(app, request, response);
    if (call->model) {
        add_model(call, response);
        count_stages(call);
    }
    release(call);
    settle(call);
}

static void end(void *context, const serve_request *request, const serve_response *response, void *keep)
{
    serve_app *app = context;
    serve_call *call = keep;
    double seconds = vit__seconds() - request->start;
    if (response->status)
        serve_metrics_count(app->metrics, call ? call->route : NULL, request->method, response->status, seconds);
    if (app->log != SERVE_LOG_OFF)
        serve_log_request(app->log == SERVE_LOG_JSON, request, response, call, seconds);
    if (!call)
        return;
    release(call); /* of a request that was never answered */
    give_room(call);
    free(call);
}

serve_handler serve_app_handler(serve_app *app)
{
    return (serve_handler){
        .begin = begin, .grow = grow, .answer = answer, .end = end, .refuse = refuse, .context = app};
}
