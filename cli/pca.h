/* SPDX-License-Identifier: BSD-2-Clause */
/* vit attention --pca: patches of pictures in the colours of their principal components. */
#ifndef CLI_PCA_H
#define CLI_PCA_H

#include "inputs.h"
#include "model.h"
#include "picture.h"

typedef struct cli_pca {
    const cli_inputs *inputs;
    const cli_picture_options *pictures;
    const cli_model_options *options;
    const char *path; /* of the PNG file, which is claimed; "-": standard output */
} cli_pca;

/* Opens the model, encodes all pictures, and draws them on one sheet. Prints what is wrong; CLI_INPUTS_FAILED: some
 * pictures could not be read, and the others were drawn, if there were any. */
cli_exit cli_pca_draw(const cli_command *command, const cli_pca *pca);

#endif
