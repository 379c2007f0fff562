/* SPDX-License-Identifier: BSD-2-Clause */
#include "try_tokenizer.h"

#include <stdlib.h>

#include "vit/text.h"

#define TEXT_BYTES 256

static void encode(const vit_tokenizer *tokenizer, const char *text, size_t size)
{
    int32_t ids[64];
    size_t n;
    vit_status status = vit_tokenizer_encode(tokenizer, text, size, ids, 64, &n, NULL);
    if (status == VIT_ERR_INTERNAL || n > vit_tokenizer_context(tokenizer))
        abort();
}

static void try_kind(const char *folder, vit_tokenizer_kind kind, const char *text, size_t size)
{
    vit_tokenizer_options options = {.kind = kind};
    vit_tokenizer *tokenizer;
    vit_error err = {0};
    const vit_status status = vit_tokenizer_open(folder, &options, &tokenizer, &err);
    if ((tokenizer != NULL) != (status == VIT_OK) || err.status != status || status == VIT_ERR_INTERNAL)
        abort();
    if (tokenizer) {
        encode(tokenizer, text, size < TEXT_BYTES ? size : TEXT_BYTES);
        encode(tokenizer, "a photo of \xE7\x8B\x97 &amp; </s>", 25);
    }
    vit_tokenizer_free(tokenizer);
}

void try_tokenizer(const char *folder, const char *text, size_t size)
{
    for (int kind = VIT_TOKENIZER_AUTO; kind <= VIT_TOKENIZER_JSON; kind++)
        try_kind(folder, (vit_tokenizer_kind)kind, text, size);
}
