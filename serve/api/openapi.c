/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths and methods are those of the table of routes, so that none is forgotten. What an
 * endpoint takes and answers, in JSON Schema, stands in openapi.json, which has these members:
 *
 *     schemas      by name; "#/components/schemas/NAME" refers to them
 *     errors       by the shape in which a client reads them
 *     parameters   of paths and queries, by name, but for {m}: the names of models are known when the server runs
 *     operations   by method and path: summary, names of the query's parameters, body and answer by media type
 *     same         paths that answer as another one does
 *
 * A test has schemathesis ask the server whatever these schemas
 * allow, and what they do not, and compare each answer. */
#include "openapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "routes.h"

typedef struct description {
    const serve_app *app;
    vit__json *known; /* openapi.json */
    bool failed;      /* out of memory */
} description;

/* Each takes over value, as vit__json_set does. */
static void put(description *d, vit__json *object, const char *key, vit__json *value)
{
    d->failed = !vit__json_set(object, key, value) || d->failed;
}

static void append(description *d, vit__json *array, vit__json *value)
{
    d->failed = !vit__json_append(array, value) || d->failed;
}

static void put_string(description *d, vit__json *object, const char *key, const char *value)
{
    put(d, object, key, vit__json_new_string(value));
}

/* {"$ref":"#/components/KIND/NAME"} */
static vit__json *reference(description *d, const char *kind, const char *name)
{
    char text[96];
    vit__json *object = vit__json_new_object();
    snprintf(text, sizeof text, "#/components/%s/%s", kind, name);
    put_string(d, object, "$ref", text);
    return object;
}

static const vit__json *known(const description *d, const char *kind, const char *name)
{
    return vit__json_get(vit__json_get(d->known, kind), name);
}

/* ------------------------------------------------------------------ parameters ---- */

static vit__json *names_of_models(description *d)
{
    vit__json *schema = vit__json_new_object(), *names = vit__json_new_array();
    for (size_t i = 0; i < serve_models_count(d->app->models); i++)
        append(d, names, vit__json_new_string(serve_models_at(d->app->models, i)->name));
    put(d, schema, "enum", names);
    return schema;
}

static void add_parameter(description *d, vit__json *list, const char *name, bool in_path)
{
    vit__json *parameter = vit__json_new_object();
    put_string(d, parameter, "name", name);
    put_string(d, parameter, "in", in_path ? "path" : "query");
    put(d, parameter, "required", vit__json_new_boolean(in_path));
    put(d, parameter, "schema",
        strcmp(name, "m") == 0 ? names_of_models(d) : vit__json_copy(known(d, "parameters", name)));
    append(d, list, parameter);
}

static vit__json *parameters_of(description *d, const char *path, const vit__json *query)
{
    char name[32];
    vit__json *list = vit__json_new_array();
    for (const char *at = strchr(path, '{'); at; at = strchr(at + 1, '{')) {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 1, "}"), at + 1);
        add_parameter(d, list, name, true);
    }
    for (size_t i = 0; i < vit__json_length(query); i++)
        add_parameter(d, list, vit__json_string(vit__json_at(query, i)), false);
    return list;
}

/* ------------------------------------------------------------------ operations ---- */

static vit__json *answers_of(description *d, serve_shape shape, const vit__json *answer)
{
    static const char *const shapes[] = {[SERVE_SHAPE_OPENAI] = "OpenAI",
                                         [SERVE_SHAPE_PLAIN] = "Plain",
                                         [SERVE_SHAPE_DETAIL] = "Detail",
                                         [SERVE_SHAPE_MESSAGE] = "Message"};
    char status[16];
    vit__json *all = vit__json_new_object(), *good = vit__json_new_object();
    put_string(d, good, "description", "done");
    if (answer)
        put(d, good, "content", vit__json_copy(answer));
    put(d, all, answer ? "200" : "204", good);
    for (int code = 0; code < SERVE_CODES; code++) {
        snprintf(status, sizeof status, "%u", serve_code_status((serve_code)code));
        put(d, all, status, reference(d, "responses", shapes[shape]));
    }
    return all;
}

static vit__json *operation_of(description *d, const serve_route *route)
{
    char key[128];
    const char *same = vit__json_string(known(d, "same", route->path));
    snprintf(key, sizeof key, "%s %s", route->method, same ? same : route->path);
    const vit__json *facts = known(d, "operations", key), *body = vit__json_get(facts, "body");
    vit__json *operation = vit__json_new_object();
    const char *summary = vit__json_string(vit__json_get(facts, "summary"));
    put_string(d, operation, "summary", summary ? summary : "");
    put(d, operation, "parameters", parameters_of(d, route->path, vit__json_get(facts, "query")));
    if (body) {
        vit__json *request = vit__json_new_object();
        put(d, request, "required", vit__json_new_boolean(true));
        put(d, request, "content", vit__json_copy(body));
        put(d, operation, "requestBody", request);
    }
    if (route->open)
        put(d, operation, "security", vit__json_new_array());
    put(d, operation, "responses", answers_of(d, route->shape, vit__json_get(facts, "answer")));
    return operation;
}

