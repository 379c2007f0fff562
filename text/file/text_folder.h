/* SPDX-License-Identifier: BSD-2-Clause */
/* A checkpoint folder, seen by its tokenizer: which files are there, and what its configuration
 * files say about text. */
#ifndef VIT_TEXT_FOLDER_H
#define VIT_TEXT_FOLDER_H

#include "tokenizer_json.h"

typedef struct vit__text_folder {
    char *path;
    bool open_clip_weights; /* and none in the names of transformers */
    /* paths; NULL: there is no such file */
    char *tokenizer_json, *vocab_json, *merges_txt, *spiece_model, *vocab_txt, *sentencepiece_model;
    /* documents; NULL: there is no such file */
    vit__json *config, *tokenizer_config, *special_tokens, *open_clip;
    vit__json *sentence, *prompts; /* of sentence-transformers: the model's module, and the folder of modules.json */
} vit__text_folder;

/* Freed with vit__text_folder_close, on failure too. A configuration file that is there but broken
 * is an error. */
vit_status vit__text_folder_open(const char *path, vit__text_folder *folder, vit_error *err);
void vit__text_folder_close(vit__text_folder *folder);

/* config.json's model_type; "" where it has none. */
const char *vit__text_folder_model_type(const vit__text_folder *folder);
/* tokenizer_config.json's tokenizer_class; "" where it has none. */
const char *vit__text_folder_class(const vit__text_folder *folder);
/* open_clip's model_cfg.text_cfg, or NULL. */
const vit__json *vit__text_folder_open_clip(const vit__text_folder *folder);

/* Tokens that a model takes, as config.json says; 0: it does not. */
uint32_t vit__text_folder_positions(const vit__text_folder *folder);
/* Row of the table of positions that the first token gets: RoBERTa's kin leave out those up to pad_token_id. */
uint32_t vit__text_folder_first_position(const vit__text_folder *folder);
/* sentence_bert_config.json's max_seq_length; 0: it says none. */
uint32_t vit__text_folder_sentence_length(const vit__text_folder *folder);
/* Does sentence_bert_config.json ask for lower case ahead of the tokenizer? */
bool vit__text_folder_sentence_lower(const vit__text_folder *folder);
/* What config_sentence_transformers.json puts ahead of every text: the prompt that default_prompt_name names, or "". */
const char *vit__text_folder_prompt(const vit__text_folder *folder);
/* tokenizer_config.json's model_max_length; 0: it says none, or a number that means "no limit". */
uint32_t vit__text_folder_max_length(const vit__text_folder *folder);

/* The text of a special token ("pad_token", "bos_token", ...), or fallback. */
const char *vit__text_folder_token(const vit__text_folder *folder, const char *key, const char *fallback);
/* Does tokenizer_config.json ask for padding on the left; fallback where it says nothing. */
bool vit__text_folder_pads_left(const vit__text_folder *folder, bool fallback);

#endif
