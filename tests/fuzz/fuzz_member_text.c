/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as the text or the JSON that stands beside an image in a tar file. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "member_text.h"
#include "plain_text.h"

/* One line, which is JSON again and stays as it is. Two bytes of UTF-16 may be three of UTF-8. */
static void check_line(const char *line, size_t size)
{
    const char *why = NULL;
    if (strlen(line) > size + size / 2 || strpbrk(line, "\r\n"))
        abort();
    char *again = cli_member_json(line, strlen(line), &why);
    if (!again || strcmp(again, line) != 0)
        abort();
    free(again);
}

/* The bytes as they are, if they have no byte order mark. */
static void check_text(const uint8_t *bytes, size_t size)
{
    const char *why = NULL;
    char *text = cli_member_text(bytes, size, &why);
    const bool marked = vit__text_mark((const char *)bytes, size) || vit__text_is_utf16((const char *)bytes, size);
    if (!text && !why)
        abort();
    if (text && (marked ? strlen(text) > size + size / 2 : strlen(text) != size || memcmp(text, bytes, size) != 0))
        abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *why = NULL;
    char *line = cli_member_json(bytes, size, &why);
    if (line)
        check_line(line, size);
    else if (!why)
        abort();
    free(line);
    if (size > 0)
        check_text(bytes, size);
    return 0;
}
