/* SPDX-License-Identifier: BSD-2-Clause */
#include "allocations.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* A sanitizer asks for memory while it starts, before it can watch anything: what it calls is not watched. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNWATCHED __attribute__((no_sanitize_address, no_sanitize_thread, no_sanitize_undefined))
#elif defined(__clang__)
#define UNWATCHED __attribute__((no_sanitize("address", "thread", "undefined")))
#else
#define UNWATCHED
#endif

static _Thread_local struct watch {
    bool on;
    size_t first, refused, count, largest;
    size_t exactly; /* 0: any size */
} watch;

void allocations_watch(size_t first, size_t refused)
{
    watch = (struct watch){.on = true, .first = first, .refused = refused};
}

void allocations_refuse(size_t size)
{
    watch = (struct watch){.on = true, .first = 1, .refused = SIZE_MAX, .exactly = size};
}

size_t allocations_stop(void)
{
    watch.on = false;
    return watch.count;
}

size_t allocations_largest(void)
{
    return watch.largest;
}

UNWATCHED static bool refuses(size_t size)
{
    if (!watch.on)
        return false;
    watch.count++;
    if (size > watch.largest)
        watch.largest = size;
    if (watch.exactly && size != watch.exactly)
        return false;
    if (watch.count < watch.first || watch.count - watch.first >= watch.refused)
        return false;
    errno = ENOMEM;
    return true;
}

/* Whose memory it really is: the sanitizer's, where there is one, else glibc's own. free() is theirs already. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define REAL(name) __interceptor_##name
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define REAL(name) __interceptor_##name
#endif
#endif
#ifndef REAL
#define REAL(name) __libc_##name
#define __libc_aligned_alloc __libc_memalign
#endif

extern void *REAL(malloc)(size_t size);
extern void *REAL(calloc)(size_t count, size_t size);
extern void *REAL(realloc)(void *pointer, size_t size);
extern void *REAL(aligned_alloc)(size_t alignment, size_t size);

UNWATCHED void *malloc(size_t size)
{
    return refuses(size) ? NULL : REAL(malloc)(size);
}

UNWATCHED void *calloc(size_t count, size_t size)
{
    const size_t total = size && count > SIZE_MAX / size ? SIZE_MAX : count * size;
    return refuses(total) ? NULL : REAL(calloc)(count, size);
}

UNWATCHED void *realloc(void *pointer, size_t size)
{
    return refuses(size) ? NULL : REAL(realloc)(pointer, size);
}

UNWATCHED void *aligned_alloc(size_t alignment, size_t size)
{
    return refuses(size) ? NULL : REAL(aligned_alloc)(alignment, size);
}

UNWATCHED int posix_memalign(void **pointer, size_t alignment, size_t size)
{
    if (refuses(size))
        return ENOMEM;
    void *memory = REAL(aligned_alloc)(alignment, (size + alignment - 1) / alignment * alignment);
    if (!memory)
        return ENOMEM;
    *pointer = memory;
    return 0;
}
