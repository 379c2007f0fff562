/* SPDX-License-Identifier: BSD-2-Clause */
/* What a vit_tokenizer is. */
#ifndef VIT_TOKENIZER_H
#define VIT_TOKENIZER_H

#include "clean.h"
#include "text_folder.h"
#include "pipeline.h"
#include "siglip.h"
#include "vit/text.h"

struct vit_tokenizer {
    const char *name;
    vit__clean clean;
    vit__pipeline pipeline; /* makes the ids; if its model is NULL, siglip does */
    vit__siglip siglip;
    vit__buffer prompt; /* is put before every text */
    bool lower;         /* str.lower() comes before all other steps */
    bool zeroes;        /* the id `zeroed` becomes 0 at the end */
    uint32_t zeroed;
    size_t context;
    uint32_t pad_id;
    bool pad_left;
};

/* Fills the tokenizer from the folder; what is filled is the caller's to free, on failure too. */
vit_status vit__tokenizer_build(const vit__text_folder *folder, vit_tokenizer_kind kind, vit_tokenizer *tokenizer,
                                vit_error *err);

#endif
