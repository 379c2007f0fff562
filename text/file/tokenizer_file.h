/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the parts of a tokenizer.json (the format of the library `tokenizers`), each on its own, so
 * that a tokenizer that replaces some of them can take the others. All fail with corrupt (a part
 * breaks the format), unsupported_model (it asks for what is not built; the message names it) or
 * out_of_memory; what was filled until then is the caller's to free. */
#ifndef VIT_TOKENIZER_FILE_H
#define VIT_TOKENIZER_FILE_H

#include "pipeline.h"
#include "tokenizer_json.h"

/* Every part, into a pipeline that is all zero but for normalizer steps that go first. */
vit_status vit__file_read_pipeline(const vit__tokenizer_json *source, vit__pipeline *pipeline, vit_error *err);

vit_status vit__file_read_normalizer(const vit__tokenizer_json *source, vit__normalizer *normalizer, vit_error *err);
/* *bytes: words go to the model as bytes (ByteLevel). */
vit_status vit__file_read_splitter(const vit__tokenizer_json *source, vit__splitter *splitter, bool *bytes,
                                   vit_error *err);
vit_status vit__file_read_model(const vit__tokenizer_json *source, bool bytes, vit__text_model **model, vit_error *err);
/* The added tokens (needs the normalizer) and the special ones around a text. */
vit_status vit__file_read_tokens(const vit__tokenizer_json *source, vit__pipeline *pipeline, vit_error *err);

/* Id of a token by its text: an added one, or one of the vocabulary. */
bool vit__file_find_token(const vit__tokenizer_json *source, const char *content, uint32_t *id);

#endif
