/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app.h"
#include "clock.h"
#include "cpu.h"
#include "error.h"
#include "listen.h"
#include "memory.h"
#include "metrics.h"
#include "notify.h"
#include "process.h"

#define TICK 0.25    /* seconds between looks at slow clients, idle models, the watchdog */
#define FAREWELL 2.0 /* seconds in which those are told that the server stops whom --drain left no time */

#define FURTHER_CONNECTIONS ((size_t)128) /* for idle clients, for probes, and for requests that are refused */
#define OTHER_FILES ((size_t)64)          /* models, an index, thumbnails */

typedef struct server {
    const serve_options *options;
    serve_app app;
    serve_socket *sockets;
    int *fds;
    size_t n_sockets;
    sigset_t signals;
    double fed;   /* when the watchdog was last fed */
    size_t beats; /* of the encoder, then */
    vit_error *err;
} server;

static void note(const server *s, const char *words, const char *further)
{
    char message[640];
    snprintf(message, sizeof message, "%s%s", words, further);
    if (s->options->note)
        s->options->note(message);
}

/* ------------------------------------------------------------------ sockets ---- */

/* Other machines may ask only with a key, or where --no-auth says that this is meant. */
static serve_result check_reach(server *s, const char *address, bool local)
{
    if (local || serve_gate_has_keys(s->app.gate) || s->options->no_auth)
        return SERVE_RESULT_DONE;
    vit__fail(s->err, VIT_ERR_INVALID_ARGUMENT, address,
              "other machines reach this address: give keys with --api-key-file or $VIT_API_KEY, or say that none are "
              "wanted with --no-auth");
    return SERVE_RESULT_USAGE;
}

/* Of the addresses asked for, before any of them is opened. */
static serve_result check_addresses(server *s)
{
    const serve_options *o = s->options;
    serve_result result = SERVE_RESULT_DONE;
    for (size_t i = 0; i < o->n_listen && serve_listen_passed() == 0 && result == SERVE_RESULT_DONE; i++)
        result = check_reach(s, o->listen[i], serve_listen_is_local(o->listen[i]));
    return result;
}

static serve_result open_socket(server *s, size_t i, bool passed)
{
    serve_socket *to = &s->sockets[i];
    if (!passed && serve_listen(s->options->listen[i], to, s->err) != VIT_OK)
        return s->err->status == VIT_ERR_INVALID_ARGUMENT ? SERVE_RESULT_USAGE : SERVE_RESULT_LISTEN;
    if (passed)
        serve_listen_adopt((int)i, to);
    s->fds[s->n_sockets++] = to->fd;
    return check_reach(s, to->where, to->local);
}

static serve_result open_sockets(server *s)
{
    size_t passed = serve_listen_passed(), n = passed ? passed : s->options->n_listen;
    serve_result result = check_addresses(s);
    s->sockets = vit__alloc_zero(n, sizeof *s->sockets);
    s->fds = vit__alloc(n, sizeof *s->fds);
    if (result == SERVE_RESULT_DONE && (!s->sockets || !s->fds)) {
        vit__fail_memory(s->err, NULL);
        return SERVE_RESULT_LISTEN;
    }
    for (size_t i = 0; i < n && result == SERVE_RESULT_DONE; i++)
        result = open_socket(s, i, passed > 0);
    return result;
}

/* ------------------------------------------------------------------ what is served ---- */

static vit_status fill_gate(server *s)
{
    const serve_options *o = s->options;
    serve_gate *gate = s->app.gate = serve_gate_create();
    vit_status status = gate ? VIT_OK : vit__fail_memory(s->err, NULL);
    if (status == VIT_OK && (o->key_file || (o->key && *o->key)))
        status = serve_gate_read_keys(gate, o->key_file, o->key, s->err);
    for (size_t i = 0; i < o->n_hosts && status == VIT_OK; i++)
        status = serve_gate_allow_host(gate, o->hosts[i], s->err);
    for (size_t i = 0; i < o->n_origins && status == VIT_OK; i++)
        status = serve_gate_allow_origin(gate, o->origins[i], s->err);
    if (status == VIT_OK && o->no_auth)
        serve_gate_open(gate);
    return status;
}

