/* SPDX-License-Identifier: BSD-2-Clause */
/* tokenizer.json: "model". */
#include <math.h>
#include <string.h>

#include "error.h"
#include "file_bpe.h"
#include "limit.h"
#include "tokenizer_file.h"
#include "unigram.h"
#include "wordpiece.h"

#define UNKNOWN_PENALTY 10.0 /* below the least score of a piece */

static vit_status not_built(const vit__tokenizer_json *source, const char *what, vit_error *err)
{
    return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, source->where, "its model uses %s, which is not built", what);
}

static bool is_set(const vit__json *model, const char *key)
{
    bool set = false;
    vit__json_boolean(vit__json_get(model, key), &set);
    return set;
}

/* The string at key; "" where it is absent or null. NULL: it is something else. */
static const char *text_at(const vit__json *model, const char *key)
{
    const vit__json *value = vit__json_get(model, key);
    return vit__json_is_null(value) ? "" : vit__json_string(value);
}

/* ------------------------------------------------------------------ BPE ---- */

static vit_status read_bpe(const vit__tokenizer_json *source, bool bytes, vit__text_model **model, vit_error *err)
{
    const vit__json *json = vit__json_get(source->json, "model");
    const char *prefix = text_at(json, "continuing_subword_prefix"), *suffix = text_at(json, "end_of_word_suffix");
    const char *unknown = text_at(json, "unk_token");
    double dropout = 0;
    vit__json_number(vit__json_get(json, "dropout"), &dropout);
    if (!prefix || !suffix || !unknown)
        return vit__part_corrupt(source, "model", err);
    if (*prefix)
        return not_built(source, "continuing_subword_prefix", err);
    if (dropout > 0)
        return not_built(source, "dropout", err);
    if (is_set(json, "ignore_merges"))
        return not_built(source, "ignore_merges", err);
    vit__bpe_parts parts = {
        .vocabulary = vit__json_get(json, "vocab"),
        .merges = vit__json_get(json, "merges"),
        .where = source->where,
        .suffix = suffix,
        .bytes = bytes,
        .byte_fallback = !bytes && is_set(json, "byte_fallback"),
        .fuse_unknown = is_set(json, "fuse_unk"),
        .unknown = VIT__NO_ID,
    };
    if (*unknown)
        vit__token_id(vit__json_get(parts.vocabulary, unknown), &parts.unknown);
    return vit__file_build_bpe(&parts, model, err);
}

/* ------------------------------------------------------------------ Unigram ---- */

static vit_status read_piece(const vit__tokenizer_json *source, const vit__json *row, size_t index,
                             vit__unigram *unigram, vit_error *err)
{
    size_t size;
    const char *piece = vit__json_bytes(vit__json_at(row, 0), &size);
    double score;
    if (!piece || !vit__json_number(vit__json_at(row, 1), &score) || !isfinite(score))
        return vit__fail(err, VIT_ERR_CORRUPT, source->where, "piece %zu is not a string and a number", index);
    if (size > VIT__LIMIT_TOKEN_BYTES)
        return vit__fail(err, VIT_ERR_TOO_LARGE, source->where, "piece %zu has more than %d bytes", index,
                         VIT__LIMIT_TOKEN_BYTES);
    unigram->scores[index] = score;
    if (size > 0)
        vit__lexicon_add(&unigram->pieces, piece, size, (uint32_t)index);
    return VIT_OK;
}

static vit_status read_pieces(const vit__tokenizer_json *source, const vit__json *pieces, vit__unigram *unigram,
                              vit_error *err)
{
    size_t n = vit__json_length(pieces);
    vit_status status = VIT_OK;
    for (size_t i = 0; i < n && status == VIT_OK; i++)
        status = read_piece(source, vit__json_at(pieces, i), i, unigram, err);
    if (status != VIT_OK)
        return status;
    vit__lexicon_finish(&unigram->pieces);
    double least = unigram->scores[0];
    for (size_t i = 1; i < n; i++)
        least = unigram->scores[i] < least ? unigram->scores[i] : least;
    unigram->unknown_score = least - UNKNOWN_PENALTY;
    return unigram->pieces.failed ? vit__fail_memory(err, source->where) : VIT_OK;
}

