/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server as a whole: sockets, models, life. It listens at once, answers 503 while it loads, serves, and on SIGTERM
 * or SIGINT lets what is being answered finish. It tells systemd (NOTIFY_SOCKET) and takes its sockets (LISTEN_FDS).
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <stdbool.h>
#include <stddef.h>

#include "vit/pipeline.h"

typedef struct serve_options {
    const char *const *models; /* [n_models] "NAME=MODEL" or "MODEL" */
    size_t n_models;
    const char *const *aliases; /* [n_aliases] "NAME=NAME2": NAME is another name of NAME2 */
    size_t n_aliases;
    const char *const *listen; /* [n_listen] "127.0.0.1:8080", "[::1]:0", "unix:PATH" */
    size_t n_listen;
    const char *const *hosts; /* [n_hosts] further names that clients may call it by */
    size_t n_hosts;
    const char *const *origins; /* [n_origins] whose pages may ask */
    size_t n_origins;
    const char *key_file, *key;
    bool no_auth;
    vit_pipeline_options pipeline;                   /* of every model */
    size_t batch;                                    /* 0: as many as threads */
    double batch_delay, timeout, drain, idle_unload; /* seconds; idle_unload 0: never */
    size_t queue, max_inputs, max_memory, max_body, max_connections, text_cache;
    bool lazy, any_dimensions;
    const char *place;         /* of an index; NULL: none */
    const char *const *labels; /* [n_labels] of a classifier in words, for the default model */
    size_t n_labels;
    const char *const *templates;
    size_t n_templates;
    int log;                           /* 0: text, 1: JSON, 2: none */
    void (*note)(const char *message); /* a line for people */
} serve_options;

typedef enum serve_result {
    SERVE_RESULT_DONE,
    SERVE_RESULT_USAGE, /* what was asked for cannot be: err->where is the option */
    SERVE_RESULT_MODEL, /* a model, or the index, cannot be opened */
    SERVE_RESULT_LISTEN /* an address cannot be listened on */
} serve_result;

/* Runs until a signal ends it. Blocks SIGTERM, SIGINT and SIGHUP in all threads and waits for them. */
serve_result serve_run(const serve_options *options, vit_error *err);

#endif
