/* SPDX-License-Identifier: BSD-2-Clause */
#include "pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cpu.h"
#include "error.h"
#include "memory.h"
#include "sigbus.h"
#include "spin.h"

typedef struct worker {
    vit__pool *pool;
    pthread_t thread;
    unsigned index;
} worker;

struct vit__pool {
    unsigned threads, started;
    pid_t process;   /* that has the threads */
    worker *workers; /* [threads]; 0 is the caller and has no thread */

    /* the job: written by the caller before `generation` moves on, read by the workers after */
    vit__task *task;
    void *context;
    size_t n;
    atomic_size_t next;

    atomic_uint generation;
    atomic_uint busy; /* workers that have not finished this generation */
    atomic_bool stop;
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
};

static void work(vit__pool *pool, unsigned thread)
{
    for (;;) {
        size_t index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (index >= pool->n)
            return;
        pool->task(pool->context, index, thread);
    }
}

static void *worker_main(void *argument)
{
    worker *self = argument;
    vit__pool *pool = self->pool;
    unsigned seen = 0;
    for (;;) {
        vit__wait_while(&pool->generation, seen++, &pool->mutex, &pool->wake);
        if (atomic_load(&pool->stop))
            return NULL;
        work(pool, self->index);
        if (atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
}

/* Moves the generation on under the mutex, so that no worker can miss it between its check and its sleep. */
static void start_generation(vit__pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

/* Only the last worker signals: who sleeps sleeps till then. */
static void await_done(vit__pool *pool)
{
    for (unsigned busy; (busy = atomic_load_explicit(&pool->busy, memory_order_acquire)) != 0;)
        vit__wait_while(&pool->busy, busy, &pool->mutex, &pool->done);
}

void vit__pool_run(vit__pool *pool, size_t n, vit__task *task, void *context)
{
    if (pool->threads == 1 || n == 1) {
        for (size_t i = 0; i < n; i++)
            task(context, i, 0);
        return;
    }
    pool->task = task;
    pool->context = context;
    pool->n = n;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->busy, pool->threads - 1, memory_order_relaxed);
    start_generation(pool);
    work(pool, 0);
    await_done(pool);
}

unsigned vit__pool_threads(const vit__pool *pool)
{
    return pool->threads;
}

/* The caller may be bound to one processor while the threads are not. */
unsigned vit__pool_processors(const vit__pool *pool)
{
    return vit__cpu_count_of(pool->started ? pool->workers[1].thread : pthread_self());
}

static bool start_workers(vit__pool *pool)
{
    sigset_t before;
    vit__signals_block(&before);
    for (unsigned i = 1; i < pool->threads; i++) {
        pool->workers[i] = (worker){.pool = pool, .index = i};
        if (pthread_create(&pool->workers[i].thread, NULL, worker_main, &pool->workers[i]) != 0)
            break;
        pool->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pool->started == pool->threads - 1;
}

vit_status vit__pool_create(unsigned threads, vit__pool **result, vit_error *err)
{
    *result = NULL;
    vit__pool *pool = vit__alloc_zero(1, sizeof *pool);
    if (!pool)
        return vit__fail_memory(err, NULL);
    pool->threads = threads;
    pool->process = getpid();
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->workers = vit__alloc_zero(threads, sizeof *pool->workers);
    if (!pool->workers || !start_workers(pool)) {
        vit_status status = pool->workers ? vit__fail(err, VIT_ERR_OUT_OF_MEMORY, NULL,
                                                      "cannot start %u threads: ask for fewer", threads)
                                          : vit__fail_memory(err, NULL);
        vit__pool_free(pool);
        return status;
    }
    *result = pool;
    return VIT_OK;
}

static void stop_workers(vit__pool *pool)
{
    atomic_store(&pool->stop, true);
    start_generation(pool);
    for (unsigned i = 1; i <= pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
}

vit_status vit__pool_create_if_possible(unsigned threads, vit__pool **pool, vit_error *err)
{
    return vit__pool_create(threads, pool, NULL) == VIT_OK ? VIT_OK : vit__pool_create(1, pool, err);
}

void vit__pool_free(vit__pool *pool)
{
    if (!pool)
        return;
    if (pool->process == getpid())
        stop_workers(pool);
    free(pool->workers);
    free(pool);
}
