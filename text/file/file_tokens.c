/* SPDX-License-Identifier: BSD-2-Clause */
/* tokenizer.json: "added_tokens" and "post_processor". */
#include <string.h>

#include "error.h"
#include "file_steps.h"
#include "limit.h"
#include "tokenizer_file.h"

/* ------------------------------------------------------------------ added tokens ---- */

static vit_status add_normalized(const char *content, size_t size, vit__added_token token, vit__pipeline *pipeline,
                                 const char *where, vit_error *err)
{
    vit__buffer text = {0}, other = {0};
    vit__buffer_add(&text, content, size);
    vit__normalizer_run(&pipeline->normalizer, &text, &other);
    vit__added_tokens_add(&pipeline->normalized, text.data, text.size, token);
    bool failed = text.failed || other.failed;
    vit__buffer_free(&text);
    vit__buffer_free(&other);
    return failed ? vit__fail_memory(err, where) : VIT_OK;
}

static vit_status read_added(const vit__tokenizer_json *source, const vit__json *json, vit__pipeline *pipeline,
                             vit_error *err)
{
    size_t size;
    vit__added_token token = {0};
    bool special = false, single_word = false;
    const char *content = vit__json_bytes(vit__json_get(json, "content"), &size);
    if (!content || size > VIT__LIMIT_TOKEN_BYTES || !vit__token_id(vit__json_get(json, "id"), &token.id))
        return vit__part_corrupt(source, "added_tokens", err);
    vit__json_boolean(vit__json_get(json, "special"), &special);
    vit__json_boolean(vit__json_get(json, "single_word"), &single_word);
    vit__json_boolean(vit__json_get(json, "lstrip"), &token.eats_left);
    vit__json_boolean(vit__json_get(json, "rstrip"), &token.eats_right);
    if (single_word)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, source->where,
                         "its added token %.100s asks for single_word, which is not built", content);
    bool normalized = !special;
    vit__json_boolean(vit__json_get(json, "normalized"), &normalized);
    if (normalized)
        return add_normalized(content, size, token, pipeline, source->where, err);
    vit__added_tokens_add(&pipeline->raw, content, size, token);
    return VIT_OK;
}

static vit_status read_all_added(const vit__tokenizer_json *source, vit__pipeline *pipeline, vit_error *err)
{
    const vit__json *list = vit__json_get(source->json, "added_tokens");
    if (!vit__json_is_null(list) && !vit__json_is_array(list))
        return vit__part_corrupt(source, "added_tokens", err);
    vit_status status = VIT_OK;
    for (size_t i = 0; i < vit__json_length(list) && status == VIT_OK; i++)
        status = read_added(source, vit__json_at(list, i), pipeline, err);
    if (status != VIT_OK)
        return status;
    vit__added_tokens_finish(&pipeline->raw);
    vit__added_tokens_finish(&pipeline->normalized);
    return pipeline->raw.failed || pipeline->normalized.failed ? vit__fail_memory(err, source->where) : VIT_OK;
}

