/* SPDX-License-Identifier: BSD-2-Clause */
#include "member_text.h"

#include <stdbool.h>
#include <string.h>

#include "json_read.h"
#include "plain_text.h"
#include "text.h"

/* A copy without a byte order mark, in UTF-8. */
static vit__buffer plain(const void *bytes, size_t size)
{
    vit__buffer text = {0};
    vit__buffer_add(&text, bytes, size);
    if (text.failed || !vit__text_make_plain(&text))
        cli_out_of_memory();
    return text;
}

static char *json_line(const char *text, size_t size, const char **why)
{
    if (!cli_json_is_valid(text, size)) {
        *why = "it is no valid JSON";
        return NULL;
    }
    cli_text line = {0};
    bool quoted = false;
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

char *cli_member_json(const void *bytes, size_t size, const char **why)
{
    vit__buffer text = plain(bytes, size);
    char *line = json_line(text.data, text.size, why);
    vit__buffer_free(&text);
    return line;
}

char *cli_member_text(const void *bytes, size_t size, const char **why)
{
    vit__buffer text = plain(bytes, size);
    cli_text copy = {0};
    if (text.size > 0 && memchr(text.data, '\0', text.size))
        *why = "it holds a NUL byte";
    else
        cli_text_add(&copy, text.size ? text.data : "", text.size);
    vit__buffer_free(&text);
    return copy.data;
}
