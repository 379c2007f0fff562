/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of vit verify: tensors of a file of expected outputs, and how far what the model gives
 * is from them. */
#ifndef CLI_COMPARISON_H
#define CLI_COMPARISON_H

#include <stdbool.h>
#include <stddef.h>

#include "expected.h"

typedef struct cli_comparison {
    const vit_tensor_file *file; /* the one that is read */
    const char *file_name;
    bool json;
    double tolerance; /* of outputs */
    size_t compared, wrong, left_out;
} cli_comparison;

enum { CLI_RESAMPLERS = VIT_RESAMPLER_TORCHVISION + 1, CLI_ANY_RESAMPLER = -1 };

/* The order in which resamplers are named: of several that give the same numbers, the first. (The reference was checked
 * with Pillow 13.) */
extern const int cli_resampler_order[CLI_RESAMPLERS];

/* What each resampler makes of the pictures, beside one tensor. */
typedef struct cli_candidates {
    bool tried[CLI_RESAMPLERS];
    cli_deviation by[CLI_RESAMPLERS];
} cli_candidates;

/* All numbers of a tensor. NULL: it is not there, or err says why it cannot be read. Freed with
 * free(). */
float *cli_comparison_floats(const cli_comparison *comparison, const char *name, size_t *n, vit_error *err);

/* One line: why a tensor was not compared, which is no fault of the model's. */
void cli_comparison_leave_out(cli_comparison *comparison, const char *name, const char *reason);
/* The same for a tensor of more pictures than there are. */
void cli_comparison_lack(cli_comparison *comparison, const char *name, size_t wanted, size_t there);

/* One line: what is wrong with a tensor. */
void cli_comparison_fail(cli_comparison *comparison, const char *name, const char *reason);

/* Compares n numbers with the tensor's. */
void cli_comparison_values(cli_comparison *comparison, const char *name, const float *got, size_t n);

/* One line for a tensor that was made from pictures by some resampler. asked: the resampler that
 * the user named. Where another one made the tensor, the tensor is left out: it shows nothing about
 * the one that was named. Where asked is CLI_ANY_RESAMPLER, made_with counts; where both are, the
 * resampler with the least error. */
void cli_comparison_candidates(cli_comparison *comparison, const char *name, const cli_candidates *candidates,
                               int asked, int made_with, double tolerance);

#endif
