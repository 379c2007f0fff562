/* SPDX-License-Identifier: BSD-2-Clause */
/* What this machine offers: instruction sets and processors. */
#ifndef VIT_CPU_H
#define VIT_CPU_H

#include <stdbool.h>

/* Each level includes those before it. */
typedef enum vit__cpu_level {
    VIT__CPU_C,
    VIT__CPU_AVX2,        /* with FMA */
    VIT__CPU_AVX512,      /* F, BW, DQ, VL */
    VIT__CPU_AVX512_VNNI, /* int8 products */
    VIT__CPU_AVX512_BF16  /* bfloat16 products */
} vit__cpu_level;

/* A matrix unit (AMX) that multiplies bfloat16 and bytes, and an operating system that keeps its registers. */
bool vit__cpu_matrix_unit(void);

/* Whether the instruction that multiplies bfloat16 (vdpbf16ps) is faster than two float multiply-adds. On AMD's Zen 4 it is
 * (234 GFLOP/s a core against 115); on Intel it is not (110 against 222 on Granite Rapids). */
bool vit__cpu_bf16_pays(void);

/* The highest level the processor runs, or a lower one if the environment variable VIT_CPU ("c", "avx2", "avx512",
 * "avx512_vnni", "avx512_bf16") asks for it. */
vit__cpu_level vit__cpu_detect(void);

/* Threads worth running: the affinity mask, cut by the cgroup CPU quota (version 1 or 2). At least 1. */
unsigned vit__cpu_count(void);

#endif
