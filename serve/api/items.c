/* SPDX-License-Identifier: BSD-2-Clause */
#include "items.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base64.h"
#include "limit.h"
#include "memory.h"

static bool add(serve_call *call, serve_items *items, serve_input input)
{
    if (items->n >= call->app->limits.inputs)
        return serve_fail(call, SERVE_TOO_LARGE, NULL, "a request may have %zu inputs (--max-inputs)",
                          call->app->limits.inputs);
    if (items->n == items->capacity) { /* the old block stays with the call until its end */
        size_t capacity = items->capacity ? 2 * items->capacity : 16;
        serve_input *grown = serve_call_alloc(call, capacity, sizeof *grown);
        if (!grown)
            return false;
        if (items->n)
            memcpy(grown, items->inputs, items->n * sizeof *grown);
        items->inputs = grown;
        items->capacity = capacity;
    }
    items->inputs[items->n++] = input;
    return true;
}

bool serve_items_add_picture(serve_call *call, serve_items *items, const void *bytes, size_t size)
{
    return add(call, items, (serve_input){.kind = SERVE_PICTURE, .data = bytes, .size = size});
}

/* Words that the tokenizer would cut are refused. Words that are no UTF-8 are left to it. */
static bool check_length(serve_call *call, const char *words, size_t size, const char *param)
{
    size_t tokens = 0, most = call->model->facts.context;
    vit_error err = {0};
    vit_status status = serve_model_measure(call->model, words, size, &tokens, &err);
    if (status != VIT_OK && status != VIT_ERR_CORRUPT)
        return serve_fail(call, serve_code_of(status), param, "%s", err.message);
    return tokens <= most ||
           serve_fail(call, SERVE_TOO_LONG, param, "%zu tokens; the model takes %zu, and the request forbids to cut",
                      tokens, most);
}

bool serve_items_add_words(serve_call *call, serve_items *items, const char *words, size_t size, const char *param)
{
    if (!call->model->facts.sizes[VIT_TOWER_TEXT])
        return serve_fail(call, SERVE_NO_TEXT_TOWER, param, "model %s takes pictures, and no words", call->model->name);
    if (size > VIT__LIMIT_SERVE_WORDS_BYTES)
        return serve_fail(call, SERVE_TOO_LARGE, param, "words of %zu bytes; the limit is %d", size,
                          VIT__LIMIT_SERVE_WORDS_BYTES);
    if (items->exact && !check_length(call, words, size, param))
        return false;
    return add(call, items, (serve_input){.kind = SERVE_WORDS, .data = words, .size = size});
}

/* ------------------------------------------------------------------ pictures in text ---- */

static bool is_address(const char *text)
{
    static const char *const schemes[] = {"http://", "https://", "file:", "ftp:", "s3:", "gs:"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0)
            return true;
    return false;
}

/* Does it name a file: "/srv/a.png", "~/a", "C:\\a.png", "a.png"?
 * Base64 of a JPEG begins with "/9j/": the caller has looked. */
static bool is_path(const char *text)
{
    size_t size = strlen(text), end = size;
    while (end > 0 && isalnum((unsigned char)text[end - 1]))
        end--;
    bool named = end > 1 && text[end - 1] == '.' && size - end >= 1 && size - end <= 5; /* .png */
    bool drive = isalpha((unsigned char)text[0]) && text[1] == ':';
    return size > 0 && size <= PATH_MAX && (strchr("/~.\\", *text) || drive || named);
}

/* What stands behind "data:image/png;base64,"; NULL: this is no such URI. */
static const char *data_of(const char *uri)
{
    const char *comma = strchr(uri, ',');
    return comma && comma - uri >= 7 && strncasecmp(comma - 7, ";base64", 7) == 0 ? comma + 1 : NULL;
}

bool serve_items_add_base64(serve_call *call, serve_items *items, const char *text, const char *param)
{
    bool uri = strncasecmp(text, "data:", 5) == 0;
    const char *digits = uri ? data_of(text) : text;
    if (is_address(text))
        return serve_fail(call, SERVE_URL_NOT_ALLOWED, param,
                          "this server fetches nothing: send the picture itself, as data:image/...;base64,...");
    if (!digits)
        return serve_fail(call, SERVE_UNPROCESSABLE, param, "of data URIs those with ;base64 are read");
    size_t size = strlen(digits);
    unsigned char *bytes = serve_call_alloc(call, size / 4 * 3 + 6, 1);
    if (!bytes)
        return false;
    size_t n = serve_base64_decode(digits, size, bytes);
    if (!uri && (n == SIZE_MAX || !vit_image_format_of(bytes, n, NULL)) && is_path(text))
        return serve_fail(
            call, SERVE_URL_NOT_ALLOWED, param,
            "this server opens no files of its own: send the picture itself, as data:image/...;base64,...");
    if (n == SIZE_MAX)
        return serve_fail(call, SERVE_UNPROCESSABLE, param, "this is neither a data URI nor base64");
    return serve_items_add_picture(call, items, bytes, n);
}

