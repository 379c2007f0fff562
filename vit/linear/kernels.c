/* SPDX-License-Identifier: BSD-2-Clause */
/* Plain C, always there; and the choice between the variants. */
#include "kernels_tables.h"

#define KERNELS_SYMBOL vit__kernels_c
#define KERNELS_NAME "c"
#include "kernels_body.h"

static const struct {
    unsigned flags;
    const vit__kernels *kernels;
} variants[] = {{0, &vit__kernels_c},
                VIT__ON_X86_64({VIT__CPU_AVX2, &vit__kernels_avx2}, {VIT__CPU_AVX512, &vit__kernels_avx512})
                    VIT__ON_ARM_64({VIT__CPU_NEON, &vit__kernels_neon})};

const vit__kernels *vit__kernels_get(unsigned flags)
{
    size_t i = sizeof variants / sizeof *variants - 1;
    while (!vit__cpu_has(flags, variants[i].flags))
        i--;
    return variants[i].kernels;
}
