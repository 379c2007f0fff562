/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that wait for each other: no thread passes before all have come. A barrier can be used any number of
 * times. */
#ifndef VIT_BARRIER_H
#define VIT_BARRIER_H

typedef struct vit__barrier vit__barrier;

/* NULL: no memory. */
vit__barrier *vit__barrier_create(unsigned threads);
void vit__barrier_free(vit__barrier *barrier);
/* From now on so many threads wait for each other. No thread may be waiting. */
void vit__barrier_expect(vit__barrier *barrier, unsigned threads);

/* All memory that a thread wrote before this call is seen by every thread that passes. */
void vit__barrier_wait(vit__barrier *barrier);

#endif
