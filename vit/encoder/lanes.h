/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads and memory of a session, and how its inputs are shared out among them. */
#ifndef VIT_LANES_H
#define VIT_LANES_H

#include "encoder.h"

typedef struct vit__lanes {
    vit__pool *pool;
    vit__pool *single;  /* of one thread, whichever calls it */
    size_t slots;       /* inputs that there is memory for: as many as threads, or max_batch if that is less */
    vit__lane together; /* all threads, up to `slots` inputs */
    vit__lane *apart;   /* [threads], a thread and an input each; NULL: there are fewer slots than threads */
    float *arena;       /* the lanes' memory; those apart lie in that of `together` */
} vit__lanes;

/* On failure, too, vit__lanes_free frees what there is; lanes must be zero before. */
vit_status vit__lanes_create(const vit_model *model, unsigned threads, size_t max_batch, vit__lanes *lanes,
                             vit_error *err);
void vit__lanes_free(vit__lanes *lanes);

/* Encodes any number of inputs: whole rounds of an input a thread apart, what is left together. */
void vit__lanes_run(vit__lanes *lanes, const vit__encoder_batch *inputs);

#endif