/* Both methods of a path stand together. */
static vit__json *methods_of(description *d, size_t first)
{
    vit__json *methods = vit__json_new_object();
    for (size_t i = first; i < serve_route_count(); i++) {
        const serve_route *route = serve_route_at(i);
        if (strcmp(route->path, serve_route_at(first)->path) == 0)
            put(d, methods, strcmp(route->method, "POST") == 0 ? "post" : "get", operation_of(d, route));
    }
    return methods;
}

/* What is not offered has no place here. */
static vit__json *paths_of(description *d)
{
    vit__json *paths = vit__json_new_object();
    for (size_t i = 0; i < serve_route_count(); i++) {
        const serve_route *route = serve_route_at(i);
        if (route->endpoint != serve_not_offered && !vit__json_get(paths, route->path))
            put(d, paths, route->path, methods_of(d, i));
    }
    return paths;
}

/* ------------------------------------------------------------------ components ---- */

static vit__json *whole_number(description *d, size_t least, size_t most)
{
    vit__json *schema = vit__json_new_object();
    put_string(d, schema, "type", "integer");
    put(d, schema, "minimum", vit__json_new_number((double)least));
    put(d, schema, "maximum", vit__json_new_number((double)most));
    return schema;
}

/* The numbers that the vectors of the models have; any smaller one too with --allow-dimensions. */
static vit__json *dimensions(description *d)
{
    vit__json *schema = vit__json_new_object(), *any = vit__json_new_array(), *null = vit__json_new_object();
    put_string(d, null, "type", "null");
    append(d, any, null);
    for (size_t i = 0; i < serve_models_count(d->app->models); i++) {
        const serve_model *model = serve_models_at(d->app->models, i);
        for (int tower = 0; tower < 2 && model->known; tower++) {
            size_t size = model->facts.sizes[tower];
            if (size > 0)
                append(d, any, whole_number(d, d->app->any_dimensions ? 1 : size, size));
        }
    }
    put(d, schema, "anyOf", any);
    return schema;
}

/* {"description":"what is wrong","content":{"application/json":{"schema":...}}} by shape */
static vit__json *errors_of(description *d)
{
    vit__json *responses = vit__json_new_object();
    for (void *i = vit__json_first(vit__json_get(d->known, "errors")); i;
         i = vit__json_next(vit__json_get(d->known, "errors"), i)) {
        vit__json *response = vit__json_new_object(), *content = vit__json_new_object(), *type = vit__json_new_object();
        put(d, type, "schema", vit__json_copy(vit__json_value(i)));
        put(d, content, "application/json", type);
        put_string(d, response, "description", "what is wrong");
        put(d, response, "content", content);
        put(d, responses, vit__json_key(i), response);
    }
    return responses;
}

static vit__json *components_of(description *d)
{
    vit__json *components = vit__json_new_object(), *schemes = vit__json_new_object(), *key = vit__json_new_object();
    vit__json *schemas = vit__json_copy(vit__json_get(d->known, "schemas"));
    put_string(d, key, "type", "http");
    put_string(d, key, "scheme", "bearer");
    put(d, schemes, "key", key);
    put(d, schemas, "Dimensions", dimensions(d));
    put(d, components, "securitySchemes", schemes);
    put(d, components, "schemas", schemas);
    put(d, components, "responses", errors_of(d));
    return components;
}

/* ------------------------------------------------------------------ the whole ---- */

static vit__json *info(description *d)
{
    vit__json *object = vit__json_new_object();
    put_string(d, object, "title", "vit serve");
    put_string(d, object, "version", vit_version());
    put_string(
        d, object, "description",
        "Vision Transformers on a CPU: vectors, classes, search. A model's name may hold slashes, as they are or as "
        "%2F.");
    return object;
}

static vit__json *security(description *d)
{
    vit__json *list = vit__json_new_array(), *way = vit__json_new_object();
    if (serve_gate_has_keys(d->app->gate))
        put(d, way, "key", vit__json_new_array());
    append(d, list, way);
    return list;
}

bool serve_openapi_write(const serve_app *app, vit__buffer *out)
{
    description d = {.app = app};
    if (vit__json_parse(serve_openapi_text, serve_openapi_text_size, "openapi.json", &d.known, NULL) != VIT_OK)
        return false;
    vit__json *whole = vit__json_new_object();
    put_string(&d, whole, "openapi", "3.1.0");
    put(&d, whole, "info", info(&d));
    put(&d, whole, "security", security(&d));
    put(&d, whole, "components", components_of(&d));
    put(&d, whole, "paths", paths_of(&d));
    char *text = d.failed ? NULL : vit__json_text(whole, 0);
    if (text)
        vit__buffer_add_string(out, text);
    vit__buffer_add_string(out, "\n");
    bool done = text != NULL && !out->failed;
    free(text);
    vit__json_free(whole);
    vit__json_free(d.known);
    return done;
}
