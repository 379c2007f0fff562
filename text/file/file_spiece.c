/* SPDX-License-Identifier: BSD-2-Clause */
#include "file_spiece.h"

#include <math.h>

#include "limit.h"
#include "protobuf.h"

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
    return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, r->where, "a sentencepiece model with %s, which is not built",
                     what);
}

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
    return !m.broken && p->size > 0 && p->size <= VIT__LIMIT_TOKEN_BYTES && isfinite(p->score);
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

vit_status vit__file_read_spiece(const char *model, size_t size, const char *where, vit__spiece *spiece, vit_error *err)
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

static void walk_normalizer(const vit__field *field, vit__spiece_source *source)
{
    vit__message m = vit__message_start(field->bytes, field->size);
    vit__field f;
    while (vit__message_next(&m, &f))
        if (f.number == NORMALIZER_CHARSMAP) {
            source->charsmap = f.bytes;
            source->charsmap_size = f.size;
        }
}

vit_status vit__file_walk_spiece(const char *model, size_t size, const char *where, vit__spiece_source *source,
                                 vit_error *err)
{
    reader r = {.where = where};
    vit__message m = vit__message_start(model, size);
    vit__field f;
    vit_status status = VIT_OK;
    while (status == VIT_OK && vit__message_next(&m, &f)) {
        piece p;
        if (f.number == MODEL_PIECE && !parse_piece(&f, &p))
            status = broken(&r, "a piece is malformed", err);
        else if (f.number == MODEL_PIECE)
            source->piece(source->context, p.text, p.size, p.score);
        else if (f.number == MODEL_TRAINER)
            status = read_trainer(&r, &f, err);
        else if (f.number == MODEL_NORMALIZER)
            walk_normalizer(&f, source);
        r.n += f.number == MODEL_PIECE;
    }
    return status == VIT_OK && (m.broken || r.n == 0) ? broken(&r, "it is malformed, or has no pieces", err) : status;
}
