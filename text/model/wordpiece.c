/* SPDX-License-Identifier: BSD-2-Clause */
#include "wordpiece.h"

#include <stdlib.h>

#include "memory.h"
#include "utf8.h"

static void encode(const vit__text_model *model, const char *word, size_t size, vit__ids *ids);

static void release(vit__text_model *model)
{
    vit__wordpiece *wordpiece = (vit__wordpiece *)(void *)model;
    vit__lexicon_free(&wordpiece->tokens);
    vit__buffer_free(&wordpiece->prefix);
    free(wordpiece);
}

vit__wordpiece *vit__wordpiece_new(void)
{
    vit__wordpiece *wordpiece = vit__alloc_zero(1, sizeof *wordpiece);
    if (wordpiece) {
        wordpiece->model = (vit__text_model){encode, release};
        wordpiece->longest_word = 100;
    }
    return wordpiece;
}

/* The longest token at byte `start`; *end is where it ends. VIT__NO_ID: none. */
static uint32_t longest(const vit__wordpiece *model, const char *word, size_t size, size_t start, size_t *end)
{
    vit__walk walk = vit__walk_start(&model->tokens);
    for (size_t i = 0; start > 0 && i < model->prefix.size; i++)
        if (!vit__walk_feed(&model->tokens, &walk, model->prefix.data[i]))
            return VIT__NO_ID;
    uint32_t best = VIT__NO_ID;
    for (size_t at = start; at < size && vit__walk_feed(&model->tokens, &walk, word[at]);) {
        at++;
        uint32_t id = vit__walk_value(&model->tokens, &walk);
        if (id != VIT__NO_ID) {
            best = id;
            *end = at;
        }
    }
    return best;
}

static size_t characters(const char *word, size_t size)
{
    size_t n = 0;
    for (size_t at = 0; at < size; n++)
        vit__utf8_next(word, size, &at);
    return n;
}

static void encode(const vit__text_model *model, const char *word, size_t size, vit__ids *ids)
{
    const vit__wordpiece *wordpiece = (const vit__wordpiece *)(const void *)model;
    vit__ids found = {.limit = size};
    size_t at = characters(word, size) > wordpiece->longest_word ? size + 1 : 0;
    while (at < size) {
        uint32_t id = longest(wordpiece, word, size, at, &at);
        if (id == VIT__NO_ID)
            at = size + 1; /* past the end: unknown */
        else
            vit__ids_add(&found, id);
    }
    if (at > size)
        vit__ids_add(ids, wordpiece->unknown);
    for (size_t i = 0; at == size && i < found.n; i++)
        vit__ids_add(ids, found.data[i]);
    ids->failed = ids->failed || found.failed;
    vit__ids_free(&found);
}
