/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this machine offers: the instructions of its processor, and how many processors a program may use.
 *
 * The processor and the environment are looked at once in a process, so that a host program may change its environment
 * while others work (setenv beside getenv is undefined). Features are flags, one bit for each. Code with variants has a
 * table of them, each row with the flags that it needs; the last row whose flags are all there is taken. To add an
 * instruction set: a flag and its detection here and in cpu.c, a row in vit__isas, and a row in each table that has a
 * variant for it (vit/linear/kernels.c, vit/linear/tiles.c, vit/preprocess/resize_kernels.c).
 */
#ifndef VIT_CPU_H
#define VIT_CPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* First those of x86-64, then those of 64-bit ARM. */
enum {
    VIT__CPU_AVX2 = 1 << 0,        /* with FMA */
    VIT__CPU_AVX512 = 1 << 1,      /* F, BW, DQ, VL */
    VIT__CPU_AVX512_VNNI = 1 << 2, /* products of bytes */
    VIT__CPU_AVX512_BF16 = 1 << 3, /* products of bfloat16 */
    VIT__CPU_FAST_BF16 = 1 << 4, /* these are faster than two float multiply-adds: on AMD's Zen 4 (234 GFLOP/s a core to
                                    * 115), not on Intel (Granite Rapids: 110 to 222) */
    VIT__CPU_AMX = 1 << 5, /* a matrix unit for bfloat16 and bytes, and an operating system that keeps its registers;
                            * a process that wants it must ask for it (vit__cpu_permitted) */
    VIT__CPU_AVX_VNNI = 1 << 6, /* products of bytes on processors without AVX-512 */
    VIT__CPU_NEON = 1 << 7,     /* vectors of 16 bytes */
    VIT__CPU_DOTPROD = 1 << 8,  /* products of bytes: SDOT */
    VIT__CPU_I8MM = 1 << 9,     /* products of small matrices of bytes: USMMLA */
    VIT__CPU_BF16 = 1 << 10,    /* products of small matrices of bfloat16: BFMMLA */
    VIT__CPU_AMX_IN_C = 1 << 11 /* what AMX computes, bit for bit, in plain C: on any processor, where VIT_CPU=amx asks
                                 * for a matrix unit that is not there */
};

/* A name for VIT_CPU, and all that may be used under it: "avx2" allows VIT__CPU_AVX2, "c" allows nothing. "amx" can be
 * had everywhere, by VIT__CPU_AMX_IN_C. */
typedef struct vit__isa {
    const char *name;
    unsigned flags;
} vit__isa;

/* From the least to the most. */
extern const vit__isa vit__isas[];
extern const size_t vit__isa_count;

typedef struct vit__cpu {
    unsigned flags; /* what the processor has, less what the environment variable VIT_CPU forbids */
} vit__cpu;

/* What the first call in this process found. Any thread may call it. */
const vit__cpu *vit__cpu_here(void);

/* The flags, without VIT__CPU_AMX if Linux refuses the matrix unit to this process. Where the flags have it, this asks
 * Linux for it, once in the process. The permission holds for all threads and for children, and it has a side effect:
 * alternate signal stacks of less than AT_MINSIGSTKSZ (about 12 KB) are refused to the process from then on. So ask
 * where the unit will be used. */
unsigned vit__cpu_permitted(unsigned flags);

/* Are all of these flags there? */
static inline bool vit__cpu_has(unsigned there, unsigned flags)
{
    return (there & flags) == flags;
}

/* Does a processor with these flags have all instructions that this name allows? How fast they are does not count. */
static inline bool vit__cpu_has_all(unsigned there, const vit__isa *isa)
{
    return vit__cpu_has(there | VIT__CPU_FAST_BF16 | VIT__CPU_AMX_IN_C, isa->flags);
}

/* Can such a processor run what this name asks for? It has all of it, or the rest is done in plain C. */
static inline bool vit__cpu_runs(unsigned there, const vit__isa *isa)
{
    return vit__cpu_has_all(there, isa) || (isa->flags & VIT__CPU_AMX_IN_C);
}

/* What may be used under this name on such a processor. */
static inline unsigned vit__cpu_allowed(unsigned there, const vit__isa *isa)
{
    return (there | VIT__CPU_AMX_IN_C) & isa->flags;
}

/* Rows of a table of variants that other architectures do not have. */
#if defined(__x86_64__)
#define VIT__ON_X86_64(...) __VA_ARGS__
#define VIT__ON_ARM_64(...)
#elif defined(__aarch64__)
#define VIT__ON_X86_64(...)
#define VIT__ON_ARM_64(...) __VA_ARGS__
#else
#define VIT__ON_X86_64(...)
#define VIT__ON_ARM_64(...)
#endif

/* How many threads are worth running: processors of the affinity mask, but no more than the CPU quota of the cgroup
 * (version 1 or 2) gives. At least 1. Reads files. */
unsigned vit__cpu_count(void);
/* The same for another thread of this process, which may have another affinity mask than the caller. */
unsigned vit__cpu_count_of(pthread_t thread);

#endif
