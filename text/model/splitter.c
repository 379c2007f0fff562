/* SPDX-License-Identifier: BSD-2-Clause */
#include "splitter.h"

#include <string.h>

#include "unicode.h"
#include "utf8.h"

/* Bytes of the characters of one class at `start`. */
static size_t class_run(const char *text, size_t size, size_t start, vit__char_class class)
{
    size_t end = start;
    while (end < size && vit__unicode_class(vit__utf8_peek(text, size, end)) == class)
        vit__utf8_next(text, size, &end);
    return end - start;
}

static void add(vit__words *out, const char *text, size_t size)
{
    if (size > 0)
        vit__words_add(out, text, size, VIT__NO_ID);
}

/* ------------------------------------------------------------------ CLIP and GPT-2 ---- */

/* Does the text go on with this ASCII string? With ignore_case the long s (U+017F) is an s too: of
 * the letters with an ASCII partner it is the only one that lower case leaves as it is. */
static size_t literal(const char *text, size_t size, size_t start, const char *string, bool ignore_case)
{
    size_t at = start;
    for (; *string; string++) {
        if (at < size && text[at] == *string)
            at++;
        else if (ignore_case && *string == 's' && size - at >= 2 && memcmp(text + at, "\xC5\xBF", 2) == 0)
            at += 2;
        else
            return 0;
    }
    return at - start;
}

/* 's 't 're 've 'm 'll 'd */
static size_t contraction(const char *text, size_t size, size_t start, bool ignore_case)
{
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; text[start] == '\'' && i < sizeof endings / sizeof *endings; i++) {
        size_t length = literal(text, size, start, endings[i], ignore_case);
        if (length > 0)
            return length;
    }
    return 0;
}

/* U+0345 is no letter, but a letter's (iota's) partner in case: with ignore_case no alternative of
 * the expression takes it. */
static bool is_dropped(const vit__split_step *step, const char *text, size_t size, size_t at)
{
    return step->ignore_case && vit__utf8_peek(text, size, at) == 0x345;
}

static size_t other_run(const vit__split_step *step, const char *text, size_t size, size_t start)
{
    size_t end = start;
    while (end < size && !is_dropped(step, text, size, end) &&
           vit__unicode_class(vit__utf8_peek(text, size, end)) == VIT__OTHER)
        vit__utf8_next(text, size, &end);
    return end - start;
}

static size_t special(const vit__split_step *step, const char *text, size_t size, size_t start, uint32_t *id)
{
    for (size_t i = 0; i < VIT__MAX_SPECIALS && step->specials[i].text; i++) {
        size_t length = literal(text, size, start, step->specials[i].text, step->ignore_case);
        if (length == 0)
            continue;
        *id = length == strlen(step->specials[i].text) ? step->specials[i].id : VIT__NO_ID;
        return length;
    }
    return 0;
}

/* One match of CLIP's expression; 0: none starts here.
 *
 *     SPECIALS|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
 */
static size_t clip_word(const vit__split_step *step, const char *text, size_t size, size_t start, uint32_t *id)
{
    size_t length = special(step, text, size, start, id);
    if (length == 0)
        length = contraction(text, size, start, step->ignore_case);
    if (length > 0)
        return length;
    switch (vit__unicode_class(vit__utf8_peek(text, size, start))) {
    case VIT__LETTER:
        return class_run(text, size, start, VIT__LETTER);
    case VIT__NUMBER:
        return vit__utf8_length(text[start]);
    case VIT__OTHER:
        return other_run(step, text, size, start);
    default:
        return 0;
    }
}

void vit__split_clip(const vit__split_step *step, const char *word, size_t size, bool first, vit__words *out)
{
    (void)first;
    for (size_t at = 0; at < size;) {
        uint32_t id = VIT__NO_ID;
        size_t length = clip_word(step, word, size, at, &id);
        if (length > 0)
            vit__words_add(out, word + at, length, id);
        at += length > 0 ? length : vit__utf8_length(word[at]);
    }
}

/* One match of GPT-2's expression. One starts everywhere.
 *
 *     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 */
