/* SPDX-License-Identifier: BSD-2-Clause */
#include "pad_token.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "limit.h"
#include "path.h"

/* As the tokenizers' own files need it: a vocabulary may hold U+0000. */
static const vit__json_rules rules = {
    .file = {.most = VIT__LIMIT_TOKENIZER_BYTES, .above = "a tokenizer file of more than"},
    .nul_in_strings = true,
    .whole_as_real = true};

/* The documents that are looked into; NULL: there is no such file. */
typedef struct documents {
    vit__json *tokenizer_config, *special_tokens, *tokenizer;
} documents;

/* A file of the folder that may be there. */
static void load(const vit__checkpoint *checkpoint, vit__reader *r, const char *name, vit__json **json)
{
    char *path = NULL;
    if (!vit__reader_failed(r))
        vit__reader_take(r, vit__path_find(vit__checkpoint_folder(checkpoint), name, &path, r->err));
    if (!vit__reader_failed(r) && path)
        vit__reader_take(r, vit__json_load_by(&rules, path, json, r->err));
    free(path);
}

/* "pad_token": "<pad>", or {"content": "<pad>", ...} */
static const char *pad_of(const vit__json *document)
{
    const vit__json *token = vit__json_get(document, "pad_token");
    return vit__json_string(vit__json_is_object(token) ? vit__json_get(token, "content") : token);
}

static bool is_token(const vit__json *object, const char *text)
{
    return vit__json_is(vit__json_get(object, "content"), text);
}

/* tokenizer_config.json: "added_tokens_decoder": {"1": {"content": "<pad>"}} */
static bool find_decoded(const vit__json *config, const char *text, size_t *id)
{
    const vit__json *decoder = vit__json_get(config, "added_tokens_decoder");
    for (void *i = vit__json_first(decoder); i; i = vit__json_next(decoder, i))
        if (is_token(vit__json_value(i), text)) {
            *id = strtoul(vit__json_key(i), NULL, 10);
            return true;
        }
    return false;
}

/* tokenizer.json: "added_tokens", or the vocabulary of its model */
static bool find_listed(const vit__json *tokenizer, const char *text, size_t *id)
{
    const vit__json *added = vit__json_get(tokenizer, "added_tokens");
    for (size_t i = 0; i < vit__json_length(added); i++)
        if (is_token(vit__json_at(added, i), text))
            return vit__whole_size(vit__json_get(vit__json_at(added, i), "id"), id);
    const vit__json *vocabulary = vit__json_get(vit__json_get(tokenizer, "model"), "vocab");
    return vit__json_is_object(vocabulary) && vit__whole_size(vit__json_get(vocabulary, text), id);
}

/* vocab.txt: a token a line, the first is number 0 */
static void find_line(const vit__checkpoint *checkpoint, vit__reader *r, const char *text, size_t *id)
{
    char *path = NULL;
    vit__buffer lines = {0};
    vit__reader_take(r, vit__path_find(vit__checkpoint_folder(checkpoint), "vocab.txt", &path, r->err));
    if (!vit__reader_failed(r) && path)
        vit__reader_take(r, vit__file_read(path, &rules.file, &lines, r->err));
    size_t length = strlen(text), line = 0;
    for (size_t at = 0; !vit__reader_failed(r) && at < lines.size; line++) {
        const char *end = memchr(lines.data + at, '\n', lines.size - at);
        size_t size = end ? (size_t)(end - lines.data) - at : lines.size - at;
        if ((size == length || (size == length + 1 && lines.data[at + length] == '\r')) &&
            memcmp(lines.data + at, text, length) == 0) {
            *id = line;
            break;
        }
        at += size + 1;
    }
    vit__buffer_free(&lines);
    free(path);
}

/* Where no file names the token, it is BERT's, or else that of the others. */
static void find_token(const vit__checkpoint *checkpoint, vit__reader *r, documents *d, size_t *id)
{
    const char *named = pad_of(d->tokenizer_config);
    named = named ? named : pad_of(d->special_tokens);
    const char *const texts[] = {named ? named : "[PAD]", named ? named : "<pad>"};
    for (size_t i = 0; i < 2; i++)
        if (find_decoded(d->tokenizer_config, texts[i], id))
            return;
    load(checkpoint, r, "tokenizer.json", &d->tokenizer);
    for (size_t i = 0; i < 2; i++)
        if (find_listed(d->tokenizer, texts[i], id))
            return;
    if (!vit__reader_failed(r) && !d->tokenizer)
        find_line(checkpoint, r, texts[0], id);
}

void vit__pad_token_read(const vit__checkpoint *checkpoint, vit__reader *r, size_t *id)
{
    documents d = {0};
    load(checkpoint, r, "tokenizer_config.json", &d.tokenizer_config);
    load(checkpoint, r, "special_tokens_map.json", &d.special_tokens);
    if (!vit__reader_failed(r))
        find_token(checkpoint, r, &d, id);
    vit__json_free(d.tokenizer_config);
    vit__json_free(d.special_tokens);
    vit__json_free(d.tokenizer);
}
