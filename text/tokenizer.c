/* SPDX-License-Identifier: BSD-2-Clause */
/* The public functions. */
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "limit.h"
#include "memory.h"
#include "python_text.h"
#include "unicode.h"

_Static_assert(VIT__LIMIT_TEXT_BYTES == VIT_TEXT_MAX_BYTES, "the public header has the same");

static vit_status check_options(const char *path, const vit_tokenizer_options *options, vit_error *err)
{
    if (!*path)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, "vit_tokenizer_open", "path is empty");
    if (options->kind < VIT_TOKENIZER_AUTO || options->kind > VIT_TOKENIZER_JSON ||
        options->context > VIT__LIMIT_TEXT_TOKENS)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, "vit_tokenizer_open", "an option is out of range");
    return VIT__CHECK_RESERVED(err, "vit_tokenizer_open", options);
}

static vit_status build(const char *path, const vit_tokenizer_options *options, vit_tokenizer *tokenizer,
                        vit_error *err)
{
    vit__text_folder folder = {0};
    char *place;
    vit_status status = vit_model_folder(path, &place, err);
    if (status == VIT_OK)
        status = vit__text_folder_open(place, &folder, err);
    if (status == VIT_OK)
        status = vit__tokenizer_build(&folder, options->kind, tokenizer, err);
    vit__text_folder_close(&folder);
    vit_free(place);
    if (status != VIT_OK)
        return status;
    if (options->context > 0)
        tokenizer->context = options->context;
    size_t special = tokenizer->pipeline.n_before + tokenizer->pipeline.n_after;
    if (tokenizer->context <= special || tokenizer->context > VIT__LIMIT_TEXT_TOKENS)
        return vit__fail(err, VIT_ERR_CORRUPT, path, "a text of %zu tokens, %zu of them special, is no use",
                         tokenizer->context, special);
    return VIT_OK;
}

vit_status vit_tokenizer_open(const char *path, const vit_tokenizer_options *options, vit_tokenizer **tokenizer,
                              vit_error *err)
{
    const vit_tokenizer_options defaults = {0};
    if (tokenizer)
        *tokenizer = NULL;
    if (!path || !tokenizer)
        return vit__fail_null(err, __func__, path ? "tokenizer" : "path");
    options = options ? options : &defaults;
    vit_status status = check_options(path, options, err);
    if (status != VIT_OK)
        return status;
    vit_tokenizer *made = vit__alloc_zero(1, sizeof *made);
    if (!made)
        return vit__fail_memory(err, path);
    status = build(path, options, made, err);
    if (status == VIT_OK)
        *tokenizer = made;
    else
        vit_tokenizer_free(made);
    return status;
}

void vit_tokenizer_free(vit_tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    vit__pipeline_free(&tokenizer->pipeline);
    vit__siglip_free(&tokenizer->siglip);
    vit__buffer_free(&tokenizer->prompt);
    free(tokenizer);
}

static vit_status check_text(const char *text, size_t size, vit_error *err)
{
    size_t offset;
    if (size > VIT_TEXT_MAX_BYTES)
        return vit__fail(err, VIT_ERR_TOO_LARGE, "text", "a text of more than %u bytes", VIT_TEXT_MAX_BYTES);
    if (!vit__unicode_check(text, size, &offset))
        return vit__fail(err, VIT_ERR_CORRUPT, "text", "not UTF-8 from byte %zu on", offset);
    return VIT_OK;
}

/* What sentence-transformers does to a text: the prompt ahead of it, and lower case. */
static void prepare(const vit_tokenizer *tokenizer, const char *text, size_t size, vit__buffer *out)
{
    vit__buffer prompted = {0};
    vit__buffer_add(&prompted, tokenizer->prompt.data, tokenizer->prompt.size);
    vit__buffer_add(&prompted, text, size);
    if (tokenizer->lower)
        vit__python_lower(prompted.data, prompted.size, out);
    else
        vit__buffer_add(out, prompted.data, prompted.size);
    out->failed = out->failed || prompted.failed;
    vit__buffer_free(&prompted);
}

