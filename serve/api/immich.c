/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine-learning service of Immich, as its server asks for it. */
#include <ctype.h>
#include <string.h>

#include "items.h"
#include "multipart.h"
#include "vectors.h"

bool serve_immich_ping(serve_call *call)
{
    vit__buffer_add_string(&call->response->body, "pong");
    return serve_done(call, "text/plain; charset=utf-8");
}

/* A model of open_clip as Immich names it: behind the last '/', ':' as '_', dots removed. */
static bool same_name(const char *name, const char *immich)
{
    const char *slash = strrchr(name, '/');
    if (slash)
        name = slash + 1;
    for (; *name; name++) {
        if (*name == '.')
            continue;
        if ((*name == ':' ? '_' : *name) != *immich++)
            return false;
    }
    return *immich == '\0';
}

static bool hold(serve_call *call, const char *name)
{
    serve_models *models = call->app->models;
    for (size_t i = 0; !serve_models_find(models, name) && i < serve_models_count(models); i++) {
        serve_model *model = serve_models_at(models, i);
        if (same_name(model->name, name) || same_name(model->path, name))
            return serve_call_hold(call, model->name);
    }
    if (!*name || strcmp(name, "default") == 0) /* never another model's vector */
        return serve_fail(call, SERVE_MODEL_NOT_FOUND, NULL, "a model is to be named");
    return serve_call_hold(call, name);
}

static bool bad_entries(serve_call *call)
{
    return serve_fail(call, SERVE_UNPROCESSABLE, NULL, "Invalid request format.");
}

static bool is_space(char c)
{
    return c && strchr(" \t\r\n\f\v", c);
}

/* As Immich cleans words: "  a \n b " is "a b"; for a checkpoint that canonicalizes, "a-b, c" is
 * "ab c". Its tokenizer does the rest: small letters, and the white space that is not ASCII's. */
static char *cleaned(serve_call *call, const serve_part *part, size_t *size)
{
    bool bare = call->model->facts.canonicalizes, pause = false;
    char *text = serve_call_copy(call, part->bytes, part->size);
    size_t n = 0;
    for (size_t i = 0; text && i < part->size; i++) {
        char c = part->bytes[i];
        if (is_space(c)) {
            pause = n > 0;
            continue;
        }
        if (pause)
            text[n++] = ' ';
        pause = false;
        if (!bare || !ispunct((unsigned char)c))
            text[n++] = c;
    }
    *size = n;
    return text;
}

static bool add(serve_call *call, serve_items *items, const serve_parts *parts, bool words)
{
    const serve_part *part = serve_multipart_find(parts, words ? "text" : "image");
    size_t size;
    if (!part)
        return serve_fail(call, SERVE_BAD_REQUEST, NULL, "Either image or text must be provided");
    if (!words)
        return serve_items_add_picture(call, items, part->bytes, part->size);
    char *text = cleaned(call, part, &size);
    return text && serve_items_add_words(call, items, text, size, NULL);
}

static bool answer(serve_call *call, const serve_parts *parts, bool words)
{
    serve_items items = {0};
    const serve_wanted wanted = {.output = VIT_OUTPUT_EMBEDDING, .normalize = true};
    vit__buffer *out = &call->response->body;
    float *vectors;
    size_t size;
    if (!add(call, &items, parts, words) || !serve_items_embed(call, &items, &wanted, &vectors, &size))
        return false;
    vit__buffer_add_string(out, "{\"clip\":\""); /* a string that holds an array */
    vit__json_put_floats(out, vectors, size);
    vit__buffer_add_string(out, "\"");
    if (!words)
        vit__buffer_format(out, ",\"imageHeight\":%u,\"imageWidth\":%u", items.inputs[0].stored_height,
                           items.inputs[0].stored_width);
    vit__buffer_add_string(out, "}\n");
    return serve_done(call, "application/json");
}

bool serve_immich_predict(serve_call *call)
{
    const char *type = serve_fields_header(&call->request->headers, "Content-Type");
    const vit__buffer *body = &call->request->body;
    serve_parts parts;
    vit_error err = {0};
    if (!serve_multipart_read(type, body->data, body->size, &parts))
        return bad_entries(call);
    const serve_part *entries = serve_multipart_find(&parts, "entries");
    if (entries && !serve_parse_json(call, entries->bytes, entries->size, &err))
        return false;
    if (!vit__json_is_object(call->json))
        return bad_entries(call);
    const vit__json *clip = vit__json_get(call->json, "clip");
    const vit__json *visual = vit__json_get(clip, "visual"), *textual = vit__json_get(clip, "textual");
    for (void *i = vit__json_first(call->json); i; i = vit__json_next(call->json, i))
        if (strcmp(vit__json_key(i), "clip") != 0)
            return serve_fail(call, SERVE_NOT_OFFERED, NULL, "the task %.100s is not offered here", vit__json_key(i));
    bool words = vit__json_is_null(visual);
    const vit__json *options = vit__json_get(words ? textual : visual, "options");
    const char *model = vit__json_string(vit__json_get(words ? textual : visual, "modelName"));
    if (!model || (!words && !vit__json_is_null(textual)) ||
        (!vit__json_is_null(options) && !vit__json_is_object(options)))
        return bad_entries(call);
    return hold(call, model) && answer(call, &parts, words);
}
