/* SPDX-License-Identifier: BSD-2-Clause */
/* A byte-pair model of a vocabulary and merges, which stand in tokenizer.json or in two files of
 * their own. */
#ifndef VIT_FILE_BPE_H
#define VIT_FILE_BPE_H

#include "text_model.h"
#include "tokenizer_json.h"

typedef struct vit__bpe_parts {
    const vit__json *vocabulary;    /* an object from token to id */
    const vit__json *merges;        /* an array, */
    const vit__buffer *merges_text; /* or the text of a merges.txt */
    const char *where;
    const char *suffix; /* of a word's last symbol; "" or NULL: none */
    bool bytes, byte_fallback, fuse_unknown;
    uint32_t unknown;
} vit__bpe_parts;

vit_status vit__file_build_bpe(const vit__bpe_parts *parts, vit__text_model **model, vit_error *err);

#endif
