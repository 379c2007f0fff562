/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that wait for each other: nobody passes before all have come. Any number of times. */
#ifndef VIT_BARRIER_H
#define VIT_BARRIER_H

typedef struct vit__barrier vit__barrier;

/* NULL: no memory. */
vit__barrier *vit__barrier_create(unsigned threads);
void vit__barrier_free(vit__barrier *barrier);

/* What a thread wrote before it came is seen by all that pass. */
void vit__barrier_wait(vit__barrier *barrier);

#endif
