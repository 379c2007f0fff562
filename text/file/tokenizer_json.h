/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON as tokenizers' files have it: large, with U+0000 in strings, and with 10^30 written out
 * where people mean "no limit" (model_max_length). */
#ifndef VIT_TOKENIZER_JSON_H
#define VIT_TOKENIZER_JSON_H

#include "file.h"
#include "json.h"

/* Any file of a tokenizer: at most 200,000,000 bytes, of which the largest vocabularies have a
 * fifth. */
extern const vit__file_kind vit__tokenizer_file;

/* An object or an array, which the caller frees with vit__json_free. Strings are read with
 * vit__json_bytes where U+0000 matters. Errors: those of vit__json_load. */
vit_status vit__tokenizer_json_load(const char *path, vit__json **json, vit_error *err);

/* A token id: a whole number from 0 to 2^31 - 1. */
bool vit__token_id(const vit__json *value, uint32_t *id);

/* A document and the name of its file, for messages. */
typedef struct vit__tokenizer_json {
    const vit__json *json;
    const char *where;
} vit__tokenizer_json;

/* VIT_ERR_CORRUPT: "its PART is not as the tokenizer.json format has it". */
vit_status vit__part_corrupt(const vit__tokenizer_json *source, const char *part, vit_error *err);

#endif