/* "NAME=MODEL": a name may hold '/', as ids do. A path with '='
 * in it stands alone: it begins as paths do, or is there. */
static vit_status add_model(server *s, const char *text)
{
    const char *equals = strchr(text, '=');
    bool named = equals && equals > text && !strchr("/.~", *text) && access(text, F_OK) != 0;
    char name[256] = "";
    if (named && equals - text >= (long)sizeof name)
        return vit__fail(s->err, VIT_ERR_INVALID_ARGUMENT, text, "the name of a model has %zu characters at most",
                         sizeof name - 1);
    if (named)
        memcpy(name, text, (size_t)(equals - text));
    vit_pipeline_options pipeline = s->options->pipeline;
    pipeline.batch = s->options->batch;
    return serve_models_add(s->app.models, *name ? name : NULL, named ? equals + 1 : text, &pipeline, s->err);
}

static vit_status add_alias(server *s, const char *text)
{
    const char *equals = strchr(text, '=');
    char name[256];
    if (!equals || equals == text || !equals[1] || equals - text >= (long)sizeof name)
        return vit__fail(s->err, VIT_ERR_INVALID_ARGUMENT, text, "--alias NAME=NAME2 is wanted");
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    return serve_models_alias(s->app.models, name, equals + 1, s->err);
}

static vit_status fill_models(server *s)
{
    const serve_options *o = s->options;
    vit_status status = (s->app.models = serve_models_create()) ? VIT_OK : vit__fail_memory(s->err, NULL);
    for (size_t i = 0; i < o->n_models && status == VIT_OK; i++)
        status = add_model(s, o->models[i]);
    for (size_t i = 0; i < o->n_aliases && status == VIT_OK; i++)
        status = add_alias(s, o->aliases[i]);
    return status;
}

static vit_status start_engine(server *s)
{
    const serve_options *o = s->options;
    const serve_engine_options engine = {.batch = o->batch,
                                         .batch_delay = o->batch_delay,
                                         .queue = o->queue,
                                         .memory = o->max_memory,
                                         .loaders = vit__cpu_count(),
                                         .text_cache = o->text_cache};
    s->app.limits = (serve_limits){.body = o->max_body,
                                   .pixels = o->pipeline.load.max_pixels,
                                   .inputs = o->max_inputs,
                                   .requests = o->max_connections,
                                   .memory = o->max_memory,
                                   .timeout = o->timeout};
    s->app.log = o->log;
    s->app.any_dimensions = o->any_dimensions;
    s->app.place = o->place;
    s->app.started = (double)time(NULL);
    s->app.metrics = serve_metrics_create();
    return s->app.metrics ? serve_engine_create(&engine, &s->app.engine, s->err) : vit__fail_memory(s->err, NULL);
}

static void log_library(const char *message)
{
    fprintf(stderr, "vit: libmicrohttpd: %s\n", message);
}

/* Connections that there can be descriptors for; a third of few ones is kept for those that are not served. */
static void count_connections(server *s, size_t *requests, size_t *connections)
{
    char words[96];
    size_t wanted = s->options->max_connections + FURTHER_CONNECTIONS + OTHER_FILES;
    size_t there = serve_process_reserve_files(wanted);
    *requests = s->options->max_connections;
    if (there < wanted) {
        size_t left = there > OTHER_FILES + 12 ? there - OTHER_FILES : 12;
        size_t further = left / 3 < FURTHER_CONNECTIONS ? left / 3 : FURTHER_CONNECTIONS;
        *requests = left - further < *requests ? left - further : *requests;
        snprintf(words, sizeof words, "so few files may be open (ulimit -n) that %zu connections are served at a time",
                 *requests);
        note(s, words, "");
    }
    *connections = *requests + (there < wanted ? *requests / 2 : FURTHER_CONNECTIONS);
}

