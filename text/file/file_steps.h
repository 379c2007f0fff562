/* SPDX-License-Identifier: BSD-2-Clause */
/* What the normalizer, the pre-tokenizer and the post-processor of a tokenizer.json have in common:
 * each is made of steps, and a step is an object whose "type" says how it is read, or a "Sequence"
 * of others. */
#ifndef VIT_FILE_STEPS_H
#define VIT_FILE_STEPS_H

#include "tokenizer_json.h"

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
