/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block of a function of the tiles, included by tiles_body.h: some rows by some vectors of columns. One word of a
 * row is broadcast to all lanes. Where TILE_LANE_STEP is defined, four words of a row are loaded at once, and each is
 * taken from its lane.
 */
/* Rows are written out, not looped over: compilers keep only small arrays in registers. */
#define TILE_EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

#define TILE_ZERO(i)                                                                                                   \
    vector sums##i[TILE_VECTORS];                                                                                      \
    UNROLL                                                                                                             \
    for (size_t j = 0; j < vectors; j++)                                                                               \
        sums##i[j] = starts ? starts[j] : zero();

#define TILE_MULTIPLY(i)                                                                                               \
    if (i < rows) {                                                                                                    \
        vector value = TILE_VALUE(broadcast(a + i * call->a_stride + word));                                           \
        UNROLL                                                                                                         \
        for (size_t j = 0; j < vectors; j++)                                                                           \
            sums##i[j] = TILE_STEP(sums##i[j], value, weights[j]);                                                     \
    }

#define TILE_STORE(i)                                                                                                  \
    if (i < rows) {                                                                                                    \
        uint32_t *to = out + i * call->out_stride;                                                                     \
        UNROLL                                                                                                         \
        for (size_t j = 0; j < vectors; j++)                                                                           \
            store(to + j * LANES, call->add ? TILE_ADD(load(to + j * LANES), sums##i[j]) : sums##i[j]);                \
    }

#define TILE_TAKE_WEIGHTS(from)                                                                                        \
    vector weights[TILE_VECTORS];                                                                                      \
    UNROLL                                                                                                             \
    for (size_t j = 0; j < vectors; j++)                                                                               \
        weights[j] = TILE_WEIGHTS(load((from) + j * LANES));

#ifdef TILE_AHEAD
/* Weights that come from the second-level cache: into the first one before their turn. */
#define TILE_LOOK_AHEAD(from)                                                                                          \
    UNROLL                                                                                                             \
    for (size_t j = 0; j < vectors; j++)                                                                               \
        __builtin_prefetch((from) + TILE_AHEAD * VIT__PANEL + j * LANES, 0, 3);
#else
#define TILE_LOOK_AHEAD(from)
#endif

#ifdef TILE_LANE_STEP
#define TILE_TAKE_FOUR(i)                                                                                              \
    const vector four##i = i < rows ? TILE_VALUE(whole(load(a + i * call->a_stride + word))) : zero();
#define TILE_LANE(i, lane)                                                                                             \
    if (i < rows)                                                                                                      \
        sums##i[j] = TILE_LANE_STEP(sums##i[j], four##i, weights, lane);
#define TILE_LANE_0(i) TILE_LANE(i, 0)
#define TILE_LANE_1(i) TILE_LANE(i, 1)
#define TILE_LANE_2(i) TILE_LANE(i, 2)
#define TILE_LANE_3(i) TILE_LANE(i, 3)
/* Weights one by one: all registers but two have sums and words of rows. */
#define TILE_WORD(lane)                                                                                                \
    UNROLL                                                                                                             \
    for (size_t j = 0; j < vectors; j++) {                                                                             \
        const vector weights = TILE_WEIGHTS(load(w + lane * VIT__PANEL + j * LANES));                                  \
        TILE_EACH_ROW(TILE_LANE_##lane)                                                                                \
    }
#endif

/* rows and vectors are constants after inlining; rows x vectors * LANES outputs. */
ALWAYS_INLINE void TILE_BLOCK(const vit__tile_call *call, TILE_PLACE place, size_t rows, size_t vectors,
                              TILE_FETCH fetch, const vector *starts)
{
    size_t row = place.row, column = place.column, word = 0;
    const uint32_t *a = (const uint32_t *)call->a + row * call->a_stride;
    const uint32_t *w = (const uint32_t *)call->panel + column;
    uint32_t *out = (uint32_t *)call->out + row * call->out_stride + column;
    TILE_EACH_ROW(TILE_ZERO)
#ifdef TILE_LANE_STEP
    for (; word + 4 <= call->words; word += 4, w += (size_t)4 * VIT__PANEL) {
        TILE_EACH_ROW(TILE_TAKE_FOUR)
        __builtin_prefetch(fetch.next, 0, 2);
        fetch.next += 4 * fetch.step;
        TILE_WORD(0)
        TILE_WORD(1)
        TILE_WORD(2)
        TILE_WORD(3)
    }
#endif
    for (; word < call->words; word++, w += VIT__PANEL) {
        TILE_TAKE_WEIGHTS(w)
        __builtin_prefetch(fetch.next, 0, 2);
        TILE_LOOK_AHEAD(w)
        fetch.next += fetch.step;
        TILE_EACH_ROW(TILE_MULTIPLY)
    }
    TILE_EACH_ROW(TILE_STORE)
}

#undef TILE_EACH_ROW
#undef TILE_ZERO
#undef TILE_MULTIPLY
#undef TILE_STORE
#undef TILE_TAKE_WEIGHTS
#undef TILE_LOOK_AHEAD
#ifdef TILE_LANE_STEP
#undef TILE_TAKE_FOUR
#undef TILE_LANE
#undef TILE_LANE_0
#undef TILE_LANE_1
#undef TILE_LANE_2
#undef TILE_LANE_3
#undef TILE_WORD
#undef TILE_LANE_STEP
#endif
