/* SPDX-License-Identifier: BSD-2-Clause */
#include "shortlist.h"

#include <math.h>
#include <stdlib.h>

#include "memory.h"

#define CAPACITY_MIN 256

bool vit__shortlist_start(vit__shortlist *list, size_t k, float error)
{
    *list = (vit__shortlist){
        .k = k,
        .margin = 2 * error,
        .threshold = -INFINITY,
        .best = vit__alloc(k, sizeof(float)),
        .capacity = CAPACITY_MIN,
        .candidates = vit__alloc(CAPACITY_MIN, sizeof(vit__candidate)),
    };
    return list->best && list->candidates;
}

void vit__shortlist_free(vit__shortlist *list)
{
    free(list->best);
    free(list->candidates);
    *list = (vit__shortlist){0};
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

static void note_score(vit__shortlist *list, float score)
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

void vit__shortlist_tidy(vit__shortlist *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++)
        if (list->candidates[i].score >= list->threshold)
            list->candidates[kept++] = list->candidates[i];
    list->n = kept;
}

void vit__shortlist_take(vit__shortlist *list, int64_t id, float score)
{
    if (list->n == list->capacity)
        vit__shortlist_tidy(list);
    if (list->n > list->capacity / 2) {
        vit__candidate *grown = vit__realloc(list->candidates, 2 * list->capacity, sizeof *grown);
        list->failed = list->failed || !grown;
        list->candidates = grown ? grown : list->candidates;
        list->capacity *= grown ? 2 : 1;
    }
    if (list->n < list->capacity)
        list->candidates[list->n++] = (vit__candidate){id, score};
    note_score(list, score);
}
