/* SPDX-License-Identifier: BSD-2-Clause */
#include "visible.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* A character of so many bytes; 0: the byte is none. */
static bool is_command(const unsigned char *at, size_t length)
{
    return length == 0 || at[0] < 0x20 || at[0] == 0x7F || (length == 2 && at[0] == 0xC2 && at[1] < 0xA0);
}

size_t cli_visible(const char *string, char *shown)
{
    size_t size = 0;
    for (const unsigned char *at = (const unsigned char *)string; *at;) {
        size_t length = vit__utf8_valid_length(at), bytes = length > 0 ? length : 1;
        if (*at == '\n') {
            size += (size_t)sprintf(shown + size, "\\n");
        } else if (is_command(at, length)) {
            for (size_t i = 0; i < bytes; i++)
                size += (size_t)sprintf(shown + size, "\\x%02x", at[i]);
        } else {
            memcpy(shown + size, at, bytes);
            size += bytes;
        }
        at += bytes;
    }
    return size;
}
