/* SPDX-License-Identifier: BSD-2-Clause */
#include "gemm.h"

#include <stdlib.h>
#include <string.h>

/* NULL: nothing, or what cannot be had. */
static const vit__gemm *asked_for(const char *name, vit_precision precision, vit__cpu_level level)
{
    if (strcmp(name, "tiles") == 0)
        return vit__gemm_tiles();
    if (strcmp(name, "openblas") == 0)
        return precision == VIT_PRECISION_F32 ? vit__gemm_openblas() : NULL;
    return strcmp(name, "onednn") == 0 ? vit__gemm_onednn(precision, level) : NULL;
}

const vit__gemm *vit__gemm_choose(vit_precision precision, vit__cpu_level level, bool once)
{
    const char *name = getenv("VIT_GEMM");
    bool onednn_pays = !once && precision != VIT_PRECISION_F32 && vit__cpu_matrix_unit();
    const vit__gemm *gemm = name && !(once && strcmp(name, "onednn") == 0) ? asked_for(name, precision, level) : NULL;
    if (!gemm && precision == VIT_PRECISION_F32 && level == VIT__CPU_C)
        gemm = vit__gemm_openblas();
    if (!gemm && onednn_pays && level == VIT__CPU_AVX512_BF16)
        gemm = vit__gemm_onednn(precision, level);
    return gemm ? gemm : vit__gemm_tiles();
}
