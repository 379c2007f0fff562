/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for another thread that is nearly ready. A thread first watches a value, then offers its processor to other
 * threads again and again, and then sleeps. */
#ifndef VIT_SPIN_H
#define VIT_SPIN_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#define VIT__SPIN_PAUSES 2000 /* some 20 microseconds: longer than most gaps inside a forward pass */
#define VIT__SPIN_YIELDS 200  /* a tenth of a millisecond if nobody else wants the processor */

static inline void vit__pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb"); /* some 10 nanoseconds; what ARM calls `yield` takes no time on most processors */
#endif
}

/* Watches the value for a while. true: it is no longer `seen`. */
static inline bool vit__spin_while(const atomic_uint *value, unsigned seen)
{
    for (int i = 0; i < VIT__SPIN_PAUSES + VIT__SPIN_YIELDS; i++) {
        if (atomic_load_explicit(value, memory_order_acquire) != seen)
            return true;
        if (i < VIT__SPIN_PAUSES)
            vit__pause();
        else
            sched_yield();
    }
    return false;
}

/* Waits until the value is no longer `seen`: watches, and then sleeps. Whoever changes the value signals `changed`
 * under the mutex. */
static inline void vit__wait_while(const atomic_uint *value, unsigned seen, pthread_mutex_t *mutex,
                                   pthread_cond_t *changed)
{
    if (vit__spin_while(value, seen))
        return;
    pthread_mutex_lock(mutex);
    while (atomic_load_explicit(value, memory_order_acquire) == seen)
        pthread_cond_wait(changed, mutex);
    pthread_mutex_unlock(mutex);
}

#endif
