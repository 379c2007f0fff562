/* SPDX-License-Identifier: BSD-2-Clause */
/* Which endpoint answers which path: one table. */
#ifndef SERVE_ROUTES_H
#define SERVE_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "errors.h"

struct serve_call;

#define SERVE_VARS 2

/* What stands for {m} and {task} in a path. */
typedef struct serve_vars {
    char model[512], task[64];
} serve_vars;

typedef struct serve_route {
    const char *method; /* GET also answers HEAD */
    const char *path;   /* {m} is any text, with slashes too; {task}, {id} and {name} one part of the path */
    serve_shape shape;
    bool open; /* needs no key */
    bool (*endpoint)(struct serve_call *call);
} serve_route;

/* The route of a request: the first path of the table that fits decides, and then the method. NULL: *code says why (not
 * found, wrong method), and *allowed then lists the methods of that path. */
const serve_route *serve_route_find(const char *method, const char *path, serve_vars *vars, serve_code *code,
                                    char allowed[64]);

/* How a client of this path reads errors, whatever its method, also where nothing is found. path may be NULL. */
serve_shape serve_route_shape(const char *path);

/* All of them, for metrics and the description of the interface. */
size_t serve_route_count(void);
const serve_route *serve_route_at(size_t index);
size_t serve_route_index(const serve_route *route);

/* Endpoints, each in the file of its dialect. */
bool serve_openai_embeddings(struct serve_call *call);
bool serve_openai_models(struct serve_call *call);
bool serve_openai_model(struct serve_call *call);
bool serve_hf_task(struct serve_call *call);
bool serve_tei_embed(struct serve_call *call);
bool serve_tei_info(struct serve_call *call);
bool serve_kserve_server(struct serve_call *call);
bool serve_kserve_live(struct serve_call *call);
bool serve_kserve_ready(struct serve_call *call);
bool serve_kserve_model(struct serve_call *call);
bool serve_kserve_model_ready(struct serve_call *call);
bool serve_kserve_config(struct serve_call *call);
bool serve_kserve_stats(struct serve_call *call);
bool serve_kserve_index(struct serve_call *call);
bool serve_kserve_infer(struct serve_call *call);
bool serve_not_offered(struct serve_call *call);
bool serve_immich_ping(struct serve_call *call);
bool serve_immich_predict(struct serve_call *call);
bool serve_cohere_embed(struct serve_call *call);
bool serve_voyage_embed(struct serve_call *call);
bool serve_ollama_embed(struct serve_call *call);
bool serve_ollama_embeddings(struct serve_call *call);
bool serve_ollama_tags(struct serve_call *call);
bool serve_ollama_version(struct serve_call *call);
bool serve_weaviate_vectorize(struct serve_call *call);
bool serve_weaviate_meta(struct serve_call *call);
bool serve_weaviate_live(struct serve_call *call);
bool serve_weaviate_ready(struct serve_call *call);
bool serve_own_classify(struct serve_call *call);
bool serve_own_attention(struct serve_call *call);
bool serve_own_search(struct serve_call *call);
bool serve_own_thumbnail(struct serve_call *call);
bool serve_health(struct serve_call *call);
bool serve_metrics_page(struct serve_call *call);
bool serve_openapi(struct serve_call *call);
bool serve_page(struct serve_call *call);
bool serve_page_script(struct serve_call *call);
bool serve_page_style(struct serve_call *call);
bool serve_page_picture(struct serve_call *call);

#endif
