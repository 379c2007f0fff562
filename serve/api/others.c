/* SPDX-License-Identifier: BSD-2-Clause */
/* Cohere's, Voyage's, Ollama's and Weaviate's embeddings. */
#include <stdint.h>
#include <string.h>

#include "clock.h"
#include "items.h"
#include "vectors.h"

static bool hold(serve_call *call)
{
    const char *model = NULL;
    bool failed = false;
    if (!serve_call_parse(call, false))
        return false;
    serve_member_string(call, call->json, "model", &model, &failed);
    return !failed && serve_call_hold(call, model);
}

/* dimensions: the member by which the dialect asks for shorter vectors; NULL: it has none. */
static bool embed(serve_call *call, serve_items *items, const char *dimensions, float **vectors, size_t *size)
{
    const serve_wanted wanted = {.output = VIT_OUTPUT_EMBEDDING, .normalize = true};
    size_t n = SERVE_ALL;
    bool failed = false;
    if (dimensions)
        serve_member_size(call, call->json, dimensions, &n, &failed);
    return !failed && serve_items_embed(call, items, &wanted, vectors, size) &&
           serve_cut_vectors(call, n, *vectors, items->n, size);
}

static void put_rows(vit__buffer *out, const float *vectors, size_t n, size_t size, bool base64)
{
    vit__buffer_add_string(out, "[");
    for (size_t i = 0; i < n; i++) {
        vit__buffer_add_string(out, i ? "," : "");
        serve_put_vector(out, vectors + i * size, size, base64);
    }
    vit__buffer_add_string(out, "]");
}

/* ------------------------------------------------------------------ Cohere ---- */

static void put_floats(vit__buffer *out, const float *vector, size_t n)
{
    serve_put_vector(out, vector, n, false);
}

static void put_base64(vit__buffer *out, const float *vector, size_t n)
{
    serve_put_vector(out, vector, n, true);
}

/* A bit a number, 1 where it is above 0; eight to a byte, the first highest. signed: the byte less 128. */
static void put_bits(vit__buffer *out, const float *vector, size_t n, int less)
{
    vit__buffer_add_string(out, "[");
    for (size_t i = 0; i < n; i += 8) {
        int byte = 0;
        for (size_t j = 0; j < 8; j++)
            byte = byte << 1 | (i + j < n && vector[i + j] > 0);
        vit__buffer_format(out, "%s%d", i ? "," : "", byte - less);
    }
    vit__buffer_add_string(out, "]");
}

static void put_binary(vit__buffer *out, const float *vector, size_t n)
{
    put_bits(out, vector, n, 128);
}

static void put_ubinary(vit__buffer *out, const float *vector, size_t n)
{
    put_bits(out, vector, n, 0);
}

static const struct {
    const char *name;
    void (*put)(vit__buffer *out, const float *vector, size_t n);
} types[] = {{"float", put_floats}, {"base64", put_base64}, {"binary", put_binary}, {"ubinary", put_ubinary}};

static bool put_type(serve_call *call, const char *name, const float *vectors, size_t n, size_t size, bool first)
{
    vit__buffer *out = &call->response->body;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        if (strcmp(types[t].name, name) != 0)
            continue;
        vit__buffer_format(out, "%s\"%s\":[", first ? "" : ",", name);
        for (size_t i = 0; i < n; i++) {
            vit__buffer_add_string(out, i ? "," : "");
            types[t].put(out, vectors + i * size, size);
        }
        vit__buffer_add_string(out, "]");
        return true;
    }
    return serve_fail(call, SERVE_BAD_REQUEST, "embedding_types", "float, base64, binary or ubinary; not %.100s", name);
}

/* END, the default, cuts words at the model's context; NONE refuses longer ones. */
static bool read_truncate(serve_call *call, bool *exact)
{
    const char *truncate = "END";
    bool failed = false;
    serve_member_string(call, call->json, "truncate", &truncate, &failed);
    *exact = !failed && strcmp(truncate, "NONE") == 0;
    return !failed &&
           (*exact || strcmp(truncate, "END") == 0 || serve_fail(call, SERVE_BAD_REQUEST, "truncate", "END or NONE"));
}

