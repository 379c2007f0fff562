/* SPDX-License-Identifier: BSD-2-Clause */
#include "siglip.h"

#include <string.h>

#include "error.h"
#include "file_spiece.h"
#include "python_text.h"
#include "tokenizer_json.h"

#define END "</s>"
#define UNKNOWN "<unk>"
#define SPACE "\xE2\x96\x81" /* sentencepiece's mark for a space, U+2581 */

/* Only pieces that exist: vit__spiece_id answers with the unknown one for others. */
static uint32_t id_of(const vit__siglip *siglip, const char *piece)
{
    uint32_t id = vit__spiece_id(&siglip->spiece, piece);
    return id == siglip->unknown ? VIT__NO_ID : id;
}

static vit_status fill(vit__siglip *siglip, const char *path, vit_error *err)
{
    siglip->unknown = vit__spiece_id(&siglip->spiece, UNKNOWN);
    siglip->end = id_of(siglip, END);
    siglip->space = id_of(siglip, SPACE);
    if (siglip->end == VIT__NO_ID)
        return vit__fail(err, VIT_ERR_CORRUPT, path, "it has no piece " END ", which ends every text");
    vit__ids ids = {.limit = SIZE_MAX};
    vit__spiece_encode(&siglip->spiece, UNKNOWN, strlen(UNKNOWN), &ids);
    siglip->skipped = ids.n;
    bool failed = ids.failed;
    vit__ids_free(&ids);
    return failed ? vit__fail_memory(err, path) : VIT_OK;
}

vit_status vit__siglip_open(const char *path, vit__siglip *siglip, vit_error *err)
{
    vit__buffer model;
    *siglip = (vit__siglip){0};
    vit_status status = vit__file_read(path, &vit__tokenizer_file, &model, err);
    if (status == VIT_OK)
        status = vit__file_read_spiece(model.data, model.size, path, &siglip->spiece, err);
    vit__buffer_free(&model);
    return status == VIT_OK ? fill(siglip, path, err) : status;
}

void vit__siglip_free(vit__siglip *siglip)
{
    vit__spiece_free(&siglip->spiece);
    *siglip = (vit__siglip){0};
}

typedef struct work {
    const vit__siglip *siglip;
    vit__buffer clean, other;
    vit__ids part;
    vit__ids all; /* one more than will be kept: the first may be taken away */
} work;

static void swap_step(work *w, void (*step)(const char *, size_t, vit__buffer *))
{
    vit__buffer_clear(&w->other);
    step(w->clean.data, w->clean.size, &w->other);
    vit__buffer_swap(&w->clean, &w->other);
}

static void delete_punctuation(const char *text, size_t size, vit__buffer *out)
{
    vit__python_delete_punctuation(text, size, false, out);
}

/* Text between special tokens. "<unk>" goes in front, so that the part's own start is not taken for
 * the start of a text; its pieces are taken off again. */
static void encode_part(work *w, const char *part, size_t size)
{
    if (size == 0)
        return;
    vit__buffer_clear(&w->clean);
    vit__buffer_add(&w->clean, part, size);
    swap_step(w, vit__python_lower);
    swap_step(w, delete_punctuation);
    swap_step(w, vit__python_join_split);
    vit__buffer_clear(&w->other);
    vit__buffer_add_string(&w->other, UNKNOWN);
    vit__buffer_add(&w->other, w->clean.data, w->clean.size);
    w->part.n = 0;
    w->part.limit = SIZE_MAX;
    vit__spiece_encode(&w->siglip->spiece, w->other.data, w->other.size, &w->part);
    for (size_t i = w->part.n >= w->siglip->skipped ? w->siglip->skipped : 0; i < w->part.n; i++)
        vit__ids_add(&w->all, w->part.data[i]);
}

/* "</s>" or "<unk>" at text: its bytes, or 0. */
static size_t special_at(const vit__siglip *siglip, const char *text, size_t size, uint32_t *id)
{
    *id = siglip->end;
    if (size >= strlen(END) && memcmp(text, END, strlen(END)) == 0)
        return strlen(END);
    *id = siglip->unknown;
    return size >= strlen(UNKNOWN) && memcmp(text, UNKNOWN, strlen(UNKNOWN)) == 0 ? strlen(UNKNOWN) : 0;
}

/* The start of the next special token, or size; *length is 0 then. */
static size_t find_special(const vit__siglip *siglip, const char *text, size_t size, size_t at, size_t *length,
                           uint32_t *id)
{
    for (*length = 0; at < size; at++)
        if (text[at] == '<' && (*length = special_at(siglip, text + at, size - at, id)) > 0)
            return at;
    return size;
}

static void encode_text(work *w, const char *text, size_t size)
{
    for (size_t at = 0; at < size && !vit__ids_full(&w->all);) {
        size_t length;
        uint32_t id;
        size_t found = find_special(w->siglip, text, size, at, &length, &id), end = found;
        if (length > 0)
            end -= vit__python_right_space(text + at, found - at);
        encode_part(w, text + at, end - at);
        at = found + length;
        if (length == 0)
            return;
        /* A space in front of a special token that starts the text is none. */
        if (w->all.n == 1 && w->siglip->space != VIT__NO_ID && w->all.data[0] == w->siglip->space)
            w->all.n = 0;
        vit__ids_add(&w->all, id);
        at += vit__python_left_space(text + at, size - at);
    }
}

/* The text as the tokenizer gets it: every space mark is a space, and one mark goes in front. */
static void mark(const char *text, size_t size, vit__buffer *out)
{
    vit__buffer_add_string(out, SPACE);
    for (size_t at = 0; at < size;) {
        bool here = size - at >= strlen(SPACE) && memcmp(text + at, SPACE, strlen(SPACE)) == 0;
        vit__buffer_add(out, here ? " " : text + at, 1);
        at += here ? strlen(SPACE) : 1;
    }
}

/* The first limit - 1, and the end token unless it is there already. */
static void finish(const work *w, vit__ids *ids)
{
    size_t limit = ids->limit;
    ids->limit = limit - 1;
    for (size_t i = 0; i < w->all.n; i++)
        vit__ids_add(ids, w->all.data[i]);
    ids->limit = limit;
    if (ids->n == 0 || ids->data[ids->n - 1] != w->siglip->end)
        vit__ids_add(ids, w->siglip->end);
}

void vit__siglip_encode(const vit__siglip *siglip, const char *text, size_t size, vit__ids *ids)
{
    work w = {.siglip = siglip, .all = {.limit = ids->limit + 1}};
    vit__buffer marked = {0};
    mark(text, size, &marked);
    if (!marked.failed)
        encode_text(&w, marked.data, marked.size);
    finish(&w, ids);
    ids->failed = ids->failed || marked.failed || w.clean.failed || w.other.failed || w.part.failed || w.all.failed;
    vit__buffer_free(&marked);
    vit__buffer_free(&w.clean);
    vit__buffer_free(&w.other);
    vit__ids_free(&w.part);
    vit__ids_free(&w.all);
}
