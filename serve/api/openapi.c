/* SPDX-License-Identifier: BSD-2-Clause */
#include "openapi.h"

#include <string.h>

#include "json_text.h"
#include "routes.h"
#include "vit/vit.h"

/* What an endpoint takes and answers, in JSON Schema; the paths and methods are those of the table of routes. */
#define ANY "{}"
#define OBJECT "{\"type\":\"object\"}"
#define ROWS                                                                                                           \
    "{\"type\":\"array\",\"items\":{\"oneOf\":[{\"type\":\"array\",\"items\":{\"type\":\"number\"}},{\"type\":\"string\"}]}}"

static const struct {
    const char *path, *summary, *request, *answer;
} pages[] = {
    {"/v1/embeddings", "Vectors of words and pictures",
     "{\"type\":\"object\",\"properties\":{\"model\":{\"type\":[\"string\",\"null\"]},\"input\":{},\"messages\":{},"
     "\"encoding_format\":{\"enum\":[\"float\",\"base64\",null]},\"dimensions\":{\"type\":[\"integer\",\"null\"],\"minimum\":0},"
     "\"normalize\":{\"type\":[\"boolean\",\"null\"]}}}",
     "{\"type\":\"object\",\"required\":[\"object\",\"model\",\"data\",\"usage\"],\"properties\":{\"object\":{\"const\":\"list\"},"
     "\"model\":{\"type\":\"string\"},\"data\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"index\",\"embedding\"]}}}}"},
    {"/embeddings", "The same", OBJECT, OBJECT},
    {"/v1/models", "The models that are served", NULL,
     "{\"type\":\"object\",\"required\":[\"object\",\"data\"],\"properties\":{\"data\":{\"type\":\"array\"}}}"},
    {"/v1/models/{m}", "One model", NULL, "{\"type\":\"object\",\"required\":[\"id\",\"object\"]}"},
    {"/embed", "Vectors, as text-embeddings-inference gives them",
     "{\"type\":\"object\",\"required\":[\"inputs\"],\"properties\":{\"inputs\":{},\"normalize\":{\"type\":[\"boolean\",\"null\"]}}}",
     ROWS},
    {"/v1/classify", "Classes of a picture", OBJECT, "{\"type\":\"object\",\"required\":[\"predictions\"]}"},
    {"/v1/attention", "What the patches weigh", OBJECT, ANY},
    {"/v1/search", "The nearest pictures of the index", OBJECT, "{\"type\":\"object\",\"required\":[\"results\"]}"},
    {"/health", "Is it ready?", NULL, "{\"type\":\"object\",\"required\":[\"status\"]}"},
};

static void put_parameters(vit__buffer *out, const char *path)
{
    vit__buffer_add_string(out, "\"parameters\":[");
    bool first = true;
    for (const char *at = strchr(path, '{'); at; at = strchr(at + 1, '{')) {
        vit__buffer_format(
            out,
            "%s{\"name\":\"%.*s\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\",\"minLength\":1}}",
            first ? "" : ",", (int)strcspn(at + 1, "}"), at + 1);
        first = false;
    }
    vit__buffer_add_string(out, "],");
}

static void put_answers(vit__buffer *out, const char *schema)
{
    static const char *const errors[] = {"400", "401", "403", "404", "413", "415", "422", "429", "500", "501", "503"};
    vit__buffer_format(out, "\"responses\":{\"200\":{\"description\":\"done\",\"content\":{\"*/*\":{\"schema\":%s}}}",
                       schema);
    vit__buffer_add_string(out, ",\"204\":{\"description\":\"done, and there is nothing to say\"}");
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        vit__buffer_format(out, ",\"%s\":{\"$ref\":\"#/components/responses/Error\"}", errors[i]);
    vit__buffer_add_string(out, "}");
}

static void put_operation(vit__buffer *out, const serve_route *route)
{
    const char *summary = route->path, *request = strcmp(route->method, "POST") == 0 ? ANY : NULL, *answer = ANY;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (strcmp(pages[i].path, route->path) == 0) {
            summary = pages[i].summary;
            request = pages[i].request ? pages[i].request : request;
            answer = pages[i].answer;
        }
    vit__buffer_format(out, "\"%s\":{\"summary\":", strcmp(route->method, "POST") == 0 ? "post" : "get");
    vit__json_put_string(out, summary);
    vit__buffer_add_string(out, ",");
    put_parameters(out, route->path);
    if (request && strcmp(route->method, "POST") == 0)
        vit__buffer_format(out,
                           "\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":%s},"
                           "\"image/*\":{}}},",
                           request);
    if (route->open)
        vit__buffer_add_string(out, "\"security\":[],");
    put_answers(out, answer);
    vit__buffer_add_string(out, "}");
}

/* Both methods of a path stand together. */
static bool is_first(size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(serve_route_at(i)->path, serve_route_at(index)->path) == 0)
            return false;
    return true;
}

bool serve_openapi_write(vit__buffer *out)
{
    vit__buffer_format(out,
                       "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"vit serve\",\"version\":\"%s\",\"description\":"
                       "\"Vision Transformers on a CPU: vectors, classes, search.\"},\"security\":[{},{\"key\":[]}],"
                       "\"components\":{\"securitySchemes\":{\"key\":{\"type\":\"http\",\"scheme\":\"bearer\"}},"
                       "\"responses\":{\"Error\":{\"description\":\"what is wrong\",\"content\":{\"application/json\":{"
                       "\"schema\":{\"type\":\"object\"}}}}}},\"paths\":{",
                       vit_version());
    bool first = true;
    for (size_t i = 0; i < serve_route_count(); i++) {
        const char *path = serve_route_at(i)->path;
        if (!is_first(i))
            continue;
        vit__buffer_format(out, "%s\"%s\":{", first ? "" : ",", path);
        put_operation(out, serve_route_at(i));
        for (size_t j = i + 1; j < serve_route_count(); j++)
            if (strcmp(serve_route_at(j)->path, path) == 0) {
                vit__buffer_add_string(out, ",");
                put_operation(out, serve_route_at(j));
            }
        vit__buffer_add_string(out, "}");
        first = false;
    }
    vit__buffer_add_string(out, "}}\n");
    return !out->failed;
}
