/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One function of a vit__tiles table, included once for each by tiles_*.c, which define
 *     vector, LANES, load, store, broadcast, zero    the instruction set's vector of 32-bit lanes
 *     TILE_FUNCTION                                  the name to define
 *     TILE_STEP(sum, a, w), TILE_ADD(x, y)           multiply a word and add; add
 *     TILE_ROWS, TILE_VECTORS                        the block of sums that fits the registers
 *
 * TILE_ROWS x TILE_VECTORS sums stay in registers over all words. A word of the panel is loaded once for TILE_ROWS
 * products, a word of a row once for TILE_VECTORS: loads stay well below what two load ports deliver, so the multiply
 * units are what bounds the loop.
 */
#define TILE_COLUMNS (TILE_VECTORS * LANES)

#define TILE_JOIN(a, b) a##_##b
#define TILE_NAME(a, b) TILE_JOIN(a, b)
#define TILE_BLOCK TILE_NAME(TILE_FUNCTION, block)
#define TILE_CHOOSE TILE_NAME(TILE_FUNCTION, choose)
#define TILE_FETCH TILE_NAME(TILE_FUNCTION, fetch)
#define TILE_PLACE TILE_NAME(TILE_FUNCTION, place)

typedef struct TILE_FETCH {
    const char *next; /* where what is read next is fetched from */
    size_t step;      /* bytes a word of the sum */
} TILE_FETCH;

typedef struct TILE_PLACE {
    size_t row, column;
} TILE_PLACE;

/* Rows are written out, not looped over: compilers keep only small arrays in registers. */
#define TILE_EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)

#define TILE_ZERO(i)                                                                                                   \
    vector sums##i[TILE_VECTORS];                                                                                      \
    UNROLL                                                                                                             \
    for (size_t j = 0; j < vectors; j++)                                                                               \
        sums##i[j] = zero();

#define TILE_MULTIPLY(i)                                                                                               \
    if (i < rows) {                                                                                                    \
        vector value = broadcast(a + i * call->a_stride + word);                                                       \
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

/* rows and vectors are constants after inlining; rows x vectors * LANES outputs. */
ALWAYS_INLINE void TILE_BLOCK(const vit__tile_call *call, TILE_PLACE place, size_t rows, size_t vectors,
                              TILE_FETCH fetch)
{
    size_t row = place.row, column = place.column;
    const uint32_t *a = (const uint32_t *)call->a + row * call->a_stride;
    const uint32_t *w = (const uint32_t *)call->panel + column;
    uint32_t *out = (uint32_t *)call->out + row * call->out_stride + column;
    TILE_EACH_ROW(TILE_ZERO)
    for (size_t word = 0; word < call->words; word++, w += VIT__PANEL) {
        vector weights[TILE_VECTORS];
        UNROLL
        for (size_t j = 0; j < vectors; j++)
            weights[j] = load(w + j * LANES);
        __builtin_prefetch(fetch.next, 0, 2);
        fetch.next += fetch.step;
        TILE_EACH_ROW(TILE_MULTIPLY)
    }
    TILE_EACH_ROW(TILE_STORE)
}

ALWAYS_INLINE void TILE_CHOOSE(const vit__tile_call *call, TILE_PLACE place, size_t vectors, TILE_FETCH fetch)
{
    switch (call->rows - place.row) {
    case 1:
        TILE_BLOCK(call, place, 1, vectors, fetch);
        break;
    case 2:
        TILE_BLOCK(call, place, 2, vectors, fetch);
        break;
    case 3:
        TILE_BLOCK(call, place, 3, vectors, fetch);
        break;
#if TILE_ROWS > 4
    case 4:
        TILE_BLOCK(call, place, 4, vectors, fetch);
        break;
    case 5:
        TILE_BLOCK(call, place, 5, vectors, fetch);
        break;
#endif
    default:
        TILE_BLOCK(call, place, TILE_ROWS, vectors, fetch);
    }
}

static void TILE_FUNCTION(const vit__tile_call *call)
{
    size_t columns = call->columns ? call->columns : VIT__PANEL;
    size_t steps = (call->rows + TILE_ROWS - 1) / TILE_ROWS * ((columns + TILE_COLUMNS - 1) / TILE_COLUMNS) *
                   call->words;
    TILE_FETCH fetch = {call->next ? call->next : (const char *)call->panel, 0};
    if (call->next)
        fetch.step = (call->next_bytes + steps - 1) / steps;
    for (size_t column = 0; column < columns; column += TILE_COLUMNS)
        for (size_t row = 0; row < call->rows; row += TILE_ROWS, fetch.next += fetch.step * call->words) {
            TILE_PLACE place = {row, column};
            if (columns - column > LANES)
                TILE_CHOOSE(call, place, TILE_VECTORS, fetch);
            else
                TILE_CHOOSE(call, place, 1, fetch);
        }
}

#undef TILE_COLUMNS
#undef TILE_EACH_ROW
#undef TILE_ZERO
#undef TILE_MULTIPLY
#undef TILE_STORE
#undef TILE_JOIN
#undef TILE_NAME
#undef TILE_BLOCK
#undef TILE_CHOOSE
#undef TILE_FETCH
#undef TILE_PLACE
#undef TILE_FUNCTION
#undef TILE_STEP
#undef TILE_ADD
#undef TILE_ROWS
#undef TILE_VECTORS
