/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a tokenizer's file, whose name is FUZZ_FILE, and as a text for that tokenizer. */
#include <string.h>

#include "fuzz.h"
#include "try_tokenizer.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof companions / sizeof *companions; i++)
        if (strcmp(companions[i].file, FUZZ_FILE) == 0)
            scratch_write(companions[i].beside, companions[i].content, strlen(companions[i].content));
    scratch_write(FUZZ_FILE, bytes, size);
    try_tokenizer(scratch_path(""), (const char *)bytes, size);
    return 0;
}
