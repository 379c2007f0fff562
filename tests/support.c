/* SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

#include "cpu.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *data_path(const char *format, ...)
{
    static char buffers[8][1024];
    static unsigned next;
    char *buffer = buffers[next++ % 8];
    int used = snprintf(buffer, sizeof buffers[0], "%s/", VIT_TEST_DATA);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(buffer + used, sizeof buffers[0] - (size_t)used, format, arguments);
    va_end(arguments);
    return buffer;
}

double relative_error(const float *got, const float *want, size_t n)
{
    double worst = 0, largest = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(got[i]))
            return INFINITY;
        worst = fmax(worst, fabs((double)got[i] - (double)want[i]));
        largest = fmax(largest, fabs((double)want[i]));
    }
    return largest > 0 ? worst / largest : worst;
}

bool next_isa(size_t *i, unsigned *flags)
{
    while (*i < vit__isa_count) {
        const vit__isa *isa = &vit__isas[(*i)++];
        const unsigned here = vit__cpu_here()->flags;
        *flags = vit__cpu_allowed(here | VIT__CPU_FAST_BF16, isa);
        if (vit__cpu_runs(here, isa))
            return true;
    }
    return false;
}

vit_pixels whole_picture(const vit_model *model, const float *pixels)
{
    const vit_grid grid = vit_model_grid(model);
    const size_t most = vit_model_patches(model);
    return most ? (vit_pixels){pixels, (uint32_t)(most * grid.patch_width), (uint32_t)grid.patch_height}
                : (vit_pixels){pixels, vit_model_image_width(model), vit_model_image_height(model)};
}