static size_t gpt2_word(const char *text, size_t size, size_t start)
{
    size_t length = contraction(text, size, start, false);
    if (length > 0)
        return length;
    size_t body = start + (text[start] == ' ' && start + 1 < size);
    vit__char_class class = vit__unicode_class(vit__utf8_peek(text, size, body));
    if (class != VIT__SPACE)
        return body - start + class_run(text, size, body, class);
    length = class_run(text, size, start, VIT__SPACE);
    /* The last space is left to the word after it, unless it is the only one. */
    size_t last = vit__utf8_before(text, start + length);
    return start + length == size || last == start ? length : last - start;
}

void vit__split_byte_level(const vit__split_step *step, const char *word, size_t size, bool first, vit__words *out)
{
    (void)first;
    vit__buffer spaced = {0};
    if (step->prefix_space && size > 0 && word[0] != ' ') {
        vit__buffer_add(&spaced, " ", 1);
        vit__buffer_add(&spaced, word, size);
        out->failed = out->failed || spaced.failed;
        word = spaced.data;
        size = spaced.size;
    }
    for (size_t at = 0; at < size;) {
        size_t length = step->by_expression ? gpt2_word(word, size, at) : size;
        add(out, word + at, length);
        at += length;
    }
    vit__buffer_free(&spaced);
}

/* ------------------------------------------------------------------ others ---- */

static bool starts_with(const char *text, size_t size, const vit__buffer *mark)
{
    return mark->size > 0 && size >= mark->size && memcmp(text, mark->data, mark->size) == 0;
}

void vit__split_metaspace(const vit__split_step *step, const char *word, size_t size, bool first, vit__words *out)
{
    const vit__buffer *mark = &step->mark;
    size_t start = out->text.size;
    bool marked = size > 0 && (word[0] == ' ' || starts_with(word, size, mark));
    bool wanted = step->prepend == VIT__PREPEND_ALWAYS || (step->prepend == VIT__PREPEND_FIRST && first);
    if (size > 0 && wanted && !marked)
        vit__buffer_add(&out->text, mark->data, mark->size);
    for (size_t at = 0; at < size;) {
        bool here = word[at] == ' ' || starts_with(word + at, size - at, mark);
        if (here && step->cut && out->text.size > start) {
            vit__words_close(out, start);
            start = out->text.size;
        }
        if (here)
            vit__buffer_add(&out->text, mark->data, mark->size);
        else
            vit__buffer_add(&out->text, word + at, 1);
        at += here && word[at] != ' ' ? mark->size : 1;
    }
    if (out->text.size > start)
        vit__words_close(out, start);
}

void vit__split_white_space(const vit__split_step *step, const char *word, size_t size, bool first, vit__words *out)
{
    (void)step;
    (void)first;
    size_t start = 0;
    for (size_t at = 0; at < size;) {
        size_t here = at;
        if (!vit__unicode_is_space(vit__utf8_next(word, size, &at)))
            continue;
        add(out, word + start, here - start);
        start = at;
    }
    add(out, word + start, size - start);
}

void vit__split_after_mark(const vit__split_step *step, const char *word, size_t size, bool first, vit__words *out)
{
    (void)first;
    size_t start = 0;
    for (size_t at = 0; at < size;) {
        bool here = starts_with(word + at, size - at, &step->mark);
        at += here ? step->mark.size : 1;
        if (here) {
            add(out, word + start, at - start);
            start = at;
        }
    }
    add(out, word + start, size - start);
}

/* ------------------------------------------------------------------ the list ---- */

vit__split_step *vit__splitter_add(vit__splitter *splitter)
{
    return splitter->n < VIT__MAX_SPLITS ? &splitter->steps[splitter->n++] : NULL;
}

void vit__splitter_run(const vit__splitter *splitter, bool first, vit__words *words, vit__words *other)
{
    for (size_t i = 0; i < splitter->n; i++) {
        const vit__split_step *step = &splitter->steps[i];
        vit__words_clear(other);
        for (size_t k = 0; k < words->n && !other->failed; k++) {
            const vit__word *word = &words->words[k];
            const char *text = words->text.data + word->start;
            if (word->id == VIT__NO_ID)
                step->run(step, text, word->size, first && k == 0, other);
            else
                vit__words_add(other, text, word->size, word->id);
        }
        vit__words swapped = *words;
        *words = *other;
        *other = swapped;
    }
}

void vit__splitter_free(vit__splitter *splitter)
{
    for (size_t i = 0; i < splitter->n; i++)
        vit__buffer_free(&splitter->steps[i].mark);
    splitter->n = 0;
}
