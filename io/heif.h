/* SPDX-License-Identifier: BSD-2-Clause */
/* The container of HEIC files (ISO/IEC 23008-12): items that are pictures, or are made of others; their properties;
 * what refers to what. Nothing is copied out of the file but the table of items, and nothing in it is trusted. */
#ifndef VIT_HEIF_H
#define VIT_HEIF_H

#include "boxes.h"
#include "limit.h"

typedef struct vit__heif_item {
    uint32_t id;
    char type[4];                /* "hvc1", "grid", ... */
    const uint8_t *location;     /* its entry in iloc, behind the id; NULL: none */
    const uint8_t *associations; /* its entry in ipma, behind the id; NULL: none */
} vit__heif_item;

typedef struct vit__heif {
    const vit__source *source;
    vit__heif_item *items;
    size_t n_items;
    vit__box *properties;
    size_t n_properties;
    vit__box references, inner_data;  /* iref's boxes; idat */
    vit__box locations, associations; /* the rest of iloc and ipma while they are read; then their whole contents */
    uint32_t primary;
    unsigned iref_version, iloc_version, ipma_flags;
    unsigned offset_size, length_size, base_size, index_size; /* of numbers in iloc */
} vit__heif;

/* The caller calls vit__heif_close in any case. */
vit_status vit__heif_open(const vit__source *source, vit__heif *heif, vit_error *err);
void vit__heif_close(vit__heif *heif);

/* NULL: there is no such item. */
const vit__heif_item *vit__heif_find(const vit__heif *heif, uint32_t id);

/* The n-th property of an item, from 0 on, in their order. false: there are fewer. */
bool vit__heif_property(const vit__heif *heif, const vit__heif_item *item, size_t n, vit__box *property);

/* The first property of this type. */
bool vit__heif_find_property(const vit__heif *heif, const vit__heif_item *item, const char *type, vit__box *property);

/* Ids in the file. */
typedef struct vit__heif_ids {
    const uint8_t *bytes;
    size_t count;
    unsigned size; /* bytes of each */
} vit__heif_ids;

/* What an item refers to by "dimg", "auxl", ...; none where it does not. */
vit__heif_ids vit__heif_references(const vit__heif *heif, const char *type, uint32_t from);
uint32_t vit__heif_id(const vit__heif_ids *ids, size_t n);

/* The bytes of an item, which lie in the file; where they lie in pieces, *joined is memory that the caller frees. */
vit_status vit__heif_data(const vit__heif *heif, const vit__heif_item *item, vit__box *data, uint8_t **joined,
                          vit_error *err);

#endif
