/* SPDX-License-Identifier: BSD-2-Clause */
#include "fusion.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

#define CONSTANT 60.0 /* the paper's: how fast a place is worth less than the one before it */

typedef struct fused {
    cli_hit hit;
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

static size_t add_order(fused *list, size_t n, const cli_hits *order)
{
    for (size_t i = 0; i < order->n; i++)
        list[n++] = (fused){order->hits[i], 1 / (CONSTANT + (double)(i + 1))};
    return n;
}

static void drop(cli_hit *hit)
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

void cli_hits_fuse(cli_hits *first, cli_hits *second, size_t k)
{
    fused *list = cli_allocate(first->n + second->n, sizeof *list);
    size_t n = add_order(list, add_order(list, 0, first), second);
    free(first->hits); /* what they held is in the list */
    free(second->hits);
    *first = *second = (cli_hits){0};
    qsort(list, n, sizeof *list, compare_ids);
    n = merge(list, n);
    qsort(list, n, sizeof *list, compare_worth);
    for (size_t i = 0; i < n; i++) {
        if (i < k)
            *cli_hits_add(first) = list[i].hit;
        else
            drop(&list[i].hit);
    }
    free(list);
}
