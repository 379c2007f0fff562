/* SPDX-License-Identifier: BSD-2-Clause */
#include "call.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "memory.h"
#include "size.h"

bool serve_fail(serve_call *call, serve_code code, const char *param, const char *format, ...)
{
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    serve_error_write(call->response, call->route ? call->route->shape : SERVE_SHAPE_PLAIN, code, param, message);
    return false;
}

bool serve_fail_memory(serve_call *call)
{
    return serve_fail(call, SERVE_OUT_OF_MEMORY, NULL, "out of memory");
}

bool serve_done(serve_call *call, const char *type)
{
    call->response->status = 200;
    call->response->type = type;
    return !call->response->body.failed || serve_fail_memory(call);
}

/* ------------------------------------------------------------------ memory ---- */

bool serve_call_take(serve_call *call, size_t bytes)
{
    serve_app *app = call->app;
    if (bytes > app->limits.memory || call->used > app->limits.memory - bytes)
        return serve_fail(call, SERVE_TOO_LARGE, NULL,
                          "the request takes more memory than there is for all requests: %" PRIu64
                          " bytes (--max-memory)",
                          app->limits.memory);
    size_t used = call->used + bytes, more = used > call->taken ? used - call->taken : 0;
    if (!serve_engine_take(app->engine, more))
        return serve_fail(call, SERVE_TOO_MANY, NULL, "the memory for requests is taken (--max-memory)");
    call->used = used;
    call->taken += more;
    return true;
}

void serve_call_drop_body(serve_call *call)
{
    call->used -= vit__smaller(call->used, call->request->body.size);
    vit__buffer_free(&call->request->body);
}

bool serve_call_own(serve_call *call, void *block)
{
    void **grown = vit__grow(call->owned, &call->owned_capacity, call->n_owned, 1, sizeof *grown);
    if (grown)
        call->owned = grown;
    if (grown && block) {
        call->owned[call->n_owned++] = block;
        return true;
    }
    free(block);
    return serve_fail_memory(call);
}

void *serve_call_alloc(serve_call *call, size_t count, size_t size)
{
    size_t bytes;
    if (!vit__multiply(count, size, &bytes))
        bytes = SIZE_MAX;
    if (!serve_call_take(call, bytes))
        return NULL;
    void *block = vit__alloc_zero(count, size);
    return serve_call_own(call, block) ? block : NULL;
}

char *serve_call_copy(serve_call *call, const char *bytes, size_t size)
{
    char *copy = serve_call_alloc(call, size + 1, 1);
    if (copy)
        memcpy(copy, bytes, size);
    return copy;
}

/* ------------------------------------------------------------------ model ---- */

bool serve_call_hold(serve_call *call, const char *name)
{
    serve_model *model = serve_models_find(call->app->models, name);
    vit_error err = {0};
    if (!model) {
        char *names = serve_models_names(call->app->models);
        serve_fail(call, SERVE_MODEL_NOT_FOUND, "model", "no model '%.200s' is served here; there are: %s", name,
                   names ? names : "");
        free(names);
        return false;
    }
    if (call->model == model)
        return true;
    if (serve_model_hold(model, &err) != VIT_OK)
        return serve_fail(call, serve_code_of(err.status) == SERVE_OUT_OF_MEMORY ? SERVE_OUT_OF_MEMORY : SERVE_INTERNAL,
                          NULL, "the model cannot be loaded: %s", err.message);
    if (call->model)
        serve_model_release(call->model);
    call->model = model;
    return true;
}

/* ------------------------------------------------------------------ body ---- */

serve_body serve_body_kind(const serve_request *request)
{
    const vit__buffer *b = &request->body;
    size_t at = 0;
    if (b->size == 0)
        return SERVE_BODY_EMPTY;
    if (vit_image_format_of(b->data, b->size, NULL))
        return SERVE_BODY_PICTURE;
    while (at < b->size && strchr(" \t\r\n", b->data[at]) && b->data[at])
        at++;
    return at < b->size && (b->data[at] == '{' || b->data[at] == '[') ? SERVE_BODY_JSON : SERVE_BODY_OTHER;
}

static bool may_take(void *call, size_t bytes)
{
    return serve_call_take(call, bytes);
}

bool serve_parse_json(serve_call *call, const char *text, size_t size, vit_error *err)
{
    const vit__json_rules rules = {.whole_as_real = true, .may_take = may_take, .context = call};
    vit_status status = vit__json_parse_by(&rules, text, size, "body", &call->json, err);
    if (status == VIT_ERR_OUT_OF_MEMORY)
        return serve_fail(call, SERVE_OUT_OF_MEMORY, NULL, "there is no memory for the body now");
    return status != VIT_ERR_TOO_LARGE; /* which may_take has answered */
}

bool serve_read_size(const vit__json *value, size_t *size)
{
    int64_t whole = 0;
    bool right = vit__json_integer(value, &whole) && whole >= 0;
    *size = right ? (size_t)whole : 0;
    return right;
}

