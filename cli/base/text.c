/* SPDX-License-Identifier: BSD-2-Clause */
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "interrupt.h"
#include "memory.h"
#include "path.h"
#include "talk.h"
#include "visible.h"

_Noreturn void cli_out_of_memory(void)
{
    cli_error("out of memory; a smaller --batch or --image-size needs less");
    cli_give_up(CLI_OUTPUT);
}

void *cli_allocate(size_t count, size_t size)
{
    void *pointer = calloc(count ? count : 1, size ? size : 1);
    if (!pointer)
        cli_out_of_memory();
    return pointer;
}

void *cli_reallocate(void *pointer, size_t count, size_t size)
{
    void *grown = size && count > SIZE_MAX / size ? NULL : realloc(pointer, count * size);
    if (!grown)
        cli_out_of_memory();
    return grown;
}

void *cli_grow(void *items, size_t *room, size_t n, size_t size)
{
    void *grown = vit__grow(items, room, n, 1, size);
    if (!grown)
        cli_out_of_memory();
    return grown;
}

char *cli_duplicate(const char *string)
{
    size_t size = strlen(string) + 1;
    return memcpy(cli_allocate(size, 1), string, size);
}

char *cli_join(const char *directory, const char *name)
{
    size_t length = strlen(directory);
    const char *slash = length > 0 && directory[length - 1] == '/' ? "" : "/";
    cli_text path = {0};
    cli_text_format(&path, "%s%s%s", directory, slash, name);
    return path.data;
}

char *cli_real_path(const char *path)
{
    char *real;
    if (!vit__path_real(path, &real))
        cli_out_of_memory();
    return real;
}

char *cli_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    cli_text folder = {0};
    if (!slash)
        cli_text_string(&folder, ".");
    else
        cli_text_add(&folder, path, slash == path ? 1 : (size_t)(slash - path));
    return folder.data;
}

void cli_text_done(cli_text *text)
{
    if (!vit__buffer_terminate(text))
        cli_out_of_memory();
}

void cli_text_add(cli_text *text, const void *bytes, size_t size)
{
    vit__buffer_add(text, bytes, size);
    cli_text_done(text);
}

void cli_text_string(cli_text *text, const char *string)
{
    cli_text_add(text, string, strlen(string));
}

void cli_text_format(cli_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vit__buffer_format_list(text, format, arguments);
    va_end(arguments);
    cli_text_done(text);
}

void cli_text_csv(cli_text *text, const char *field)
{
    if (!field[strcspn(field, "\",\r\n")]) {
        cli_text_string(text, field);
        return;
    }
    cli_text_add(text, "\"", 1);
    for (const char *at = field; *at; at++) {
        if (*at == '"')
            cli_text_add(text, "\"", 1);
        cli_text_add(text, at, 1);
    }
    cli_text_add(text, "\"", 1);
}

/* Between single quotes nothing has a meaning but the quote that ends them. */
void cli_text_shell(cli_text *text, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-+:@%,=";
    if (*word && word[strspn(word, plain)] == '\0') {
        cli_text_string(text, word);
        return;
    }
    cli_text_string(text, "'");
    for (size_t i = 0; word[i]; i++)
        if (word[i] == '\'')
            cli_text_string(text, "'\\''");
        else
            cli_text_add(text, &word[i], 1);
    cli_text_string(text, "'");
}

void cli_text_visible(cli_text *text, const char *string)
{
    size_t length = strlen(string);
    char *shown = cli_allocate(length + 1, CLI_VISIBLE_MOST);
    cli_text_add(text, shown, cli_visible(string, shown));
    free(shown);
}

void cli_text_cut(cli_text *text, size_t size)
{
    text->size = size;
    if (text->data)
        text->data[size] = '\0';
}

void cli_text_clear(cli_text *text)
{
    cli_text_cut(text, 0);
}

void cli_text_free(cli_text *text)
{
    vit__buffer_free(text);
}
