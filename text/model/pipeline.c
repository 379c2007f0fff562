/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline.h"

typedef struct scratch {
    vit__buffer text, other;
    vit__words words, more_words;
} scratch;

/* Text without added tokens, normalised. */
static void encode_words(const vit__pipeline *pipeline, const char *text, size_t size, bool first, scratch *s,
                         vit__ids *ids)
{
    if (size == 0)
        return;
    vit__words_clear(&s->words);
    vit__words_add(&s->words, text, size, VIT__NO_ID);
    vit__splitter_run(&pipeline->splitter, first, &s->words, &s->more_words);
    for (size_t i = 0; i < s->words.n && !vit__ids_full(ids); i++) {
        const vit__word *word = &s->words.words[i];
        if (word->id == VIT__NO_ID)
            pipeline->model->encode(pipeline->model, s->words.text.data + word->start, word->size, ids);
        else
            vit__ids_add(ids, word->id);
    }
}

/* Text between added tokens that are looked for in the raw text. */
static void encode_part(const vit__pipeline *pipeline, const char *part, size_t size, bool first, scratch *s,
                        vit__ids *ids)
{
    if (size == 0)
        return;
    vit__buffer_clear(&s->text);
    vit__buffer_add(&s->text, part, size);
    vit__normalizer_run(&pipeline->normalizer, &s->text, &s->other);
    const char *text = s->text.data;
    for (size_t at = 0; at < s->text.size && !s->text.failed && !vit__ids_full(ids);) {
        vit__added_match match = vit__added_tokens_next(&pipeline->normalized, text, s->text.size, at);
        encode_words(pipeline, text + at, match.start - at, first && at == 0, s, ids);
        if (match.id != VIT__NO_ID)
            vit__ids_add(ids, match.id);
        at = match.end;
    }
}

static void encode_text(const vit__pipeline *pipeline, const char *text, size_t size, vit__ids *ids)
{
    scratch s = {0};
    for (size_t at = 0; at < size && !vit__ids_full(ids);) {
        vit__added_match match = vit__added_tokens_next(&pipeline->raw, text, size, at);
        encode_part(pipeline, text + at, match.start - at, at == 0, &s, ids);
        if (match.id != VIT__NO_ID)
            vit__ids_add(ids, match.id);
        at = match.end;
    }
    bool failed = s.text.failed || s.other.failed || s.words.failed || s.more_words.failed;
    ids->failed = ids->failed || failed;
    vit__buffer_free(&s.text);
    vit__buffer_free(&s.other);
    vit__words_free(&s.words);
    vit__words_free(&s.more_words);
}

void vit__pipeline_encode(const vit__pipeline *pipeline, const char *text, size_t size, vit__ids *ids)
{
    size_t limit = ids->limit;
    for (size_t i = 0; i < pipeline->n_before; i++)
        vit__ids_add(ids, pipeline->before[i]);
    ids->limit = limit - pipeline->n_after;
    encode_text(pipeline, text, size, ids);
    ids->limit = limit;
    for (size_t i = 0; i < pipeline->n_after; i++)
        vit__ids_add(ids, pipeline->after[i]);
}

void vit__pipeline_free(vit__pipeline *pipeline)
{
    vit__added_tokens_free(&pipeline->raw);
    vit__added_tokens_free(&pipeline->normalized);
    vit__normalizer_free(&pipeline->normalizer);
    vit__splitter_free(&pipeline->splitter);
    if (pipeline->model)
        pipeline->model->free(pipeline->model);
    *pipeline = (vit__pipeline){0};
}