bool serve_call_parse(serve_call *call, bool array)
{
    const vit__buffer *b = &call->request->body;
    vit_error err = {0};
    if (serve_body_kind(call->request) != SERVE_BODY_JSON)
        return serve_fail(call, SERVE_BAD_REQUEST, NULL, "the body is %s",
                          b->size ? "neither JSON nor a picture in a format that is read here" : "empty");
    bool known = serve_parse_json(call, b->data, b->size, &err);
    serve_call_drop_body(call);
    if (!known)
        return false;
    if (err.status != VIT_OK)
        return serve_fail(call, SERVE_BAD_REQUEST, NULL, "the body is no JSON: %s", err.message);
    if (vit__json_is_object(call->json) || (array && vit__json_is_array(call->json)))
        return true;
    return serve_fail(call, SERVE_BAD_REQUEST, NULL, "the body is JSON, but no object");
}

/* false: it is absent, or of another type, which is an error. */
static bool is_there(serve_call *call, const vit__json *value, bool right, const char *key, const char *type,
                     bool *failed)
{
    if (vit__json_is_null(value))
        return false;
    if (right)
        return true;
    *failed = !serve_fail(call, SERVE_BAD_REQUEST, key, "%s is wanted", type);
    return false;
}

bool serve_member_string(serve_call *call, const vit__json *object, const char *key, const char **value, bool *failed)
{
    const vit__json *member = vit__json_get(object, key);
    const char *string = vit__json_string(member);
    if (is_there(call, member, string != NULL, key, "a string", failed))
        *value = string;
    return string != NULL;
}

bool serve_member_boolean(serve_call *call, const vit__json *object, const char *key, bool *value, bool *failed)
{
    const vit__json *member = vit__json_get(object, key);
    bool truth = false, right = vit__json_boolean(member, &truth);
    if (is_there(call, member, right, key, "true or false", failed))
        *value = truth;
    return right;
}

bool serve_member_size(serve_call *call, const vit__json *object, const char *key, size_t *value, bool *failed)
{
    const vit__json *member = vit__json_get(object, key);
    size_t size = 0;
    bool right = serve_read_size(member, &size);
    if (is_there(call, member, right, key, "a whole number of at least 0", failed))
        *value = size;
    return right;
}

/* ------------------------------------------------------------------ engine ---- */

static bool fail_job(serve_call *call, const serve_job *job, const vit_error *err)
{
    char param[32];
    serve_code code = serve_code_of(err->status);
    if (job->failed >= job->n) /* the job as a whole: the caller has checked that the model can do it */
        return serve_fail(call, code, NULL, "%s", err->message);
    snprintf(param, sizeof param, "input[%zu]", job->numbers ? job->numbers[job->failed] : job->failed);
    return serve_fail(call, code, param, "%s", err->message);
}

/* A number of a result has 4 bytes, and about 16 in the answer: "-0.0123456789,". */
#define NUMBER_TAKES 20

/* Takes memory for the results of the job and for the answer that is written from them. A job that the model cannot do
 * fails later. */
static bool take_results(serve_call *call, const serve_job *job)
{
    size_t shape[2], bytes;
    const vit_pipeline *pipeline = call->model->towers[job->tower];
    if (!pipeline || vit_output_shape(vit_pipeline_model(pipeline), job->output, job->layer, shape, NULL) != VIT_OK)
        return true;
    if (!vit__multiply(shape[0] * shape[1], job->n, &bytes) || !vit__multiply(bytes, NUMBER_TAKES, &bytes))
        bytes = SIZE_MAX;
    return serve_call_take(call, bytes);
}

bool serve_call_run(serve_call *call, serve_job *job)
{
    vit_error err = {0};
    if (!take_results(call, job))
        return false;
    job->model = call->model;
    job->place = &call->place;
    job->deadline = call->deadline;
    job->gone = serve_http_gone;
    job->context = call->connection;
    if (!call->output)
        call->output = vit_output_name(job->output);
    if (call->parsed == 0)
        call->parsed = vit__seconds();
    serve_outcome outcome = serve_engine_run(call->app->engine, job, &err);
    call->done = vit__seconds();
    call->n_inputs += job->n;
    call->queued += job->queued;
    call->loaded += job->loaded;
    call->encoded += job->encoded;
    if (job->results && !serve_call_own(call, job->results))
        return false;
    for (size_t i = 0; outcome == SERVE_DONE && i < job->n; i++)
        call->tokens += job->inputs[i].tokens;
    switch (outcome) {
    case SERVE_DONE:
        return true;
    case SERVE_FAILED:
        return fail_job(call, job, &err);
    case SERVE_OVERLOADED:
        return serve_fail(call, SERVE_TOO_MANY, NULL, "too much is waiting; come again in %u s",
                          serve_engine_retry_after(call->app->engine));
    case SERVE_GONE:
        return serve_fail(call, SERVE_REQUEST_TIMEOUT, NULL, "the client has gone");
    case SERVE_STOPPING:
        break;
    }
    return serve_fail(call, SERVE_UNAVAILABLE, NULL, "the server is stopping");
}
