/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared libraries that few runs need. They are loaded when they are wanted for the first time. If they were linked as
 * usual, every start would pay for relocating each of them and the libraries behind them. */
#ifndef VIT_LIBRARY_H
#define VIT_LIBRARY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* A function of the library, and the pointer to it that is to be filled. */
typedef struct vit__library_function {
    const char *name;
    void *pointer;
} vit__library_function;

/* In static storage: the members below `start` begin as zero. */
typedef struct vit__library {
    const char *file; /* "libopenblas.so.0" */
    const vit__library_function *functions;
    size_t n;
    /* Called once, when the pointers are filled. false: the library is of no use. May be NULL. */
    bool (*start)(void);
    atomic_int state; /* private to vit__library_load */
    char why[160];    /* where loading failed: what the system says; "" where start said no */
} vit__library;

/* Loads the library and fills the pointers, once in the process. All pointers are filled, or none.
 * The library stays for good. false: the library cannot be had. Several threads may call this at
 * once: all wait for the first. */
bool vit__library_load(vit__library *library);

#endif
