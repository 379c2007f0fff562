/* SPDX-License-Identifier: BSD-2-Clause */
#include "routes.h"

#include <stdio.h>
#include <string.h>

#define OPENAI SERVE_SHAPE_OPENAI
#define PLAIN SERVE_SHAPE_PLAIN
#define DETAIL SERVE_SHAPE_DETAIL
#define MESSAGE SERVE_SHAPE_MESSAGE

/* The first that fits: paths that end behind {m} stand before those that end with it. */
/* clang-format off */
static const serve_route routes[] = {
    {"POST", "/v1/embeddings", OPENAI, false, serve_openai_embeddings},
    {"POST", "/embeddings", OPENAI, false, serve_openai_embeddings},
    {"GET", "/v1/models", OPENAI, false, serve_openai_models},
    {"GET", "/models", OPENAI, false, serve_openai_models},
    {"GET", "/v1/models/{m}", OPENAI, false, serve_openai_model},
    {"POST", "/models/{m}/pipeline/{task}", PLAIN, false, serve_hf_task},
    {"POST", "/pipeline/{task}/{m}", PLAIN, false, serve_hf_task},
    {"POST", "/models/{m}", PLAIN, false, serve_hf_task},
    {"POST", "/embed", PLAIN, false, serve_tei_embed},
    {"GET", "/info", PLAIN, false, serve_tei_info},
    {"GET", "/v2", PLAIN, false, serve_kserve_server},
    {"GET", "/v2/health/live", PLAIN, true, serve_kserve_live},
    {"GET", "/v2/health/ready", PLAIN, true, serve_kserve_ready},
    {"POST", "/v2/repository/index", PLAIN, false, serve_kserve_index},
    {"POST", "/v2/repository/models/{m}/load", PLAIN, false, serve_not_offered},
    {"POST", "/v2/repository/models/{m}/unload", PLAIN, false, serve_not_offered},
    {"GET", "/v2/systemsharedmemory/status", PLAIN, false, serve_not_offered},
    {"GET", "/v2/cudasharedmemory/status", PLAIN, false, serve_not_offered},
    {"POST", "/v2/systemsharedmemory/region/{m}/register", PLAIN, false, serve_not_offered},
    {"POST", "/v2/cudasharedmemory/region/{m}/register", PLAIN, false, serve_not_offered},
    {"POST", "/v2/systemsharedmemory/unregister", PLAIN, false, serve_not_offered},
    {"POST", "/v2/cudasharedmemory/unregister", PLAIN, false, serve_not_offered},
    {"POST", "/v2/embed", MESSAGE, false, serve_cohere_embed},
    {"GET", "/v2/models/{m}/versions/1/ready", PLAIN, false, serve_kserve_model_ready},
    {"GET", "/v2/models/{m}/versions/1/config", PLAIN, false, serve_kserve_config},
    {"GET", "/v2/models/{m}/versions/1/stats", PLAIN, false, serve_kserve_stats},
    {"POST", "/v2/models/{m}/versions/1/infer", PLAIN, false, serve_kserve_infer},
    {"GET", "/v2/models/{m}/versions/1", PLAIN, false, serve_kserve_model},
    {"GET", "/v2/models/{m}/ready", PLAIN, false, serve_kserve_model_ready},
    {"GET", "/v2/models/{m}/config", PLAIN, false, serve_kserve_config},
    {"GET", "/v2/models/{m}/stats", PLAIN, false, serve_kserve_stats},
    {"POST", "/v2/models/{m}/infer", PLAIN, false, serve_kserve_infer},
    {"GET", "/v2/models/{m}", PLAIN, false, serve_kserve_model},
    {"POST", "/predict", DETAIL, false, serve_immich_predict},
    {"GET", "/ping", DETAIL, true, serve_immich_ping},
    {"POST", "/v1/multimodalembeddings", DETAIL, false, serve_voyage_embed},
    {"POST", "/api/embed", PLAIN, false, serve_ollama_embed},
    {"POST", "/api/embeddings", PLAIN, false, serve_ollama_embeddings},
    {"GET", "/api/tags", PLAIN, false, serve_ollama_tags},
    {"GET", "/api/version", PLAIN, false, serve_ollama_version},
    {"POST", "/vectorize", PLAIN, false, serve_weaviate_vectorize},
    {"GET", "/meta", PLAIN, false, serve_weaviate_meta},
    {"GET", "/.well-known/live", PLAIN, true, serve_weaviate_live},
    {"GET", "/.well-known/ready", PLAIN, true, serve_weaviate_ready},
    {"POST", "/v1/classify", OPENAI, false, serve_own_classify},
    {"POST", "/v1/attention", OPENAI, false, serve_own_attention},
    {"POST", "/v1/search", OPENAI, false, serve_own_search},
    {"GET", "/v1/thumbnails/{id}", OPENAI, false, serve_own_thumbnail},
    {"GET", "/health", PLAIN, true, serve_health},
    {"GET", "/v1/health", PLAIN, true, serve_health},
    {"GET", "/metrics", PLAIN, false, serve_metrics_page},
    {"GET", "/openapi.json", PLAIN, false, serve_openapi},
    {"GET", "/page.js", PLAIN, true, serve_page_script},
    {"GET", "/page.css", PLAIN, true, serve_page_style},
    {"GET", "/v1/samples/{name}", OPENAI, true, serve_page_picture},
    {"GET", "/", PLAIN, true, serve_page},
    {"POST", "/", PLAIN, false, serve_hf_task},
};
/* clang-format on */
#define ROUTES (sizeof routes / sizeof *routes)

