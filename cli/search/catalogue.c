/* SPDX-License-Identifier: BSD-2-Clause */
#include "catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

/* One block for path and hash: there may be millions. */
static bool take(void *context, const cli_item *item)
{
    cli_catalogue *catalogue = context;
    if ((catalogue->n & (catalogue->n - 1)) == 0)
        catalogue->known = cli_reallocate(catalogue->known, catalogue->n ? 2 * catalogue->n : 1, sizeof(cli_known));
    size_t hash_size = strlen(item->hash) + 1, path_size = strlen(item->path) + 1;
    char *block = cli_allocate(path_size + hash_size, 1);
    cli_known *known = &catalogue->known[catalogue->n++];
    *known = (cli_known){.item = *item, .text = block};
    known->item.path = memcpy(block, item->path, path_size);
    known->item.hash = memcpy(block + path_size, item->hash, hash_size);
    return true;
}

static int compare_sizes(const void *a, const void *b, void *context)
{
    const cli_known *known = context;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    if (known[x].item.size != known[y].item.size)
        return known[x].item.size < known[y].item.size ? -1 : 1;
    return x < y ? -1 : x > y; /* by path */
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const cli_known *)a)->item.path, ((const cli_known *)b)->item.path);
}

bool cli_catalogue_load(cli_catalogue *catalogue, cli_store *store)
{
    if (!store->kind->each_item(store, take, catalogue))
        return false;
    if (catalogue->n > 0)
        qsort(catalogue->known, catalogue->n, sizeof *catalogue->known, compare_paths);
    catalogue->by_size = cli_allocate(catalogue->n, sizeof(size_t));
    for (size_t i = 0; i < catalogue->n; i++)
        catalogue->by_size[i] = i;
    if (catalogue->n > 0)
        qsort_r(catalogue->by_size, catalogue->n, sizeof(size_t), compare_sizes, catalogue->known);
    return true;
}

void cli_catalogue_free(cli_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->n; i++)
        free(catalogue->known[i].text);
    free(catalogue->known);
    free(catalogue->by_size);
    *catalogue = (cli_catalogue){0};
}

size_t cli_catalogue_position(const cli_catalogue *catalogue, const char *path)
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

cli_known *cli_catalogue_find(const cli_catalogue *catalogue, const char *path)
{
    size_t at = cli_catalogue_position(catalogue, path);
    return at < catalogue->n && strcmp(catalogue->known[at].item.path, path) == 0 ? &catalogue->known[at] : NULL;
}

cli_known *cli_catalogue_find_size(const cli_catalogue *catalogue, int64_t size,
                                   bool (*match)(void *context, const cli_known *known), void *context)
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
