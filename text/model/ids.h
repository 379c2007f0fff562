/* SPDX-License-Identifier: BSD-2-Clause */
/* Token ids that grow, as a buffer does: starts all zero but for its limit. */
#ifndef VIT_IDS_H
#define VIT_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIT__NO_ID UINT32_MAX

typedef struct vit__ids {
    uint32_t *data;
    size_t n, capacity;
    size_t limit; /* how many ids are kept; later ones are dropped */
    bool failed;  /* no memory */
} vit__ids;

void vit__ids_add(vit__ids *ids, uint32_t id);
bool vit__ids_full(const vit__ids *ids); /* more would be dropped (or memory is out): stop here */
void vit__ids_free(vit__ids *ids);

#endif
