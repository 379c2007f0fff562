/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocation takes count and size, so that overflow is checked in one place. All memory is from malloc's family and
 * freed with free(). */
#ifndef VIT_MEMORY_H
#define VIT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* *product = a * b; false on overflow. */
bool vit__multiply(size_t a, size_t b, size_t *product);
bool vit__add(size_t a, size_t b, size_t *sum);

/* count * size bytes, or NULL (also on overflow). A zero size gives a pointer that can be freed. */
void *vit__alloc(size_t count, size_t size);
void *vit__alloc_zero(size_t count, size_t size);

/* Aligned to 64 bytes, for kernels. */
void *vit__alloc_aligned(size_t count, size_t size);

/* Grows to count * size bytes; on failure NULL, and the old block stays. */
void *vit__realloc(void *pointer, size_t count, size_t size);

/* Makes room for n + more items in an array that grows. *capacity is the array's room in items.
 * Room that is too small is at least doubled: with 16 items in a room of 16, one more makes it 32.
 * Returns the block, which may have moved. NULL: out of memory; the old block and *capacity stay as
 * they were. */
void *vit__grow(void *block, size_t *capacity, size_t n, size_t more, size_t size);

/* Copy of a string, or NULL. */
char *vit__strdup(const char *string);

#endif
