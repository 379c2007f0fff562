/* SPDX-License-Identifier: BSD-2-Clause */
#include "barrier.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "memory.h"
#include "spin.h"

struct vit__barrier {
    unsigned threads;
    pid_t process; /* that has the threads */
    atomic_uint came;
    atomic_uint rounds; /* that are over */
    pthread_mutex_t mutex;
    pthread_cond_t over;
};

vit__barrier *vit__barrier_create(unsigned threads)
{
    vit__barrier *barrier = vit__alloc_zero(1, sizeof *barrier);
    if (!barrier)
        return NULL;
    barrier->threads = threads;
    barrier->process = getpid();
    pthread_mutex_init(&barrier->mutex, NULL);
    pthread_cond_init(&barrier->over, NULL);
    return barrier;
}

void vit__barrier_free(vit__barrier *barrier)
{
    if (!barrier)
        return;
    if (barrier->process == getpid()) { /* a child of fork() would wait for threads that it does not have */
        pthread_cond_destroy(&barrier->over);
        pthread_mutex_destroy(&barrier->mutex);
    }
    free(barrier);
}

void vit__barrier_expect(vit__barrier *barrier, unsigned threads)
{
    barrier->threads = threads;
}

void vit__barrier_wait(vit__barrier *barrier)
{
    unsigned round = atomic_load_explicit(&barrier->rounds, memory_order_acquire);
    if (atomic_fetch_add_explicit(&barrier->came, 1, memory_order_acq_rel) + 1 == barrier->threads) {
        atomic_store_explicit(&barrier->came, 0, memory_order_relaxed);
        pthread_mutex_lock(&barrier->mutex); /* so that nobody misses it between a look and sleep */
        atomic_store_explicit(&barrier->rounds, round + 1, memory_order_release);
        pthread_cond_broadcast(&barrier->over);
        pthread_mutex_unlock(&barrier->mutex);
        return;
    }
    vit__wait_while(&barrier->rounds, round, &barrier->mutex, &barrier->over);
}