static vit_status start_http(server *s)
{
    size_t requests, connections;
    count_connections(s, &requests, &connections);
    const serve_http_options http = {.sockets = s->fds,
                                     .n = s->n_sockets,
                                     .max_requests = requests,
                                     .max_connections = connections,
                                     .max_body = s->options->max_body,
                                     .handler = serve_app_handler(&s->app),
                                     .log = log_library};
    return serve_http_start(&http, &s->app.http, s->err);
}

/* ------------------------------------------------------------------ loading ---- */

static vit_status load_models(server *s)
{
    vit_status status = VIT_OK;
    for (size_t i = 0; i < serve_models_count(s->app.models) && status == VIT_OK && !s->options->lazy; i++) {
        serve_model *model = serve_models_at(s->app.models, i);
        vit_error err = {0};
        status = serve_model_hold(model, &err);
        if (status == VIT_OK)
            serve_model_release(model);
        else
            vit__fail(s->err, status, model->path, "%s", err.message);
    }
    return status;
}

/* The classifier of --labels: vectors of words, once. */
static vit_status make_labels(server *s)
{
    const serve_options *o = s->options;
    serve_model *model = serve_models_at(s->app.models, 0);
    if (o->n_labels == 0)
        return VIT_OK;
    vit_status status = serve_model_hold(model, s->err);
    if (status != VIT_OK)
        return status;
    vit_pipeline *words = model->towers[VIT_TOWER_TEXT];
    if (!words || !model->facts.compares)
        status = vit__fail(s->err, VIT_ERR_UNSUPPORTED_MODEL, "--labels",
                           "model %s does not compare pictures with words", model->name);
    else
        status = vit_labels_create(words, o->labels, o->n_labels, o->templates, o->n_templates, &s->app.labels, s->err);
    s->app.label_names = (char **)(uintptr_t)o->labels; /* only read */
    serve_model_release(model);
    return status;
}

/* Vectors of another model, or made otherwise, would give nonsense. */
static vit_status open_index(server *s)
{
    serve_model *model = serve_models_at(s->app.models, 0);
    vit_recipe recipe = {{0}};
    vit_index_pin pin = {0};
    if (!s->options->place)
        return VIT_OK;
    vit_status status = vit_index_open(s->options->place, NULL, &s->app.index, s->err);
    if (status == VIT_OK)
        status = serve_model_hold(model, s->err);
    if (status != VIT_OK)
        return status;
    status = vit_recipe_take(model->towers[VIT_TOWER_IMAGE], &recipe, s->err);
    if (status == VIT_OK)
        status = vit_index_pin_take(&recipe, model->path, NULL, &pin, s->err);
    vit_recipe_key key = status == VIT_OK ? vit_index_pin_differs(vit_index_get_pin(s->app.index), &pin)
                                          : VIT_RECIPE_KEYS;
    if (key != VIT_RECIPE_KEYS)
        status = vit__fail(s->err, VIT_ERR_MODEL_MISMATCH, s->options->place,
                           "the index was made with another %s than model %s has: its vectors cannot be compared",
                           vit_recipe_name(key), model->name);
    vit_index_pin_free(&pin);
    vit_recipe_free(&recipe);
    serve_model_release(model);
    return status;
}

/* ------------------------------------------------------------------ life ---- */

