/* SPDX-License-Identifier: BSD-2-Clause */
/* Time that passes. */
#ifndef VIT_CLOCK_H
#define VIT_CLOCK_H

#include <time.h>

/* Seconds of a clock that only goes forward; when it began does not matter. */
static inline double vit__seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The moment that is so many seconds (at least 0) from now, as pthread_cond_timedwait takes it. */
static inline struct timespec vit__moment_in(double seconds)
{
    struct timespec moment;
    clock_gettime(CLOCK_REALTIME, &moment);
    moment.tv_sec += (time_t)seconds;
    moment.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
    if (moment.tv_nsec >= 1000000000) {
        moment.tv_sec++;
        moment.tv_nsec -= 1000000000;
    }
    return moment;
}

#endif