bool vit__file_find_token(const vit__tokenizer_json *source, const char *content, uint32_t *id)
{
    const vit__json *added = vit__json_get(source->json, "added_tokens");
    for (size_t i = 0; i < vit__json_length(added); i++) {
        const vit__json *token = vit__json_at(added, i);
        if (vit__json_is(vit__json_get(token, "content"), content))
            return vit__token_id(vit__json_get(token, "id"), id);
    }
    const vit__json *vocabulary = vit__json_get(vit__json_get(source->json, "model"), "vocab");
    if (!vit__json_is_array(vocabulary))
        return vit__token_id(vit__json_get(vocabulary, content), id);
    for (size_t i = 0; i < vit__json_length(vocabulary); i++) {
        *id = (uint32_t)i;
        if (vit__json_is(vit__json_at(vit__json_at(vocabulary, i), 0), content))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------ around a text ---- */

typedef struct around {
    vit__pipeline *pipeline;
    bool behind; /* the text has been passed */
} around;

static vit_status add_around(vit__steps *steps, bool known, uint32_t id, vit_error *err)
{
    const around *a = steps->into;
    vit__pipeline *pipeline = a->pipeline;
    size_t *n = a->behind ? &pipeline->n_after : &pipeline->n_before;
    if (!known || *n >= VIT__MAX_AROUND)
        return vit__part_corrupt(steps->source, "post_processor", err);
    (a->behind ? pipeline->after : pipeline->before)[(*n)++] = id;
    return VIT_OK;
}

static vit_status begin(const vit__steps *steps, vit_error *err)
{
    const around *a = steps->into;
    return a->behind ? vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, steps->source->where,
                                 "its post_processor puts tokens around a text twice, which is not built")
                     : VIT_OK;
}

/* RobertaProcessing and BertProcessing: "cls" TEXT "sep", each ["token", id]. */
static vit_status read_pair(vit__steps *steps, const vit__json *json, vit_error *err)
{
    around *a = steps->into;
    uint32_t first = 0, last = 0;
    bool known = vit__token_id(vit__json_at(vit__json_get(json, "cls"), 1), &first) &&
                 vit__token_id(vit__json_at(vit__json_get(json, "sep"), 1), &last);
    vit_status status = begin(steps, err);
    if (status == VIT_OK)
        status = add_around(steps, known, first, err);
    a->behind = true;
    return status == VIT_OK ? add_around(steps, known, last, err) : status;
}

/* A special token of a template may stand for several ids. */
static vit_status read_template_token(vit__steps *steps, const vit__json *json, const vit__json *token, vit_error *err)
{
    const char *name = vit__json_string(vit__json_get(token, "id"));
    const vit__json *entry = name ? vit__json_get(vit__json_get(json, "special_tokens"), name) : NULL;
    const vit__json *ids = vit__json_get(entry, "ids");
    vit_status status = vit__json_is_array(ids) ? VIT_OK : vit__part_corrupt(steps->source, "post_processor", err);
    for (size_t i = 0; i < vit__json_length(ids) && status == VIT_OK; i++) {
        uint32_t id = 0;
        bool known = vit__token_id(vit__json_at(ids, i), &id);
        status = add_around(steps, known, id, err);
    }
    return status;
}

static vit_status read_template(vit__steps *steps, const vit__json *json, vit_error *err)
{
    around *a = steps->into;
    const vit__json *single = vit__json_get(json, "single");
    vit_status status = begin(steps, err);
    for (size_t i = 0; i < vit__json_length(single) && status == VIT_OK; i++) {
        const vit__json *item = vit__json_at(single, i), *token = vit__json_get(item, "SpecialToken");
        if (token)
            status = read_template_token(steps, json, token, err);
        else if (vit__json_get(item, "Sequence") && !a->behind)
            a->behind = true;
        else
            status = vit__part_corrupt(steps->source, "post_processor", err);
    }
    if (status == VIT_OK && !a->behind)
        return vit__part_corrupt(steps->source, "post_processor (no place for the text)", err);
    return status;
}

static vit_status read_nothing(vit__steps *steps, const vit__json *json, vit_error *err)
{
    (void)steps;
    (void)json;
    (void)err;
    return VIT_OK;
}

static const vit__step_type types[] = {
    {"RobertaProcessing", read_pair},
    {"BertProcessing", read_pair},
    {"TemplateProcessing", read_template},
    {"ByteLevel", read_nothing},
};

vit_status vit__file_read_tokens(const vit__tokenizer_json *source, vit__pipeline *pipeline, vit_error *err)
{
    around into = {.pipeline = pipeline};
    vit__steps steps = {source, "post_processor", "processors", types, sizeof types / sizeof *types, &into, 0};
    vit_status status = read_all_added(source, pipeline, err);
    return status == VIT_OK ? vit__file_read_steps(&steps, err) : status;
}
