/* SPDX-License-Identifier: BSD-2-Clause */
#include "sheet.h"

#include <string.h>

#include "error.h"

#define EDGE_LEAST 256u /* of the shorter edge of a tile: small pictures are enlarged by a whole number */
#define GAP 4u          /* pixels between tiles */

vit_status vit__sheet_start(vit__sheet *sheet, const vit_image *picture, size_t tiles, size_t across, vit_image *image,
                            vit_error *err)
{
    const uint32_t edge = picture->width < picture->height ? picture->width : picture->height;
    const uint32_t scale = edge < EDGE_LEAST ? (EDGE_LEAST + edge - 1) / edge : 1;
    const size_t down = (tiles + across - 1) / across;
    *image = (vit_image){0};
    *sheet = (vit__sheet){image, picture->width * scale, picture->height * scale, scale, across, 0};
    const uint64_t width = (uint64_t)across * (sheet->width + GAP) - GAP;
    const uint64_t height = (uint64_t)down * (sheet->height + GAP) - GAP;
    if (width > UINT32_MAX || height > UINT32_MAX || width * height > VIT_MAX_PIXELS)
        return vit__fail(err, VIT_ERR_TOO_LARGE, NULL, "%zu maps of %ux%u pixels are too many for one picture", tiles,
                         sheet->width, sheet->height);
    vit_status status = vit_image_alloc((uint32_t)width, (uint32_t)height, image, err);
    if (status == VIT_OK)
        memset(image->pixels, 255, 3 * (size_t)(width * height));
    return status;
}

void vit__sheet_next(vit__sheet *sheet, uint32_t at[2])
{
    at[0] = (uint32_t)(sheet->n % sheet->across) * (sheet->width + GAP);
    at[1] = (uint32_t)(sheet->n / sheet->across) * (sheet->height + GAP);
    sheet->n++;
}

vit_status vit__sheet_scale(const vit__sheet *sheet, const vit_image *image, const uint32_t size[2], vit_filter filter,
                            vit_image *result, vit_error *err)
{
    vit_status status = vit_image_alloc(size[0] * sheet->scale, size[1] * sheet->scale, result, err);
    return status == VIT_OK ? vit_image_resize(image, result, filter, VIT_RESAMPLER_PILLOW, err) : status;
}

vit_status vit__sheet_draw(vit__sheet *sheet, const vit_image *image, const uint32_t size[2], vit_filter filter,
                           const uint32_t at[2], vit_error *err)
{
    vit_image large = {0};
    vit_status status = vit__sheet_scale(sheet, image, size, filter, &large, err);
    for (uint32_t y = 0; y < large.height && status == VIT_OK; y++)
        memcpy(sheet->image->pixels + 3 * ((size_t)(at[1] + y) * sheet->image->width + at[0]),
               large.pixels + 3 * (size_t)y * large.width, 3 * (size_t)large.width);
    vit_image_free(&large);
    return status;
}