static vit_status run(const vit_tokenizer *tokenizer, const char *text, size_t size, vit__ids *ids, vit_error *err)
{
    vit__buffer clean = {0}, whole = {0};
    vit_status status = check_text(text, size, err);
    if (status == VIT_OK && (tokenizer->prompt.size > 0 || tokenizer->lower)) {
        prepare(tokenizer, text, size, &whole);
        status = whole.failed ? vit__fail_memory(err, "text") : VIT_OK;
        text = whole.data;
        size = whole.size;
    }
    if (status == VIT_OK)
        status = vit__clean_run(tokenizer->clean, text, size, &clean, err);
    if (status == VIT_OK && tokenizer->pipeline.model)
        vit__pipeline_encode(&tokenizer->pipeline, clean.data, clean.size, ids);
    else if (status == VIT_OK)
        vit__siglip_encode(&tokenizer->siglip, clean.data, clean.size, ids);
    for (size_t i = 0; tokenizer->zeroes && i < ids->n; i++)
        if (ids->data[i] == tokenizer->zeroed)
            ids->data[i] = 0;
    vit__buffer_free(&clean);
    vit__buffer_free(&whole);
    return status == VIT_OK && ids->failed ? vit__fail_memory(err, "text") : status;
}

static vit_status check_arguments(const char *function, const vit_tokenizer *tokenizer, const char *text, size_t size,
                                  bool no_ids, vit_error *err)
{
    bool no_text = !text && size > 0;
    if (!tokenizer || no_text || no_ids)
        return vit__fail_null(err, function, !tokenizer ? "tokenizer" : no_text ? "text" : "ids");
    return VIT_OK;
}

vit_status vit_tokenizer_encode(const vit_tokenizer *tokenizer, const char *text, size_t size, int32_t *ids,
                                size_t capacity, size_t *n, vit_error *err)
{
    if (n)
        *n = 0;
    if (!n)
        return vit__fail_null(err, __func__, "n");
    vit_status status = check_arguments(__func__, tokenizer, text, size, !ids && capacity > 0, err);
    if (status != VIT_OK)
        return status;
    vit__ids found = {.limit = tokenizer->context};
    status = run(tokenizer, text ? text : "", size, &found, err);
    if (status == VIT_OK)
        *n = found.n;
    if (status == VIT_OK && found.n > capacity)
        status = vit__fail(err, VIT_ERR_INVALID_ARGUMENT, "vit_tokenizer_encode", "%zu ids, and room for %zu", found.n,
                           capacity);
    else if (status == VIT_OK && found.n > 0)
        memcpy(ids, found.data, found.n * sizeof *ids);
    vit__ids_free(&found);
    return status;
}

vit_status vit_tokenizer_encode_padded(const vit_tokenizer *tokenizer, const char *text, size_t size, int32_t *ids,
                                       size_t *n, vit_error *err)
{
    size_t found = 0;
    if (n)
        *n = 0;
    vit_status status = check_arguments(__func__, tokenizer, text, size, !ids, err);
    if (status == VIT_OK)
        status = vit_tokenizer_encode(tokenizer, text, size, ids, tokenizer->context, &found, err);
    if (status != VIT_OK)
        return status;
    size_t padding = tokenizer->context - found;
    if (tokenizer->pad_left)
        memmove(ids + padding, ids, found * sizeof *ids);
    for (size_t i = 0; i < padding; i++)
        ids[tokenizer->pad_left ? i : found + i] = (int32_t)tokenizer->pad_id;
    if (n)
        *n = found;
    return VIT_OK;
}

size_t vit_tokenizer_context(const vit_tokenizer *tokenizer)
{
    return tokenizer ? tokenizer->context : 0;
}

int32_t vit_tokenizer_pad_id(const vit_tokenizer *tokenizer)
{
    return tokenizer ? (int32_t)tokenizer->pad_id : 0;
}

int vit_tokenizer_pads_left(const vit_tokenizer *tokenizer)
{
    return tokenizer ? tokenizer->pad_left : 0;
}

const char *vit_tokenizer_name(const vit_tokenizer *tokenizer)
{
    return tokenizer ? tokenizer->name : NULL;
}
