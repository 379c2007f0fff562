/* SPDX-License-Identifier: BSD-2-Clause */
/* What all requests share. */
#ifndef SERVE_APP_H
#define SERVE_APP_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine.h"
#include "gate.h"
#include "http.h"
#include "vit/index.h"

typedef struct serve_limits {
    uint64_t body, pixels, memory;
    size_t inputs, requests; /* of a request; that are in work at a time */
    double timeout;          /* seconds that a request waits for the encoder */
} serve_limits;

typedef struct serve_metrics serve_metrics; /* metrics.h */

typedef struct serve_app {
    serve_models *models;
    serve_engine *engine;
    serve_http *http;
    serve_gate *gate;
    serve_limits limits;
    serve_metrics *metrics;
    const char *place;          /* of the index; NULL: none */
    pthread_mutex_t searches;   /* an index belongs to one thread at a time */
    pthread_mutex_t thumbnails; /* one is made at a time, so that the file of one picture alone is in memory */
    vit_index *index;           /* NULL: none */
    vit_labels *labels;         /* of --labels, of the default model; NULL: none */
    char **label_names;
    bool any_dimensions; /* --allow-dimensions */
    atomic_int state;    /* a serve_state */
    int log;             /* a serve_log_kind */
    double started;      /* seconds since 1970 */
} serve_app;

typedef enum serve_state { SERVE_LOADING, SERVE_READY, SERVE_ENDING } serve_state;
typedef enum serve_log_kind { SERVE_LOG_TEXT, SERVE_LOG_JSON, SERVE_LOG_OFF } serve_log_kind;

/* The functions that the HTTP layer calls; context is a serve_app. */
serve_handler serve_app_handler(serve_app *app);

#endif
