/* SPDX-License-Identifier: BSD-2-Clause */
#include "python_text.h"

#include "unicode.h"
#include "utf8.h"

#define CAPITAL_SIGMA 0x3A3u
#define FINAL_SIGMA 0x3C2u

static bool is_space(uint32_t c)
{
    return vit__unicode_is_space(c) || (c >= 0x1C && c <= 0x1F);
}

/* Does a cased letter come next, after whatever is ignored for case? */
static bool cased_follows(const char *text, size_t size, size_t at)
{
    while (at < size) {
        uint32_t c = vit__utf8_next(text, size, &at);
        if (!vit__unicode_is_case_ignorable(c))
            return vit__unicode_is_cased(c);
    }
    return false;
}

void vit__python_lower(const char *text, size_t size, vit__buffer *out)
{
    /* Does the last character before `at` have a case? Characters that are ignored for case are passed over. */
    bool cased_before = false;
    for (size_t at = 0; at < size;) {
        uint32_t c = vit__utf8_next(text, size, &at);
        if (c == CAPITAL_SIGMA && cased_before && !cased_follows(text, size, at))
            vit__buffer_add_char(out, FINAL_SIGMA);
        else
            vit__unicode_add_lower(out, c);
        if (!vit__unicode_is_case_ignorable(c))
            cased_before = vit__unicode_is_cased(c);
    }
}

void vit__python_join_split(const char *text, size_t size, vit__buffer *out)
{
    bool pending = false, any = false;
    for (size_t at = 0; at < size;) {
        size_t start = at;
        if (is_space(vit__utf8_next(text, size, &at))) {
            pending = any;
            continue;
        }
        if (pending)
            vit__buffer_add(out, " ", 1);
        vit__buffer_add(out, text + start, at - start);
        pending = false;
        any = true;
    }
}

size_t vit__python_left_space(const char *text, size_t size)
{
    size_t end = 0;
    for (size_t at = 0; at < size && is_space(vit__utf8_next(text, size, &at));)
        end = at;
    return end;
}

size_t vit__python_right_space(const char *text, size_t size)
{
    size_t start = size;
    while (start > 0) {
        size_t before = vit__utf8_before(text, start);
        if (!is_space(vit__utf8_peek(text, size, before)))
            break;
        start = before;
    }
    return size - start;
}

static bool is_punctuation(char c)
{
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
}

void vit__python_delete_punctuation(const char *text, size_t size, bool underscore_is_space, vit__buffer *out)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '_' && underscore_is_space)
            vit__buffer_add(out, " ", 1);
        else if (!is_punctuation(text[i]))
            vit__buffer_add(out, text + i, 1);
    }
}
