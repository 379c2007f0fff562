/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "json_text.h"
#include "memory.h"

#define STATUSES 24 /* different ones of a route and method */
#define BOUNDS (sizeof bounds / sizeof *bounds)

static const double bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

typedef struct route_figures {
    struct {
        char method[8];
        unsigned status;
        size_t n;
    } answers[STATUSES];
    size_t n_answers, buckets[16], n; /* [BOUNDS + 1] */
    double seconds;
} route_figures;

struct serve_metrics {
    pthread_mutex_t lock;
    size_t n;              /* routes, and one for no route */
    route_figures *routes; /* [n] */
    size_t rejected[3];    /* load, stopping, memory */
    struct {
        size_t ok, failed;
    } inputs[64]; /* by model */
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

void serve_metrics_count(serve_metrics *metrics, const serve_route *route, const char *method, unsigned status,
                         double seconds)
{
    size_t i = 0, bucket = 0;
    const char *known = known_method(method);
    while (bucket < BOUNDS && seconds > bounds[bucket])
        bucket++;
    pthread_mutex_lock(&metrics->lock);
    route_figures *r = &metrics->routes[route ? serve_route_index(route) : metrics->n - 1];
    while (i < r->n_answers && (r->answers[i].status != status || strcmp(r->answers[i].method, known) != 0))
        i++;
    if (i == r->n_answers && i < STATUSES) {
        snprintf(r->answers[i].method, sizeof r->answers[i].method, "%s", known);
        r->answers[i].status = status;
        r->n_answers++;
    }
    if (i < STATUSES)
        r->answers[i].n++;
    r->buckets[bucket]++;
    r->n++;
    r->seconds += seconds;
    metrics->rejected[0] += status == 429;
    metrics->rejected[1] += status == 503;
    metrics->rejected[2] += status == 413;
    pthread_mutex_unlock(&metrics->lock);
}

void serve_metrics_inputs(serve_metrics *metrics, size_t model, size_t inputs, unsigned status)
{
    pthread_mutex_lock(&metrics->lock);
    if (model < 64 && status == 200)
        metrics->inputs[model].ok += inputs;
    else if (model < 64)
        metrics->inputs[model].failed += inputs;
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

static const char *path_of(const serve_metrics *metrics, size_t route)
{
    return route + 1 < metrics->n ? serve_route_at(route)->path : "none";
}

static void write_routes(serve_metrics *metrics, vit__buffer *out)
{
    head(out, "vit_http_requests_total", "counter", "Requests that were answered.");
    for (size_t i = 0; i < metrics->n; i++)
        for (size_t j = 0; j < metrics->routes[i].n_answers; j++)
            vit__buffer_format(out, "vit_http_requests_total{route=\"%s\",method=\"%s\",code=\"%u\"} %zu\n",
                               path_of(metrics, i), metrics->routes[i].answers[j].method,
                               metrics->routes[i].answers[j].status, metrics->routes[i].answers[j].n);
    head(out, "vit_http_request_duration_seconds", "histogram", "From the complete header to the written answer.");
    for (size_t i = 0; i < metrics->n; i++) {
        const route_figures *r = &metrics->routes[i];
        /* Two rows of the table may have one path: the first has the name, the second is told apart by its method. */
        if (r->n == 0)
            continue;
        size_t sum = 0;
        const char *method = i + 1 < metrics->n ? serve_route_at(i)->method : "any";
        for (size_t j = 0; j <= BOUNDS; j++) {
            char bound[16] = "+Inf";
            sum += r->buckets[j];
            if (j < BOUNDS)
                snprintf(bound, sizeof bound, "%g", bounds[j]);
            vit__buffer_format(out,
                               "vit_http_request_duration_seconds_bucket{route=\"%s\",method=\"%s\",le=\"%s\"} %zu\n",
                               path_of(metrics, i), method, bound, sum);
        }
        vit__buffer_format(out,
                           "vit_http_request_duration_seconds_sum{route=\"%s\",method=\"%s\"} %.9g\n"
                           "vit_http_request_duration_seconds_count{route=\"%s\",method=\"%s\"} %zu\n",
                           path_of(metrics, i), method, r->seconds, path_of(metrics, i), method, r->n);
    }
}

static void write_models(serve_metrics *metrics, const serve_app *app, vit__buffer *out)
{
    size_t n = serve_models_count(app->models);
    head(out, "vit_model_info", "gauge", "The models that are served.");
    for (size_t i = 0; i < n; i++) {
        const serve_model *model = serve_models_at(app->models, i);
        vit__buffer_add_string(out, "vit_model_info{");
        put_label(out, "model", model->name);
        vit__buffer_add_string(out, ",");
        put_label(out, "family", model->known ? model->facts.family : "");
        vit__buffer_format(out, ",precision=\"%s\",digest=\"%s\",preprocessing=\"%s\"} 1\n",
                           model->known ? model->facts.precision : "", model->facts.digest, model->facts.preprocessing);
    }
    static const struct {
        const char *name, *type, *help;
    } rows[] = {{"vit_model_loaded", "gauge", "1: its weights are in memory."},
                {"vit_model_load_seconds", "gauge", "What loading took the last time."},
                {"vit_model_unloads_total", "counter", "How often its weights left memory."}};
    for (size_t row = 0; row < 3; row++) {
        head(out, rows[row].name, rows[row].type, rows[row].help);
        for (size_t i = 0; i < n; i++) {
            const serve_model *model = serve_models_at(app->models, i);
            const double values[] = {model->loaded, model->facts.load_seconds, (double)model->unloads};
            vit__buffer_format(out, "%s{", rows[row].name);
            put_label(out, "model", model->name);
            vit__buffer_format(out, "} %.9g\n", values[row]);
        }
    }
    head(out, "vit_inputs_total", "counter", "Inputs of requests.");
    for (size_t i = 0; i < n && i < 64; i++)
        for (int failed = 0; failed < 2; failed++) {
            vit__buffer_add_string(out, "vit_inputs_total{");
            put_label(out, "model", serve_models_at(app->models, i)->name);
            vit__buffer_format(out, ",result=\"%s\"} %zu\n", failed ? "failed" : "ok",
                               failed ? metrics->inputs[i].failed : metrics->inputs[i].ok);
        }
}

static void write_engine(const serve_app *app, vit__buffer *out)
{
    serve_engine_figures f;
    size_t sum = 0;
    serve_engine_read(app->engine, &f);
    one(out, "vit_queue_inputs", "gauge", "Inputs that wait for the encoder.", (double)f.waiting);
    one(out, "vit_queue_wait_seconds_total", "counter", "Seconds that requests waited for the encoder.",
        f.queue_seconds);
    head(out, "vit_stage_seconds_total", "counter", "Seconds of the stages.");
    vit__buffer_format(out, "vit_stage_seconds_total{stage=\"load\"} %.9g\n", f.load_seconds);
    vit__buffer_format(out, "vit_stage_seconds_total{stage=\"encode\"} %.9g\n", f.encode_seconds);
    head(out, "vit_batch_inputs", "histogram", "Inputs that were encoded together.");
    for (size_t i = 0; i < SERVE_BATCH_SIZES; i++) {
        sum += f.batches[i];
        vit__buffer_format(out, "vit_batch_inputs_bucket{le=\"%zu\"} %zu\n", (size_t)1 << i, sum);
    }
    vit__buffer_format(
        out, "vit_batch_inputs_bucket{le=\"+Inf\"} %zu\nvit_batch_inputs_sum %zu\nvit_batch_inputs_count %zu\n",
        f.n_batches, f.batched, f.n_batches);
    one(out, "vit_text_cache_hits_total", "counter", "Words whose vector was known.", (double)f.cached);
    one(out, "vit_memory_budget_bytes", "gauge", "Memory that requests may take together.", (double)f.memory);
    one(out, "vit_memory_used_bytes", "gauge", "Memory that requests have taken.", (double)f.memory_used);
}

static double count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    double n = -3; /* . and .. and the folder's own */
    while (folder && readdir(folder))
        n++;
    if (folder)
        closedir(folder);
    return n < 0 ? 0 : n;
}

static double resident(void)
{
    unsigned long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%lu %lu", &size, &pages) != 2)
        pages = 0;
    if (file)
        fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void write_process(const serve_app *app, vit__buffer *out)
{
    struct rusage usage = {0};
    struct rlimit files = {0};
    getrusage(RUSAGE_SELF, &usage);
    getrlimit(RLIMIT_NOFILE, &files);
    one(out, "process_cpu_seconds_total", "counter", "Seconds of processors.",
        (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
            1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec));
    one(out, "process_resident_memory_bytes", "gauge", "Memory in use.", resident());
    one(out, "process_open_fds", "gauge", "Open files.", count_fds());
    one(out, "process_max_fds", "gauge", "Files that may be open.", (double)files.rlim_cur);
    one(out, "process_start_time_seconds", "gauge", "When it was started, since 1970.", app->started);
}

void serve_metrics_write(serve_metrics *metrics, const serve_app *app, vit__buffer *out)
{
    static const char *const reasons[] = {"overloaded", "unavailable", "too_large"};
    serve_http_figures http = {0};
    serve_http_read(app->http, &http);
    head(out, "vit_build_info", "gauge", "The version.");
    vit__buffer_format(out, "vit_build_info{version=\"%s\"} 1\n", vit_version());
    pthread_mutex_lock(&metrics->lock);
    write_models(metrics, app, out);
    write_routes(metrics, out);
    head(out, "vit_rejected_total", "counter", "Requests that were refused.");
    for (size_t i = 0; i < 3; i++)
        vit__buffer_format(out, "vit_rejected_total{reason=\"%s\"} %zu\n", reasons[i], metrics->rejected[i]);
    pthread_mutex_unlock(&metrics->lock);
    one(out, "vit_http_requests_in_flight", "gauge", "Requests that are answered now.", (double)http.in_flight);
    one(out, "vit_http_connections", "gauge", "Open connections.", (double)http.connections);
    one(out, "vit_http_slow_total", "counter", "Connections that were cut off as too slow.", (double)http.slow);
    one(out, "vit_http_received_bytes_total", "counter", "Bytes of bodies that came.", (double)http.received);
    one(out, "vit_http_sent_bytes_total", "counter", "Bytes of bodies that went.", (double)http.sent);
    write_engine(app, out);
    write_process(app, out);
}
