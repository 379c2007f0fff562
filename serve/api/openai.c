/* SPDX-License-Identifier: BSD-2-Clause */
/* OpenAI's embeddings and models, with the shapes of pictures that Jina, vLLM, infinity and llama.cpp gave them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "items.h"
#include "vectors.h"

/* What a request asks for beside its inputs. */
typedef struct wishes {
    const char *model, *encoding, *modality, *output;
    bool normalize, truncate, base64;
    size_t dimensions;
} wishes;

static bool read_wishes(serve_call *call, wishes *w)
{
    bool failed = false;
    *w = (wishes){.normalize = true, .truncate = true, .dimensions = SERVE_ALL};
    serve_member_string(call, call->json, "model", &w->model, &failed);
    if (!failed)
        serve_member_string(call, call->json, "encoding_format", &w->encoding, &failed);
    if (!failed)
        serve_member_string(call, call->json, "modality", &w->modality, &failed);
    if (!failed)
        serve_member_string(call, call->json, "output", &w->output, &failed);
    if (!failed)
        serve_member_boolean(call, call->json, "normalize", &w->normalize, &failed);
    if (!failed)
        serve_member_boolean(call, call->json, "normalized", &w->normalize, &failed);
    if (!failed)
        serve_member_boolean(call, call->json, "truncate", &w->truncate, &failed);
    if (!failed)
        serve_member_size(call, call->json, "dimensions", &w->dimensions, &failed);
    return !failed;
}

/* vLLM's messages, or the conversation that other clients have as input: an array of objects with role and content. */
static bool are_messages(const vit__json *list)
{
    size_t n = vit__json_length(list);
    bool all = vit__json_is_array(list) && n > 0;
    for (size_t i = 0; i < n && all; i++) {
        const vit__json *message = vit__json_at(list, i);
        all = vit__json_string(vit__json_get(message, "role")) && !vit__json_is_null(vit__json_get(message, "content"));
    }
    return all;
}

/* One conversation is one item, a list of conversations one each. */
static bool read_messages(serve_call *call, serve_items *items, const vit__json *messages)
{
    if (are_messages(messages))
        return serve_items_add_one(call, items, messages, "messages");
    bool right = vit__json_is_array(messages);
    for (size_t i = 0; i < vit__json_length(messages) && right; i++)
        right = are_messages(vit__json_at(messages, i));
    return right ? serve_items_add(call, items, messages, "messages")
                 : serve_fail(call, SERVE_BAD_REQUEST, "messages",
                              "messages are wanted, each with a role and content, or a list of such lists");
}

static bool read_items(serve_call *call, const wishes *w, serve_items *items)
{
    const vit__json *input = vit__json_get(call->json, "input"), *messages = vit__json_get(call->json, "messages");
    items->pictures = w->modality && strcmp(w->modality, "image") == 0;
    if (w->modality && !items->pictures && strcmp(w->modality, "text") != 0)
        return serve_fail(call, SERVE_BAD_REQUEST, "modality", "text or image");
    items->exact = !w->truncate;
    if (vit__json_is_array(messages) ? vit__json_length(messages) > 0 : !vit__json_is_null(messages))
        return read_messages(call, items, messages);
    return are_messages(input) ? serve_items_add_one(call, items, input, "input")
                               : serve_items_add(call, items, input, "input");
}

