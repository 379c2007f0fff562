/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernels_tables.h"

#define KERNELS_SYMBOL vit__kernels_avx512
#define KERNELS_NAME "avx512"
#include "kernels_body.h"
