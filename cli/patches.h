/* SPDX-License-Identifier: BSD-2-Clause */
/* What the patches of pictures are like in the eyes of a model, for drawing them in colours: the features behind the
 * last block, without class token and registers. */
#ifndef CLI_PATCHES_H
#define CLI_PATCHES_H

#include "model.h"
#include "picture.h"

typedef struct cli_patches {
    const cli_model *model;
    const cli_picture_options *pictures;
    vit_grid grid;
    size_t tokens, width; /* of a picture, and of a token */
    size_t n, room;       /* pictures so far, and those that there is memory for */
    float *features;      /* [n][rows * columns of the grid][width] */
    float *pixels, *all;  /* of one picture: what goes in, and [tokens][width] that come out */
} cli_patches;

/* The model is open; its session may be made later, before the first picture is added. Model and options must outlive
 * *patches. CLI_USAGE, with a message that names the option: the model has no patches, or pictures of many sizes.
 * cli_patches_free comes after it in every case. */
cli_exit cli_patches_start(const cli_command *command, const char *option, const cli_model *model,
                           const cli_picture_options *pictures, cli_patches *patches);
/* Encodes the picture at the path (NULL: standard input). *picture = what the model sees of it, which the caller frees
 * with vit_image_free. On failure it is all zero, and nothing was added. */
vit_status cli_patches_add(cli_patches *patches, const char *path, vit_image *picture, vit_error *err);
/* colours[n][rows * columns][3] of all pictures, the same colour for the same thing: vit_patch_colours, whose
 * background is black. */
vit_status cli_patches_colour(const cli_patches *patches, uint8_t *colours, vit_error *err);
/* The same; but if one of the pictures would be black everywhere, what was taken for the background is none, and all
 * patches have colours: vit_patch_colours_all. */
vit_status cli_patches_colour_each(const cli_patches *patches, uint8_t *colours, vit_error *err);
/* Forgets the pictures. */
void cli_patches_clear(cli_patches *patches);
void cli_patches_free(cli_patches *patches);

#endif
