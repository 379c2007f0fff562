/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From 8-bit samples to floats. There are 256 of them a channel, so the arithmetic of each library is carried out once
 * for each, to the bit: every operation rounds to float unless it says double.
 */
#include "preprocess.h"

void vit__normalise_floats(const vit_preprocessor *p, float mean[3], float std[3])
{
    for (int c = 0; c < 3; c++) {
        mean[c] = p->normalise ? (float)p->mean[c] : 0.0f;
        std[c] = p->normalise ? (float)p->std[c] : 1.0f;
    }
}

/* transformers with torchvision: 1/factor goes into mean and deviation. */
static void fused_table(const vit_preprocessor *p, float table[3][256])
{
    float back = (float)(1.0 / p->factor);
    for (int c = 0; c < 3; c++) {
        float mean = (float)p->mean[c] * back, std = (float)p->std[c] * back;
        for (int v = 0; v < 256; v++)
            table[c][v] = ((float)v - mean) / std;
    }
}

static float rescaled(const vit_preprocessor *p, vit_resampler resampler, int sample)
{
    if (!p->rescale)
        return (float)sample;
    if (p->library != VIT__LIBRARY_TRANSFORMERS)
        return (float)sample / 255.0f; /* torchvision's to_tensor */
    if (p->resize_floats || resampler == VIT_RESAMPLER_TORCHVISION)
        return (float)sample * (float)p->factor;
    return (float)((double)sample * p->factor);
}

void vit__normalise_table(const vit_preprocessor *p, vit_resampler resampler, float table[3][256])
{
    bool torchvision = p->library == VIT__LIBRARY_TRANSFORMERS && resampler == VIT_RESAMPLER_TORCHVISION;
    if (torchvision && p->rescale && p->normalise && !p->resize_floats) {
        fused_table(p, table);
        return;
    }
    float mean[3], std[3];
    vit__normalise_floats(p, mean, std);
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++)
            table[c][v] = (rescaled(p, resampler, v) - mean[c]) / std[c]; /* x - 0 and x / 1 are x */
}
