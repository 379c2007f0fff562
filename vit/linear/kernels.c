/* SPDX-License-Identifier: BSD-2-Clause */
/* Plain C, always there; and the choice between the variants. */
#include "kernels_tables.h"

#define KERNELS_SYMBOL vit__kernels_c
#define KERNELS_NAME "c"
#include "kernels_body.h"

const vit__kernels *vit__kernels_get(vit__cpu_level level)
{
#if defined(__x86_64__)
    if (level >= VIT__CPU_AVX512)
        return &vit__kernels_avx512;
    if (level == VIT__CPU_AVX2)
        return &vit__kernels_avx2;
#endif
    (void)level;
    return &vit__kernels_c;
}
