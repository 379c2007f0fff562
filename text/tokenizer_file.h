/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the parts of a tokenizer.json (the format of the library `tokenizers`), each on its own, so that a tokenizer that
 * replaces some of them can take the others. All fail with corrupt (a part breaks the format), unsupported_model (it asks
 * for what is not built; the message names it) or out_of_memory; what was filled until then is the caller's to free. */
#ifndef VIT_TOKENIZER_FILE_H
#define VIT_TOKENIZER_FILE_H

#include "pipeline.h"
#include "tokenizer_json.h"

/* Every part, into a pipeline that is all zero but for normalizer steps that go first. */
vit_status vit__file_read_pipeline(const vit__tokenizer_json *source, vit__pipeline *pipeline, vit_error *err);

vit_status vit__file_read_normalizer(const vit__tokenizer_json *source, vit__normalizer *normalizer, vit_error *err);
/* *bytes: words go to the model as bytes (ByteLevel). */
vit_status vit__file_read_splitter(const vit__tokenizer_json *source, vit__splitter *splitter, bool *bytes, vit_error *err);
vit_status vit__file_read_model(const vit__tokenizer_json *source, bool bytes, vit__text_model **model, vit_error *err);
/* The added tokens (needs the normalizer) and the special ones around a text. */
vit_status vit__file_read_tokens(const vit__tokenizer_json *source, vit__pipeline *pipeline, vit_error *err);

/* Id of a token by its text: an added one, or one of the vocabulary. */
bool vit__file_find_token(const vit__tokenizer_json *source, const char *content, uint32_t *id);

/* A byte-pair model of a vocabulary (an object from token to id) and merges: an array, or the text of a merges.txt. */
typedef struct vit__bpe_parts {
    const vit__json *vocabulary, *merges;
    const vit__buffer *merges_text; /* instead of merges */
    const char *where;
    const char *suffix; /* of a word's last symbol; "" or NULL: none */
    bool bytes, byte_fallback, fuse_unknown;
    uint32_t unknown;
} vit__bpe_parts;

vit_status vit__file_build_bpe(const vit__bpe_parts *parts, vit__text_model **model, vit_error *err);

/* A part that is made of steps: each an object whose "type" says how it is read, or a "Sequence" of others. */
typedef struct vit__steps vit__steps;

typedef struct vit__step_type {
    const char *type;
    vit_status (*read)(vit__steps *steps, const vit__json *json, vit_error *err);
} vit__step_type;

struct vit__steps {
    const vit__tokenizer_json *source;
    const char *part; /* its key in the file */
    const char *list; /* the key of a Sequence's steps */
    const vit__step_type *types;
    size_t n_types;
    void *into;     /* what the types' functions fill */
    unsigned depth; /* of sequences in sequences */
};

/* Nothing where the file has null for the part, or lacks it. */
vit_status vit__file_read_steps(vit__steps *steps, vit_error *err);

#endif
