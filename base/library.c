/* SPDX-License-Identifier: BSD-2-Clause */
#include "library.h"

#ifndef VIT_STATIC
#include <dlfcn.h>
#endif
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { UNTRIED, LOADED, ABSENT };

#ifdef VIT_STATIC
static bool load(vit__library *library)
{
    snprintf(library->why, sizeof library->why, "this vit is one static file, which loads no libraries");
    return false;
}
#else
/* All functions, or none. */
static bool fill(void *handle, const vit__library *library)
{
    for (size_t i = 0; i < library->n; i++)
        if (!dlsym(handle, library->functions[i].name))
            return false;
    for (size_t i = 0; i < library->n; i++) {
        void *function = dlsym(handle, library->functions[i].name);
        /* C has no cast from an object to a function */
        memcpy(library->functions[i].pointer, &function, sizeof function);
    }
    return true;
}

static bool load(vit__library *library)
{
    void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
    if (!handle || !fill(handle, library)) {
        const char *why = dlerror();
        snprintf(library->why, sizeof library->why, "%s", why ? why : library->file);
        return false;
    }
    return !library->start || library->start();
}
#endif

bool vit__library_load(vit__library *library)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    int state = atomic_load_explicit(&library->state, memory_order_acquire);
    if (state != UNTRIED)
        return state == LOADED;
    pthread_mutex_lock(&lock);
    state = atomic_load_explicit(&library->state, memory_order_relaxed);
    if (state == UNTRIED) {
        state = load(library) ? LOADED : ABSENT;
        atomic_store_explicit(&library->state, state, memory_order_release);
    }
    pthread_mutex_unlock(&lock);
    return state == LOADED;
}
