/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One function of the table of tiles_amx_body.h, included twice by it, which defines
 *     TILE_FUNCTION                          the name to define
 *     TILE_MULTIPLY(sums, rows, weights)     the product of registers
 */
#define TILE_JOIN(a, b) a##_##b
#define TILE_NAME(a, b) TILE_JOIN(a, b)
#define TILE_STEP TILE_NAME(TILE_FUNCTION, step)
#define TILE_REST TILE_NAME(TILE_FUNCTION, rest)
#define TILE_BLOCK TILE_NAME(TILE_FUNCTION, block)
#define TILE_COVER TILE_NAME(TILE_FUNCTION, cover)

/* 16 words of the sums in registers 0 to 3. Strides in bytes. */
ALWAYS_INLINE void TILE_STEP(const char *a, size_t a_stride, const char *weights, bool two_rows, bool two_columns)
{
    const size_t w_stride = VIT__PANEL * sizeof(uint32_t);
    tile_load_passing(4, a, a_stride);
    tile_load_passing(6, weights, w_stride);
    TILE_MULTIPLY(0, 4, 6);
    if (two_columns) {
        tile_load_passing(7, weights + TILE_BYTES_MOST, w_stride);
        TILE_MULTIPLY(1, 4, 7);
    }
    if (two_rows) {
        tile_load_passing(5, a + TILE_ROWS_MOST * a_stride, a_stride);
        TILE_MULTIPLY(2, 5, 6);
    }
    if (two_rows && two_columns)
        TILE_MULTIPLY(3, 5, 7);
}

/* The words behind the last whole step, as a step whose other words are zeros. */
ALWAYS_INLINE void TILE_REST(const run *r, const block *b, bool two_rows, bool two_columns)
{
    const vit__tile_call *call = r->call;
    const uint32_t *a = (const uint32_t *)call->a + b->row * call->a_stride + r->steps * STEP_WORDS;
    for (size_t row = 0; row < b->rows; row++)
        memcpy(r->rest_rows + row * STEP_WORDS, a + row * call->a_stride, r->rest * sizeof *a);
    tile_memory_is_read();
    TILE_STEP((const char *)r->rest_rows, TILE_BYTES_MOST, (const char *)(r->rest_weights + b->column), two_rows,
              two_columns);
}

/* rows and columns that are two are constants after inlining. */
ALWAYS_INLINE void TILE_BLOCK(run *r, const block *b, bool two_rows, bool two_columns)
{
    const vit__tile_call *call = r->call;
    const size_t a_stride = call->a_stride * sizeof(uint32_t), w_step = STEP_WORDS * VIT__PANEL * sizeof(uint32_t),
                 out_stride = call->out_stride * sizeof(uint32_t);
    const char *a = (const char *)call->a + b->row * a_stride + b->step * TILE_BYTES_MOST;
    const char *weights = (const char *)((const uint32_t *)call->panel + b->column) + b->step * w_step;
    char *out = (char *)((uint32_t *)call->out + b->row * call->out_stride + b->column);
    const bool hands = call->take && b->last, goes_on = call->add || b->step > 0;
    r->target = hands ? (char *)r->turns[0] : out;
    r->stride = hands ? VIT__HANDED * sizeof(float) : out_stride;
    r->rows = b->rows;
    r->expected = 0;

#define TILE_BEGIN(wanted, sums, from)                                                                                 \
    if ((wanted) && goes_on)                                                                                           \
        tile_load(sums, from, out_stride);                                                                             \
    else if (wanted)                                                                                                   \
        tile_zero(sums);
    TILE_BEGIN(true, 0, out)
    TILE_BEGIN(two_columns, 1, out + TILE_BYTES_MOST)
    TILE_BEGIN(two_rows, 2, out + TILE_ROWS_MOST * out_stride)
    TILE_BEGIN(two_rows && two_columns, 3, out + TILE_ROWS_MOST * out_stride + TILE_BYTES_MOST)
#undef TILE_BEGIN

    for (size_t step = b->step; step < b->end; step++, a += TILE_BYTES_MOST, weights += w_step) {
        TILE_STEP(a, a_stride, weights, two_rows, two_columns);
        work_beside(r, b->end - step);
    }
    if (b->last && r->rest)
        TILE_REST(r, b, two_rows, two_columns);
    finish_beside(r);

    tile_store(0, r->target, r->stride);
    if (two_columns)
        tile_store(1, r->target + TILE_BYTES_MOST, r->stride);
    if (two_rows)
        tile_store(2, r->target + TILE_ROWS_MOST * r->stride, r->stride);
    if (two_rows && two_columns)
        tile_store(3, r->target + TILE_ROWS_MOST * r->stride + TILE_BYTES_MOST, r->stride);
    if (hands)
        begin_to_hand(r, b);
}

