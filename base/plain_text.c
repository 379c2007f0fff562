/* SPDX-License-Identifier: BSD-2-Clause */
#include "plain_text.h"

#include <string.h>

size_t vit__text_mark(const char *bytes, size_t size)
{
    return size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

bool vit__text_is_utf16(const char *bytes, size_t size)
{
    return size >= 2 && (memcmp(bytes, "\xFF\xFE", 2) == 0 || memcmp(bytes, "\xFE\xFF", 2) == 0);
}

static uint32_t unit_at(const vit__buffer *text, size_t at, bool big)
{
    uint32_t first = (unsigned char)text->data[at], second = (unsigned char)text->data[at + 1];
    return big ? first << 8 | second : second << 8 | first;
}

/* The code point at *at, which has a whole unit; moves past it. */
static uint32_t next_code_point(const vit__buffer *text, size_t *at, bool big)
{
    uint32_t unit = unit_at(text, *at, big), low;
    *at += 2;
    if (unit < 0xD800 || unit > 0xDFFF)
        return unit;
    if (unit > 0xDBFF || text->size - *at < 2 || (low = unit_at(text, *at, big)) < 0xDC00 || low > 0xDFFF)
        return 0xFFFD;
    *at += 2;
    return 0x10000 + ((unit & 0x3FF) << 10 | (low & 0x3FF));
}

bool vit__text_make_plain(vit__buffer *text)
{
    vit__buffer plain = {0};
    size_t mark = vit__text_mark(text->data, text->size);
    bool big = text->size > 0 && text->data[0] == '\xFE';
    if (mark > 0) {
        memmove(text->data, text->data + mark, text->size - mark);
        text->size -= mark;
    }
    if (mark > 0 || !vit__text_is_utf16(text->data, text->size))
        return true;
    for (size_t at = 2; text->size - at >= 2;)
        vit__buffer_add_char(&plain, next_code_point(text, &at, big));
    if (!plain.failed)
        vit__buffer_swap(text, &plain);
    bool done = !plain.failed;
    vit__buffer_free(&plain);
    return done;
}
