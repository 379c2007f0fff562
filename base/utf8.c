/* SPDX-License-Identifier: BSD-2-Clause */
#include "utf8.h"

/* Unicode 15, table 3-7. The string is terminated, so looking at a continuation byte only after the one before it was
 * valid never runs past its end. */
size_t vit__utf8_valid_length(const unsigned char *at)
{
    unsigned char low = 0x80, high = 0xBF; /* of the second byte */
    size_t length;
    if (at[0] < 0x80)
        return 1;
    if (at[0] >= 0xC2 && at[0] <= 0xDF)
        length = 2;
    else if (at[0] >= 0xE0 && at[0] <= 0xEF)
        length = 3;
    else if (at[0] >= 0xF0 && at[0] <= 0xF4)
        length = 4;
    else
        return 0;
    if (at[0] == 0xE0)
        low = 0xA0; /* overlong */
    else if (at[0] == 0xED)
        high = 0x9F; /* surrogates */
    else if (at[0] == 0xF0)
        low = 0x90; /* overlong */
    else if (at[0] == 0xF4)
        high = 0x8F; /* past U+10FFFF */
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (at[i] < 0x80 || at[i] > 0xBF)
            return 0;
    return length;
}

bool vit__utf8_is_valid(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    for (size_t length; *at && (length = vit__utf8_valid_length(at)) > 0;)
        at += length;
    return !*at;
}