/* Rows first ... end - 1, which have one shape; columns outermost, so that neighbours share weights. */
static void TILE_COVER(run *r, size_t first, size_t end, size_t columns)
{
    block b = {.rows = vit__smaller(end - first, BLOCK_ROWS)};
    shape(b.rows);
    for (b.column = 0; b.column < columns; b.column += 2 * LANES)
        for (b.step = 0, b.last = false; !b.last; b.step = b.end) {
            b.end = vit__smaller(b.step + r->part_steps, r->steps);
            b.last = b.end == r->steps;
            for (b.row = first; b.row < end; b.row += BLOCK_ROWS) {
                const bool two_columns = columns - b.column > LANES;
                if (b.rows > TILE_ROWS_MOST && two_columns)
                    TILE_BLOCK(r, &b, true, true);
                else if (b.rows > TILE_ROWS_MOST)
                    TILE_BLOCK(r, &b, true, false);
                else if (two_columns)
                    TILE_BLOCK(r, &b, false, true);
                else
                    TILE_BLOCK(r, &b, false, false);
            }
        }
}

static void TILE_FUNCTION(const vit__tile_call *call)
{
    _Alignas(64) float turns[2][BLOCK_ROWS * VIT__HANDED];
    _Alignas(64) uint32_t rest_rows[BLOCK_ROWS * STEP_WORDS], rest_weights[STEP_WORDS * VIT__PANEL];
    size_t columns = call->columns ? call->columns : VIT__PANEL, tail = call->rows % BLOCK_ROWS;
    if (call->take) /* which gets whole blocks */
        columns = vit__round_up(columns, VIT__HANDED);
    run r = {.call = call,
             .steps = call->words / STEP_WORDS,
             .rest = call->words % STEP_WORDS,
             .turns = {turns[0], turns[1]},
             .rest_rows = rest_rows,
             .rest_weights = rest_weights,
             .next = call->next};
    r.part_steps = r.steps > STEPS_MOST ? PART_STEPS : vit__larger(r.steps, 1);
    r.handed = vit__larger(2, vit__divide_up(BLOCK_ROWS, vit__larger(r.steps, 1)));
    if (call->next && r.steps) {
        size_t blocks = vit__divide_up(call->rows, BLOCK_ROWS) * vit__divide_up(columns, VIT__HANDED);
        r.lines = vit__divide_up(call->next_bytes / LINE, blocks * r.steps);
    }
    if (r.rest) {
        const uint32_t *weights = (const uint32_t *)call->panel + r.steps * STEP_WORDS * VIT__PANEL;
        memset(rest_rows, 0, sizeof rest_rows);
        memset(rest_weights, 0, sizeof rest_weights);
        memcpy(rest_weights, weights, r.rest * VIT__PANEL * sizeof *weights);
    }
    if (tail)
        TILE_COVER(&r, call->rows - tail, call->rows, columns);
    if (call->rows > tail)
        TILE_COVER(&r, 0, call->rows - tail, columns);
    finish_beside(&r);
}

#undef TILE_JOIN
#undef TILE_NAME
#undef TILE_STEP
#undef TILE_REST
#undef TILE_BLOCK
#undef TILE_COVER
#undef TILE_FUNCTION
#undef TILE_MULTIPLY
