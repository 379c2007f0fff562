/* SPDX-License-Identifier: BSD-2-Clause */
/* What the server counts, as Prometheus reads it (text format 0.0.4). */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include "app.h"
#include "routes.h"

serve_metrics *serve_metrics_create(void); /* NULL: out of memory */
void serve_metrics_free(serve_metrics *metrics);

/* A request has been answered. route NULL: none was found. */
void serve_metrics_count(serve_metrics *metrics, const serve_route *route, const char *method, unsigned status,
                         double seconds);

void serve_metrics_write(serve_metrics *metrics, const serve_app *app, vit__buffer *out);

#endif
