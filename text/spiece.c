/* SPDX-License-Identifier: BSD-2-Clause */
#include "spiece.h"

#include <math.h>
#include <string.h>

#include "error.h"
#include "protobuf.h"
#include "utf8.h"

#define SPACE_MARK "\xE2\x96\x81" /* U+2581 */
#define UNKNOWN_PENALTY 10.0f

/* Field numbers of sentencepiece_model.proto that are read. */
enum { MODEL_PIECE = 1, MODEL_TRAINER = 2, MODEL_NORMALIZER = 3 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3 };
enum { TRAINER_MODEL_TYPE = 3, TRAINER_SPACE_AS_SUFFIX = 24, TRAINER_BYTE_FALLBACK = 35 };
enum { NORMALIZER_CHARSMAP = 2, NORMALIZER_PREFIX = 3, NORMALIZER_SQUEEZE = 4, NORMALIZER_MARK = 5 };

enum { TYPE_UNIGRAM = 1 };
enum { PIECE_NORMAL = 1, PIECE_UNKNOWN = 2, PIECE_CONTROL = 3, PIECE_UNUSED = 5 };

typedef struct piece {
    const char *text;
    size_t size;
    float score;
    uint64_t type;
} piece;

typedef struct reader {
    vit__spiece *spiece;
    const char *where;
    size_t n, unknowns;
    float least; /* score of a normal piece */
} reader;

static vit_status broken(const reader *r, const char *what, vit_error *err)
{
    return vit__fail(err, VIT_ERR_CORRUPT, r->where, "not a sentencepiece model: %s", what);
}

static vit_status not_built(const reader *r, const char *what, vit_error *err)
{
    return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, r->where, "a sentencepiece model with %s, which is not built", what);
}

/* ------------------------------------------------------------------ reading ---- */

static bool parse_piece(const vit__field *field, piece *p)
{
    vit__message m = vit__message_start(field->bytes, field->size);
    vit__field f;
    *p = (piece){.type = PIECE_NORMAL};
    while (vit__message_next(&m, &f)) {
        if (f.number == PIECE_TEXT) {
            p->text = f.bytes;
            p->size = f.size;
        } else if (f.number == PIECE_SCORE) {
            p->score = vit__field_float(&f);
        } else if (f.number == PIECE_TYPE) {
            p->type = f.value;
        }
    }
    return !m.broken && p->size > 0 && p->size <= VIT__LONGEST_PIECE && isfinite(p->score);
}

static vit_status read_piece(reader *r, const vit__field *field, vit_error *err)
{
    vit__unigram *unigram = r->spiece->unigram;
    uint32_t id = (uint32_t)r->n++;
    piece p;
    if (!parse_piece(field, &p))
        return broken(r, "a piece is malformed", err);
    vit__lexicon_add(&r->spiece->names, p.text, p.size, id);
    unigram->scores[id] = (double)p.score;
    if (p.type == PIECE_NORMAL) {
        vit__lexicon_add(&unigram->pieces, p.text, p.size, id);
        r->least = p.score < r->least ? p.score : r->least;
    } else if (p.type == PIECE_UNKNOWN) {
        unigram->unknown = id;
        r->unknowns++;
    } else if (p.type != PIECE_CONTROL && p.type != PIECE_UNUSED) {
        return not_built(r, "user-defined or byte pieces", err);
    }
    return VIT_OK;
}

static vit_status read_trainer(reader *r, const vit__field *field, vit_error *err)
{
    vit__message m = vit__message_start(field->bytes, field->size);
    vit__field f;
    while (vit__message_next(&m, &f)) {
        if (f.number == TRAINER_MODEL_TYPE && f.value != TYPE_UNIGRAM)
            return not_built(r, "another type than Unigram", err);
        if (f.number == TRAINER_SPACE_AS_SUFFIX && vit__field_boolean(&f))
            return not_built(r, "treat_whitespace_as_suffix", err);
        if (f.number == TRAINER_BYTE_FALLBACK && vit__field_boolean(&f))
            return not_built(r, "byte_fallback", err);
    }
    return m.broken ? broken(r, "its trainer_spec is malformed", err) : VIT_OK;
}

static vit_status read_normalizer(reader *r, const vit__field *field, vit_error *err)
{
    vit__spiece *spiece = r->spiece;
    vit__message m = vit__message_start(field->bytes, field->size);
    vit__field f;
    vit_status status = VIT_OK;
    while (status == VIT_OK && vit__message_next(&m, &f)) {
        if (f.number == NORMALIZER_CHARSMAP && f.size > 0) {
            vit__charsmap_free(&spiece->charsmap);
            status = vit__charsmap_parse(f.bytes, f.size, r->where, &spiece->charsmap, err);
        } else if (f.number == NORMALIZER_PREFIX) {
            spiece->prefix_space = vit__field_boolean(&f);
        } else if (f.number == NORMALIZER_SQUEEZE) {
            spiece->squeeze = vit__field_boolean(&f);
        } else if (f.number == NORMALIZER_MARK) {
            spiece->mark_spaces = vit__field_boolean(&f);
        }
    }
    return status == VIT_OK && m.broken ? broken(r, "its normalizer_spec is malformed", err) : status;
}

static vit_status read_fields(reader *r, const char *model, size_t size, vit_error *err)
{
    vit__message m = vit__message_start(model, size);
    vit__field f;
    vit_status status = VIT_OK;
    while (status == VIT_OK && vit__message_next(&m, &f)) {
        if (f.number == MODEL_PIECE)
            status = read_piece(r, &f, err);
        else if (f.number == MODEL_TRAINER)
            status = read_trainer(r, &f, err);
        else if (f.number == MODEL_NORMALIZER)
            status = read_normalizer(r, &f, err);
    }
    if (status == VIT_OK && (m.broken || r->unknowns != 1))
        return broken(r, "it is malformed, or has not exactly one unknown piece", err);
    return status;
}

static size_t count_pieces(const char *model, size_t size)
{
    vit__message m = vit__message_start(model, size);
    vit__field f;
    size_t n = 0;
    while (vit__message_next(&m, &f))
        n += f.number == MODEL_PIECE;
    return n;
}

vit_status vit__spiece_read(const char *model, size_t size, const char *where, vit__spiece *spiece, vit_error *err)
{
    *spiece = (vit__spiece){.prefix_space = true, .squeeze = true, .mark_spaces = true};
    reader r = {.spiece = spiece, .where = where, .least = INFINITY};
    spiece->unigram = vit__unigram_new(count_pieces(model, size));
    if (!spiece->unigram)
        return vit__fail_memory(err, where);
    vit_status status = read_fields(&r, model, size, err);
    if (status != VIT_OK)
        return status;
    vit__lexicon_finish(&spiece->names);
    vit__lexicon_finish(&spiece->unigram->pieces);
    spiece->unigram->single_precision = true;
    spiece->unigram->unknown_score = (double)((r.least < INFINITY ? r.least : 0.0f) - UNKNOWN_PENALTY);
    return spiece->names.failed || spiece->unigram->pieces.failed ? vit__fail_memory(err, where) : VIT_OK;
}

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

/* What stands for the text at *at, which moves past it: the replacement of the longest key of the map, or one character. */
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
