/* SPDX-License-Identifier: BSD-2-Clause */
/* Drawing from the Gaussian latent of a variational autoencoder (Kingma and Welling 2014): z = mean + sigma * noise. */
#ifndef VIT_LATENT_H
#define VIT_LATENT_H

#include <stddef.h>
#include <stdint.h>

/* z holds the mean and becomes the draw. The noise follows from the seed and the position of the input among all inputs, so
 * that it is the same whatever else is drawn, in whatever order. */
void vit__latent_draw(uint64_t seed, uint64_t position, const float *log_variance, size_t n, float *z);

#endif
