/* SPDX-License-Identifier: BSD-2-Clause */
#include "distinct_rows.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* FNV-1a, of words in the place of bytes, with its high bits mixed into the low ones. */
static uint64_t hash_of(const float *row, size_t columns)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < columns; i++) {
        uint32_t word;
        memcpy(&word, &row[i], sizeof word);
        hash = (hash ^ word) * 0x100000001B3u;
        hash ^= hash >> 29;
    }
    return hash;
}

/* A power of two, at least twice as many places as rows. */
static size_t places_for(size_t n)
{
    size_t places = 16;
    while (places / 2 < n)
        places *= 2;
    return places;
}

vit_status vit__distinct_rows_find(const float *rows, const size_t *chosen, size_t n, size_t columns,
                                   vit__distinct_rows *distinct, vit_error *err)
{
    const size_t places = n < SIZE_MAX / 4 ? places_for(n) : 0;
    size_t *table = places ? vit__alloc_zero(places, sizeof *table) : NULL; /* 1 + a kind; 0: the place is free */
    *distinct = (vit__distinct_rows){0, vit__alloc(n, sizeof(size_t)), vit__alloc(n, sizeof(size_t))};
    if (!table || !distinct->first || !distinct->kind) {
        free(table);
        vit__distinct_rows_free(distinct);
        return vit__fail_memory(err, NULL);
    }
    for (size_t i = 0; i < n; i++) {
        const float *row = rows + (chosen ? chosen[i] : i) * columns;
        size_t place = (size_t)hash_of(row, columns) & (places - 1);
        for (; table[place]; place = (place + 1) & (places - 1)) {
            size_t first = distinct->first[table[place] - 1];
            if (memcmp(rows + (chosen ? chosen[first] : first) * columns, row, columns * sizeof *row) == 0)
                break;
        }
        if (!table[place]) {
            distinct->first[distinct->n] = i;
            table[place] = ++distinct->n;
        }
        distinct->kind[i] = table[place] - 1;
    }
    free(table);
    return VIT_OK;
}

void vit__distinct_rows_free(vit__distinct_rows *distinct)
{
    free(distinct->first);
    free(distinct->kind);
    *distinct = (vit__distinct_rows){0};
}
