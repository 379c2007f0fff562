/* SPDX-License-Identifier: BSD-2-Clause */
/* A golden checkpoint: its tensors with what the Python library computed from them. */
#ifndef VIT_TEST_GOLDEN_H
#define VIT_TEST_GOLDEN_H

#include "safetensors.h"
#include "support.h"

typedef struct golden {
    void *bytes;
    vit__safetensors expected;
} golden;

/* Fails the test when the file cannot be read. */
golden golden_open(const char *case_path, const char *file);
void golden_close(golden *golden);

/* NULL: this case has no such tensor. *elements may be NULL. */
const float *golden_tensor(const golden *golden, const char *name, size_t *elements);

/* The token ids of the case's texts, [texts][length]; NULL: it has none. */
const int32_t *golden_ids(const golden *golden, size_t *texts, size_t *ids);

/* 1 for a token, 0 for padding, [texts][length]; NULL: the case does not say. */
const int32_t *golden_mask(const golden *golden);

/* The shape of a tensor that must be there and have this rank. */
void golden_shape(const golden *golden, const char *name, size_t rank, size_t *shape);

/* Calls visit for every case under tests/data, with its path below that
 * ("golden/hf_clip"), in name order; fails the test when there is none. */
void golden_each(void (*visit)(const char *case_path));

/* What is left of n things when golden_each() calls visit for some cases only, as VIT_TEST_EVERY=3 has it. */
size_t golden_share(size_t n);

#endif
