/* SPDX-License-Identifier: BSD-2-Clause */
#include "spiece.h"

#include <string.h>

#include "utf8.h"

#define SPACE_MARK "\xE2\x96\x81" /* U+2581 */

void vit__spiece_free(vit__spiece *spiece)
{
    if (spiece->unigram)
        spiece->unigram->model.free(&spiece->unigram->model);
    vit__lexicon_free(&spiece->names);
    vit__charsmap_free(&spiece->charsmap);
    *spiece = (vit__spiece){0};
}

uint32_t vit__spiece_id(const vit__spiece *spiece, const char *name)
{
    uint32_t id = vit__lexicon_find(&spiece->names, name, strlen(name));
    return id == VIT__NO_ID ? spiece->unigram->unknown : id;
}

/* ------------------------------------------------------------------ encoding ---- */

/* What stands for the text at *at, which moves past it: the replacement of the longest key of the
 * map, or one character. */
static const char *next_part(const vit__spiece *spiece, const char *text, size_t size, size_t *at, size_t *length)
{
    size_t key;
    const char *part = text + *at, *replacement = vit__charsmap_longest(&spiece->charsmap, part, size - *at, &key);
    if (replacement) {
        *at += key;
        *length = strlen(replacement);
        return replacement;
    }
    *length = *at;
    vit__utf8_next(text, size, at);
    *length = *at - *length;
    return part;
}

static void add_marked(const vit__spiece *spiece, const char *part, size_t length, vit__buffer *out)
{
    for (size_t i = 0; i < length; i++) {
        bool space = part[i] == ' ' && spiece->mark_spaces;
        vit__buffer_add(out, space ? SPACE_MARK : part + i, space ? strlen(SPACE_MARK) : 1);
    }
}

/* Bytes of the text's start that are spaces, or become one. */
static size_t leading_spaces(const vit__spiece *spiece, const char *text, size_t size)
{
    size_t end = 0, length;
    for (size_t at = 0; at < size; end = at) {
        const char *part = next_part(spiece, text, size, &at, &length);
        if (length != 1 || *part != ' ')
            break;
    }
    return end;
}

static void trim_end(const vit__spiece *spiece, vit__buffer *out)
{
    const char *space = spiece->mark_spaces ? SPACE_MARK : " ";
    size_t length = strlen(space);
    while (out->size >= length && memcmp(out->data + out->size - length, space, length) == 0)
        out->size -= length;
}

static void normalize(const vit__spiece *spiece, const char *text, size_t size, vit__buffer *out)
{
    size_t at = spiece->squeeze ? leading_spaces(spiece, text, size) : 0;
    if (at == size)
        return;
    if (spiece->prefix_space)
        add_marked(spiece, " ", 1, out);
    bool after_space = spiece->squeeze;
    while (at < size) {
        size_t length;
        const char *part = next_part(spiece, text, size, &at, &length);
        for (; after_space && length > 0 && *part == ' '; part++)
            length--;
        add_marked(spiece, part, length, out);
        if (length > 0)
            after_space = spiece->squeeze && part[length - 1] == ' ';
    }
    if (spiece->squeeze && !out->failed)
        trim_end(spiece, out);
}

void vit__spiece_encode(const vit__spiece *spiece, const char *text, size_t size, vit__ids *ids)
{
    vit__buffer normal = {0};
    normalize(spiece, text, size, &normal);
    if (normal.failed)
        ids->failed = true;
    else
        spiece->unigram->model.encode(&spiece->unigram->model, normal.data, normal.size, ids);
    vit__buffer_free(&normal);
}
