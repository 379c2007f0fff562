/* SPDX-License-Identifier: BSD-2-Clause */
#include "words.h"

#include <stdlib.h>

#include "memory.h"

static void add_word(vit__words *words, vit__word word)
{
    vit__word *grown = NULL;
    if (!words->failed && !words->text.failed)
        grown = vit__grow(words->words, &words->capacity, words->n, 1, sizeof word);
    if (!grown) {
        words->failed = true;
        return;
    }
    words->words = grown;
    words->words[words->n++] = word;
}

void vit__words_add(vit__words *words, const char *text, size_t size, uint32_t id)
{
    size_t start = words->text.size;
    vit__buffer_add(&words->text, text, size);
    add_word(words, (vit__word){start, size, id});
}

void vit__words_close(vit__words *words, size_t start)
{
    add_word(words, (vit__word){start, words->text.size - start, VIT__NO_ID});
}

void vit__words_clear(vit__words *words)
{
    vit__buffer_clear(&words->text);
    words->n = 0;
}

void vit__words_free(vit__words *words)
{
    vit__buffer_free(&words->text);
    free(words->words);
    *words = (vit__words){0};
}
