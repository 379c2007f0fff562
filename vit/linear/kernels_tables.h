/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables that the compiled variants of kernels_body.h define. */
#ifndef VIT_KERNELS_TABLES_H
#define VIT_KERNELS_TABLES_H

#include "kernels.h"

extern const vit__kernels vit__kernels_c, vit__kernels_avx2, vit__kernels_avx512, vit__kernels_neon;

#endif