static bool read_cohere(serve_call *call, serve_items *items)
{
    static const char *const members[] = {"texts", "images", "inputs"};
    const vit__json *found = NULL;
    size_t which = 0, n = 0;
    for (size_t i = 0; i < 3; i++) {
        const vit__json *member = vit__json_get(call->json, members[i]);
        if (vit__json_is_null(member))
            continue;
        found = member;
        which = i;
        n++;
    }
    if (n != 1 || vit__json_length(found) == 0)
        return serve_fail(call, SERVE_BAD_REQUEST, NULL,
                          "one of texts, images and inputs is wanted, with something in it");
    return read_truncate(call, &items->exact) &&
           (which == 2 ? serve_items_add(call, items, found, "inputs")
                       : serve_items_add_strings(call, items, found, which == 1, members[which]));
}

bool serve_cohere_embed(serve_call *call)
{
    serve_items items = {0};
    vit__buffer *out = &call->response->body;
    float *vectors;
    size_t size;
    if (!hold(call) || !read_cohere(call, &items) || !embed(call, &items, "output_dimension", &vectors, &size))
        return false;
    const vit__json *asked = vit__json_get(call->json, "embedding_types"), *texts = vit__json_get(call->json, "texts");
    if (!vit__json_is_null(asked) && !vit__json_is_array(asked))
        return serve_fail(call, SERVE_BAD_REQUEST, "embedding_types", "an array of strings is wanted");
    vit__buffer_format(out, "{\"id\":\"%s\",\"embeddings\":{", call->request->id);
    bool done = vit__json_length(asked) > 0 || put_type(call, "float", vectors, items.n, size, true);
    for (size_t i = 0; i < vit__json_length(asked) && done; i++) {
        const char *name = vit__json_string(vit__json_at(asked, i));
        done = put_type(call, name ? name : "", vectors, items.n, size, i == 0);
    }
    if (!done)
        return false;
    vit__buffer_add_string(out, "},\"texts\":[");
    for (size_t i = 0; i < vit__json_length(texts); i++) {
        vit__buffer_add_string(out, i ? "," : "");
        vit__json_put_string(out, vit__json_string(vit__json_at(texts, i)));
    }
    vit__buffer_add_string(
        out, "],\"meta\":{\"api_version\":{\"version\":\"2\"}},\"response_type\":\"embeddings_by_type\"}\n");
    return serve_done(call, "application/json");
}

/* ------------------------------------------------------------------ Voyage ---- */

