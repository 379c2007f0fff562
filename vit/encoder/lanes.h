/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads and the memory of a session, and how inputs are shared out among them. Ten pictures and four lanes:
 *
 *     round 1    lane 0: picture 0    lane 1: picture 1    lane 2: picture 2    lane 3: picture 3
 *     round 2    lane 0: picture 4    lane 1: picture 5    lane 2: picture 6    lane 3: picture 7
 *     then       all four lanes share picture 8, and after it picture 9 (lane.h)
 *
 * Where it saves reading weights, a lane takes two pictures at a time, as long as there are two for each lane
 * (vit__multiplier.abreast): with 14 pictures, rounds 1 and 2 above begin at picture 8.
 *
 * While the process may use fewer processors than when the lanes were made, only so many lanes share a picture. Lanes
 * that share one wait for each other, so a lane without a processor would hold up all of them.
 */
#ifndef VIT_LANES_H
#define VIT_LANES_H

#include "encoder.h"

/* The inputs of one call. The same requests are made of each input. */
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
    size_t n;          /* lanes */
    size_t sharing;    /* lanes that share an input: n, or as many as processors where some were taken away */
    size_t processors; /* that the process could use when the lanes were made */
    double looked;     /* when the processors were last counted, in vit__seconds */
    size_t slots;      /* lanes that can have inputs to themselves: n, or max_batch where that is less */
    size_t abreast;    /* inputs that such a lane can take together */
    vit__pool *pool;   /* a thread a lane */
    vit__pool **crews; /* [n] the threads inside a lane: its own, and helpers if there are more threads than lanes */
    vit__barrier *meeting;        /* where all lanes meet that share an input */
    vit__lane *lanes;             /* [n] */
    vit__lane *singles;           /* [n][abreast]: vit__lane.each of lanes with several inputs; NULL: there are none */
    vit__lane_memory *memory;     /* [slots] */
    uint32_t *places;             /* [n][abreast][tokens] for texts: lane.h */
    uint8_t *hidden;              /* [n][abreast][tokens] for models that hide tokens: lane.h */
    float *qkv[2];                /* for an input that lanes share; NULL: there is one lane */
    float *arena;                 /* one block of memory: all floats above are parts of it */
    size_t operand_row, wide_row; /* floats for each token; for each lane in an encoder with stages */
    size_t room;                  /* floats of operand memory that each lane has besides its rows */
} vit__lanes;

/* *lanes must be all zero before. vit__lanes_free frees the lanes, also those that a failure left half made. */
vit_status vit__lanes_create(const vit_model *model, unsigned threads, size_t max_batch, vit__lanes *lanes,
                             vit_error *err);
void vit__lanes_free(vit__lanes *lanes);

/* Encodes any number of inputs, as the picture above shows. */
void vit__lanes_run(vit__lanes *lanes, const vit__inputs *inputs);

#endif
