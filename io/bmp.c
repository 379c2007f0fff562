/* SPDX-License-Identifier: BSD-2-Clause */
/* BMP files: a header of 14 bytes, which says where the pixels begin, and a bitmap. */
#include <stdlib.h>
#include <string.h>

#include "alpha.h"
#include "bytes.h"
#include "dib.h"
#include "memory.h"
#include "orient.h"

#define FILE_HEADER 14u

/* Two letters alone would take many a text. */
static bool is_bmp(const vit__source *source)
{
    return source->size >= FILE_HEADER + 4 && memcmp(source->bytes, "BM", 2) == 0 &&
           vit__le32(source->bytes + FILE_HEADER) <= 124 && source->bytes[FILE_HEADER] != 0;
}

/* Straight into the picture, unless alpha is read too. */
static vit_status read_rows(const vit__dib *dib, const vit_load_options *options, const vit__canvas *canvas,
                            vit_error *err)
{
    if (!dib->has_alpha || !options->composite) {
        for (uint32_t y = 0; y < dib->height; y++)
            vit__dib_row(dib, y, 3, vit__canvas_row(canvas, y));
        return VIT_OK;
    }
    uint8_t *row = vit__alloc(dib->width, 4);
    if (!row)
        return vit__fail_memory(err, dib->source->name);
    for (uint32_t y = 0; y < dib->height; y++) {
        vit__dib_row(dib, y, 4, row);
        vit__alpha_composite(row, dib->width, options->background);
        vit__canvas_store(canvas, y, 1, row);
    }
    free(row);
    return VIT_OK;
}

static vit_status read_bmp(const vit__source *source, const vit_load_options *options, vit_image *image, vit_error *err)
{
    vit__dib dib;
    vit__canvas canvas;
    vit_status status = vit__dib_open(source, FILE_HEADER, vit__le32(source->bytes + 10), &dib, err);
    if (status == VIT_OK)
        status = vit__check_pixels(source, options, dib.width, dib.height, err);
    if (status == VIT_OK)
        status = vit__dib_prepare(&dib, err);
    if (status == VIT_OK)
        status = vit__canvas_create(source, dib.width, dib.height, 1, image, &canvas, err);
    if (status == VIT_OK)
        status = read_rows(&dib, options, &canvas, err);
    free(dib.indices);
    if (status != VIT_OK)
        vit_image_free(image);
    return status;
}

const vit__format vit__format_bmp = {"BMP", is_bmp, read_bmp, NULL};
