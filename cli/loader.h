/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns inputs into pixels, several at a time beside the encoder, and hands them out in the order of the inputs. */
#ifndef CLI_LOADER_H
#define CLI_LOADER_H

#include <stdbool.h>

#include "inputs.h"
#include "model.h"

typedef struct cli_loader cli_loader;

/* Walks on from where the walk stands. ahead: how many images may wait. The arguments must outlive
 * the loader, and nobody else uses the walk meanwhile. */
cli_loader *cli_loader_start(cli_walk *walk, const cli_picture_options *pictures, const cli_model *model, size_t ahead);

/* The next input, which the caller frees; pixels[vit_model_pixels_size] are filled unless input->error says why not.
 * false: there are no more. */
bool cli_loader_next(cli_loader *loader, cli_input *input, float *pixels);

/* Forgets what is still to come; cli_loader_next then answers false. Answers false too. */
bool cli_loader_cancel(cli_loader *loader);

/* After the last input, or cli_loader_cancel. */
void cli_loader_free(cli_loader *loader);

#endif
