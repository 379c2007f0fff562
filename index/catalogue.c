/* SPDX-License-Identifier: BSD-2-Clause */
#include "catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* One block for path and hash: there may be millions. */
static bool take(void *context, const vit_index_item *item)
{
    vit__catalogue *catalogue = context;
    if ((catalogue->n & (catalogue->n - 1)) == 0) {
        vit__known *grown = vit__realloc(catalogue->known, catalogue->n ? 2 * catalogue->n : 1, sizeof *grown);
        if (!grown)
            return vit__index_fail_memory(catalogue->index);
        catalogue->known = grown;
    }
    size_t hash_size = strlen(item->hash) + 1, path_size = strlen(item->path) + 1;
    char *block = vit__alloc(path_size + hash_size, 1);
    if (!block)
        return vit__index_fail_memory(catalogue->index);
    vit__known *known = &catalogue->known[catalogue->n++];
    *known = (vit__known){.item = *item, .text = block};
    known->item.path = memcpy(block, item->path, path_size);
    known->item.hash = memcpy(block + path_size, item->hash, hash_size);
    return true;
}

static int compare_sizes(const void *a, const void *b, void *context)
{
    const vit__known *known = context;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    if (known[x].item.size != known[y].item.size)
        return known[x].item.size < known[y].item.size ? -1 : 1;
    return x < y ? -1 : x > y; /* by path */
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const vit__known *)a)->item.path, ((const vit__known *)b)->item.path);
}

bool vit__catalogue_load(vit__catalogue *catalogue, vit_index *index)
{
    catalogue->index = index;
    if (!index->kind->each_item(index, take, catalogue))
        return false;
    if (catalogue->n > 0)
        qsort(catalogue->known, catalogue->n, sizeof *catalogue->known, compare_paths);
    catalogue->by_size = vit__alloc(catalogue->n, sizeof(size_t));
    if (!catalogue->by_size)
        return vit__index_fail_memory(index);
    for (size_t i = 0; i < catalogue->n; i++)
        catalogue->by_size[i] = i;
    if (catalogue->n > 0)
        qsort_r(catalogue->by_size, catalogue->n, sizeof(size_t), compare_sizes, catalogue->known);
    return true;
}

void vit__catalogue_free(vit__catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->n; i++)
        free(catalogue->known[i].text);
    free(catalogue->known);
    free(catalogue->by_size);
    *catalogue = (vit__catalogue){0};
}

/* The first image whose path is not before this one; n if there is none. */
static size_t position(const vit__catalogue *catalogue, const char *path)
{
    size_t low = 0, high = catalogue->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(catalogue->known[middle].item.path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

vit__known *vit__catalogue_find(const vit__catalogue *catalogue, const char *path)
{
    size_t at = position(catalogue, path);
    return at < catalogue->n && strcmp(catalogue->known[at].item.path, path) == 0 ? &catalogue->known[at] : NULL;
}

vit__known *vit__catalogue_find_size(const vit__catalogue *catalogue, int64_t size,
                                     bool (*match)(void *context, const vit__known *known), void *context)
{
    size_t low = 0, high = catalogue->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (catalogue->known[catalogue->by_size[middle]].item.size < size)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < catalogue->n && catalogue->known[catalogue->by_size[low]].item.size == size; low++)
        if (match(context, &catalogue->known[catalogue->by_size[low]]))
            return &catalogue->known[catalogue->by_size[low]];
    return NULL;
}
