/* SPDX-License-Identifier: BSD-2-Clause */
#include "window_position.h"

#include <math.h>

static vit__window window_of(const vit_config *c)
{
    const vit__map map = vit__stages_map(c, c->stages.at);
    return (vit__window){map.window_height, map.window_width};
}

void vit__position_window_table(const vit_config *c, const float *stored, float *table)
{
    size_t entries = vit__window_entries(window_of(c));
    for (size_t head = 0; head < c->heads; head++)
        for (size_t i = 0; i < entries; i++)
            table[head * entries + i] = stored[i * c->heads + head];
}

/* sign(t) log2(8 |t| + 1) / 3 of t = offset / (side - 1): 1 at the far end of the window. */
static double coordinate(double offset, size_t side)
{
    double t = 8 * offset / (side > 1 ? (double)side - 1 : 1);
    return copysign(log2(fabs(t) + 1) / 3, t);
}

/* All heads of one distance. */
static void fill_entry(const vit_config *c, const vit__continuous *mlp, const double at[2], size_t entries,
                       float *entry)
{
    double inner[VIT__CONTINUOUS_WIDTH];
    for (size_t i = 0; i < VIT__CONTINUOUS_WIDTH; i++)
        inner[i] = fmax(
            (double)mlp->first[2 * i] * at[0] + (double)mlp->first[2 * i + 1] * at[1] + (double)mlp->bias[i], 0);
    for (size_t head = 0; head < c->heads; head++) {
        const float *row = mlp->second + head * VIT__CONTINUOUS_WIDTH;
        double sum = 0;
        for (size_t i = 0; i < VIT__CONTINUOUS_WIDTH; i++)
            sum += (double)row[i] * inner[i];
        entry[head * entries] = (float)(16 / (1 + exp(-sum)));
    }
}

void vit__position_continuous_table(const vit_config *c, const vit__continuous *mlp, float *table)
{
    const vit__stage *stage = &c->stages.stage[c->stages.at];
    vit__window window = window_of(c);
    size_t height = stage->pretrained_height ? stage->pretrained_height : window.height;
    size_t width = stage->pretrained_height ? stage->pretrained_width : window.width;
    size_t rows = 2 * window.height - 1, columns = 2 * window.width - 1;
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < columns; x++) {
            const double at[2] = {coordinate((double)y - (double)(window.height - 1), height),
                                  coordinate((double)x - (double)(window.width - 1), width)};
            fill_entry(c, mlp, at, rows * columns, table + y * columns + x);
        }
}
