/* SPDX-License-Identifier: BSD-2-Clause */
#include "member_text.h"

#include <stdbool.h>
#include <string.h>

#include "json_read.h"
#include "text.h"

char *cli_member_json(const void *bytes, size_t size, const char **why)
{
    if (!cli_json_is_valid(bytes, size)) {
        *why = "it is no valid JSON";
        return NULL;
    }
    cli_text line = {0};
    bool quoted = false;
    const char *text = bytes;
    for (size_t i = 0; i < size; i++) {
        bool escaped = quoted && text[i] == '\\';
        if (text[i] == '"')
            quoted = !quoted;
        if (quoted || !memchr(" \t\r\n", text[i], 4))
            cli_text_add(&line, text + i, escaped ? 2 : 1);
        i += escaped; /* what follows a backslash ends no string */
    }
    return line.data;
}

char *cli_member_text(const void *bytes, size_t size, const char **why)
{
    if (size > 0 && memchr(bytes, '\0', size)) {
        *why = "it holds a NUL byte";
        return NULL;
    }
    cli_text text = {0};
    cli_text_add(&text, bytes ? bytes : "", size);
    return text.data;
}
