/* SPDX-License-Identifier: BSD-2-Clause */
#include "image.h"

#include <stdlib.h>

#include "error.h"
#include "memory.h"

vit_status vit_image_alloc(uint32_t width, uint32_t height, vit_image *image, vit_error *err)
{
    if (!image)
        return vit__fail_null(err, __func__, "image");
    *image = (vit_image){0};
    size_t pixels;
    if (width == 0 || height == 0)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__, "%s is 0", width ? "height" : "width");
    if (!vit__multiply(width, height, &pixels))
        return vit__fail_memory(err, NULL);
    uint8_t *memory = vit__alloc(pixels, 3);
    if (!memory)
        return vit__fail_memory(err, NULL);
    *image = (vit_image){width, height, memory};
    return VIT_OK;
}

void vit_image_free(vit_image *image)
{
    if (!image)
        return;
    free(image->pixels);
    *image = (vit_image){0};
}

vit_status vit__check_image(const vit_image *image, const char *function, const char *argument, vit_error *err)
{
    if (image && image->pixels && image->width > 0 && image->height > 0)
        return VIT_OK;
    return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, function, "%s is NULL or has no pixels", argument);
}
