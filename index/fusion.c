/* SPDX-License-Identifier: BSD-2-Clause */
/* Two orders of images made one: reciprocal rank fusion (Cormack, Clarke, Buettcher 2009). */
#include "fusion.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "size.h"

#define DEPTH 10      /* how many times more images than wanted each order contributes */
#define CONSTANT 60.0 /* the paper's: how fast a place is worth less than the one before it */

typedef struct fused {
    vit_index_hit hit;
    double worth;
} fused;

static int compare_ids(const void *a, const void *b)
{
    const fused *x = a, *y = b;
    return x->hit.id < y->hit.id ? -1 : x->hit.id > y->hit.id;
}

static int compare_worth(const void *a, const void *b)
{
    const fused *x = a, *y = b;
    if (x->worth != y->worth)
        return x->worth > y->worth ? -1 : 1;
    return strcmp(x->hit.path, y->hit.path);
}

static size_t add_order(fused *list, size_t n, const vit_index_hits *order)
{
    for (size_t i = 0; i < order->n; i++)
        list[n++] = (fused){order->hits[i], 1 / (CONSTANT + (double)(i + 1))};
    return n;
}

static void drop(vit_index_hit *hit)
{
    free(hit->path);
    free(hit->caption);
}

/* An image in both orders is worth what both give it. The list is by id. */
static size_t merge(fused *list, size_t n)
{
    size_t merged = 0;
    for (size_t i = 0; i < n; i++) {
        if (merged > 0 && list[merged - 1].hit.id == list[i].hit.id) {
            list[merged - 1].worth += list[i].worth;
            drop(&list[i].hit);
        } else {
            list[merged++] = list[i];
        }
    }
    return merged;
}

/* Merges the second order into the first and keeps the k best; scores stay what they were. Both stay as they are where
 * there is no memory: false. */
static bool fuse_hits(vit_index_hits *first, vit_index_hits *second, size_t k)
{
    fused *list = vit__alloc(first->n + second->n, sizeof *list);
    vit_index_hit *best = vit__alloc(vit__smaller(first->n + second->n, k), sizeof *best);
    if (!list || !best) {
        free(list);
        free(best);
        return false;
    }
    size_t n = add_order(list, add_order(list, 0, first), second);
    qsort(list, n, sizeof *list, compare_ids);
    n = merge(list, n);
    qsort(list, n, sizeof *list, compare_worth);
    for (size_t i = 0; i < n; i++) {
        if (i < k)
            best[i] = list[i].hit;
        else
            drop(&list[i].hit);
    }
    free(list);
    free(first->hits); /* what they held is in the best */
    free(second->hits);
    *second = (vit_index_hits){0};
    *first = (vit_index_hits){best, vit__smaller(n, k)};
    return true;
}

bool vit__fuse(vit_index *index, const char *words, const vit_index_query *query, vit_index_hits *hits)
{
    vit_index_filter filter = *query->filter;
    filter.match = NULL;
    vit_index_query deep = *query;
    deep.filter = &filter;
    deep.k = query->k > SIZE_MAX / DEPTH ? SIZE_MAX : query->k * DEPTH;
    bool done = index->kind->search(index, &deep, hits);
    for (size_t i = 0; i < query->n && done; i++) {
        vit_index_hits worded = {0};
        vit_index_query one = deep;
        one.vectors = query->vectors + i * index->columns;
        one.n = 1;
        done = index->kind->match(index, words, &one, &worded) &&
               (fuse_hits(&hits[i], &worded, query->k) || vit__index_fail_memory(index));
        vit_index_hits_free(&worded);
    }
    return done;
}
