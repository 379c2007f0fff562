/* SPDX-License-Identifier: BSD-2-Clause */
/* The items that are encoded together: rows in, results out, those that failed among them. */
#ifndef VIT_BATCH_H
#define VIT_BATCH_H

#include "feeder.h"

typedef struct vit__batch {
    vit__fed *fed;  /* [n], in order, failed ones among them */
    size_t *row_of; /* [n]: which row an item has; SIZE_MAX: it failed when it was read */
    size_t n, rows;
    char *row;            /* of those that were read: token ids [rows][length], or pixels, each in a row of the most */
    size_t length;        /* ids of each text */
    vit_pixels *pictures; /* [rows]: where in `row` each picture lies, and its size */
    float *results;       /* [rows][result_size] */
    float *log_variances; /* likewise, where a sample is drawn; else NULL */
    size_t result_size;   /* floats; of a text's matrix it follows the length */
    /* A text that did not fit any more, since its length is another: the first of the next batch. */
    bool waiting;
    vit__fed next;
    void *next_row;
} vit__batch;

vit_status vit__batch_create(const vit_pipeline *pipeline, vit__batch *batch, vit_error *err);
void vit__batch_free(vit__batch *batch); /* also of one that could not be created, all zero at first */

/* Takes from the feeder until the batch is full. false: nothing is left. */
bool vit__batch_fill(const vit_pipeline *pipeline, vit__feeder *feeder, vit__batch *batch);

/* Encodes; where that fails, each item alone, so that one bad item takes none with it. Its error is then in fed. */
void vit__batch_encode(vit_pipeline *pipeline, vit__batch *batch);

/* The values of item i; NULL: it failed. */
float *vit__batch_values(const vit__batch *batch, size_t i);

#endif
