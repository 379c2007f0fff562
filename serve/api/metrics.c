/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "memory.h"
#include "process.h"

#define STATUSES 32 /* different ones of a route and method */

/* Why requests are refused, by the status that says so. */
static const struct {
    unsigned status;
    const char *name;
} reasons[] = {
    {429, "overloaded"}, {503, "unavailable"}, {413, "too_large"}, {401, "unauthorized"}, {403, "forbidden"}};
#define REASONS (sizeof reasons / sizeof *reasons)

typedef struct route_figures {
    struct {
        char method[8];
        unsigned status;
        size_t n;
    } answers[STATUSES];
    size_t n_answers;
    serve_times times;
} route_figures;

struct serve_metrics {
    pthread_mutex_t lock;
    size_t n;              /* routes, and one for no route */
    route_figures *routes; /* [n]; those of one path are counted by the first */
    size_t rejected[REASONS];
};

serve_metrics *serve_metrics_create(void)
{
    serve_metrics *metrics = vit__alloc_zero(1, sizeof *metrics);
    if (!metrics)
        return NULL;
    metrics->n = serve_route_count() + 1;
    metrics->routes = vit__alloc_zero(metrics->n, sizeof *metrics->routes);
    pthread_mutex_init(&metrics->lock, NULL);
    if (metrics->routes)
        return metrics;
    serve_metrics_free(metrics);
    return NULL;
}

void serve_metrics_free(serve_metrics *metrics)
{
    if (!metrics)
        return;
    pthread_mutex_destroy(&metrics->lock);
    free(metrics->routes);
    free(metrics);
}

/* Methods that nobody has heard of are one, so that a client cannot make labels. */
static const char *known_method(const char *method)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i], method) == 0)
            return methods[i];
    return "OTHER";
}

/* The first route of the same path, which counts for all of them. */
static size_t place_of(const serve_metrics *metrics, const serve_route *route)
{
    size_t i = 0;
    while (route && strcmp(serve_route_at(i)->path, route->path) != 0)
        i++;
    return route ? i : metrics->n - 1;
}

void serve_metrics_count(serve_metrics *metrics, const serve_route *route, const char *method, unsigned status,
                         double seconds)
{
    size_t i = 0;
    const char *known = known_method(method);
    pthread_mutex_lock(&metrics->lock);
    route_figures *r = &metrics->routes[place_of(metrics, route)];
    while (i < r->n_answers && (r->answers[i].status != status || strcmp(r->answers[i].method, known) != 0))
        i++;
    if (i == r->n_answers && i < STATUSES) {
        snprintf(r->answers[i].method, sizeof r->answers[i].method, "%s", known);
        r->answers[i].status = status;
        r->n_answers++;
    }
    if (i < STATUSES)
        r->answers[i].n++;
    serve_times_add(&r->times, seconds);
    for (size_t reason = 0; reason < REASONS; reason++)
        metrics->rejected[reason] += status == reasons[reason].status;
    pthread_mutex_unlock(&metrics->lock);
}

/* ------------------------------------------------------------------ writing ---- */

