/* SPDX-License-Identifier: BSD-2-Clause */
#include "gemm.h"

#include <stdlib.h>
#include <string.h>

/* Whether oneDNN is to multiply: VIT_GEMM says so, or it says nothing and the processor has a matrix unit. */
static bool onednn_wanted(vit__cpu_level level)
{
    const char *name = getenv("VIT_GEMM");
    if (name && (strcmp(name, "tiles") == 0 || strcmp(name, "onednn") == 0))
        return strcmp(name, "onednn") == 0;
    return level == VIT__CPU_AVX512_BF16 && vit__cpu_matrix_unit();
}

const vit__gemm *vit__gemm_choose(vit_precision precision, vit__cpu_level level, bool once)
{
    const vit__gemm *onednn = NULL;
    if (precision == VIT_PRECISION_INT8 && !once && onednn_wanted(level))
        onednn = vit__gemm_onednn(level);
    return onednn ? onednn : vit__gemm_tiles();
}
