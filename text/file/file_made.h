/* SPDX-License-Identifier: BSD-2-Clause */
/* A tokenizer.json, made as transformers makes it from the files of old: vocab.txt, vocab.json and merges.txt, or a
 * sentencepiece model. */
#ifndef VIT_FILE_MADE_H
#define VIT_FILE_MADE_H

#include "text_folder.h"

typedef enum vit__made {
    VIT__MADE_BERT,    /* vocab.txt */
    VIT__MADE_MPNET,   /* vocab.txt, with RoBERTa's special tokens */
    VIT__MADE_ROBERTA, /* vocab.json and merges.txt */
    VIT__MADE_XLMR,    /* sentencepiece.bpe.model: its pieces from the fourth on, behind four of fairseq's */
    VIT__MADE_T5       /* spiece.model */
} vit__made;

/* *where = the file that it was made from, borrowed from the folder. *json is the caller's to free. */
vit_status vit__file_make(const vit__text_folder *folder, vit__made kind, vit__json **json, const char **where,
                          vit_error *err);

/* The normalizer that BertTokenizer builds by tokenizer_config.json, whatever tokenizer.json says; NULL: no memory. */
vit__json *vit__file_make_bert_normalizer(const vit__text_folder *folder);

#endif
