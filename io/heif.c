/* SPDX-License-Identifier: BSD-2-Clause */
#include "heif.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "limit.h"
#include "memory.h"

#define MOST_PROPERTIES 32767u /* an index has 15 bits */

static vit_status corrupt(const vit__heif *heif, const char *why, vit_error *err)
{
    return vit__fail(err, VIT_ERR_CORRUPT, heif->source->name, "HEIC: %s", why);
}

/* ------------------------------------------------------------------ numbers ---- */

/* Takes a number of 0 to 8 bytes off the front. false: so many bytes are not there. */
static bool take(vit__box *rest, unsigned size, uint64_t *number)
{
    *number = 0;
    if (rest->size < size)
        return false;
    for (unsigned i = 0; i < size; i++)
        *number = *number << 8 | rest->bytes[i];
    rest->bytes += size;
    rest->size -= size;
    return true;
}

static bool take32(vit__box *rest, unsigned size, uint32_t *number)
{
    uint64_t wide;
    const bool there = take(rest, size, &wide);
    *number = (uint32_t)wide;
    return there;
}

/* A box's version, and its flags. */
static bool take_version(vit__box *rest, unsigned *version, unsigned *flags)
{
    uint32_t word;
    const bool there = take32(rest, 4, &word);
    *version = word >> 24;
    *flags = word & 0xffffff;
    return there;
}

static bool is_type(const vit__box *box, const char *type)
{
    return memcmp(box->type, type, sizeof box->type) == 0;
}

/* ------------------------------------------------------------------ tables ---- */

/* infe: id, protection, type. Versions before 2 have no type, and no pictures. */
static void read_item(vit__heif *heif, vit__box infe)
{
    unsigned version, flags;
    uint32_t id, protection;
    if (!take_version(&infe, &version, &flags) || version < 2 || !take32(&infe, version == 2 ? 2 : 4, &id) ||
        !take32(&infe, 2, &protection) || infe.size < 4)
        return;
    vit__heif_item *item = &heif->items[heif->n_items++];
    item->id = id;
    memcpy(item->type, infe.bytes, sizeof item->type);
}

static vit_status read_items(vit__heif *heif, vit__box iinf, vit_error *err)
{
    unsigned version, flags;
    uint32_t count;
    if (!take_version(&iinf, &version, &flags) || !take32(&iinf, version == 0 ? 2 : 4, &count))
        return corrupt(heif, "the table of items is cut", err);
    if (count > VIT__LIMIT_HEIF_ITEMS)
        return corrupt(heif, "there are more than 1000 items", err);
    heif->items = vit__alloc_zero(count, sizeof *heif->items);
    if (!heif->items)
        return vit__fail_memory(err, heif->source->name);
    vit__box infe;
    for (uint32_t i = 0; i < count && vit__box_next(&iinf, &infe); i++)
        if (is_type(&infe, "infe"))
            read_item(heif, infe);
    return VIT_OK;
}

static vit_status read_properties(vit__heif *heif, vit__box ipco, vit_error *err)
{
    vit__box rest = ipco, box;
    size_t n = 0;
    while (n < MOST_PROPERTIES && vit__box_next(&rest, &box))
        n++;
    heif->properties = vit__alloc(n, sizeof *heif->properties);
    if (!heif->properties)
        return vit__fail_memory(err, heif->source->name);
    while (heif->n_properties < n && vit__box_next(&ipco, &heif->properties[heif->n_properties]))
        heif->n_properties++;
    return VIT_OK;
}

static vit__heif_item *find(const vit__heif *heif, uint32_t id)
{
    for (size_t i = 0; i < heif->n_items; i++)
        if (heif->items[i].id == id)
            return &heif->items[i];
    return NULL;
}

/* ipma: for each item how many properties, and their places in ipco. */
static void read_associations(vit__heif *heif, vit__box rest)
{
    unsigned version;
    uint32_t count, id, n;
    heif->associations = rest;
    if (!take_version(&rest, &version, &heif->ipma_flags) || !take32(&rest, 4, &count))
        return;
    const unsigned size = heif->ipma_flags & 1 ? 2 : 1;
    for (uint32_t i = 0; i < count && take32(&rest, version < 1 ? 2 : 4, &id); i++) {
        vit__heif_item *item = find(heif, id);
        const uint8_t *entry = rest.bytes;
        if (!take32(&rest, 1, &n) || rest.size < n * size)
            return;
        if (item && !item->associations)
            item->associations = entry;
        rest.bytes += n * size;
        rest.size -= n * size;
    }
}

