/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block of a function of the tiles, included by tiles_body.h where an instruction multiplies small matrices: two
 * words of two rows by two words of two columns are four sums of one register. `TILE_PAIR_STEP(sums, rows, columns)`
 * does so. Two columns with two words each are made of two rows of the panel by zipping their words.
 * An odd word at the end is followed by zeros; an odd row stands twice, and is stored once.
 */
#define TILE_EACH_PAIR(DO) DO(0) DO(1) DO(2)

#define TILE_ZERO(i)                                                                                                   \
    vector sums##i[2 * TILE_VECTORS];                                                                                  \
    UNROLL                                                                                                             \
    for (size_t j = 0; j < 2 * vectors; j++)                                                                           \
        sums##i[j] = zero();

/* Two words of rows 2i and 2i + 1. */
#define TILE_TAKE_PAIR(i)                                                                                              \
    const uint32_t *row##i = a + (2 * i < rows ? 2 * i * call->a_stride + word : 0);                                   \
    const vector pair##i = TILE_LOAD_PAIR(row##i, 2 * i + 1 < rows ? row##i + call->a_stride : row##i);

#define TILE_MULTIPLY(i)                                                                                               \
    if (2 * i < rows) {                                                                                                \
        sums##i[2 * j] = TILE_PAIR_STEP(sums##i[2 * j], pair##i, left);                                                \
        sums##i[2 * j + 1] = TILE_PAIR_STEP(sums##i[2 * j + 1], pair##i, right);                                       \
    }

#define TILE_STORE_ROW(i, number, sums_of_row)                                                                         \
    if (number < rows) {                                                                                               \
        uint32_t *to = out + (number)*call->out_stride + j * LANES;                                                    \
        store(to, call->add ? TILE_ADD(load(to), sums_of_row) : sums_of_row);                                          \
    }

#define TILE_STORE(i)                                                                                                  \
    UNROLL                                                                                                             \
    for (size_t j = 0; j < vectors; j++) {                                                                             \
        TILE_STORE_ROW(i, 2 * i, first_halves(sums##i[2 * j], sums##i[2 * j + 1]))                                     \
        TILE_STORE_ROW(i, 2 * i + 1, second_halves(sums##i[2 * j], sums##i[2 * j + 1]))                                \
    }

#define TILE_TWO_WORDS(second_row)                                                                                     \
    {                                                                                                                  \
        TILE_EACH_PAIR(TILE_TAKE_PAIR)                                                                                 \
        UNROLL                                                                                                         \
        for (size_t j = 0; j < vectors; j++) {                                                                         \
            const vector first = load(w + j * LANES), second = second_row;                                             \
            const vector left = zip_first(first, second), right = zip_second(first, second);                           \
            TILE_EACH_PAIR(TILE_MULTIPLY)                                                                              \
        }                                                                                                              \
    }

/* rows and vectors are constants after inlining; rows x vectors * LANES outputs. */
ALWAYS_INLINE void TILE_BLOCK(const vit__tile_call *call, TILE_PLACE place, size_t rows, size_t vectors,
                              TILE_FETCH fetch, const vector *starts)
{
    (void)starts;
    size_t row = place.row, column = place.column, word = 0;
    const uint32_t *a = (const uint32_t *)call->a + row * call->a_stride;
    const uint32_t *w = (const uint32_t *)call->panel + column;
    uint32_t *out = (uint32_t *)call->out + row * call->out_stride + column;
    TILE_EACH_PAIR(TILE_ZERO)
#define TILE_LOAD_PAIR load_two_words
    for (; word + 2 <= call->words; word += 2, w += (size_t)2 * VIT__PANEL) {
        __builtin_prefetch(fetch.next, 0, 2);
        fetch.next += 2 * fetch.step;
        TILE_TWO_WORDS(load(w + VIT__PANEL + j * LANES))
    }
#undef TILE_LOAD_PAIR
#define TILE_LOAD_PAIR load_one_word
    if (word < call->words)
        TILE_TWO_WORDS(zero())
#undef TILE_LOAD_PAIR
    TILE_EACH_PAIR(TILE_STORE)
}

#undef TILE_EACH_PAIR
#undef TILE_ZERO
#undef TILE_TAKE_PAIR
#undef TILE_MULTIPLY
#undef TILE_STORE_ROW
#undef TILE_STORE
#undef TILE_TWO_WORDS
#undef TILE_PAIR_STEP
