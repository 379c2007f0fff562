/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted of a model while it serves: for /metrics and KServe's statistics. */
#ifndef SERVE_FIGURES_H
#define SERVE_FIGURES_H

#include <stddef.h>

#define SERVE_TIMES 15      /* bounds of a histogram of times, from 1 ms to 60 s */
#define SERVE_BATCH_SIZES 7 /* batches of up to 1, 2, 4, 8, 16, 32, 64 inputs */

extern const double serve_time_bounds[SERVE_TIMES]; /* seconds */

/* How long something took, each time. buckets[i] counts the times of at most serve_time_bounds[i] that are more
 * than the bound before. The last bucket counts the times that are longer than all bounds. */
typedef struct serve_times {
    size_t buckets[SERVE_TIMES + 1], n;
    double seconds; /* the sum */
} serve_times;

void serve_times_add(serve_times *times, double seconds);

/* The stages of a request and of its inputs, in this order. */
typedef enum serve_stage {
    SERVE_STAGE_PARSE,      /* of a request: from the whole body to the moment when its first input waits */
    SERVE_STAGE_DECODE,     /* of a picture; a text is never decoded */
    SERVE_STAGE_PREPROCESS, /* of an input; a text is tokenized */
    SERVE_STAGE_ENCODE,     /* of a batch */
    SERVE_STAGE_WRITE,      /* of a request: from its last result to the whole answer */
    SERVE_STAGES
} serve_stage;

typedef enum serve_input_result {
    SERVE_INPUT_OK,
    SERVE_INPUT_FAILED,
    SERVE_INPUT_DROPPED, /* another input of the request failed, its client left, or its wait was over */
    SERVE_INPUT_RESULTS
} serve_input_result;

/* Figures since the start, but for `waiting`. After batches of 1, 2 and 2 inputs, batches is {1, 2, 0, ...},
 * n_batches 3 and batched 5. */
typedef struct serve_model_figures {
    size_t waiting;                        /* inputs that wait now */
    size_t inputs[2][SERVE_INPUT_RESULTS]; /* inputs that are over, by tower and result */
    size_t cached;                         /* words whose vector was known */
    size_t batches[SERVE_BATCH_SIZES];     /* batches by size */
    size_t n_batches, batched;             /* batches, and inputs in all of them */
    serve_times queue;                     /* of requests: until the first input of a request is encoded */
    struct {
        double seconds; /* the sum of all n times */
        size_t n;
    } stages[SERVE_STAGES];
} serve_model_figures;

#endif
