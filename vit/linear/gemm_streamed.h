/* SPDX-License-Identifier: BSD-2-Clause */
/* The back end of a model that encodes once (vit_model_options.once). */
#ifndef VIT_GEMM_STREAMED_H
#define VIT_GEMM_STREAMED_H

#include "gemm.h"

/* Its prepare leaves the layer as it lies, which must be in a mapped file: the pages are
 * given back after each call. Layers that the tiles have prepared are welcome too. */
const vit__gemm *vit__gemm_streamed(void);

#endif
