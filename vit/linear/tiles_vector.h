/* SPDX-License-Identifier: BSD-2-Clause */
/* What the vector variants of the tiles share; the tables they define. */
#ifndef VIT_TILES_VECTOR_H
#define VIT_TILES_VECTOR_H

#include "tiles.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Before a loop whose trip count is a small constant once inlined: its body must end up in registers. */
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/* Tables named after what multiplies bytes or bfloat16 have int8 or bf16 alone. */
extern const vit__tiles vit__tiles_avx2, vit__tiles_avx_vnni, vit__tiles_avx512, vit__tiles_avx512_vnni,
    vit__tiles_avx512_bf16, vit__tiles_amx, vit__tiles_amx_in_c;
extern const vit__tiles vit__tiles_neon, vit__tiles_neon_dotprod, vit__tiles_neon_i8mm, vit__tiles_neon_bf16;

#endif
