/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread pool for one caller. Work is a number of tasks of about the same size. They are handed out one by one, so a
 * slow core gets fewer of them. Which thread runs a task must not change the task's result. Idle threads spin for some
 * microseconds, as long as the gap between two layers, and then sleep.
 */
#ifndef VIT_POOL_H
#define VIT_POOL_H

#include <stddef.h>

#include "vit/error.h"

typedef struct vit__pool vit__pool;

/* thread is 0 (the caller) .. threads - 1: the index of the thread's scratch memory. */
typedef void vit__task(void *context, size_t index, unsigned thread);

/* Starts threads - 1 threads; they block all signals. */
vit_status vit__pool_create(unsigned threads, vit__pool **pool, vit_error *err);
/* The same, but if the system refuses so many threads, the pool is made of the caller alone. */
vit_status vit__pool_create_if_possible(unsigned threads, vit__pool **pool, vit_error *err);
/* Ends the threads and frees the pool. In a child of fork(), which has none of the threads, only memory is freed. */
void vit__pool_free(vit__pool *pool);
unsigned vit__pool_threads(const vit__pool *pool);
/* How many processors the pool's threads may use now: base/cpu.h. Reads files. */
unsigned vit__pool_processors(const vit__pool *pool);

/* Runs task(context, 0 .. n - 1) and returns when all are done. One caller at a time. */
void vit__pool_run(vit__pool *pool, size_t n, vit__task *task, void *context);

#endif
