/* SPDX-License-Identifier: BSD-2-Clause */
/* Which id fills up the texts of a batch: the tokenizer's files say so, and not the model's config. */
#ifndef VIT_PAD_TOKEN_H
#define VIT_PAD_TOKEN_H

#include "checkpoint.h"
#include "json_reader.h"

/* Sets *id to the id of the tokenizer's pad_token, where the checkpoint's folder has files of a tokenizer that name
 * one. Else *id stays. Example: BERT with XLM-RoBERTa's vocabulary has pad_token_id 0 in config.json, which is <s>
 * there; tokenizer_config.json names <pad>, and that is 1. Errors are the reader's. */
void vit__pad_token_read(const vit__checkpoint *checkpoint, vit__reader *reader, size_t *id);

#endif
