/* SPDX-License-Identifier: BSD-2-Clause */
#include "shortlist.h"

#include <math.h>
#include <stdlib.h>

#include "text.h"

#define CAPACITY_MIN 256

void cli_shortlist_start(cli_shortlist *list, size_t k, float error)
{
    *list = (cli_shortlist){
        .k = k,
        .margin = 2 * error,
        .threshold = -INFINITY,
        .best = cli_allocate(k, sizeof(float)),
        .capacity = CAPACITY_MIN,
        .candidates = cli_allocate(CAPACITY_MIN, sizeof(cli_candidate)),
    };
}

void cli_shortlist_free(cli_shortlist *list)
{
    free(list->best);
    free(list->candidates);
    *list = (cli_shortlist){0};
}

static void swap(float *a, float *b)
{
    float other = *a;
    *a = *b;
    *b = other;
}

static void sift_up(float *heap, size_t at)
{
    for (; at > 0 && heap[at] < heap[(at - 1) / 2]; at = (at - 1) / 2)
        swap(&heap[at], &heap[(at - 1) / 2]);
}

static void sift_down(float *heap, size_t n)
{
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < n; child++)
            if (heap[child] < heap[least])
                least = child;
        if (least == at)
            return;
        swap(&heap[at], &heap[least]);
        at = least;
    }
}

static void note_score(cli_shortlist *list, float score)
{
    if (list->n_best < list->k) {
        list->best[list->n_best] = score;
        sift_up(list->best, list->n_best++);
    } else if (score > list->best[0]) {
        list->best[0] = score;
        sift_down(list->best, list->k);
    }
    if (list->n_best == list->k)
        list->threshold = list->best[0] - list->margin;
}

void cli_shortlist_tidy(cli_shortlist *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++)
        if (list->candidates[i].score >= list->threshold)
            list->candidates[kept++] = list->candidates[i];
    list->n = kept;
}

void cli_shortlist_take(cli_shortlist *list, int64_t id, float score)
{
    if (list->n == list->capacity)
        cli_shortlist_tidy(list);
    if (list->n > list->capacity / 2) {
        list->capacity *= 2;
        list->candidates = cli_reallocate(list->candidates, list->capacity, sizeof *list->candidates);
    }
    list->candidates[list->n++] = (cli_candidate){id, score};
    note_score(list, score);
}