/* An entry of iloc: how its bytes are counted (from where, and base), and how many pieces follow. */
typedef struct place {
    uint32_t method, pieces;
    uint64_t base;
} place;

static bool take_place(const vit__heif *heif, vit__box *rest, place *p)
{
    uint32_t file;
    *p = (place){0};
    if (heif->iloc_version > 0 && !take32(rest, 2, &p->method))
        return false;
    p->method &= 15;
    return take32(rest, 2, &file) && take(rest, heif->base_size, &p->base) && take32(rest, 2, &p->pieces);
}

static void read_locations(vit__heif *heif, vit__box rest)
{
    unsigned flags;
    uint32_t sizes, count, id;
    heif->locations = rest;
    if (!take_version(&rest, &heif->iloc_version, &flags) || !take32(&rest, 2, &sizes))
        return;
    heif->offset_size = sizes >> 12;
    heif->length_size = sizes >> 8 & 15;
    heif->base_size = sizes >> 4 & 15;
    heif->index_size = heif->iloc_version > 0 ? sizes & 15 : 0;
    if (heif->offset_size > 8 || heif->length_size > 8 || heif->base_size > 8 || heif->index_size > 8 ||
        heif->iloc_version > 2)
        return;
    const unsigned wide = heif->iloc_version < 2 ? 2 : 4;
    if (!take32(&rest, wide, &count))
        return;
    for (uint32_t i = 0; i < count && take32(&rest, wide, &id); i++) {
        vit__heif_item *item = find(heif, id);
        const uint8_t *entry = rest.bytes;
        place p;
        if (!take_place(heif, &rest, &p))
            return;
        const size_t pieces = p.pieces * (size_t)(heif->index_size + heif->offset_size + heif->length_size);
        if (rest.size < pieces)
            return;
        if (item && !item->location)
            item->location = entry;
        rest.bytes += pieces;
        rest.size -= pieces;
    }
}

/* ------------------------------------------------------------------ file ---- */

static vit_status read_meta(vit__heif *heif, vit__box meta, vit_error *err)
{
    vit__box box, iprp;
    unsigned version, flags;
    if (!take_version(&meta, &version, &flags))
        return corrupt(heif, "there is no table of pictures", err);
    if (!vit__box_find(meta, "pitm", &box) || !take_version(&box, &version, &flags) ||
        !take32(&box, version == 0 ? 2 : 4, &heif->primary))
        return corrupt(heif, "no picture is said to be the main one", err);
    if (!vit__box_find(meta, "iinf", &box))
        return corrupt(heif, "there is no table of items", err);
    vit_status status = read_items(heif, box, err);
    if (status == VIT_OK && vit__box_find(meta, "iprp", &iprp) && vit__box_find(iprp, "ipco", &box)) {
        status = read_properties(heif, box, err);
        if (status == VIT_OK && vit__box_find(iprp, "ipma", &box))
            read_associations(heif, box);
    }
    if (status == VIT_OK && vit__box_find(meta, "iloc", &box))
        read_locations(heif, box);
    if (vit__box_find(meta, "idat", &box))
        heif->inner_data = box;
    if (vit__box_find(meta, "iref", &box) && take_version(&box, &heif->iref_version, &flags))
        heif->references = box;
    return status;
}

vit_status vit__heif_open(const vit__source *source, vit__heif *heif, vit_error *err)
{
    *heif = (vit__heif){.source = source};
    const vit__box file = {.bytes = source->bytes, .size = source->size};
    vit__box meta;
    if (!vit__box_find(file, "meta", &meta))
        return corrupt(heif, "there is no table of pictures", err);
    return read_meta(heif, meta, err);
}

void vit__heif_close(vit__heif *heif)
{
    free(heif->items);
    free(heif->properties);
    *heif = (vit__heif){0};
}

/* ------------------------------------------------------------------ items ---- */

const vit__heif_item *vit__heif_find(const vit__heif *heif, uint32_t id)
{
    return find(heif, id);
}

