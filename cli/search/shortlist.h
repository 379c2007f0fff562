/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever may be among the k best when scores are known to within an error
 * only: all that are less than two errors below the k-th best score. */
#ifndef CLI_SHORTLIST_H
#define CLI_SHORTLIST_H

#include <stddef.h>
#include <stdint.h>

typedef struct cli_candidate {
    int64_t id;
    float score;
} cli_candidate;

/* Starts with cli_shortlist_start; freed with cli_shortlist_free. */
typedef struct cli_shortlist {
    size_t k;
    float margin;    /* two errors */
    float threshold; /* scores below it are out */
    float *best;     /* [k]: the best scores so far, the least of them at the root of the heap */
    size_t n_best;
    cli_candidate *candidates;
    size_t n, capacity;
} cli_shortlist;

void cli_shortlist_start(cli_shortlist *list, size_t k, float error);
void cli_shortlist_free(cli_shortlist *list);

void cli_shortlist_take(cli_shortlist *list, int64_t id, float score);

/* For the inner loop: most are out. */
static inline void cli_shortlist_offer(cli_shortlist *list, int64_t id, float score)
{
    if (score >= list->threshold)
        cli_shortlist_take(list, id, score);
}

/* Drops candidates that have been overtaken. */
void cli_shortlist_tidy(cli_shortlist *list);

#endif
