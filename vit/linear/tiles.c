/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tiles in portable C, always there: vectors of 16 bytes as GCC and Clang know them on every processor,
 * which are SSE2 registers on x86-64 and NEON registers on ARM. And the choice between the variants.
 */
#include "tiles.h"

#include <string.h>

#include "tiles_vector.h"

#define LANES 4
typedef float vector __attribute__((vector_size(16)));
typedef int32_t words __attribute__((vector_size(16)));
typedef int16_t halves __attribute__((vector_size(16)));

ALWAYS_INLINE vector zero(void)
{
    return (vector){0};
}

ALWAYS_INLINE vector load(const uint32_t *from)
{
    vector x;
    memcpy(&x, from, sizeof x);
    return x;
}

ALWAYS_INLINE void store(uint32_t *to, vector x)
{
    memcpy(to, &x, sizeof x);
}

ALWAYS_INLINE vector broadcast(const uint32_t *from)
{
    int32_t x = (int32_t)*from;
    return (vector)(words){x, x, x, x};
}

ALWAYS_INLINE vector add_f32(vector x, vector y)
{
    return x + y;
}

ALWAYS_INLINE vector add_int32(vector x, vector y)
{
    return (vector)((words)x + (words)y);
}

ALWAYS_INLINE vector step_f32(vector sum, vector a, vector w)
{
    return sum + a * w;
}

/* A bfloat16 is the upper half of a float. */
ALWAYS_INLINE vector step_bf16(vector sum, vector a, vector w)
{
    sum += (vector)((words)a << 16) * (vector)((words)w << 16);
    return sum + (vector)((words)a & -65536) * (vector)((words)w & -65536);
}

/* Even and odd bytes apart, as 16-bit numbers. A product of an
 * unsigned and a signed byte, 255 * -128 at most, fits 16 bits. */
ALWAYS_INLINE vector step_int8(vector sum, vector a, vector w)
{
    halves even = ((halves)a & 255) * ((halves)w << 8 >> 8), odd = ((halves)a >> 8 & 255) * ((halves)w >> 8);
    words lower = ((words)even << 16 >> 16) + ((words)odd << 16 >> 16),
          upper = ((words)even >> 16) + ((words)odd >> 16);
    return (vector)((words)sum + lower + upper);
}

#define TILE_FUNCTION multiply_f32
#define TILE_STEP step_f32
#define TILE_ADD add_f32
#define TILE_ROWS 6
#define TILE_VECTORS 2
#include "tiles_body.h"

#define TILE_FUNCTION multiply_bf16
#define TILE_STEP step_bf16
#define TILE_ADD add_f32
#define TILE_ROWS 4
#define TILE_VECTORS 2
#include "tiles_body.h"

#define TILE_FUNCTION multiply_int8
#define TILE_STEP step_int8
#define TILE_ADD add_int32
#define TILE_ROWS 4
#define TILE_VECTORS 2
#include "tiles_body.h"

static const vit__tiles tiles_c = {.f32 = {.name = "c", .multiply = multiply_f32},
                                   .bf16 = {.name = "c", .multiply = multiply_bf16},
                                   .int8 = {.name = "c", .multiply = multiply_int8}};

/* A row fills in what its table has. */
static const struct {
    unsigned flags;
    const vit__tiles *tiles;
} variants[] = {{0, &tiles_c},
                VIT__ON_X86_64({VIT__CPU_AVX2, &vit__tiles_avx2}, {VIT__CPU_AVX_VNNI, &vit__tiles_avx_vnni},
                               {VIT__CPU_AVX512, &vit__tiles_avx512}, {VIT__CPU_AVX512_VNNI, &vit__tiles_avx512_vnni},
                               {VIT__CPU_AVX512_BF16 | VIT__CPU_FAST_BF16, &vit__tiles_avx512_bf16},
                               {VIT__CPU_AMX_IN_C, &vit__tiles_amx_in_c}, {VIT__CPU_AMX, &vit__tiles_amx})
                    VIT__ON_ARM_64({VIT__CPU_NEON, &vit__tiles_neon}, {VIT__CPU_DOTPROD, &vit__tiles_neon_dotprod},
                                   {VIT__CPU_I8MM, &vit__tiles_neon_i8mm}, {VIT__CPU_BF16, &vit__tiles_neon_bf16})};

static void fill_in(vit__tiles *tiles, const vit__tiles *from)
{
    const vit__multiplier *const source[] = {&from->f32, &from->bf16, &from->int8};
    vit__multiplier *const target[] = {&tiles->f32, &tiles->bf16, &tiles->int8};
    for (size_t i = 0; i < sizeof source / sizeof *source; i++)
        if (source[i]->multiply)
            *target[i] = *source[i];
    if (from->leave)
        tiles->leave = from->leave;
}

vit__tiles vit__tiles_get(unsigned flags)
{
    vit__tiles tiles = {0};
    const unsigned permitted = vit__cpu_permitted(flags);
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (vit__cpu_has(permitted, variants[i].flags))
            fill_in(&tiles, variants[i].tiles);
    return tiles;
}