static vit_status read_unigram(const vit__tokenizer_json *source, bool bytes, vit__text_model **model, vit_error *err)
{
    const vit__json *json = vit__json_get(source->json, "model"), *pieces = vit__json_get(json, "vocab");
    uint32_t unknown;
    if (!vit__json_is_array(pieces) || !vit__token_id(vit__json_get(json, "unk_id"), &unknown) ||
        unknown >= vit__json_length(pieces))
        return vit__part_corrupt(source, "model (its vocab and unk_id)", err);
    if (bytes || is_set(json, "byte_fallback"))
        return not_built(source, "bytes in a Unigram model", err);
    vit__unigram *unigram = vit__unigram_new(vit__json_length(pieces));
    if (!unigram)
        return vit__fail_memory(err, source->where);
    unigram->unknown = unknown;
    vit_status status = read_pieces(source, pieces, unigram, err);
    if (status == VIT_OK)
        *model = &unigram->model;
    else
        unigram->model.free(&unigram->model);
    return status;
}

/* ------------------------------------------------------------------ WordPiece ---- */

static vit_status fill_wordpiece(const vit__tokenizer_json *source, const vit__json *json, vit__wordpiece *wordpiece,
                                 vit_error *err)
{
    const vit__json *vocabulary = vit__json_get(json, "vocab");
    const char *prefix = text_at(json, "continuing_subword_prefix"), *unknown = text_at(json, "unk_token");
    uint32_t id, longest;
    bool known = prefix && unknown && vit__token_id(vit__json_get(vocabulary, unknown), &wordpiece->unknown);
    if (!known)
        return vit__part_corrupt(source, "model (its vocab and unk_token)", err);
    if (vit__token_id(vit__json_get(json, "max_input_chars_per_word"), &longest))
        wordpiece->longest_word = longest;
    vit__buffer_add_string(&wordpiece->prefix, prefix);
    for (void *i = vit__json_first(vocabulary); i; i = vit__json_next(vocabulary, i)) {
        const char *token = vit__json_key(i);
        size_t size = strlen(token);
        if (!vit__token_id(vit__json_value(i), &id) || size > VIT__LIMIT_TOKEN_BYTES)
            return vit__part_corrupt(source, "model (a token of its vocab)", err);
        vit__lexicon_add(&wordpiece->tokens, token, size, id);
    }
    vit__lexicon_finish(&wordpiece->tokens);
    return wordpiece->tokens.failed || wordpiece->prefix.failed ? vit__fail_memory(err, source->where) : VIT_OK;
}

static vit_status read_wordpiece(const vit__tokenizer_json *source, bool bytes, vit__text_model **model, vit_error *err)
{
    if (bytes)
        return not_built(source, "bytes in a WordPiece model", err);
    vit__wordpiece *wordpiece = vit__wordpiece_new();
    if (!wordpiece)
        return vit__fail_memory(err, source->where);
    vit_status status = fill_wordpiece(source, vit__json_get(source->json, "model"), wordpiece, err);
    if (status == VIT_OK)
        *model = &wordpiece->model;
    else
        wordpiece->model.free(&wordpiece->model);
    return status;
}

/* ------------------------------------------------------------------ any ---- */

static const struct {
    const char *type;
    vit_status (*read)(const vit__tokenizer_json *source, bool bytes, vit__text_model **model, vit_error *err);
} types[] = {{"BPE", read_bpe}, {"Unigram", read_unigram}, {"WordPiece", read_wordpiece}};

/* Files of old say no type: only BPE has merges. */
static const char *model_type(const vit__json *model)
{
    const char *type = vit__json_string(vit__json_get(model, "type"));
    return type                                                 ? type
           : vit__json_is_array(vit__json_get(model, "merges")) ? "BPE"
           : vit__json_is_array(vit__json_get(model, "vocab"))  ? "Unigram"
                                                                : "without a type";
}

vit_status vit__file_read_model(const vit__tokenizer_json *source, bool bytes, vit__text_model **model, vit_error *err)
{
    const vit__json *json = vit__json_get(source->json, "model");
    *model = NULL;
    if (!vit__json_is_object(json))
        return vit__part_corrupt(source, "model", err);
    const char *type = model_type(json);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].type, type) == 0)
            return types[i].read(source, bytes, model, err);
    return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, source->where, "its model %.100s is not built", type);
}
