/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "size.h"

#define KERNEL_ALIGNMENT 64u
#define LEAST_ITEMS 16       /* of an array that grows */
#define HUGE_PAGE (2u << 20) /* fewer page faults while it is filled, fewer translations while it is read */

bool vit__multiply(size_t a, size_t b, size_t *product)
{
    *product = a * b;
    return b == 0 || a <= SIZE_MAX / b;
}

bool vit__add(size_t a, size_t b, size_t *sum)
{
    *sum = a + b;
    return *sum >= a;
}

/* Never zero, so that malloc(0) cannot return NULL and look like a failure. */
static bool byte_count(size_t count, size_t size, size_t *bytes)
{
    if (!vit__multiply(count, size, bytes))
        return false;
    if (*bytes == 0)
        *bytes = 1;
    return true;
}

void *vit__alloc(size_t count, size_t size)
{
    size_t bytes;
    return byte_count(count, size, &bytes) ? malloc(bytes) : NULL;
}

void *vit__alloc_zero(size_t count, size_t size)
{
    size_t bytes;
    return byte_count(count, size, &bytes) ? calloc(1, bytes) : NULL;
}

void *vit__alloc_aligned(size_t count, size_t size)
{
    size_t bytes;
    size_t alignment = KERNEL_ALIGNMENT;
    if (!byte_count(count, size, &bytes))
        return NULL;
    if (bytes >= HUGE_PAGE)
        alignment = HUGE_PAGE;
    if (!vit__add(bytes, KERNEL_ALIGNMENT - 1, &bytes))
        return NULL;
    bytes &= ~(size_t)(KERNEL_ALIGNMENT - 1);
    void *memory = NULL;
    if (posix_memalign(&memory, alignment, bytes) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (alignment == HUGE_PAGE)
        madvise(memory, bytes & ~(size_t)(HUGE_PAGE - 1), MADV_HUGEPAGE); /* the whole ones; a wish, no more */
#endif
    return memory;
}

void *vit__realloc(void *pointer, size_t count, size_t size)
{
    size_t bytes;
    return byte_count(count, size, &bytes) ? realloc(pointer, bytes) : NULL;
}

void *vit__grow(void *block, size_t *capacity, size_t n, size_t more, size_t size)
{
    size_t wanted, twice;
    if (block && more <= *capacity - n)
        return block;
    if (!vit__add(n, more, &wanted) || !vit__multiply(*capacity, 2, &twice))
        return NULL;
    wanted = vit__larger(vit__larger(wanted, twice), LEAST_ITEMS);
    void *grown = vit__realloc(block, wanted, size);
    if (grown)
        *capacity = wanted;
    return grown;
}

char *vit__strdup(const char *string)
{
    size_t length = strlen(string) + 1;
    char *copy = vit__alloc(length, 1);
    if (copy)
        memcpy(copy, string, length);
    return copy;
}