/* ------------------------------------------------------------------ items ---- */

static bool add_string(serve_call *call, serve_items *items, const vit__json *value, const char *param)
{
    const char *text = vit__json_string(value);
    bool picture = strncasecmp(text, "data:image/", 11) == 0 || (strncasecmp(text, "data:", 5) == 0 && data_of(text));
    if (picture || items->pictures || !call->model->facts.sizes[VIT_TOWER_TEXT])
        return serve_items_add_base64(call, items, text, param);
    return serve_items_add_words(call, items, text, strlen(text), param);
}

static bool add_words(serve_call *call, serve_items *items, const vit__json *value, const char *param)
{
    const char *words = vit__json_string(value);
    return words ? serve_items_add_words(call, items, words, strlen(words), param)
                 : serve_fail(call, SERVE_BAD_REQUEST, param, "a string is wanted");
}

static bool add_picture(serve_call *call, serve_items *items, const vit__json *value, const char *param)
{
    const char *text = vit__json_string(value);
    if (!text)
        text = vit__json_string(vit__json_get(value, "url"));
    return text ? serve_items_add_base64(call, items, text, param)
                : serve_fail(call, SERVE_BAD_REQUEST, param, "a picture is wanted: a data URI, or base64");
}

static bool is_blank(const vit__json *value)
{
    const char *text = vit__json_string(value);
    return text && text[strspn(text, " \t\r\n")] == '\0';
}

/* What an object may hold, in the order in which it is looked at. */
static const struct {
    const char *key;
    bool picture;
} members[] = {
    {"image", true}, {"image_url", true}, {"image_base64", true}, {"b64", true}, {"text", false}, {"input_text", false},
};

/* The one part of a message, or the one message of a conversation. Empty words beside a
 * picture do not count, nor do the instructions of a system message: an encoder takes none. */
static bool add_parts(serve_call *call, serve_items *items, const vit__json *parts, const char *param)
{
    const vit__json *only = NULL;
    for (size_t i = 0; i < vit__json_length(parts); i++) {
        const vit__json *part = vit__json_at(parts, i);
        bool empty = is_blank(vit__json_get(part, "text")) && vit__json_length(parts) > 1;
        if (empty || vit__json_is(vit__json_get(part, "role"), "system"))
            continue;
        if (only)
            return serve_fail(call, SERVE_UNPROCESSABLE, param,
                              "an input of several parts: the towers give a vector each, so send words and pictures "
                              "as inputs of their own");
        only = part;
    }
    return only ? serve_items_add_one(call, items, only, param)
                : serve_fail(call, SERVE_BAD_REQUEST, param, "an input without a part");
}

static bool add_object(serve_call *call, serve_items *items, const vit__json *object, const char *param)
{
    const vit__json *content = vit__json_get(object, "content"), *prompt = vit__json_get(object, "prompt_string");
    const vit__json *data = vit__json_get(object, "multimodal_data"), *found = NULL;
    bool picture = false;
    if (vit__json_is_array(content))
        return add_parts(call, items, content, param);
    if (vit__json_string(content))
        return add_string(call, items, content, param);
    if (!vit__json_is_null(data) && !vit__json_is_array(data))
        return serve_fail(call, SERVE_BAD_REQUEST, param, "multimodal_data is an array");
    if (vit__json_length(data) > 1)
        return serve_fail(call, SERVE_UNPROCESSABLE, param, "several pictures in one input");
    if (vit__json_length(data) == 1)
        return add_picture(call, items, vit__json_at(data, 0), param);
    if (!vit__json_is_null(prompt))
        return add_words(call, items, prompt, param);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const vit__json *value = vit__json_get(object, members[i].key);
        if (vit__json_is_null(value) || (found && is_blank(value)))
            continue;
        if (found)
            return serve_fail(call, SERVE_UNPROCESSABLE, param,
                              "words and a picture in one input: the towers give a vector each, so send two inputs");
        found = value;
        picture = members[i].picture;
    }
    if (!found)
        return serve_fail(call, SERVE_BAD_REQUEST, param,
                          "an input is a string, or an object with \"text\", \"image\" or \"content\"");
    return picture ? add_picture(call, items, found, param) : add_words(call, items, found, param);
}

bool serve_items_add_one(serve_call *call, serve_items *items, const vit__json *value, const char *param)
{
    if (vit__json_string(value))
        return add_string(call, items, value, param);
    if (vit__json_is_object(value))
        return add_object(call, items, value, param);
    if (vit__json_is_array(value) && vit__json_is_number(vit__json_at(value, 0)))
        return serve_fail(call, SERVE_TOKEN_IDS, param,
                          "token ids are of another model's vocabulary: send words (LangChain: "
                          "check_embedding_ctx_length=False)");
    if (vit__json_is_array(value)) /* the messages of one conversation */
        return add_parts(call, items, value, param);
    return serve_fail(call, SERVE_BAD_REQUEST, param, "an input is a string or an object");
}

