/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernels_tables.h"

#define KERNELS_SYMBOL vit__kernels_avx2
#define KERNELS_NAME "avx2"
#include "kernels_body.h"
