/* SPDX-License-Identifier: BSD-2-Clause */
#include "file_bpe.h"

#include <stdio.h>
#include <string.h>

#include "bpe.h"
#include "error.h"
#include "utf8.h"

#define HEADER "#version"

typedef struct reader {
    const vit__bpe_parts *parts;
    vit__bpe *bpe;
    vit__buffer key;
    size_t n; /* merges read */
} reader;

/* Id of a + b in the vocabulary. */
static bool find(reader *r, const char *a, size_t a_size, const char *b, size_t b_size, uint32_t *id)
{
    vit__buffer_clear(&r->key);
    vit__buffer_add(&r->key, a, a_size);
    vit__buffer_add(&r->key, b, b_size);
    const char *key = vit__buffer_terminate(&r->key);
    return key && strlen(key) == r->key.size && vit__token_id(vit__json_get(r->parts->vocabulary, key), id);
}

/* The character that stands for a byte: printable Latin-1 for itself, the other 68 in order from
 * U+0100 on. */
static uint32_t byte_character(unsigned byte, unsigned *others)
{
    bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    return printable ? byte : 0x100 + (*others)++;
}

static void read_bytes(reader *r)
{
    unsigned others = 0;
    const char *suffix = r->parts->suffix ? r->parts->suffix : "";
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[4];
        size_t size = vit__utf8_encode(byte_character(byte, &others), text);
        find(r, text, size, "", 0, &r->bpe->byte[byte]);
        find(r, text, size, suffix, strlen(suffix), &r->bpe->last_byte[byte]);
    }
}

static void read_fallback(reader *r)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[8];
        int size = snprintf(text, sizeof text, "<0x%02X>", byte);
        find(r, text, (size_t)size, "", 0, &r->bpe->byte[byte]);
    }
}

/* Tokens of one character, and those with the suffix after it. */
static void read_character(reader *r, const char *key, uint32_t id)
{
    size_t size = strlen(key), first = 0;
    if (size == 0)
        return;
    vit__utf8_next(key, size, &first);
    const char *suffix = r->parts->suffix ? r->parts->suffix : "";
    if (first == size)
        vit__lexicon_add(&r->bpe->characters, key, first, id);
    else if (*suffix && strcmp(key + first, suffix) == 0)
        vit__lexicon_add(&r->bpe->last_characters, key, first, id);
}

static vit_status read_vocabulary(reader *r, vit_error *err)
{
    const vit__json *vocabulary = r->parts->vocabulary;
    if (!vit__json_is_object(vocabulary))
        return vit__fail(err, VIT_ERR_CORRUPT, r->parts->where, "its vocabulary is not an object from tokens to ids");
    for (void *i = vit__json_first(vocabulary); i; i = vit__json_next(vocabulary, i)) {
        uint32_t id;
        if (!vit__token_id(vit__json_value(i), &id))
            return vit__fail(err, VIT_ERR_CORRUPT, r->parts->where,
                             "the id of the token %.100s is not a whole number from 0 to 2147483647", vit__json_key(i));
        if (!r->parts->bytes)
            read_character(r, vit__json_key(i), id);
    }
    if (r->parts->bytes)
        read_bytes(r);
    else if (r->parts->byte_fallback)
        read_fallback(r);
    return VIT_OK;
}

static vit_status add_merge(reader *r, const char *left, size_t left_size, const char *right, size_t right_size,
                            vit_error *err)
{
    uint32_t left_id, right_id, id;
    bool known = find(r, left, left_size, "", 0, &left_id) && find(r, right, right_size, "", 0, &right_id) &&
                 find(r, left, left_size, right, right_size, &id);
    if (r->key.failed)
        return vit__fail_memory(err, r->parts->where);
    if (!known)
        return vit__fail(err, VIT_ERR_CORRUPT, r->parts->where,
                         "merge %zu (%.*s and %.*s): these, or what they give, are not in the vocabulary", r->n,
                         (int)(left_size < 50 ? left_size : 50), left, (int)(right_size < 50 ? right_size : 50), right);
    vit__bpe_add_merge(r->bpe, left_id, right_id, id);
    r->n++;
    return VIT_OK;
}

/* "left right" */
static vit_status add_line(reader *r, const char *line, size_t size, vit_error *err)
{
    const char *space = size > 0 ? memchr(line, ' ', size) : NULL;
    size_t left = space ? (size_t)(space - line) : 0;
    bool two = left > 0 && left + 1 < size && !memchr(space + 1, ' ', size - left - 1);
    if (!two)
        return vit__fail(err, VIT_ERR_CORRUPT, r->parts->where, "merge %zu is not two tokens with one space between",
                         r->n);
    return add_merge(r, line, left, space + 1, size - left - 1, err);
}

static vit_status read_merges_text(reader *r, vit_error *err)
{
    const vit__buffer *text = r->parts->merges_text;
    vit_status status = VIT_OK;
    for (size_t at = 0; at < text->size && status == VIT_OK;) {
        const char *line = text->data + at, *end = memchr(line, '\n', text->size - at);
        size_t size = end ? (size_t)(end - line) : text->size - at;
        at += size + (end != NULL);
        if (size > 0 && line[size - 1] == '\r')
            size--;
        bool header = size >= strlen(HEADER) && memcmp(line, HEADER, strlen(HEADER)) == 0;
        if (size > 0 && !header)
            status = add_line(r, line, size, err);
    }
    return status;
}

static vit_status read_merge(reader *r, const vit__json *merge, vit_error *err)
{
    size_t size, right_size;
    const char *line = vit__json_bytes(merge, &size);
    if (line)
        return add_line(r, line, size, err);
    const char *left = vit__json_bytes(vit__json_at(merge, 0), &size);
    const char *right = vit__json_bytes(vit__json_at(merge, 1), &right_size);
    if (!left || !right || vit__json_length(merge) != 2)
        return vit__fail(err, VIT_ERR_CORRUPT, r->parts->where, "merge %zu is not two tokens", r->n);
    return add_merge(r, left, size, right, right_size, err);
}

static vit_status read_merges(reader *r, vit_error *err)
{
    if (r->parts->merges_text)
        return read_merges_text(r, err);
    if (!vit__json_is_array(r->parts->merges))
        return vit__fail(err, VIT_ERR_CORRUPT, r->parts->where, "its merges are not a list");
    vit_status status = VIT_OK;
    for (size_t i = 0; i < vit__json_length(r->parts->merges) && status == VIT_OK; i++)
        status = read_merge(r, vit__json_at(r->parts->merges, i), err);
    return status;
}

vit_status vit__file_build_bpe(const vit__bpe_parts *parts, vit__text_model **model, vit_error *err)
{
    reader r = {.parts = parts, .bpe = vit__bpe_new()};
    *model = NULL;
    if (!r.bpe)
        return vit__fail_memory(err, parts->where);
    r.bpe->by_bytes = parts->bytes;
    r.bpe->byte_fallback = parts->byte_fallback;
    r.bpe->unknown = parts->unknown;
    r.bpe->fuse_unknown = parts->fuse_unknown;
    vit_status status = read_vocabulary(&r, err);
    if (status == VIT_OK)
        status = read_merges(&r, err);
    if (status == VIT_OK) {
        vit__bpe_finish(r.bpe);
        status = r.bpe->failed || r.key.failed ? vit__fail_memory(err, parts->where) : VIT_OK;
    }
    vit__buffer_free(&r.key);
    if (status == VIT_OK)
        *model = &r.bpe->model;
    else
        r.bpe->model.free(&r.bpe->model);
    return status;
}
