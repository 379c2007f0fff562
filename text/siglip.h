/* SPDX-License-Identifier: BSD-2-Clause */
/* The SiglipTokenizer of transformers: a sentencepiece model, with cleaning around it. */
#ifndef VIT_SIGLIP_H
#define VIT_SIGLIP_H

#include "spiece.h"

typedef struct vit__siglip {
    vit__spiece spiece;
    /* ids of "</s>", "<unk>" and of a lone space; VIT__NO_ID: there is no such piece */
    uint32_t end, unknown, space;
    size_t skipped; /* pieces of the "<unk>" that is put in front of every part */
} vit__siglip;

/* Reads a spiece.model. What is filled is freed with vit__siglip_free, on failure too. */
vit_status vit__siglip_open(const char *path, vit__siglip *siglip, vit_error *err);
void vit__siglip_free(vit__siglip *siglip);

/* Appends the ids, at most ids->limit with the end token. ids->failed: no memory. */
void vit__siglip_encode(const vit__siglip *siglip, const char *text, size_t size, vit__ids *ids);

#endif
