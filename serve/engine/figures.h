/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted of a model while it serves: for /metrics and KServe's statistics. */
#ifndef SERVE_FIGURES_H
#define SERVE_FIGURES_H

#include <stddef.h>

#define SERVE_TIMES 15      /* bounds of a histogram of times, from 1 ms to 60 s */
#define SERVE_BATCH_SIZES 7 /* batches of up to 1, 2, 4, 8, 16, 32, 64 inputs */

extern const double serve_time_bounds[SERVE_TIMES]; /* seconds */

/* How long something took, each time: buckets[i] counts those of at most serve_time_bounds[i] and more than the bound
 * before; the last bucket, those that took longer than all bounds. */
typedef struct serve_times {
    size_t buckets[SERVE_TIMES + 1], n;
    double seconds; /* the sum */
} serve_times;

void serve_times_add(serve_times *times, double seconds);

/* What an input or a request goes through, in this order. */
typedef enum serve_stage {
    SERVE_STAGE_PARSE,      /* a request: its body read, until its first input waits */
    SERVE_STAGE_DECODE,     /* an input; a text is never decoded */
    SERVE_STAGE_PREPROCESS, /* an input; of a text its tokenizing */
    SERVE_STAGE_ENCODE,     /* a batch */
    SERVE_STAGE_WRITE,      /* a request: from its last result to the whole answer */
    SERVE_STAGES
} serve_stage;

typedef enum serve_input_result {
    SERVE_INPUT_OK,
    SERVE_INPUT_FAILED,
    SERVE_INPUT_DROPPED, /* another input of the request failed, its client left, or its wait was over */
    SERVE_INPUT_RESULTS
} serve_input_result;

/* Since the start, but for `waiting`. */
typedef struct serve_model_figures {
    size_t waiting;                                        /* inputs, now */
    size_t inputs[2][SERVE_INPUT_RESULTS];                 /* by tower */
    size_t cached;                                         /* words whose vector was known */
    size_t batches[SERVE_BATCH_SIZES], n_batches, batched; /* batched: inputs in all batches */
    serve_times queue;                                     /* of a request, until its first input is encoded */
    struct {
        double seconds;
        size_t n;
    } stages[SERVE_STAGES];
} serve_model_figures;

#endif
