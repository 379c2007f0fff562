/* SPDX-License-Identifier: BSD-2-Clause */
/* A tokenizer as the library `tokenizers` has them: cut out the added tokens, normalise what is
 * between, cut it into words, look up the ids of each, and put the special tokens around them. */
#ifndef VIT_PIPELINE_H
#define VIT_PIPELINE_H

#include "added_tokens.h"
#include "text_model.h"
#include "normalizer.h"
#include "splitter.h"

#define VIT__MAX_AROUND 4

typedef struct vit__pipeline {
    vit__added_tokens raw;        /* looked for in the text as it is */
    vit__added_tokens normalized; /* looked for in the normalised text */
    vit__normalizer normalizer;
    vit__splitter splitter;
    vit__text_model *model;
    uint32_t before[VIT__MAX_AROUND], after[VIT__MAX_AROUND]; /* special tokens */
    size_t n_before, n_after;
} vit__pipeline;

/* Appends the ids, at most ids->limit of them with the special tokens, which are always there.
 * ids->failed: no memory. */
void vit__pipeline_encode(const vit__pipeline *pipeline, const char *text, size_t size, vit__ids *ids);
void vit__pipeline_free(vit__pipeline *pipeline);

#endif