static bool write_list(serve_call *call, const float *vectors, size_t n, size_t size, bool base64)
{
    vit__buffer *out = &call->response->body;
    const serve_facts *facts = &call->model->facts;
    vit__buffer_add_string(out, "{\"object\":\"list\",\"model\":");
    vit__json_put_string(out, call->model->name);
    vit__buffer_add_string(out, ",\"data\":[");
    for (size_t i = 0; i < n; i++) {
        vit__buffer_format(out, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", i ? "," : "", i);
        serve_put_vector(out, vectors + i * size, size, base64);
        vit__buffer_add_string(out, "}");
    }
    vit__buffer_format(out, "],\"usage\":{\"prompt_tokens\":%zu,\"total_tokens\":%zu},", call->tokens, call->tokens);
    vit__buffer_format(out, "\"digest\":\"%s\",\"preprocessing\":\"%s\"}\n", facts->digest, facts->preprocessing);
    return serve_done(call, "application/json");
}

/* A picture as the body; what else there is to say stands in the query. */
static bool read_picture(serve_call *call, wishes *w, serve_items *items)
{
    const serve_request *request = call->request;
    *w = (wishes){.normalize = true,
                  .dimensions = SERVE_ALL,
                  .model = serve_fields_get(&request->query, "model"),
                  .encoding = serve_fields_get(&request->query, "encoding_format"),
                  .output = serve_fields_get(&request->query, "output")};
    return serve_call_hold(call, w->model) &&
           serve_items_add_picture(call, items, request->body.data, request->body.size);
}

bool serve_openai_embeddings(serve_call *call)
{
    wishes w;
    serve_items items = {0};
    serve_wanted wanted = {.output = VIT_OUTPUT_EMBEDDING};
    float *vectors;
    size_t size;
    bool picture = serve_body_kind(call->request) == SERVE_BODY_PICTURE;
    bool read = picture ? read_picture(call, &w, &items)
                        : serve_call_parse(call, false) && read_wishes(call, &w) && serve_call_hold(call, w.model) &&
                              read_items(call, &w, &items);
    if (!read || !serve_read_encoding(call, w.encoding, &w.base64) ||
        (w.output && !serve_wanted_output(call, w.output, &wanted)))
        return false;
    wanted.normalize = w.normalize;
    return serve_items_embed(call, &items, &wanted, &vectors, &size) &&
           serve_cut_vectors(call, w.dimensions, vectors, items.n, &size) &&
           write_list(call, vectors, items.n, size, w.base64);
}

/* ------------------------------------------------------------------ models ---- */

static void write_words(vit__buffer *out, const char *key, const char *const *words, const bool *there, size_t n)
{
    bool first = true;
    vit__buffer_format(out, ",\"%s\":[", key);
    for (size_t i = 0; i < n; i++) {
        if (!there[i])
            continue;
        vit__buffer_format(out, "%s\"%s\"", first ? "" : ",", words[i]);
        first = false;
    }
    vit__buffer_add_string(out, "]");
}

static void write_model(serve_call *call, serve_model *model)
{
    static const char *const modalities[] = {"image", "text"};
    static const char *const tasks[] = {"feature-extraction", "image-classification", "zero-shot-image-classification"};
    vit__buffer *out = &call->response->body;
    const serve_facts *f = &model->facts;
    const bool takes[] = {f->sizes[VIT_TOWER_IMAGE] > 0, f->sizes[VIT_TOWER_TEXT] > 0};
    const bool does[] = {true, f->classes > 0, f->compares};
    size_t size = f->sizes[VIT_TOWER_IMAGE] ? f->sizes[VIT_TOWER_IMAGE] : f->sizes[VIT_TOWER_TEXT];
    vit__buffer_add_string(out, "{\"id\":");
    vit__json_put_string(out, model->name);
    vit__buffer_format(out,
                       ",\"object\":\"model\",\"created\":%.0f,\"owned_by\":\"local\",\"root\":", call->app->started);
    vit__json_put_string(out, model->name);
    vit__buffer_add_string(out, ",\"family\":");
    vit__json_put_string(out, f->family);
    vit__buffer_format(out, ",\"dimensions\":%zu", size);
    write_words(out, "modalities", modalities, takes, 2);
    write_words(out, "tasks", tasks, does, 3);
    vit__buffer_format(out, ",\"classes\":%zu,\"attention\":%s,\"precision\":\"%s\"", f->classes,
                       f->attends ? "true" : "false", f->precision ? f->precision : "");
    vit__buffer_format(out, ",\"digest\":\"%s\",\"preprocessing\":\"%s\",\"loaded\":%s}", f->digest, f->preprocessing,
                       model->loaded ? "true" : "false");
}

/* A model that was never loaded is loaded now: what it is cannot be told otherwise. */
static bool learn(serve_call *call, serve_model *model)
{
    vit_error err = {0};
    if (serve_model_hold(model, &err) != VIT_OK)
        return serve_fail(call, SERVE_INTERNAL, NULL, "model %s cannot be loaded: %s", model->name, err.message);
    serve_model_release(model);
    return true;
}

bool serve_openai_models(serve_call *call)
{
    vit__buffer *out = &call->response->body;
    vit__buffer_add_string(out, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < serve_models_count(call->app->models); i++) {
        serve_model *model = serve_models_at(call->app->models, i);
        if (!model->known && !learn(call, model))
            return false;
        if (i)
            vit__buffer_add_string(out, ",");
        write_model(call, model);
    }
    vit__buffer_add_string(out, "]}\n");
    return serve_done(call, "application/json");
}

bool serve_openai_model(serve_call *call)
{
    if (!serve_call_hold(call, call->vars.model))
        return false;
    write_model(call, call->model);
    vit__buffer_add_string(&call->response->body, "\n");
    return serve_done(call, "application/json");
}
