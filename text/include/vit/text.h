/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libvittext: text in, token ids out, as the tokenizer of a CLIP, SigLIP or SigLIP 2 checkpoint gives them in Python.
 *
 *     #include <vit/text.h>
 *
 *     vit_error err = {0};
 *     vit_tokenizer *tokenizer = NULL;
 *     int32_t ids[128];
 *     size_t n = 0;
 *
 *     vit_tokenizer_open("clip-vit-base-patch32", NULL, &tokenizer, &err);
 *     vit_tokenizer_encode(tokenizer, "a dog", 5, ids, 128, &n, &err);
 *     if (err.status != VIT_OK) fprintf(stderr, "%s: %s\n", err.where, err.message);
 *     for (size_t i = 0; i < n; i++) printf("%d\n", ids[i]);      // 49406 320 1929 49407
 *
 *     vit_tokenizer_free(tokenizer);
 *
 * Link with -lvittext -lvit. The rules of vit/vit.h hold here too. A
 * vit_tokenizer is immutable: any number of threads may encode with one.
 *
 * Differences from Python: Unicode's tables are those of the libunistring that is installed,
 * so code points that are newer may be treated otherwise; and of what the package ftfy does
 * for open_clip models, the repair of text that was decoded with a wrong encoding is not done.
 */
#ifndef VIT_TEXT_H
#define VIT_TEXT_H

#include "vit/vit.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vit_tokenizer vit_tokenizer;

/* Whose ids. Checkpoints of the same model give other ids in other libraries: open_clip cleans the text first. */
typedef enum vit_tokenizer_kind {
    VIT_TOKENIZER_AUTO = 0,      /* open_clip's for a checkpoint of open_clip, else transformers' */
    VIT_TOKENIZER_HF = 1,        /* transformers' AutoTokenizer */
    VIT_TOKENIZER_OPEN_CLIP = 2, /* open_clip's get_tokenizer */
    VIT_TOKENIZER_JSON = 3       /* the library tokenizers: tokenizer.json as it is */
} vit_tokenizer_kind;

typedef struct vit_tokenizer_options {
    vit_tokenizer_kind kind;
    size_t context;       /* ids of a text, special tokens included; 0 = as the folder says */
    uint64_t reserved[4]; /* zero */
} vit_tokenizer_options;

#define VIT_TEXT_MAX_BYTES (4u * 1024u * 1024u) /* of one text */

/* Opens the tokenizer of a checkpoint, named as for vit_model_open: a folder, a file in it, or a
 * hub id. Read are tokenizer.json, vocab.json and merges.txt, or spiece.model; and config.json,
 * tokenizer_config.json, special_tokens_map.json and open_clip_config.json where they are there.
 * Weights are not touched. options may be NULL. The caller frees with vit_tokenizer_free. Errors:
 * not_found, unreadable, too_large, corrupt, out_of_memory, unsupported_model (the message names
 * what is not built, or which library this build lacks). */
VIT_API vit_status vit_tokenizer_open(const char *path, const vit_tokenizer_options *options, vit_tokenizer **tokenizer,
                                      vit_error *err);
VIT_API void vit_tokenizer_free(vit_tokenizer *tokenizer);

/* Ids of one text of size bytes, which need not be terminated and may hold U+0000: with the special
 * tokens, truncated to vit_tokenizer_context, not padded. *n is how many there are. Errors: corrupt
 * (not UTF-8: Python's tokenizers take no such text either), too_large (more than VIT_TEXT_MAX_BYTES),
 * invalid_argument (more than capacity ids; *n is how many, ids is not written), out_of_memory. */
VIT_API vit_status vit_tokenizer_encode(const vit_tokenizer *tokenizer, const char *text, size_t size, int32_t *ids,
                                        size_t capacity, size_t *n, vit_error *err);

/* The same, padded to ids[vit_tokenizer_context]: what a text tower takes. *n (which may be NULL) is how many are not
 * padding. */
VIT_API vit_status vit_tokenizer_encode_padded(const vit_tokenizer *tokenizer, const char *text, size_t size,
                                               int32_t *ids, size_t *n, vit_error *err);

/* Facts about a tokenizer: 0 or NULL where tokenizer is NULL. */
VIT_API size_t vit_tokenizer_context(const vit_tokenizer *tokenizer); /* the most ids of a text */
VIT_API int32_t vit_tokenizer_pad_id(const vit_tokenizer *tokenizer);
VIT_API int vit_tokenizer_pads_left(const vit_tokenizer *tokenizer);    /* 1: padding goes in front */
VIT_API const char *vit_tokenizer_name(const vit_tokenizer *tokenizer); /* "clip", "open_clip siglip2", ...; static */

#ifdef __cplusplus
}
#endif

#endif
