/* SPDX-License-Identifier: BSD-2-Clause */
#include "rotary.h"

#include <math.h>

#define PI 3.14159265358979323846

/* A patch's position along one axis, in the units of the kind. */
static double coordinate(const vit__rotary *rotary, size_t index, size_t size, size_t reference)
{
    if (rotary->kind == VIT__ROTARY_DINOV3) /* centre of the patch, -1 .. 1 */
        return ((double)index + 0.5 + rotary->offset) / (double)size * 2 - 1;
    double at = (double)index + rotary->offset;
    return reference ? at / (double)size * (double)reference : at;
}

/* Angle of pair `pair` of head_dim/2: the first half of them turns with one axis, the second with the other. */
static double formula_angle(const vit_config *c, double y, double x, size_t pair)
{
    const vit__rotary *rotary = &c->rotary;
    size_t bands = c->head_dim / 4, band = pair % bands;
    double at = (pair < bands) != rotary->x_first ? y : x;
    double frequency = pow(rotary->theta, -(double)band / (double)bands);
    return at * frequency * (rotary->kind == VIT__ROTARY_DINOV3 ? 2 * PI : 1);
}

/* For the tokens of a text: one axis, and all pairs of a head turn along it. */
static void fill_line(const vit_config *c, float *cosines, float *sines)
{
    size_t half = c->head_dim / 2;
    for (size_t token = 0; token < c->context; token++)
        for (size_t pair = 0; pair < half; pair++) {
            double angle = (double)token * pow(c->rotary.theta, -(double)pair / (double)half);
            size_t first = token * c->head_dim + (c->rotary.half ? pair : 2 * pair);
            size_t second = c->rotary.half ? first + half : first + 1;
            cosines[first] = cosines[second] = (float)cos(angle);
            sines[first] = sines[second] = (float)sin(angle);
        }
}

static double learned_angle(const vit_config *c, const float *learned, size_t block, size_t head, double y, double x,
                            size_t pair)
{
    size_t half = c->head_dim / 2, axis = c->depth * c->heads * half;
    const float *frequencies = learned + (block * c->heads + head) * half;
    double first = c->rotary.x_first ? x : y, second = c->rotary.x_first ? y : x;
    return first * (double)frequencies[pair] + second * (double)frequencies[axis + pair];
}

void vit__rotary_fill(const vit_config *c, const float *learned, size_t block, float *cosines, float *sines)
{
    const vit__rotary *rotary = &c->rotary;
    if (rotary->kind == VIT__ROTARY_LINE) {
        fill_line(c, cosines, sines);
        return;
    }
    bool mixed = rotary->kind == VIT__ROTARY_MIXED;
    size_t down = c->image_height / c->patch_height, across = c->image_width / c->patch_width, half = c->head_dim / 2;
    for (size_t head = 0; head < (mixed ? c->heads : 1); head++)
        for (size_t patch = 0; patch < down * across; patch++) {
            double y = coordinate(rotary, patch / across, down, rotary->reference_height);
            double x = coordinate(rotary, patch % across, across, rotary->reference_width);
            size_t row = (head * down * across + patch) * c->head_dim;
            for (size_t pair = 0; pair < half; pair++) {
                double angle = mixed ? learned_angle(c, learned, block, head, y, x, pair)
                                     : formula_angle(c, y, x, pair);
                size_t first = rotary->half ? pair : 2 * pair, second = rotary->half ? pair + half : 2 * pair + 1;
                cosines[row + first] = cosines[row + second] = (float)cos(angle);
                sines[row + first] = sines[row + second] = (float)sin(angle);
            }
        }
}
