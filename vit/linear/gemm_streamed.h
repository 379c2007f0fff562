/* SPDX-License-Identifier: BSD-2-Clause */
/* The back end of a model that encodes once (vit_model_options.once). */
#ifndef VIT_GEMM_STREAMED_H
#define VIT_GEMM_STREAMED_H

#include "gemm.h"

/* Packs a layer's panels while it multiplies them, in each call. `prepare` does nothing: the weights stay in the mapped
 * file, and their pages go back to the system after each call. A layer that the tiles have packed already is multiplied
 * by the tiles. */
const vit__gemm *vit__gemm_streamed(void);

#endif
