/* SPDX-License-Identifier: BSD-2-Clause */
/* BERT's way with a text: its normalizer and its splitter. */
#include "bert_categories.h"
#include "normalizer.h"
#include "splitter.h"
#include "unicode.h"
#include "utf8.h"

/* The blocks that BERT takes for Chinese characters, as its first version listed them. */
static const vit__range ideographs[] = {{0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F},
                                        {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF}, {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};

static bool is_ideograph(uint32_t c)
{
    for (size_t i = 0; i < sizeof ideographs / sizeof *ideographs; i++)
        if (c >= ideographs[i].first && c <= ideographs[i].last)
            return true;
    return false;
}

/* Is it in one of the sorted ranges? */
static bool is_among(const vit__range *ranges, size_t n, uint32_t c)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (c < ranges[middle].first)
            n = middle;
        else if (c > ranges[middle].last)
            low = middle + 1;
        else
            return true;
    }
    return false;
}

static void add_clean(const vit__normal_step *step, uint32_t c, vit__buffer *out)
{
    if (step->clean && is_among(vit__bert_control, vit__bert_n_control, c))
        return;
    bool spaced = step->spaced_ideographs && is_ideograph(c);
    if (spaced)
        vit__buffer_add(out, " ", 1);
    vit__buffer_add_char(out, step->clean && vit__unicode_is_space(c) ? ' ' : c);
    if (spaced)
        vit__buffer_add(out, " ", 1);
}

/* Takes marks apart from their letters, and away. */
static void strip_accents(vit__buffer *text)
{
    vit__buffer decomposed = {0};
    vit__unicode_add_normal(&decomposed, VIT__NFD, text->data, text->size);
    vit__buffer_clear(text);
    for (size_t at = 0; at < decomposed.size;) {
        uint32_t c = vit__utf8_next(decomposed.data, decomposed.size, &at);
        if (!is_among(vit__bert_marks, vit__bert_n_marks, c))
            vit__buffer_add_char(text, c);
    }
    text->failed = text->failed || decomposed.failed;
    vit__buffer_free(&decomposed);
}

void vit__normal_bert(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out)
{
    vit__buffer clean = {0};
    for (size_t at = 0; at < size;)
        add_clean(step, vit__utf8_next(text, size, &at), &clean);
    if (step->strip_accents)
        strip_accents(&clean);
    if (step->lower)
        vit__normal_lower(step, clean.data, clean.size, out);
    else
        vit__buffer_add(out, clean.data, clean.size);
    out->failed = out->failed || clean.failed;
    vit__buffer_free(&clean);
}

/* At white space, and around each punctuation character. */
void vit__split_bert(const vit__split_step *step, const char *word, size_t size, bool first, vit__words *out)
{
    (void)step;
    (void)first;
    size_t start = 0;
    for (size_t at = 0; at < size;) {
        size_t here = at;
        uint32_t c = vit__utf8_next(word, size, &at);
        bool punctuation = is_among(vit__bert_punctuation, vit__bert_n_punctuation, c);
        if (!punctuation && !vit__unicode_is_space(c))
            continue;
        if (here > start)
            vit__words_add(out, word + start, here - start, VIT__NO_ID);
        if (punctuation)
            vit__words_add(out, word + here, at - here, VIT__NO_ID);
        start = at;
    }
    if (size > start)
        vit__words_add(out, word + start, size - start, VIT__NO_ID);
}
