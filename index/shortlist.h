/* SPDX-License-Identifier: BSD-2-Clause */
/* The candidates for the k best, when each score may be wrong by an error: all that are less than two errors below the
 * k-th best score. With k 1, the error 0.01 and the scores 0.90, 0.89 and 0.80, the first two are kept. */
#ifndef VIT_SHORTLIST_H
#define VIT_SHORTLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct vit__candidate {
    int64_t id;
    float score;
} vit__candidate;

/* Starts with vit__shortlist_start; freed with vit__shortlist_free. */
typedef struct vit__shortlist {
    size_t k;
    float margin;    /* two errors */
    float threshold; /* scores below it are out */
    float *best;     /* [k]: the best scores so far, the least of them at the root of the heap */
    size_t n_best;
    vit__candidate *candidates;
    size_t n, capacity;
    bool failed; /* a candidate found no memory: the list is of no use */
} vit__shortlist;

/* false: out of memory; vit__shortlist_free may come after it in every case. */
bool vit__shortlist_start(vit__shortlist *list, size_t k, float error);
void vit__shortlist_free(vit__shortlist *list);

void vit__shortlist_take(vit__shortlist *list, int64_t id, float score);

/* The same for an inner loop, where most scores are below the threshold. */
static inline void vit__shortlist_offer(vit__shortlist *list, int64_t id, float score)
{
    if (score >= list->threshold)
        vit__shortlist_take(list, id, score);
}

/* Drops the candidates that are below the threshold by now. */
void vit__shortlist_tidy(vit__shortlist *list);

#endif