/* The highest bit of an index says that the property is essential; the index counts from 1. */
bool vit__heif_property(const vit__heif *heif, const vit__heif_item *item, size_t n, vit__box *property)
{
    const uint8_t *entry = item->associations;
    if (!entry || n >= entry[0])
        return false;
    const size_t index = heif->ipma_flags & 1 ? vit__be16(entry + 1 + 2 * n) & 0x7fff : entry[1 + n] & 0x7fu;
    *property = (vit__box){{0}, NULL, 0}; /* 0: no property */
    if (index > 0 && index <= heif->n_properties)
        *property = heif->properties[index - 1];
    return true;
}

bool vit__heif_find_property(const vit__heif *heif, const vit__heif_item *item, const char *type, vit__box *property)
{
    for (size_t n = 0; vit__heif_property(heif, item, n, property); n++)
        if (is_type(property, type))
            return true;
    return false;
}

/* The ids that follow the first box of this type and origin. */
vit__heif_ids vit__heif_references(const vit__heif *heif, const char *type, uint32_t from)
{
    const unsigned size = heif->iref_version == 0 ? 2 : 4;
    vit__box rest = heif->references, box;
    uint32_t id, count;
    while (vit__box_next(&rest, &box))
        if (is_type(&box, type) && take32(&box, size, &id) && id == from && take32(&box, 2, &count))
            return (vit__heif_ids){box.bytes, box.size >= (size_t)count * size ? count : 0, size};
    return (vit__heif_ids){NULL, 0, size};
}

uint32_t vit__heif_id(const vit__heif_ids *ids, size_t n)
{
    return ids->size == 2 ? vit__be16(ids->bytes + 2 * n) : vit__be32(ids->bytes + 4 * n);
}

/* ------------------------------------------------------------------ bytes ---- */

/* Takes the next piece: offset and length in `in`. A length of 0 means: to the end. */
static bool take_piece(const vit__heif *heif, const place *p, vit__box *rest, const vit__box *in, vit__box *piece)
{
    uint64_t index, offset, length;
    if (!take(rest, heif->index_size, &index) || !take(rest, heif->offset_size, &offset) ||
        !take(rest, heif->length_size, &length))
        return false;
    if (!in->bytes || p->base > in->size || offset > in->size - p->base)
        return false;
    const uint64_t left = in->size - p->base - offset;
    if (length > left)
        return false;
    piece->bytes = in->bytes + p->base + offset;
    piece->size = (size_t)(length ? length : left);
    return true;
}

/* Pieces may overlap, and so be more than the file. */
static vit_status join_pieces(const vit__heif *heif, const place *p, vit__box rest, const vit__box *in, vit__box *data,
                              uint8_t **joined, vit_error *err)
{
    vit__box pieces = rest, piece;
    data->size = 0;
    for (uint32_t i = 0; i < p->pieces; i++) {
        if (!take_piece(heif, p, &pieces, in, &piece))
            return vit__fail_truncated(heif->source, "HEIC", err);
        if (piece.size > heif->source->size - data->size)
            return corrupt(heif, "the pieces of a picture are more than the file", err);
        data->size += piece.size;
        data->bytes = piece.bytes;
    }
    if (p->pieces <= 1)
        return VIT_OK;
    data->bytes = *joined = vit__alloc(data->size, 1);
    if (!*joined)
        return vit__fail_memory(err, heif->source->name);
    size_t at = 0;
    for (uint32_t i = 0; i < p->pieces && take_piece(heif, p, &rest, in, &piece); i++) {
        memcpy(*joined + at, piece.bytes, piece.size);
        at += piece.size;
    }
    return VIT_OK;
}

vit_status vit__heif_data(const vit__heif *heif, const vit__heif_item *item, vit__box *data, uint8_t **joined,
                          vit_error *err)
{
    *joined = NULL;
    *data = (vit__box){{0}, heif->source->bytes, 0};
    if (!item->location)
        return corrupt(heif, "a picture has no data", err);
    vit__box rest = {.bytes = item->location,
                     .size = (size_t)(heif->locations.bytes + heif->locations.size - item->location)};
    vit__box in = {.bytes = heif->source->bytes, .size = heif->source->size};
    place p;
    if (!take_place(heif, &rest, &p) || p.pieces == 0)
        return corrupt(heif, "a picture has no data", err);
    if (p.method == 1)
        in = heif->inner_data;
    else if (p.method != 0)
        return corrupt(heif, "a picture has its data in another one", err);
    return join_pieces(heif, &p, rest, &in, data, joined, err);
}
