/* SPDX-License-Identifier: BSD-2-Clause */
/* What a search finds. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "store.h"

static void free_hit(vit_index_hit *hit)
{
    free(hit->path);
    free(hit->caption);
}

void vit_index_hits_free(vit_index_hits *hits)
{
    if (!hits)
        return;
    while (hits->n > 0)
        free_hit(&hits->hits[--hits->n]);
    free(hits->hits);
    *hits = (vit_index_hits){0};
}

vit_index_hit *vit__hits_add(vit_index_hits *hits, const char *path, const char *caption)
{
    /* Grows at powers of two. */
    if ((hits->n & (hits->n - 1)) == 0) {
        vit_index_hit *grown = vit__realloc(hits->hits, hits->n ? 2 * hits->n : 1, sizeof *grown);
        if (!grown)
            return NULL;
        hits->hits = grown;
    }
    vit_index_hit hit = {.path = vit__strdup(path), .caption = caption ? vit__strdup(caption) : NULL};
    if (!hit.path || (caption && !hit.caption)) {
        free_hit(&hit);
        return NULL;
    }
    hits->hits[hits->n] = hit;
    return &hits->hits[hits->n++];
}

static int compare_hits(const void *a, const void *b)
{
    const vit_index_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return strcmp(x->path, y->path);
}

void vit__hits_rank(vit_index_hits *hits, size_t k)
{
    if (hits->n > 0)
        qsort(hits->hits, hits->n, sizeof *hits->hits, compare_hits);
    while (hits->n > k)
        free_hit(&hits->hits[--hits->n]);
}
