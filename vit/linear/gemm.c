/* SPDX-License-Identifier: BSD-2-Clause */
#include "gemm.h"

#include <string.h>

#include "gemm_streamed.h"

/* Whether oneDNN is to multiply: VIT_GEMM says so, or it says nothing and the processor has a matrix unit. */
static bool onednn_wanted(const vit__cpu *cpu)
{
    if (strcmp(cpu->gemm, "tiles") == 0 || strcmp(cpu->gemm, "onednn") == 0)
        return strcmp(cpu->gemm, "onednn") == 0;
    return vit__cpu_has(cpu->flags, VIT__CPU_AMX);
}

const vit__gemm *vit__gemm_choose(vit_precision precision, const vit__cpu *cpu, bool once)
{
    const vit__gemm *onednn = NULL;
    if (once)
        return vit__gemm_streamed();
    if (precision == VIT_PRECISION_INT8 && onednn_wanted(cpu))
        onednn = vit__gemm_onednn(cpu->flags);
    return onednn ? onednn : vit__gemm_tiles();
}
