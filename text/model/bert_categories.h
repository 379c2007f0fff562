/* SPDX-License-Identifier: BSD-2-Clause */
/* Characters as the library tokenizers sees them in its BERT parts: by the tables of Unicode 8, which it has built in.
 * Tables of another Unicode would split texts otherwise. */
#ifndef VIT_BERT_CATEGORIES_H
#define VIT_BERT_CATEGORIES_H

#include <stddef.h>
#include <stdint.h>

typedef struct vit__range {
    uint32_t first, last;
} vit__range;

/* Sorted. Punctuation includes every ASCII symbol; control characters include U+0000 and U+FFFD. */
extern const vit__range vit__bert_punctuation[], vit__bert_marks[], vit__bert_control[];
extern const size_t vit__bert_n_punctuation, vit__bert_n_marks, vit__bert_n_control;

#endif
