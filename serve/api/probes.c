/* SPDX-License-Identifier: BSD-2-Clause */
/* What watches the server, describes it, and the files of its page. */
#include <string.h>

#include "call.h"
#include "metrics.h"
#include "openapi.h"
#include "page.h"

bool serve_health(serve_call *call)
{
    static const char *const states[] = {
        [SERVE_LOADING] = "loading", [SERVE_READY] = "ok", [SERVE_ENDING] = "stopping"};
    int state = atomic_load(&call->app->state);
    vit__buffer_format(&call->response->body, "{\"status\":\"%s\"}\n", states[state]);
    serve_done(call, "application/json");
    call->response->status = state == SERVE_READY ? 200 : 503;
    return true;
}

bool serve_metrics_page(serve_call *call)
{
    serve_metrics_write(call->app->metrics, call->app, &call->response->body);
    return serve_done(call, "text/plain; version=0.0.4; charset=utf-8");
}

bool serve_openapi(serve_call *call)
{
    return serve_openapi_write(call->app, &call->response->body) ? serve_done(call, "application/json")
                                                                 : serve_fail_memory(call);
}

/* ------------------------------------------------------------------ the page ---- */

#define POLICY                                                                                                         \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "        \
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"

static bool send_file(serve_call *call, const serve_page_file *file)
{
    serve_fields *headers = &call->response->headers;
    serve_fields_add(headers, "Content-Security-Policy", POLICY);
    serve_fields_add(headers, "Referrer-Policy", "no-referrer");
    serve_fields_add(headers, "Cross-Origin-Opener-Policy", "same-origin");
    vit__buffer_add(&call->response->body, file->bytes, file->size);
    return serve_done(call, file->type);
}

static void put_entry(vit__buffer *out, const char *key, bool there)
{
    vit__buffer_format(out, ",\"%s\":%s", key, there ? "true" : "false");
}

/* For programs: what the page would ask. */
static bool send_summary(serve_call *call)
{
    vit__buffer *out = &call->response->body;
    vit__buffer_format(out,
                       "{\"name\":\"vit\",\"version\":\"%s\",\"models\":\"/v1/models\",\"openapi\":\"/openapi.json\"",
                       vit_version());
    put_entry(out, "index", call->app->index != NULL);
    put_entry(out, "labels", call->app->labels != NULL);
    vit__buffer_add_string(out, ",\"samples\":[");
    for (size_t i = 0; i < serve_page_samples_count; i++)
        vit__buffer_format(out, "%s\"%s\"", i ? "," : "", serve_page_samples[i].name);
    vit__buffer_add_string(out, "]}\n");
    return serve_done(call, "application/json");
}

bool serve_page(serve_call *call)
{
    const char *accept = serve_fields_header(&call->request->headers, "Accept");
    return accept && strstr(accept, "text/html") ? send_file(call, &serve_page_html) : send_summary(call);
}

bool serve_page_script(serve_call *call)
{
    return send_file(call, &serve_page_js);
}

bool serve_page_style(serve_call *call)
{
    return send_file(call, &serve_page_css);
}

bool serve_page_picture(serve_call *call)
{
    for (size_t i = 0; i < serve_page_samples_count; i++)
        if (strcmp(serve_page_samples[i].name, call->vars.task) == 0)
            return send_file(call, &serve_page_samples[i].file);
    return serve_fail(call, SERVE_NOT_FOUND, NULL, "there is no such picture");
}
