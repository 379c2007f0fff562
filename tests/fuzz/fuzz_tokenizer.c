/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a tokenizer's file (the first byte says which), and as a text for it. Run: fuzz_tokenizer CORPUS */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vit/text.h"

#define SHORTEST 2
#define TEXT_BYTES 256

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char *const names[] = {"tokenizer.json", "spiece.model", "open_clip_config.json", "tokenizer_config.json",
                                    "merges.txt"};
static const char model[] = "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}}";
static const char vocabulary[] = "{\"a\":0,\"aa\":3,\"<|startoftext|>\":1,\"<|endoftext|>\":2}";

/* A folder for this process, made at the first input. */
static const char *folder(void)
{
    static char path[] = "/tmp/vit-fuzz-XXXXXX";
    static int made;
    if (!made && !mkdtemp(path))
        abort();
    made = 1;
    return path;
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder(), name);
    FILE *file = fopen(path, "wb");
    if (!file || (size > 0 && fwrite(bytes, 1, size, file) != size) || fclose(file) != 0)
        abort();
}

static void remove_files(void)
{
    static const char *const all[] = {"tokenizer.json", "spiece.model", "open_clip_config.json", "tokenizer_config.json",
                                      "merges.txt", "vocab.json"};
    char path[64];
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        snprintf(path, sizeof path, "%s/%s", folder(), all[i]);
        unlink(path);
    }
}

static void encode(const vit_tokenizer *tokenizer, const char *text, size_t size)
{
    uint32_t ids[64];
    size_t n;
    vit_status status = vit_tokenizer_encode(tokenizer, text, size, ids, 64, &n, NULL);
    if (status == VIT_ERR_INTERNAL || n > vit_tokenizer_context(tokenizer))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < SHORTEST)
        return 0;
    size_t which = bytes[0] % (sizeof names / sizeof *names);
    vit_tokenizer_options options = {.kind = (vit_tokenizer_kind)(bytes[1] % 4)};
    const char *content = (const char *)bytes + SHORTEST;
    size -= SHORTEST;
    remove_files();
    if (which == 2 || which == 3)
        write_file("tokenizer.json", model, sizeof model - 1);
    if (which == 4)
        write_file("vocab.json", vocabulary, sizeof vocabulary - 1);
    write_file(names[which], content, size);
    vit_tokenizer *tokenizer;
    vit_error err = {0};
    const vit_status status = vit_tokenizer_open(folder(), &options, &tokenizer, &err);
    if ((tokenizer != NULL) != (status == VIT_OK) || err.status != status || status == VIT_ERR_INTERNAL)
        abort();
    if (tokenizer) {
        encode(tokenizer, content, size < TEXT_BYTES ? size : TEXT_BYTES);
        encode(tokenizer, "a photo of \xE7\x8B\x97 &amp; </s>", 25);
    }
    vit_tokenizer_free(tokenizer);
    return 0;
}