bool serve_voyage_embed(serve_call *call)
{
    serve_items items = {0};
    vit__buffer *out = &call->response->body;
    const char *encoding = NULL;
    bool failed = false, base64;
    float *vectors;
    size_t size, text_tokens = 0, pixels = 0;
    if (!hold(call))
        return false;
    serve_member_string(call, call->json, "encoding_format", &encoding, &failed);
    if (failed || !serve_read_encoding(call, encoding, &base64) ||
        !serve_items_add(call, &items, vit__json_get(call->json, "inputs"), "inputs") ||
        !embed(call, &items, "output_dimension", &vectors, &size))
        return false;
    for (size_t i = 0; i < items.n; i++) {
        bool words = items.inputs[i].kind == SERVE_WORDS;
        text_tokens += words ? items.inputs[i].tokens : 0;
        pixels += words ? 0 : (size_t)items.inputs[i].width * items.inputs[i].height;
    }
    vit__buffer_add_string(out, "{\"object\":\"list\",\"model\":");
    vit__json_put_string(out, call->model->name);
    vit__buffer_add_string(out, ",\"data\":[");
    for (size_t i = 0; i < items.n; i++) {
        vit__buffer_format(out, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", i ? "," : "", i);
        serve_put_vector(out, vectors + i * size, size, base64);
        vit__buffer_add_string(out, "}");
    }
    vit__buffer_format(
        out, "],\"usage\":{\"text_tokens\":%zu,\"image_pixels\":%zu,\"video_pixels\":0,\"total_tokens\":%zu}}\n",
        text_tokens, pixels, text_tokens + pixels);
    return serve_done(call, "application/json");
}

/* ------------------------------------------------------------------ Ollama ---- */

static bool add_ollama(serve_call *call, serve_items *items, const char *words)
{
    const vit__json *input = vit__json_get(call->json, words), *images = vit__json_get(call->json, "images");
    bool pictures = vit__json_length(images) > 0, truncate = true, failed = false;
    bool no_words = vit__json_is_null(input) || (pictures && vit__json_is(input, ""));
    serve_member_boolean(call, call->json, "truncate", &truncate, &failed);
    items->exact = !truncate;
    if (failed || (!no_words && !serve_items_add_strings(call, items, input, false, words)))
        return false;
    if (!vit__json_is_null(images) && !serve_items_add_strings(call, items, images, true, "images"))
        return false;
    return items->n > 0 || serve_fail(call, SERVE_BAD_REQUEST, words, "it is missing");
}

bool serve_ollama_embed(serve_call *call)
{
    serve_items items = {0};
    vit__buffer *out = &call->response->body;
    double start = vit__seconds();
    float *vectors;
    size_t size;
    if (!hold(call) || !add_ollama(call, &items, "input") || !embed(call, &items, "dimensions", &vectors, &size))
        return false;
    vit__buffer_add_string(out, "{\"model\":");
    vit__json_put_string(out, call->model->name);
    vit__buffer_add_string(out, ",\"embeddings\":");
    put_rows(out, vectors, items.n, size, false);
    vit__buffer_format(out, ",\"total_duration\":%.0f,\"load_duration\":%.0f,\"prompt_eval_count\":%zu}\n",
                       (vit__seconds() - start) * 1e9, call->loaded * 1e9, call->tokens);
    return serve_done(call, "application/json");
}

/* The older shape: one vector. */
bool serve_ollama_embeddings(serve_call *call)
{
    serve_items items = {0};
    vit__buffer *out = &call->response->body;
    float *vectors;
    size_t size;
    if (!hold(call) || !add_ollama(call, &items, "prompt") || !embed(call, &items, NULL, &vectors, &size))
        return false;
    vit__buffer_add_string(out, "{\"embedding\":");
    serve_put_vector(out, vectors, size, false);
    vit__buffer_add_string(out, "}\n");
    return serve_done(call, "application/json");
}

bool serve_ollama_tags(serve_call *call)
{
    vit__buffer *out = &call->response->body;
    vit__buffer_add_string(out, "{\"models\":[");
    for (size_t i = 0; i < serve_models_count(call->app->models); i++) {
        const serve_model *model = serve_models_at(call->app->models, i);
        vit__buffer_add_string(out, i ? ",{\"name\":" : "{\"name\":");
        vit__json_put_string(out, model->name);
        vit__buffer_add_string(out, ",\"model\":");
        vit__json_put_string(out, model->name);
        vit__buffer_format(out,
                           ",\"modified_at\":\"1970-01-01T00:00:00Z\",\"size\":0,\"digest\":\"%s\",\"details\":{"
                           "\"format\":\"safetensors\",\"family\":",
                           model->known ? model->facts.digest : "");
        vit__json_put_string(out, model->known ? model->facts.family : "");
        vit__buffer_add_string(out, "}}");
    }
    vit__buffer_add_string(out, "]}\n");
    return serve_done(call, "application/json");
}

bool serve_ollama_version(serve_call *call)
{
    vit__buffer_format(&call->response->body, "{\"version\":\"%s\"}\n", vit_version());
    return serve_done(call, "application/json");
}

/* ------------------------------------------------------------------ Weaviate ---- */

static bool vectorize(serve_call *call, const char *member, bool pictures, const char *answer)
{
    serve_items items = {0};
    vit__buffer *out = &call->response->body;
    const vit__json *list = vit__json_get(call->json, member);
    float *vectors = NULL;
    size_t size = 0;
    if (!vit__json_is_null(list) && (!serve_items_add_strings(call, &items, list, pictures, member) ||
                                     (items.n > 0 && !embed(call, &items, NULL, &vectors, &size))))
        return false;
    vit__buffer_format(out, "%s\"%s\":", out->size > 1 ? "," : "", answer);
    put_rows(out, vectors, items.n, size, false);
    return true;
}

bool serve_weaviate_vectorize(serve_call *call)
{
    vit__buffer *out = &call->response->body;
    if (!hold(call))
        return false;
    vit__buffer_add_string(out, "{");
    if (!vectorize(call, "texts", false, "textVectors") || !vectorize(call, "images", true, "imageVectors"))
        return false;
    vit__buffer_add_string(out, "}\n");
    return serve_done(call, "application/json");
}

bool serve_weaviate_meta(serve_call *call)
{
    vit__buffer *out = &call->response->body;
    if (!serve_call_hold(call, NULL))
        return false;
    vit__buffer_add_string(out, "{\"model\":");
    vit__json_put_string(out, call->model->name);
    vit__buffer_format(out, ",\"digest\":\"%s\",\"version\":\"%s\"}\n", call->model->facts.digest, vit_version());
    return serve_done(call, "application/json");
}

bool serve_weaviate_live(serve_call *call)
{
    call->response->status = 204;
    return true;
}

bool serve_weaviate_ready(serve_call *call)
{
    return atomic_load(&call->app->state) == SERVE_READY ? serve_weaviate_live(call)
                                                         : serve_fail(call, SERVE_UNAVAILABLE, NULL, "not ready");
}
