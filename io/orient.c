/* SPDX-License-Identifier: BSD-2-Clause */
#include "orient.h"

#include <string.h>

/* EXIF orientations as: swap rows and columns, and run the stored columns (rows) backwards. */
typedef struct turn {
    bool swap, mirror_x, mirror_y;
} turn;

static const turn turns[9] = {
    [1] = {false, false, false}, [2] = {false, true, false}, [3] = {false, true, true}, [4] = {false, false, true},
    [5] = {true, false, false},  [6] = {true, false, true},  [7] = {true, true, true},  [8] = {true, true, false},
};

bool vit__turns_sideways(int orientation)
{
    return turns[orientation].swap;
}

vit_status vit__canvas_create(const vit__source *source, uint32_t width, uint32_t height, int orientation,
                              vit_image *image, vit__canvas *canvas, vit_error *err)
{
    const turn t = turns[orientation];
    if (vit_image_alloc(t.swap ? height : width, t.swap ? width : height, image, NULL) != VIT_OK)
        return vit__fail_memory(err, source->name);
    const ptrdiff_t row = (ptrdiff_t)image->width * 3;
    *canvas = (vit__canvas){width, image->pixels, t.swap ? row : 3, t.swap ? 3 : row};
    if (t.mirror_x) {
        canvas->origin += (ptrdiff_t)(width - 1) * canvas->step_x;
        canvas->step_x = -canvas->step_x;
    }
    if (t.mirror_y) {
        canvas->origin += (ptrdiff_t)(height - 1) * canvas->step_y;
        canvas->step_y = -canvas->step_y;
    }
    return VIT_OK;
}

static uint8_t *place(const vit__canvas *canvas, uint32_t x, uint32_t y)
{
    return canvas->origin + (ptrdiff_t)x * canvas->step_x + (ptrdiff_t)y * canvas->step_y;
}

uint8_t *vit__canvas_row(const vit__canvas *canvas, uint32_t y)
{
    return canvas->step_x == 3 ? place(canvas, 0, y) : NULL;
}

void vit__canvas_scatter(const vit__canvas *canvas, uint32_t y, vit__stride columns, const uint8_t *pixels)
{
    uint8_t *to = place(canvas, columns.first, y);
    const ptrdiff_t step = (ptrdiff_t)columns.step * canvas->step_x;
    if (step == 3) {
        memcpy(to, pixels, (size_t)columns.count * 3);
        return;
    }
    /* The address past the last pixel is never formed: it may lie outside the picture. */
    for (uint32_t i = 0; i < columns.count; i++) {
        uint8_t *pixel = to + (ptrdiff_t)i * step;
        memcpy(pixel, pixels + (size_t)i * 3, 3);
    }
}

void vit__canvas_store(const vit__canvas *canvas, uint32_t y, uint32_t rows, const uint8_t *pixels)
{
    const size_t row = (size_t)canvas->width * 3;
    if (canvas->step_y != 3 && canvas->step_y != -3) {
        for (uint32_t i = 0; i < rows; i++)
            vit__canvas_scatter(canvas, y + i, (vit__stride){0, 1, canvas->width}, pixels + i * row);
        return;
    }
    /* Stored rows become columns: go through them side by side, so that each touched stretch of memory is written
     * once. */
    for (uint32_t x = 0; x < canvas->width; x++) {
        for (uint32_t i = 0; i < rows; i++)
            memcpy(place(canvas, x, y + i), pixels + i * row + (size_t)x * 3, 3);
    }
}