static bool check_count(serve_call *call, size_t n, const char *name)
{
    size_t most = call->app->limits.inputs;
    return n <= most ||
           serve_fail(call, SERVE_TOO_LARGE, name, "%zu inputs; a request may have %zu (--max-inputs)", n, most);
}

bool serve_items_add(serve_call *call, serve_items *items, const vit__json *value, const char *name)
{
    char param[64];
    size_t n = vit__json_length(value);
    bool numbers = n > 0 && vit__json_is_number(vit__json_at(value, 0));
    if (!vit__json_is_array(value) || numbers)
        return vit__json_is_null(value) ? serve_fail(call, SERVE_BAD_REQUEST, name, "it is missing")
                                        : serve_items_add_one(call, items, value, name);
    if (n == 0)
        return serve_fail(call, SERVE_BAD_REQUEST, name, "it is empty");
    if (!check_count(call, n, name))
        return false;
    bool done = true;
    for (size_t i = 0; i < n && done; i++) {
        snprintf(param, sizeof param, "%s[%zu]", name, i);
        done = serve_items_add_one(call, items, vit__json_at(value, i), param);
    }
    return done;
}

bool serve_items_add_strings(serve_call *call, serve_items *items, const vit__json *value, bool pictures,
                             const char *name)
{
    char param[64];
    bool one = vit__json_string(value) != NULL, done = true;
    size_t n = one ? 1 : vit__json_length(value);
    if (!one && !vit__json_is_array(value))
        return serve_fail(call, SERVE_BAD_REQUEST, name, "an array of strings is wanted");
    if (!check_count(call, n, name))
        return false;
    for (size_t i = 0; i < n && done; i++) {
        const vit__json *item = one ? value : vit__json_at(value, i);
        snprintf(param, sizeof param, "%s[%zu]", name, i);
        done = pictures ? add_picture(call, items, item, param) : add_words(call, items, item, param);
    }
    return done;
}

/* ------------------------------------------------------------------ vectors ---- */

bool serve_wanted_output(serve_call *call, const char *name, serve_wanted *wanted)
{
    static const vit_output outputs[] = {VIT_OUTPUT_EMBEDDING, VIT_OUTPUT_CLASS, VIT_OUTPUT_MEAN, VIT_OUTPUT_POOLER};
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        if (strcmp(vit_output_name(outputs[i]), name) == 0) {
            wanted->output = outputs[i];
            return true;
        }
    return serve_fail(call, SERVE_BAD_REQUEST, "output", "one of embedding, cls, mean, pooler");
}

/* The inputs of one tower, and which items they are. */
typedef struct part {
    serve_job job;
    size_t *items;
} part;

static bool choose(serve_call *call, const serve_items *items, vit_tower tower, part *p)
{
    p->job.inputs = serve_call_alloc(call, items->n, sizeof(serve_input));
    p->items = serve_call_alloc(call, items->n, sizeof *p->items);
    for (size_t i = 0; p->job.inputs && p->items && i < items->n; i++) {
        bool words = items->inputs[i].kind == SERVE_WORDS || items->inputs[i].kind == SERVE_IDS;
        if (words == (tower == VIT_TOWER_TEXT)) {
            p->items[p->job.n] = i;
            p->job.inputs[p->job.n++] = items->inputs[i];
        }
    }
    return p->job.inputs && p->items;
}

static bool encode(serve_call *call, serve_items *items, const serve_wanted *wanted, vit_tower tower, float **vectors,
                   size_t *size)
{
    part p = {.job = {.tower = tower, .output = wanted->output, .normalize = wanted->normalize}};
    if (!choose(call, items, tower, &p))
        return false;
    p.job.numbers = p.items;
    if (p.job.n == 0)
        return true;
    if (!call->model->facts.sizes[tower])
        return serve_fail(call, tower == VIT_TOWER_TEXT ? SERVE_NO_TEXT_TOWER : SERVE_UNPROCESSABLE, NULL,
                          "model %s takes no %s", call->model->name, tower == VIT_TOWER_TEXT ? "words" : "pictures");
    if (!serve_call_run(call, &p.job))
        return false;
    size_t width = p.job.rows * p.job.columns;
    if (*size && *size != width)
        return serve_fail(call, SERVE_UNPROCESSABLE, NULL,
                          "vectors of pictures have %zu numbers and those of words %zu: send them in two requests",
                          *size, width);
    *size = width;
    if (!*vectors && !(*vectors = serve_call_alloc(call, items->n * sizeof(float), width)))
        return false;
    for (size_t i = 0; i < p.job.n; i++) {
        memcpy(*vectors + p.items[i] * width, p.job.results + i * width, width * sizeof **vectors);
        items->inputs[p.items[i]] = p.job.inputs[i];
    }
    return true;
}

bool serve_items_embed(serve_call *call, serve_items *items, const serve_wanted *wanted, float **vectors, size_t *size)
{
    *vectors = NULL;
    *size = 0;
    return encode(call, items, wanted, VIT_TOWER_IMAGE, vectors, size) &&
           encode(call, items, wanted, VIT_TOWER_TEXT, vectors, size);
}
