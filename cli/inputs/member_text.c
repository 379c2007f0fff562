/* SPDX-License-Identifier: BSD-2-Clause */
#include "member_text.h"

#include <stdbool.h>
#include <string.h>

#include "json.h"
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

/* Is this one JSON value, of any kind? A whole number may be of any size. */
static bool is_json(const char *text, size_t size)
{
    static const vit__json_rules any = {.nul_in_strings = true, .whole_as_real = true, .duplicate_keys = true};
    vit__json *json = NULL;
    vit_status status = vit__json_parse_by(&any, text, size, NULL, &json, NULL);
    if (status == VIT_ERR_OUT_OF_MEMORY)
        cli_out_of_memory();
    vit__json_free(json);
    return status == VIT_OK;
}

static char *json_line(const char *text, size_t size, const char **why)
{
    if (!is_json(text, size)) {
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
