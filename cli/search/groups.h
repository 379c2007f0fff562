/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of vectors that are near each other: all pairs are
 * compared, and whoever is near one of a group belongs to it. */
#ifndef CLI_GROUPS_H
#define CLI_GROUPS_H

#include <stddef.h>

typedef struct cli_points {
    const float *vectors; /* [n][columns], length 1 */
    size_t n, columns;
} cli_points;

/* group[n]: the same number for points of one group, that of its first point. Near: a cosine of at least threshold. */
void cli_groups_find(const cli_points *points, double threshold, unsigned threads, size_t *group);

/* The least cosine between any two of these. */
double cli_groups_least(const cli_points *points, const size_t *members, size_t n, unsigned threads);

#endif
