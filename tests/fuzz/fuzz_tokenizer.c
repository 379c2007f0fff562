/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a tokenizer's file, whose name is FUZZ_FILE, and as a text for that tokenizer. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vit/text.h"

#define TEXT_BYTES 256

/* What else stands in the folder, so that a file of this name is read. */
static const struct {
    const char *file, *beside, *content;
} companions[] = {
    {"merges.txt", "vocab.json", "{\"a\":0,\"aa\":3,\"<|startoftext|>\":1,\"<|endoftext|>\":2}"},
    {"vocab.json", "merges.txt", "#version: 0.2\na a</w>\n"},
    {"open_clip_config.json", "tokenizer.json",
     "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}}"},
    {"tokenizer_config.json", "tokenizer.json",
     "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}}"},
};

static void encode(const vit_tokenizer *tokenizer, const char *text, size_t size)
{
    int32_t ids[64];
    size_t n;
    vit_status status = vit_tokenizer_encode(tokenizer, text, size, ids, 64, &n, NULL);
    if (status == VIT_ERR_INTERNAL || n > vit_tokenizer_context(tokenizer))
        abort();
}

static void try_kind(vit_tokenizer_kind kind, const char *text, size_t size)
{
    vit_tokenizer_options options = {.kind = kind};
    vit_tokenizer *tokenizer;
    vit_error err = {0};
    const vit_status status = vit_tokenizer_open(scratch_path(""), &options, &tokenizer, &err);
    if ((tokenizer != NULL) != (status == VIT_OK) || err.status != status || status == VIT_ERR_INTERNAL)
        abort();
    if (tokenizer) {
        encode(tokenizer, text, size < TEXT_BYTES ? size : TEXT_BYTES);
        encode(tokenizer, "a photo of \xE7\x8B\x97 &amp; </s>", 25);
    }
    vit_tokenizer_free(tokenizer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof companions / sizeof *companions; i++)
        if (strcmp(companions[i].file, FUZZ_FILE) == 0)
            scratch_write(companions[i].beside, companions[i].content, strlen(companions[i].content));
    scratch_write(FUZZ_FILE, bytes, size);
    for (int kind = VIT_TOKENIZER_AUTO; kind <= VIT_TOKENIZER_JSON; kind++)
        try_kind((vit_tokenizer_kind)kind, (const char *)bytes, size);
    return 0;
}
