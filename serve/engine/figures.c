/* SPDX-License-Identifier: BSD-2-Clause */
#include "figures.h"

const double serve_time_bounds[SERVE_TIMES] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                               0.5,   1,      2.5,   5,    10,    30,   60};

void serve_times_add(serve_times *times, double seconds)
{
    size_t bucket = 0;
    while (bucket < SERVE_TIMES && seconds > serve_time_bounds[bucket])
        bucket++;
    times->buckets[bucket]++;
    times->n++;
    times->seconds += seconds;
}
