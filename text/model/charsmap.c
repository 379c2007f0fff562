/* SPDX-License-Identifier: BSD-2-Clause */
#include "charsmap.h"

#include <stdlib.h>
#include <string.h>

#include "base64_text.h"
#include "bytes.h"
#include "memory.h"
#include "unicode.h"
#include "utf8.h"

#define LABEL_BITS 0x800000FFu /* of a unit: the byte it stands for; values have the high bit */
#define VALUE_BITS 0x7FFFFFFFu
#define LARGEST_CLUSTER 5 /* bytes: larger ones are mapped character by character */

static size_t offset(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 0x200) >> 6);
}

static bool has_leaf(uint32_t unit)
{
    return (unit >> 8 & 1) != 0;
}

/* The nodes that can be reached, each once: a stack of nodes whose children are to be looked at. */
typedef struct visit {
    unsigned char *seen;
    size_t *stack;
    size_t n;
} visit;

/* Looks at the children of the node with this base. false: they, or a replacement, lie outside. */
static bool check_children(const vit__charsmap *map, size_t base, visit *v)
{
    for (size_t byte = 0; byte < 256; byte++) {
        size_t at = base ^ byte;
        uint32_t unit = map->units[at];
        if ((unit & LABEL_BITS) != byte || v->seen[at])
            continue;
        v->seen[at] = 1;
        size_t next = at ^ offset(unit);
        if ((next | 0xFF) >= map->n)
            return false;
        if (has_leaf(unit) && (map->units[next] & VALUE_BITS) >= map->strings.size)
            return false;
        v->stack[v->n++] = next;
    }
    return true;
}

static bool check_nodes(const vit__charsmap *map, visit *v)
{
    size_t root = offset(map->units[0]);
    if ((root | 0xFF) >= map->n)
        return false;
    v->stack[v->n++] = root;
    while (v->n > 0)
        if (!check_children(map, v->stack[--v->n], v))
            return false;
    return true;
}

static vit_status check(const vit__charsmap *map, const char *where, vit_error *err)
{
    visit v = {vit__alloc_zero(map->n, 1), vit__alloc(map->n + 1, sizeof *v.stack), 0};
    vit_status status = VIT_OK;
    if (!v.seen || !v.stack)
        status = vit__fail_memory(err, where);
    else if (!check_nodes(map, &v))
        status = vit__fail(err, VIT_ERR_CORRUPT, where, "its precompiled_charsmap points outside itself");
    free(v.seen);
    free(v.stack);
    return status;
}

/* Layout: u32 bytes of the double array, its units, then the strings. */
static vit_status read_map(const char *blob, size_t size, const char *where, vit__charsmap *map, vit_error *err)
{
    size_t trie = size >= 4 ? (size_t)vit__le(blob, 4) : 0;
    if (trie < 4 || trie % 4 != 0 || trie >= size - 4 || blob[size - 1] != '\0')
        return vit__fail(err, VIT_ERR_CORRUPT, where, "its precompiled_charsmap is cut short or malformed");
    map->n = trie / 4;
    map->units = vit__alloc(map->n, sizeof *map->units);
    vit__buffer_add(&map->strings, blob + 4 + trie, size - 4 - trie);
    if (!map->units || map->strings.failed)
        return vit__fail_memory(err, where);
    for (size_t i = 0; i < map->n; i++)
        map->units[i] = (uint32_t)vit__le(blob + 4 + 4 * i, 4);
    return check(map, where, err);
}

vit_status vit__charsmap_parse(const char *blob, size_t size, const char *where, vit__charsmap *map, vit_error *err)
{
    *map = (vit__charsmap){0};
    vit_status status = read_map(blob, size, where, map, err);
    if (status != VIT_OK)
        vit__charsmap_free(map);
    return status;
}

vit_status vit__charsmap_from_base64(const char *text, size_t size, const char *where, vit__charsmap *map,
                                     vit_error *err)
{
    *map = (vit__charsmap){0};
    size_t length;
    char *blob = vit__alloc(vit__base64_room(size), 1);
    if (!blob)
        return vit__fail_memory(err, where);
    vit_status status = VIT_OK;
    if (!vit__base64_decode(text, size, blob, &length))
        status = vit__fail(err, VIT_ERR_CORRUPT, where, "its precompiled_charsmap is not base64");
    else
        status = vit__charsmap_parse(blob, length, where, map, err);
    free(blob);
    return status;
}

void vit__charsmap_free(vit__charsmap *map)
{
    free(map->units);
    vit__buffer_free(&map->strings);
    *map = (vit__charsmap){0};
}

/* A walk through the map along a text. */
typedef struct walk {
    size_t node, depth;
} walk;

/* The next key that begins this text, or NULL; w->depth is its bytes then. */
static const char *next_key(const vit__charsmap *map, const char *text, size_t size, walk *w)
{
    while (w->depth < size) {
        unsigned char byte = (unsigned char)text[w->depth++];
        uint32_t unit = map->units[w->node ^ byte];
        if ((unit & LABEL_BITS) != byte)
            return NULL;
        w->node ^= byte ^ offset(unit);
        if (has_leaf(unit))
            return map->strings.data + (map->units[w->node] & VALUE_BITS);
    }
    return NULL;
}

/* Replacement for the shortest key that begins this text, or NULL. */
static const char *shortest(const vit__charsmap *map, const char *text, size_t size)
{
    walk w = {offset(map->units[0]), 0};
    return next_key(map, text, size, &w);
}

const char *vit__charsmap_longest(const vit__charsmap *map, const char *text, size_t size, size_t *key)
{
    const char *best = NULL, *found;
    walk w = {map->n > 0 ? offset(map->units[0]) : 0, 0};
    while (map->n > 0 && (found = next_key(map, text, size, &w))) {
        best = found;
        *key = w.depth;
    }
    return best;
}

static void map_characters(const vit__charsmap *map, const char *text, size_t size, vit__buffer *out)
{
    for (size_t at = 0; at < size;) {
        size_t start = at;
        vit__utf8_next(text, size, &at);
        const char *replacement = shortest(map, text + start, at - start);
        if (replacement)
            vit__buffer_add_string(out, replacement);
        else
            vit__buffer_add(out, text + start, at - start);
    }
}

void vit__charsmap_apply(const vit__charsmap *map, const char *text, size_t size, vit__buffer *out)
{
    for (size_t at = 0; at < size;) {
        size_t cluster = vit__unicode_cluster(text + at, size - at);
        const char *replacement = cluster <= LARGEST_CLUSTER ? shortest(map, text + at, cluster) : NULL;
        if (replacement)
            vit__buffer_add_string(out, replacement);
        else
            map_characters(map, text + at, cluster, out);
        at += cluster;
    }
}