static void head(vit__buffer *out, const char *name, const char *type, const char *help)
{
    vit__buffer_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(vit__buffer *out, const char *name, const char *type, const char *help, double value)
{
    head(out, name, type, help);
    vit__buffer_format(out, "%s %.17g\n", name, value);
}

/* A label's value: quotes, backslashes and line breaks escaped, which JSON does alike. */
static void put_label(vit__buffer *out, const char *name, const char *value)
{
    vit__buffer_format(out, "%s=", name);
    vit__json_put_string(out, value);
}

/* No route, or its path. */
static const char *path_of(const serve_metrics *metrics, size_t route)
{
    return route + 1 < metrics->n ? serve_route_at(route)->path : "none";
}

/* A histogram's samples with these labels: "route=\"/embed\"". */
static void put_times(vit__buffer *out, const char *name, const char *labels, const serve_times *times)
{
    size_t sum = 0;
    for (size_t i = 0; i < SERVE_TIMES; i++) {
        sum += times->buckets[i];
        vit__buffer_format(out, "%s_bucket{%s,le=\"%g\"} %zu\n", name, labels, serve_time_bounds[i], sum);
    }
    vit__buffer_format(out, "%s_bucket{%s,le=\"+Inf\"} %zu\n%s_sum{%s} %.9g\n%s_count{%s} %zu\n", name, labels,
                       times->n, name, labels, times->seconds, name, labels, times->n);
}

static void write_routes(serve_metrics *metrics, vit__buffer *out)
{
    char labels[160];
    head(out, "vit_http_requests_total", "counter", "Requests that were answered.");
    for (size_t i = 0; i < metrics->n; i++)
        for (size_t j = 0; j < metrics->routes[i].n_answers; j++)
            vit__buffer_format(out, "vit_http_requests_total{route=\"%s\",method=\"%s\",code=\"%u\"} %zu\n",
                               path_of(metrics, i), metrics->routes[i].answers[j].method,
                               metrics->routes[i].answers[j].status, metrics->routes[i].answers[j].n);
    head(out, "vit_http_request_duration_seconds", "histogram", "From the complete header to the written answer.");
    for (size_t i = 0; i < metrics->n; i++) {
        snprintf(labels, sizeof labels, "route=\"%s\"", path_of(metrics, i));
        if (metrics->routes[i].times.n > 0)
            put_times(out, "vit_http_request_duration_seconds", labels, &metrics->routes[i].times);
    }
}

/* ------------------------------------------------------------------ models ---- */

/* One model, as the writers below see it: its name as a label, and a copy of its figures. */
typedef struct view {
    const serve_model *model;
    const char *label; /* model="clip" */
    serve_model_figures figures;
} view;

static void put_info(vit__buffer *out, const view *v)
{
    const serve_facts *f = &v->model->facts;
    bool known = v->model->known;
    vit__buffer_format(out, "vit_model_info{%s,", v->label);
    put_label(out, "family", known ? f->family : "");
    vit__buffer_format(out, ",precision=\"%s\",digest=\"%s\",preprocessing=\"%s\"} 1\n", known ? f->precision : "",
                       known ? f->digest : "", known ? f->preprocessing : "");
}

static void put_loaded(vit__buffer *out, const view *v)
{
    vit__buffer_format(out, "vit_model_loaded{%s} %d\n", v->label, v->model->loaded ? 1 : 0);
}

static void put_load_seconds(vit__buffer *out, const view *v)
{
    vit__buffer_format(out, "vit_model_load_seconds{%s} %.9g\n", v->label, v->model->load_seconds);
}

static void put_unloads(vit__buffer *out, const view *v)
{
    vit__buffer_format(out, "vit_model_unloads_total{%s} %zu\n", v->label, v->model->unloads);
}

static void put_inputs(vit__buffer *out, const view *v)
{
    static const char *const kinds[] = {[VIT_TOWER_IMAGE] = "image", [VIT_TOWER_TEXT] = "text"};
    static const char *const results[] = {
        [SERVE_INPUT_OK] = "ok", [SERVE_INPUT_FAILED] = "failed", [SERVE_INPUT_DROPPED] = "dropped"};
    for (int kind = 0; kind < 2; kind++)
        for (int result = 0; result < SERVE_INPUT_RESULTS; result++)
            vit__buffer_format(out, "vit_inputs_total{%s,kind=\"%s\",result=\"%s\"} %zu\n", v->label, kinds[kind],
                               results[result], v->figures.inputs[kind][result]);
}

static void put_queue(vit__buffer *out, const view *v)
{
    vit__buffer_format(out, "vit_queue_inputs{%s} %zu\n", v->label, v->figures.waiting);
}

static void put_waits(vit__buffer *out, const view *v)
{
    put_times(out, "vit_queue_wait_seconds", v->label, &v->figures.queue);
}

static void put_stages(vit__buffer *out, const view *v)
{
    static const char *const stages[] = {"parse", "decode", "preprocess", "encode", "write"};
    for (int i = 0; i < SERVE_STAGES; i++)
        vit__buffer_format(out,
                           "vit_stage_seconds_sum{%s,stage=\"%s\"} %.9g\n"
                           "vit_stage_seconds_count{%s,stage=\"%s\"} %zu\n",
                           v->label, stages[i], v->figures.stages[i].seconds, v->label, stages[i],
                           v->figures.stages[i].n);
}

static void put_batches(vit__buffer *out, const view *v)
{
    size_t sum = 0;
    for (size_t i = 0; i < SERVE_BATCH_SIZES; i++) {
        sum += v->figures.batches[i];
        vit__buffer_format(out, "vit_batch_inputs_bucket{%s,le=\"%zu\"} %zu\n", v->label, (size_t)1 << i, sum);
    }
    vit__buffer_format(out,
                       "vit_batch_inputs_bucket{%s,le=\"+Inf\"} %zu\nvit_batch_inputs_sum{%s} %zu\n"
                       "vit_batch_inputs_count{%s} %zu\n",
                       v->label, v->figures.n_batches, v->label, v->figures.batched, v->label, v->figures.n_batches);
}

static void put_cached(vit__buffer *out, const view *v)
{
    vit__buffer_format(out, "vit_text_cache_hits_total{%s} %zu\n", v->label, v->figures.cached);
}

static const struct {
    const char *name, *type, *help;
    void (*put)(vit__buffer *out, const view *v);
} of_models[] = {
    {"vit_model_info", "gauge", "The models that are served.", put_info},
    {"vit_model_loaded", "gauge", "1: its weights are in memory.", put_loaded},
    {"vit_model_load_seconds", "gauge", "What loading took the last time.", put_load_seconds},
    {"vit_model_unloads_total", "counter", "How often its weights left memory.", put_unloads},
    {"vit_inputs_total", "counter", "Inputs of requests that were admitted, and what became of them.", put_inputs},
    {"vit_queue_inputs", "gauge", "Inputs that wait for the encoder.", put_queue},
    {"vit_queue_wait_seconds", "histogram", "How long a request waited for its first input to be encoded.", put_waits},
    {"vit_stage_seconds", "summary", "Time that each stage took; decode and preprocess in seconds of a processor.",
     put_stages},
    {"vit_batch_inputs", "histogram", "Inputs that were encoded together.", put_batches},
    {"vit_text_cache_hits_total", "counter", "Words whose vector was known.", put_cached},
};

/* The samples of a metric stand together: so metric by metric, and in each model by model. */
static void write_models(const serve_app *app, vit__buffer *out)
{
    size_t n = serve_models_count(app->models);
    for (size_t row = 0; row < sizeof of_models / sizeof *of_models; row++) {
        head(out, of_models[row].name, of_models[row].type, of_models[row].help);
        for (size_t i = 0; i < n; i++) {
            vit__buffer label = {0};
            view v = {.model = serve_models_at(app->models, i)};
            put_label(&label, "model", v.model->name);
            vit__buffer_add(&label, "", 1);
            v.label = label.failed ? "model=\"\"" : label.data;
            serve_engine_read_model(app->engine, v.model, &v.figures);
            of_models[row].put(out, &v);
            vit__buffer_free(&label);
        }
    }
}

static void write_memory(const serve_app *app, vit__buffer *out)
{
    serve_engine_figures f;
    serve_engine_read(app->engine, &f);
    one(out, "vit_memory_budget_bytes", "gauge", "Memory that requests may take together.", (double)f.memory);
    one(out, "vit_memory_used_bytes", "gauge", "Memory that requests have taken.", (double)f.memory_used);
}

/* ------------------------------------------------------------------ the process ---- */

static void write_process(const serve_app *app, vit__buffer *out)
{
    one(out, "process_cpu_seconds_total", "counter", "Seconds of processors.", serve_process_seconds());
    one(out, "process_resident_memory_bytes", "gauge", "Memory in use.", serve_process_memory());
    one(out, "process_open_fds", "gauge", "Open files.", (double)serve_process_files());
    one(out, "process_max_fds", "gauge", "Files that may be open.", (double)serve_process_most_files());
    one(out, "process_start_time_seconds", "gauge", "When it was started, since 1970.", app->started);
}

static void write_build(const serve_app *app, vit__buffer *out)
{
    const serve_model *first = serve_models_at(app->models, 0);
    head(out, "vit_build_info", "gauge", "The version, and the instruction set that multiplies.");
    vit__buffer_format(out, "vit_build_info{version=\"%s\",kernels=\"%s\"} 1\n", vit_version(),
                       first->known && first->facts.kernels ? first->facts.kernels : "");
}

void serve_metrics_write(serve_metrics *metrics, const serve_app *app, vit__buffer *out)
{
    serve_http_figures http = {0};
    serve_http_read(app->http, &http);
    write_build(app, out);
    write_models(app, out);
    pthread_mutex_lock(&metrics->lock);
    write_routes(metrics, out);
    head(out, "vit_rejected_total", "counter", "Requests that were refused.");
    for (size_t i = 0; i < REASONS; i++)
        vit__buffer_format(out, "vit_rejected_total{reason=\"%s\"} %zu\n", reasons[i].name, metrics->rejected[i]);
    pthread_mutex_unlock(&metrics->lock);
    one(out, "vit_http_requests_in_flight", "gauge", "Requests that are read or answered now.", (double)http.in_flight);
    one(out, "vit_http_connections", "gauge", "Open connections.", (double)http.connections);
    one(out, "vit_http_slow_total", "counter", "Connections that were cut off as too slow.", (double)http.slow);
    one(out, "vit_http_received_bytes_total", "counter", "Bytes of bodies that came.", (double)http.received);
    one(out, "vit_http_sent_bytes_total", "counter", "Bytes of bodies that went.", (double)http.sent);
    write_memory(app, out);
    write_process(app, out);
}
