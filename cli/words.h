/* SPDX-License-Identifier: BSD-2-Clause */
/* A text becomes a vector: tokenizer and text tower of one model. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "inputs.h"
#include "model.h"
#include "vit/text.h"

typedef struct cli_words {
    const cli_model *model;   /* opened with VIT_TOWER_TEXT; with a session where texts are encoded */
    vit_tokenizer *tokenizer; /* NULL until there is a text: ready token ids need none */
    size_t length;            /* token ids of every text, padding among them; 0 without tokenizer */
    uint32_t *ids;            /* [length], scratch */
} cli_words;

/* Opens the tokenizer. CLI_MODEL, with a message, if that fails. Always closed with cli_words_close, before the model. */
cli_exit cli_words_open(const cli_model *model, cli_words *words);
void cli_words_close(cli_words *words);

/* The token ids of a text, ids[words->length], padded as the model wants them. */
vit_status cli_words_ids(const cli_words *words, const char *text, int32_t *ids, vit_error *err);

/* The embedding of a text, vector[vit_output_size(model, VIT_OUTPUT_EMBEDDING, 0)], not normalised. */
vit_status cli_words_embed(const cli_words *words, const char *text, float *vector, vit_error *err);

#endif
