/* SPDX-License-Identifier: BSD-2-Clause */
#include "normalizer.h"

#include <string.h>

#include "limit.h"
#include "utf8.h"

/* ------------------------------------------------------------------ patterns ---- */

/* One member at *at, which moves past it. */
static bool parse_member(const char *text, size_t size, size_t *at, vit__run_pattern *pattern)
{
    if (text[*at] != '\\') {
        uint32_t c = vit__utf8_next(text, size, at);
        vit__buffer_add_char(&pattern->members, c);
        return !strchr("-^[.(|*+?{$", c < 0x80 ? (int)c : 'x') || c == 0;
    }
    if (++*at >= size)
        return false;
    char escape = text[(*at)++];
    bool letter = (escape | 32) >= 'a' && (escape | 32) <= 'z';
    if (escape == 's')
        pattern->white_space = true;
    else if (escape == 'n' || escape == 't' || escape == 'r')
        vit__buffer_add(&pattern->members, escape == 'n' ? "\n" : escape == 't' ? "\t" : "\r", 1);
    else if (letter || (escape >= '0' && escape <= '9') || (unsigned char)escape >= 0x80)
        return false;
    else
        vit__buffer_add(&pattern->members, &escape, 1);
    return true;
}

static bool parse_set(const char *text, size_t size, size_t *at, vit__run_pattern *pattern)
{
    if (text[*at] != '[')
        return parse_member(text, size, at, pattern);
    ++*at;
    while (*at < size && text[*at] != ']') {
        /* Inside brackets these need no backslash; '-', '^' and '[' mean something else. */
        if (strchr(".(|*+?{$", text[*at]) && text[*at] != '\0')
            vit__buffer_add(&pattern->members, text + (*at)++, 1);
        else if (!parse_member(text, size, at, pattern))
            return false;
    }
    return (*at)++ < size;
}

static bool parse_quantifier(const char *text, size_t size, vit__run_pattern *pattern)
{
    pattern->least = 1;
    pattern->repeated = size > 0;
    if (size == 0 || (size == 1 && text[0] == '+'))
        return true;
    if (size != 4 || text[0] != '{' || text[1] < '1' || text[1] > '9' || text[2] != ',' || text[3] != '}')
        return false;
    pattern->least = (size_t)(text[1] - '0');
    return true;
}

bool vit__run_pattern_parse(const char *text, size_t size, vit__run_pattern *pattern)
{
    *pattern = (vit__run_pattern){0};
    size_t at = 0;
    bool read = size > 0 && parse_set(text, size, &at, pattern) && parse_quantifier(text + at, size - at, pattern);
    if (!read)
        vit__buffer_free(&pattern->members);
    return read;
}

static bool is_member(const vit__run_pattern *pattern, uint32_t c)
{
    const vit__buffer *members = &pattern->members;
    for (size_t at = 0; at < members->size;)
        if (vit__utf8_next(members->data, members->size, &at) == c)
            return true;
    return pattern->white_space && vit__unicode_is_space(c);
}

/* Bytes of the run of members at `start`; *characters is how many they are. */
static size_t run_length(const vit__run_pattern *pattern, const char *text, size_t size, size_t start,
                         size_t *characters)
{
    size_t end = start;
    for (*characters = 0; end < size && (pattern->repeated || *characters == 0); ++*characters) {
        size_t after = end;
        if (!is_member(pattern, vit__utf8_next(text, size, &after)))
            break;
        end = after;
    }
    return end - start;
}

/* ------------------------------------------------------------------ steps ---- */

void vit__normal_form_run(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out)
{
    vit__unicode_add_normal(out, step->form, text, size);
}

void vit__normal_lower(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out)
{
    (void)step;
    for (size_t at = 0; at < size;)
        vit__unicode_add_lower(out, vit__utf8_next(text, size, &at));
}

void vit__normal_replace(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out)
{
    const vit__buffer *from = &step->from;
    for (size_t at = 0; at < size;) {
        bool here = from->size > 0 && from->size <= size - at && memcmp(text + at, from->data, from->size) == 0;
        vit__buffer_add(out, here ? step->to.data : text + at, here ? step->to.size : 1);
        at += here ? from->size : 1;
    }
}

void vit__normal_replace_runs(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out)
{
    for (size_t at = 0; at < size;) {
        size_t characters, length = run_length(&step->pattern, text, size, at, &characters);
        bool replaced = characters >= step->pattern.least;
        if (length == 0)
            length = vit__utf8_length(text[at]);
        vit__buffer_add(out, replaced ? step->to.data : text + at, replaced ? step->to.size : length);
        at += length;
    }
}

void vit__normal_strip(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out)
{
    size_t start = 0;
    while (step->left && start < size && vit__unicode_is_space(vit__utf8_peek(text, size, start)))
        vit__utf8_next(text, size, &start);
    while (step->right && size > start) {
        size_t before = vit__utf8_before(text, size);
        if (!vit__unicode_is_space(vit__utf8_peek(text, size, before)))
            break;
        size = before;
    }
    vit__buffer_add(out, text + start, size - start);
}

void vit__normal_charsmap(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out)
{
    vit__charsmap_apply(&step->charsmap, text, size, out);
}

void vit__normal_prepend(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out)
{
    if (size > 0)
        vit__buffer_add(out, step->to.data, step->to.size);
    vit__buffer_add(out, text, size);
}

/* ------------------------------------------------------------------ the list ---- */

vit__normal_step *vit__normalizer_add(vit__normalizer *normalizer)
{
    return normalizer->n < VIT__LIMIT_TOKENIZER_STEPS ? &normalizer->steps[normalizer->n++] : NULL;
}

void vit__normalizer_run(const vit__normalizer *normalizer, vit__buffer *text, vit__buffer *other)
{
    for (size_t i = 0; i < normalizer->n && !text->failed; i++) {
        vit__buffer_clear(other);
        normalizer->steps[i].run(&normalizer->steps[i], text->data, text->size, other);
        vit__buffer_swap(text, other);
    }
}

void vit__normalizer_free(vit__normalizer *normalizer)
{
    for (size_t i = 0; i < normalizer->n; i++) {
        vit__normal_step *step = &normalizer->steps[i];
        vit__charsmap_free(&step->charsmap);
        vit__buffer_free(&step->pattern.members);
        vit__buffer_free(&step->from);
        vit__buffer_free(&step->to);
    }
    normalizer->n = 0;
}
