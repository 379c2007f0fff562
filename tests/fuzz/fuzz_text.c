/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a text, for tokenizers of every make: those in the folders of FUZZ_TOKENIZERS, and CLIP's with a few
 * words. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "vit/text.h"

#define ROOM 64

static const struct {
    const char *folder;
    vit_tokenizer_kind kind;
} makes[] = {
    {FUZZ_TOKENIZERS "/siglip_unigram", VIT_TOKENIZER_HF},
    {FUZZ_TOKENIZERS "/siglip_unigram", VIT_TOKENIZER_OPEN_CLIP},
    {FUZZ_TOKENIZERS "/siglip_unigram", VIT_TOKENIZER_JSON},
    {FUZZ_TOKENIZERS "/gemma_bpe", VIT_TOKENIZER_HF},
    {FUZZ_TOKENIZERS "/bert_wordpiece", VIT_TOKENIZER_HF},
    {NULL, VIT_TOKENIZER_HF},
    {NULL, VIT_TOKENIZER_OPEN_CLIP},
};
#define MAKES (sizeof makes / sizeof *makes)

static vit_tokenizer *tokenizers[MAKES];

static void close_all(void)
{
    for (size_t i = 0; i < MAKES; i++)
        vit_tokenizer_free(tokenizers[i]);
}

/* CLIP's. Answers its folder. */
static const char *write_clip(void)
{
    static const char merges[] = "#version: 0.2\na a</w>\n";
    static const char vocab[] = "{\"a\":0,\"a</w>\":4,\"aa</w>\":3,\"<|startoftext|>\":1,\"<|endoftext|>\":2}";
    scratch_write("merges.txt", merges, sizeof merges - 1);
    scratch_write("vocab.json", vocab, sizeof vocab - 1);
    return scratch_path("");
}

static void open_all(void)
{
    const char *clip = write_clip();
    for (size_t i = 0; i < MAKES; i++) {
        vit_tokenizer_options options = {.kind = makes[i].kind, .context = ROOM};
        const char *folder = makes[i].folder ? makes[i].folder : clip;
        if (vit_tokenizer_open(folder, &options, &tokenizers[i], NULL) != VIT_OK)
            abort();
    }
    atexit(close_all);
}

/* The same text gives the same ids, padded or not; what is refused is no text or too long. */
static void encode(const vit_tokenizer *tokenizer, const char *text, size_t size)
{
    int32_t ids[ROOM], padded[ROOM];
    size_t n, again;
    vit_error err = {0};
    const vit_status status = vit_tokenizer_encode(tokenizer, text, size, ids, ROOM, &n, &err);
    if (status != VIT_OK) {
        if (status != VIT_ERR_CORRUPT && status != VIT_ERR_TOO_LARGE)
            abort();
        return;
    }
    const size_t in_front = vit_tokenizer_pads_left(tokenizer) ? ROOM - n : 0;
    if (n > ROOM || vit_tokenizer_encode_padded(tokenizer, text, size, padded, &again, &err) != VIT_OK || again != n ||
        memcmp(padded + in_front, ids, n * sizeof *ids) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!tokenizers[0])
        open_all();
    for (size_t i = 0; i < MAKES; i++)
        encode(tokenizers[i], (const char *)bytes, size);
    return 0;
}