static bool keep(char *place, size_t room, const char *text, size_t size)
{
    if (size == 0 || size >= room)
        return false;
    memcpy(place, text, size);
    place[size] = '\0';
    return true;
}

/* The shortest text for a variable is tried first; {task} ends at a slash. */
static bool fits(const char *pattern, const char *path, serve_vars *vars)
{
    while (*pattern && *pattern != '{' && *pattern == *path)
        pattern++, path++;
    if (*pattern != '{')
        return *pattern == *path; /* both at their end */
    bool model = strncmp(pattern, "{m}", 3) == 0;
    const char *rest = strchr(pattern, '}') + 1;
    for (size_t size = 1; path[size - 1] && (model || path[size - 1] != '/'); size++)
        if (fits(rest, path + size, vars))
            return model ? keep(vars->model, sizeof vars->model, path, size)
                         : keep(vars->task, sizeof vars->task, path, size);
    return false;
}

static bool method_fits(const serve_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static void add_method(const char *method, char allowed[64])
{
    size_t used = strlen(allowed);
    snprintf(allowed + used, 64 - used, "%s%s%s", used ? ", " : "", method, strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

const serve_route *serve_route_find(const char *method, const char *path, serve_vars *vars, serve_code *code,
                                    char allowed[64])
{
    const char *found = NULL;
    *vars = (serve_vars){{0}, {0}};
    *allowed = '\0';
    for (size_t i = 0; i < ROUTES; i++) {
        if (found ? strcmp(routes[i].path, found) != 0 : !fits(routes[i].path, path, vars))
            continue;
        if (method_fits(&routes[i], method))
            return &routes[i];
        found = routes[i].path;
        add_method(routes[i].method, allowed);
    }
    *code = found ? SERVE_METHOD_NOT_ALLOWED : SERVE_NOT_FOUND;
    return NULL;
}

serve_shape serve_route_shape(const char *path)
{
    serve_vars vars;
    for (size_t i = 0; path && i < ROUTES; i++)
        if (fits(routes[i].path, path, &vars))
            return routes[i].shape;
    return path && strncmp(path, "/v1/", 4) == 0 ? OPENAI : PLAIN;
}

size_t serve_route_count(void)
{
    return ROUTES;
}

const serve_route *serve_route_at(size_t index)
{
    return &routes[index];
}

size_t serve_route_index(const serve_route *route)
{
    return (size_t)(route - routes);
}
