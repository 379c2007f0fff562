/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads spiece.model, the file of a sentencepiece model: a protobuf message. */
#ifndef VIT_FILE_SPIECE_H
#define VIT_FILE_SPIECE_H

#include "error.h"
#include "spiece.h"

/* Takes the bytes of the file. Corrupt, unsupported_model, out_of_memory; what is filled is freed
 * with vit__spiece_free, on failure too. */
vit_status vit__file_read_spiece(const char *model, size_t size, const char *where, vit__spiece *spiece,
                                 vit_error *err);

/* What a sentencepiece model holds, for a tokenizer that is built otherwise. */
typedef struct vit__spiece_source {
    void (*piece)(void *context, const char *text, size_t size, float score); /* called for each, in their order */
    void *context;
    const char *charsmap; /* inside the model; NULL: it has none */
    size_t charsmap_size;
} vit__spiece_source;

/* Errors as vit__file_read_spiece. */
vit_status vit__file_walk_spiece(const char *model, size_t size, const char *where, vit__spiece_source *source,
                                 vit_error *err);

#endif
