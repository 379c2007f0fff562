/* SPDX-License-Identifier: BSD-2-Clause */
/* One tower of a model, and the tensors of a file of expected outputs that it gives. */
#ifndef CLI_TOWER_H
#define CLI_TOWER_H

#include "comparison.h"
#include "model.h"
#include "pictures.h"

typedef struct cli_wanted {
    vit_tensor tensor;
    cli_expected expected;
    size_t size;          /* of one item */
    size_t rows;          /* a row for each token; else 1 */
    size_t items;         /* that the tensor holds; of pictures the first ones */
    float *values;        /* [items of the tower][size] */
    float *log_variances; /* the same, for a draw; else NULL */
    float *want;          /* [items][size], where pixels come from pictures; else NULL */
    cli_candidates candidates;
} cli_wanted;

/* Starts all zero but for its kind; freed with cli_tower_free. */
typedef struct cli_tower {
    vit_tower kind;
    cli_model model;
    size_t items, length; /* images or texts, and tokens of a text */
    float *pixels;        /* [items][3][height][width] that the file holds; NULL: it holds none */
    int32_t *ids;         /* [items][length] */
    int32_t *mask;        /* [items][length], 0 where an id is padding; NULL: the file does not say */
    cli_wanted *all;
    size_t n;
    size_t width;
    /* [items][width]: by each resampler, where pixels come from pictures; else the first alone. */
    float *embeddings[CLI_RESAMPLERS];
    int made_with; /* the resampler whose outputs fit best; CLI_ANY_RESAMPLER: that is not known */
} cli_tower;

void cli_tower_free(cli_tower *tower);

/* The most items that a tensor of this tower holds; 0: the file has no such tensor. */
size_t cli_tower_most(const vit_tensor_file *file, vit_tower kind);

/* A line for each tensor of this tower: none is compared. */
void cli_tower_leave_out(cli_comparison *comparison, vit_tower kind, const char *reason);

/* Compares what the model gives for the inputs that the file holds: tower->pixels or tower->ids.
 * The model is open. */
cli_exit cli_tower_run(cli_comparison *comparison, const cli_model_options *options, cli_tower *tower);

/* The same for pictures, preprocessed by each resampler, to as many pixels as the model takes;
 * asked: the one that is meant, or CLI_ANY_RESAMPLER. */
cli_exit cli_tower_run_pictures(cli_comparison *comparison, const cli_model_options *options, cli_tower *tower,
                                const cli_pictures *pictures, int asked);

#endif
