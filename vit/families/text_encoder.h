/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encoders of texts, as transformers has them: BERT and its kin, and the encoders of M2M100 and T5. Each kind is a row
 * of a table: under which keys its config says how large it is, how its tensors are named, and in what it differs from
 * BERT. An encoder is a model by itself (family_text.c), or the text tower of a model of pictures and words.
 */
#ifndef VIT_TEXT_ENCODER_H
#define VIT_TEXT_ENCODER_H

#include "family.h"
#include "model_keys.h"

typedef struct vit__text_source {
    const vit__checkpoint *checkpoint;
    vit__reader *config;    /* the encoder's own keys */
    const char *model_type; /* which row it is: "bert", "xlm-roberta", ... */
    const char *prefix;     /* of its tensors in this checkpoint; NULL: one of the row's own, or none */
    bool pad_of_config;     /* padding is the config's pad_token_id, not the tokenizer's pad_token */
} vit__text_source;

/* Is there a row of this name? */
bool vit__text_encoder_known(const char *model_type);

/* Fills the config up to the last block and what the library does with the tokens by itself: the embedding is token 0,
 * or the mean of kinds that have no such token. Names are plan->composed, for the caller to add to. Errors are the
 * reader's. */
void vit__text_encoder_plan(const vit__text_source *source, vit__plan *plan);

/* The same, where the checkpoint has no config of the encoder: what a published model of this name is made of. A JSON
 * object that the caller frees; NULL: the name is not known, or *status says that memory ran out. */
vit__json *vit__text_encoder_published(const char *name, const char **model_type, vit_status *status);

#endif
