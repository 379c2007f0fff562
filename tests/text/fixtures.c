/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixtures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"

char *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

/* ------------------------------------------------------------------ CLIP's vocabulary ---- */

/* Adds the text without its spaces, quoted. */
static void add_quoted(vit__buffer *out, const char *text, size_t size)
{
    vit__buffer_add(out, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\')
            vit__buffer_add(out, "\\", 1);
        if (text[i] != ' ')
            vit__buffer_add(out, text + i, 1);
    }
    vit__buffer_add(out, "\"", 1);
}

static void add_token(vit__buffer *out, const char *text, size_t size, unsigned id)
{
    char number[32];
    if (id > 0)
        vit__buffer_add(out, ",", 1);
    add_quoted(out, text, size);
    snprintf(number, sizeof number, ":%u", id);
    vit__buffer_add_string(out, number);
}

/* Bytes first, printable ones ahead of the others, without and with the suffix. Returns the next id. */
static unsigned add_byte_tokens(vit__buffer *out)
{
    unsigned id = 0;
    for (int with_suffix = 0; with_suffix < 2; with_suffix++) {
        for (uint32_t c = 0x21; c < 0x144; c++) {
            vit__buffer token = {0};
            bool printable = c < 0x7F || (c > 0xA0 && c < 0x100 && c != 0xAD);
            if (!printable && c < 0x100)
                continue;
            vit__buffer_add_char(&token, c);
            vit__buffer_add_string(&token, with_suffix ? "</w>" : "");
            add_token(out, token.data, token.size, id++);
            vit__buffer_free(&token);
        }
    }
    return id;
}

/* Calls back for each merge of merges.txt. */
static void add_lines(vit__buffer *out, const char *merges, unsigned *id)
{
    for (const char *line = strchr(merges, '\n') + 1; *line;) {
        size_t size = strcspn(line, "\n");
        if (size > 0)
            add_token(out, line, size, (*id)++);
        line += size + (line[size] == '\n');
    }
}

static void add_vocabulary(vit__buffer *out, const char *merges)
{
    vit__buffer_add_string(out, "{");
    unsigned id = add_byte_tokens(out);
    add_lines(out, merges, &id);
    add_token(out, "<|startoftext|>", 15, id);
    add_token(out, "<|endoftext|>", 13, id + 1);
    vit__buffer_add_string(out, "}");
}

static void add_merges(vit__buffer *out, const char *merges)
{
    const char *separator = "";
    for (const char *line = strchr(merges, '\n') + 1; *line; separator = ",") {
        const char *space = strchr(line, ' ');
        size_t left = (size_t)(space - line), right = strcspn(space + 1, "\n");
        vit__buffer_add_string(out, separator);
        vit__buffer_add_string(out, "[");
        add_quoted(out, line, left);
        vit__buffer_add_string(out, ",");
        add_quoted(out, space + 1, right);
        vit__buffer_add_string(out, "]");
        line = space + 1 + right + (space[1 + right] == '\n');
    }
}

static const char json_head[] =
    "{\"added_tokens\":[{\"id\":49406,\"special\":true,\"content\":\"<|startoftext|>\",\"normalized\":true},"
    "{\"id\":49407,\"special\":true,\"content\":\"<|endoftext|>\",\"normalized\":false}],"
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},"
    "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\s+\"},\"content\":\" \"},{\"type\":\"Lowercase\"}]},"
    "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"
    "\"'s|'t|'re|'ve|'m|'ll|'d|[\\\\p{L}]+|[\\\\p{N}]|[^\\\\s\\\\p{L}\\\\p{N}]+\"},\"behavior\":\"Removed\",\"invert\":true},"
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true}]},"
    "\"post_processor\":{\"type\":\"RobertaProcessing\",\"sep\":[\"<|endoftext|>\",49407],\"cls\":[\"<|startoftext|>\",49406]},"
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<|endoftext|>\",\"end_of_word_suffix\":\"</w>\",\"fuse_unk\":false,\"vocab\":";

static void write_clip(const char *folder, const char *name)
{
    size_t size;
    char *merges = read_whole(data_path("text/clip/merges.txt"), &size);
    vit__buffer out = {0};
    bool whole = strcmp(name, "tokenizer.json") == 0;
    vit__buffer_add_string(&out, whole ? json_head : "");
    add_vocabulary(&out, merges);
    if (whole) {
        vit__buffer_add_string(&out, ",\"merges\":[");
        add_merges(&out, merges);
        vit__buffer_add_string(&out, "]}}");
    }
    assert_false(out.failed);
    write_bytes(folder, name, out.data, out.size);
    vit__buffer_free(&out);
    free(merges);
}

void take_files(const char *folder, const char *fixture, const char *names)
{
    char name[64];
    for (int used; sscanf(names, " %63s%n", name, &used) == 1; names += used) {
        const char *path = data_path("text/%s/%s", fixture, name);
        if (access(path, R_OK) == 0)
            assert_int_equal(symlink(path, in_folder(folder, name)), 0);
        else
            write_clip(folder, name);
    }
}

void assert_ids(const vit_tokenizer *tokenizer, const char *text, const int *ids)
{
    int32_t found[512];
    size_t n, wanted = 0;
    vit_error err = {0};
    assert_ok(vit_tokenizer_encode(tokenizer, text, strlen(text), found, 512, &n, &err), err);
    while (ids[wanted] >= 0)
        wanted++;
    assert_int_equal(n, wanted);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(found[i], ids[i]);
}

vit_tokenizer *open_tokenizer(const char *folder, vit_tokenizer_kind kind, size_t context)
{
    vit_tokenizer_options options = {.kind = kind, .context = context};
    vit_tokenizer *tokenizer;
    vit_error err = {0};
    assert_ok(vit_tokenizer_open(folder, &options, &tokenizer, &err), err);
    return tokenizer;
}

vit_tokenizer *open_fixture(const char *fixture, const char *files, vit_tokenizer_kind kind, size_t context)
{
    char *folder = folder_make();
    take_files(folder, fixture, files);
    vit_tokenizer *tokenizer = open_tokenizer(folder, kind, context);
    folder_remove(folder);
    return tokenizer;
}
