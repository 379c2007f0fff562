/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernels_tables.h"

#define KERNELS_SYMBOL vit__kernels_neon
#define KERNELS_NAME "neon"
#include "kernels_body.h"
