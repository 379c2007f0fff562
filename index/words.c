/* SPDX-License-Identifier: BSD-2-Clause */
#include "words.h"

#include <string.h>

#include "utf8.h"

bool vit__is_unspaced(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0x2E80, 0x2FDF}, {0x3005, 0x3007}, {0x3021, 0x3029}, {0x3038, 0x303B}, {0x3040, 0x30FF},   {0x31F0, 0x31FF},
        {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFAFF}, {0xFF66, 0xFF9F}, {0x1AFF0, 0x1B16F}, {0x20000, 0x3FFFF},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

size_t vit__word_character(const char *at, size_t left, uint32_t *code_point)
{
    unsigned char room[5] = {0};
    size_t position = 0;
    memcpy(room, at, left < 4 ? left : 4);
    size_t length = *at ? vit__utf8_valid_length(room) : 0;
    *code_point = length ? vit__utf8_next(at, length, &position) : (unsigned char)*at;
    return length ? length : 1;
}

void vit__add_words(vit__buffer *buffer, const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint32_t c;
        size_t length = vit__word_character(text + at, size - at, &c);
        bool apart = length > 1 && vit__is_unspaced(c);
        if (apart)
            vit__buffer_add_string(buffer, " ");
        vit__buffer_add(buffer, text + at, length);
        if (apart)
            vit__buffer_add_string(buffer, " ");
        at += length;
    }
}