/* The next signal, or 0 after `seconds`. */
static int await_signal(server *s, double seconds)
{
    const struct timespec wait = {.tv_sec = (time_t)seconds,
                                  .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    int signal = sigtimedwait(&s->signals, NULL, &wait);
    return signal > 0 ? signal : 0;
}

/* systemd ends a server whose encoder stands still while inputs wait. */
static void feed_watchdog(server *s)
{
    double wanted = serve_notify_watchdog();
    serve_engine_figures f;
    if (wanted <= 0 || vit__seconds() - s->fed < wanted / 3)
        return;
    serve_engine_read(s->app.engine, &f);
    if (f.waiting == 0 || f.beats != s->beats)
        serve_notify("WATCHDOG=1");
    s->beats = f.beats;
    s->fed = vit__seconds();
}

static void tick(server *s)
{
    serve_http_reap(s->app.http);
    for (size_t i = 0; i < serve_models_count(s->app.models) && s->options->idle_unload > 0; i++)
        serve_model_unload(serve_models_at(s->app.models, i), s->options->idle_unload);
    feed_watchdog(s);
}

static void read_keys_again(server *s)
{
    vit_error err = {0};
    if (s->options->key_file &&
        serve_gate_read_keys(s->app.gate, s->options->key_file, s->options->key, &err) != VIT_OK)
        note(s, "the keys stay as they were: ", err.message);
    else
        note(s, "the keys were read again", "");
}

static void serve_until_signal(server *s)
{
    atomic_store(&s->app.state, SERVE_READY); /* before it is said: who reads the note may ask at once */
    for (size_t i = 0; i < s->n_sockets; i++)
        note(s, "listening on ", s->sockets[i].where);
    serve_notify("READY=1");
    for (;;) {
        int signal = await_signal(s, TICK);
        if (signal == SIGTERM || signal == SIGINT)
            return;
        if (signal == SIGHUP)
            read_keys_again(s);
        tick(s);
    }
}

/* Until all answers are written, for so many seconds. A further signal ends the wait. */
static void await_answers(server *s, double seconds)
{
    double end = vit__seconds() + seconds;
    while (serve_http_in_flight(s->app.http) > 0 && vit__seconds() < end) {
        int signal = await_signal(s, 0.02);
        if (signal == SIGTERM || signal == SIGINT)
            break;
        serve_http_reap(s->app.http);
    }
}

/* What is being answered has --drain seconds. The rest is told that the server stops. */
static void drain(server *s)
{
    atomic_store(&s->app.state, SERVE_ENDING);
    serve_notify("STOPPING=1");
    serve_http_quiesce(s->app.http);
    await_answers(s, s->options->drain);
    serve_engine_stop(s->app.engine);
    await_answers(s, FAREWELL);
}

static serve_result run(server *s)
{
    if (fill_gate(s) != VIT_OK || fill_models(s) != VIT_OK)
        return SERVE_RESULT_USAGE;
    serve_result result = open_sockets(s);
    if (result != SERVE_RESULT_DONE)
        return result;
    if (start_engine(s) != VIT_OK || start_http(s) != VIT_OK)
        return SERVE_RESULT_LISTEN;
    if (load_models(s) != VIT_OK || make_labels(s) != VIT_OK || open_index(s) != VIT_OK)
        return SERVE_RESULT_MODEL;
    serve_until_signal(s);
    drain(s);
    return SERVE_RESULT_DONE;
}

static void close_server(server *s)
{
    if (s->app.engine)
        serve_engine_stop(s->app.engine);
    serve_http_free(s->app.http); /* waits for all answers */
    serve_engine_free(s->app.engine);
    vit_labels_free(s->app.labels);
    vit_index_free(s->app.index);
    serve_models_free(s->app.models);
    serve_metrics_free(s->app.metrics);
    serve_gate_free(s->app.gate);
    for (size_t i = 0; i < s->n_sockets; i++)
        serve_listen_close(&s->sockets[i]);
    free(s->sockets);
    free(s->fds);
    pthread_mutex_destroy(&s->app.thumbnails);
    pthread_mutex_destroy(&s->app.searches);
}

serve_result serve_run(const serve_options *options, vit_error *err)
{
    vit_error own = {0};
    server s = {.options = options, .err = &own};
    pthread_mutex_init(&s.app.searches, NULL);
    pthread_mutex_init(&s.app.thumbnails, NULL);
    sigemptyset(&s.signals);
    sigaddset(&s.signals, SIGTERM);
    sigaddset(&s.signals, SIGINT);
    sigaddset(&s.signals, SIGHUP);
    sigset_t blocked = s.signals;
    sigaddset(&blocked, SIGPIPE); /* a client that has gone is an error of its write */
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    serve_result result = run(&s);
    close_server(&s);
    if (err)
        *err = own;
    return result;
}
