/* SPDX-License-Identifier: BSD-2-Clause */
#include "ids.h"

#include <stdlib.h>

#include "memory.h"

void vit__ids_add(vit__ids *ids, uint32_t id)
{
    if (vit__ids_full(ids))
        return;
    uint32_t *data = vit__grow(ids->data, &ids->capacity, ids->n, 1, sizeof id);
    if (!data) {
        ids->failed = true;
        return;
    }
    ids->data = data;
    ids->data[ids->n++] = id;
}

bool vit__ids_full(const vit__ids *ids)
{
    return ids->failed || ids->n >= ids->limit;
}

void vit__ids_free(vit__ids *ids)
{
    free(ids->data);
    *ids = (vit__ids){0};
}
