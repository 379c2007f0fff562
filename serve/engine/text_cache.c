/* SPDX-License-Identifier: BSD-2-Clause */
#include "text_cache.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

typedef struct entry entry;
struct entry {
    const void *owner;
    char *words;
    float *vector;
    size_t size, n, tokens;
    uint64_t hash;
    entry *next_of_bucket;
    entry *newer, *older;
};

struct serve_text_cache {
    size_t most, n, buckets;
    entry **bucket; /* [buckets] */
    entry *newest, *oldest;
};

serve_text_cache *serve_text_cache_create(size_t entries)
{
    serve_text_cache *cache = entries ? vit__alloc_zero(1, sizeof *cache) : NULL;
    if (!cache)
        return NULL;
    cache->most = entries;
    cache->buckets = 2 * entries + 1;
    cache->bucket = vit__alloc_zero(cache->buckets, sizeof(entry *));
    if (!cache->bucket) {
        free(cache);
        return NULL;
    }
    return cache;
}

static void free_entry(entry *e)
{
    free(e->words);
    free(e->vector);
    free(e);
}

void serve_text_cache_free(serve_text_cache *cache)
{
    if (!cache)
        return;
    for (entry *e = cache->newest, *older; e; e = older) {
        older = e->older;
        free_entry(e);
    }
    free(cache->bucket);
    free(cache);
}

/* FNV-1a. Words of an enemy that collide make a bucket long, and the number of entries bounds it. */
static uint64_t hash_of(const void *owner, const char *words, size_t size)
{
    uint64_t hash = 14695981039346656037u ^ (uint64_t)(uintptr_t)owner;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)words[i]) * 1099511628211u;
    return hash;
}

static entry **find(serve_text_cache *cache, const void *owner, const char *words, size_t size, uint64_t hash)
{
    entry **at = &cache->bucket[hash % cache->buckets];
    while (*at && !((*at)->hash == hash && (*at)->owner == owner && (*at)->size == size &&
                    memcmp((*at)->words, words, size) == 0))
        at = &(*at)->next_of_bucket;
    return at;
}

static void unlink_age(serve_text_cache *cache, entry *e)
{
    *(e->newer ? &e->newer->older : &cache->newest) = e->older;
    *(e->older ? &e->older->newer : &cache->oldest) = e->newer;
}

static void make_newest(serve_text_cache *cache, entry *e)
{
    e->newer = NULL;
    e->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = e;
    cache->newest = e;
}

bool serve_text_cache_get(serve_text_cache *cache, const void *owner, const char *words, size_t size, float *vector,
                          size_t n, size_t *tokens)
{
    entry *e = cache ? *find(cache, owner, words, size, hash_of(owner, words, size)) : NULL;
    if (!e || e->n != n)
        return false;
    unlink_age(cache, e);
    make_newest(cache, e);
    memcpy(vector, e->vector, n * sizeof *vector);
    *tokens = e->tokens;
    return true;
}

static void drop_oldest(serve_text_cache *cache)
{
    entry *e = cache->oldest, **at = find(cache, e->owner, e->words, e->size, e->hash);
    *at = e->next_of_bucket;
    unlink_age(cache, e);
    free_entry(e);
    cache->n--;
}

void serve_text_cache_put(serve_text_cache *cache, const void *owner, const char *words, size_t size,
                          const float *vector, size_t n, size_t tokens)
{
    if (!cache)
        return;
    uint64_t hash = hash_of(owner, words, size);
    if (*find(cache, owner, words, size, hash))
        return;
    entry *e = vit__alloc_zero(1, sizeof *e);
    if (!e)
        return;
    *e = (entry){.owner = owner, .size = size, .n = n, .tokens = tokens, .hash = hash};
    e->words = vit__alloc(size + 1, 1);
    e->vector = vit__alloc(n, sizeof *vector);
    if (!e->words || !e->vector) {
        free_entry(e);
        return;
    }
    memcpy(e->words, words, size);
    memcpy(e->vector, vector, n * sizeof *vector);
    if (cache->n == cache->most)
        drop_oldest(cache);
    entry **bucket = &cache->bucket[hash % cache->buckets];
    e->next_of_bucket = *bucket;
    *bucket = e;
    make_newest(cache, e);
    cache->n++;
}
