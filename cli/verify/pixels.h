/* SPDX-License-Identifier: BSD-2-Clause */
/* The pixel_values of a file of expected outputs, beside what resamplers make of the pictures. */
#ifndef CLI_PIXELS_H
#define CLI_PIXELS_H

#include "comparison.h"
#include "pictures.h"

/* Is it [N,3,H,W], of a size that pictures have? */
bool cli_pixels_are(const vit_tensor *tensor);

/* A line for each tensor of pixels in the file. asked: as for cli_comparison_candidates. */
void cli_pixels_compare(cli_comparison *comparison, const cli_pictures *pictures, int asked);

#endif
