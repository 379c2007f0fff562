/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads and memory of a session, and how its inputs are shared out among them. */
#ifndef VIT_LANES_H
#define VIT_LANES_H

#include "encoder.h"

/* Inputs of one call; requests are the same for all. */
typedef struct vit__inputs {
    const float *pixels;        /* [n][3][height][width] at the model's size; or */
    const vit_pixels *pictures; /* [n], or, for a model of words: */
    const int32_t *ids;         /* [n][length] */
    size_t length;
    size_t n;
    const vit_request *requests;
    size_t n_requests;
} vit__inputs;

typedef struct vit__lanes {
    size_t n;              /* lanes */
    size_t slots;          /* inputs that there is memory for: as many as lanes, or max_batch if that is less */
    vit__pool *pool;       /* a thread a lane */
    vit__pool **crews;     /* [n]: who works in a lane: its thread, and others if there are more threads than lanes */
    vit__barrier *meeting; /* of all lanes */
    vit__lane *lanes;      /* [n] */
    vit__lane_memory *memory;     /* [slots] */
    uint32_t *places;             /* [n][tokens] of a model of words */
    uint8_t *hidden;              /* [n][tokens] of a model that hides some */
    float *qkv[2];                /* of an input that lanes share; NULL: there is one lane */
    float *arena;                 /* all floats of the above */
    size_t operand_row, wide_row; /* floats a token; of an encoder that has stages, a lane */
    size_t room;                  /* floats of operand memory besides, of each lane */
} vit__lanes;

/* On failure, too, vit__lanes_free frees what there is; lanes must be zero before. */
vit_status vit__lanes_create(const vit_model *model, unsigned threads, size_t max_batch, vit__lanes *lanes,
                             vit_error *err);
void vit__lanes_free(vit__lanes *lanes);

/* Encodes any number of inputs: whole rounds of one a lane, and those left over by all lanes together, one after the
 * other. */
void vit__lanes_run(vit__lanes *lanes, const vit__inputs *inputs);

#endif
