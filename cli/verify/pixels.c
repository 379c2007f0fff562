/* SPDX-License-Identifier: BSD-2-Clause */
#include "pixels.h"

#include <stdlib.h>

#include "text.h"

#define TOLERANCE 2e-6 /* the smallest step of 8-bit pixels is a thousand times that */

bool cli_pixels_are(const vit_tensor *tensor)
{
    return tensor->rank == 4 && tensor->shape[1] == 3 && tensor->shape[2] <= UINT16_MAX &&
           tensor->shape[3] <= UINT16_MAX;
}

static bool has_size(const vit_tensor *pixels, cli_size size)
{
    return pixels->shape[2] == size.height && pixels->shape[3] == size.width;
}

/* By the rules as they are, or, where these give another size than the stored pixels have, aimed at
 * theirs. */
static vit_status aim_at(cli_pictures *pictures, const vit_tensor *pixels, cli_size *size, vit_error *err)
{
    vit_status status = cli_pictures_size(pictures, size, err);
    if (status != VIT_OK || has_size(pixels, *size))
        return status;
    pictures->options.image_height = (uint32_t)pixels->shape[2];
    pictures->options.image_width = (uint32_t)pixels->shape[3];
    status = cli_pictures_size(pictures, size, err);
    if (status != VIT_OK || has_size(pixels, *size))
        return status;
    return vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, NULL, "%ux%u pixels here, %zux%zu there", size->height,
                         size->width, pixels->shape[2], pixels->shape[3]);
}

static vit_status try_resamplers(const cli_pictures *pictures, const vit_tensor *tensor, cli_size size,
                                 const float *want, cli_candidates *candidates, vit_error *err)
{
    vit_status status = VIT_OK;
    float *pixels = cli_allocate(tensor->elements, sizeof *pixels);
    for (int i = 0; i < CLI_RESAMPLERS && status == VIT_OK; i++) {
        if (!candidates->tried[i])
            continue;
        status = cli_pictures_pixels(pictures, (vit_resampler)i, size, tensor->shape[0], pixels, err);
        candidates->by[i] = cli_deviation_of(pixels, want, tensor->elements);
    }
    free(pixels);
    return status;
}

/* Stored pixels beside those that the candidates' resamplers make of the pictures. */
static void compare(cli_comparison *c, const cli_pictures *decoded, const char *name, int asked,
                    cli_candidates candidates)
{
    cli_pictures pictures = *decoded; /* its options alone are changed */
    vit_tensor tensor;
    vit_error err = {0};
    cli_size size;
    size_t n;
    if (!vit_tensor_file_find(c->file, name, &tensor))
        return;
    if (!cli_pixels_are(&tensor)) {
        cli_comparison_fail(c, name, "it is not [N,3,H,W]");
        return;
    }
    if (tensor.shape[0] > pictures.n) {
        cli_comparison_lack(c, name, tensor.shape[0], pictures.n);
        return;
    }
    if (asked != CLI_ANY_RESAMPLER)
        candidates.tried[asked] = true;
    float *want = cli_comparison_floats(c, name, &n, &err);
    if (want && aim_at(&pictures, &tensor, &size, &err) == VIT_OK)
        try_resamplers(&pictures, &tensor, size, want, &candidates, &err);
    if (err.status != VIT_OK)
        cli_comparison_fail(c, name, err.message);
    else
        cli_comparison_candidates(c, name, &candidates, asked, CLI_ANY_RESAMPLER, TOLERANCE);
    free(want);
}

void cli_pixels_compare(cli_comparison *comparison, const cli_pictures *pictures, int asked)
{
    /* torchvision's too: where a family has no class that uses Pillow, they are in pixel_values. */
    static const cli_candidates all = {.tried = {true, true, true}},
                                torchvision = {.tried = {[VIT_RESAMPLER_TORCHVISION] = true}};
    compare(comparison, pictures, "pixel_values", asked, all);
    compare(comparison, pictures, "pixel_values_torchvision", asked, torchvision);
}
