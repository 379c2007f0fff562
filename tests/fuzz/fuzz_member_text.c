/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as the text or the JSON that stands beside an image in a tar file. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "member_text.h"

/* One line of the same length or less, which is JSON again and stays as it is. */
static void check_line(const char *line, size_t size)
{
    const char *why = NULL;
    if (strlen(line) > size || strpbrk(line, "\r\n"))
        abort();
    char *again = cli_member_json(line, strlen(line), &why);
    if (!again || strcmp(again, line) != 0)
        abort();
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *why = NULL;
    char *line = cli_member_json(bytes, size, &why), *text;
    if (line)
        check_line(line, size);
    else if (!why)
        abort();
    why = NULL;
    text = cli_member_text(bytes, size, &why);
    if (text ? strlen(text) != size || (size > 0 && memcmp(text, bytes, size) != 0) : !why)
        abort();
    free(text);
    free(line);
    return 0;
}
