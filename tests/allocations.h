/* SPDX-License-Identifier: BSD-2-Clause */
/* Watches the memory that the calling thread asks for, and refuses it on demand. A test
 * that links allocations.c has its malloc, calloc, realloc and aligned allocation in
 * place of libc's, the calls of shared libraries included; with AddressSanitizer too. */
#ifndef VIT_TEST_ALLOCATIONS_H
#define VIT_TEST_ALLOCATIONS_H

#include <stddef.h>

/* Starts counting anew in this thread. From the first-th request on, as many as `refused` get NULL. */
void allocations_watch(size_t first, size_t refused);

/* The same, but refuses requests of exactly this many bytes, and only these. */
void allocations_refuse(size_t size);

/* Stops; says how many requests there were. */
size_t allocations_stop(void);

/* The largest request between watch and stop, in bytes. */
size_t allocations_largest(void);

#endif
