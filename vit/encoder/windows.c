/* SPDX-License-Identifier: BSD-2-Clause */
#include "windows.h"

#include <math.h>
#include <string.h>

#define PADDING SIZE_MAX

/* ------------------------------------------------------------------ places ---- */

/* Where row (or column) i of the turned and padded map comes from: a row of the map, or PADDING. */
static size_t source_of(size_t i, size_t side, size_t padded, size_t shift, bool turns_first)
{
    if (turns_first)
        return i < side ? (i + shift) % side : PADDING;
    size_t row = (i + shift) % padded;
    return row < side ? row : PADDING;
}

/* Row (or column) i of the turned and padded map: how many of the map's cuts lie before it. Tokens with a cut between
 * them came together by the turning alone. */
static uint32_t part_of(size_t i, size_t window, size_t padded, size_t shift)
{
    return shift ? (uint32_t)(i + window >= padded) + (uint32_t)(i + shift >= padded) : 0;
}

/* A window: the row and column of the turned map that its first token has. */
typedef struct corner {
    size_t y, x;
} corner;

static corner corner_of(const vit__windows *w, size_t index)
{
    size_t window = w->first + index;
    return (corner){window / w->map.across * w->map.window_height, window % w->map.across * w->map.window_width};
}

/* The token of the map that stands at a place of a window, or PADDING. */
static size_t token_at(const vit__windows *w, corner at, size_t place)
{
    const vit__map *m = &w->map;
    size_t y = source_of(at.y + place / m->window_width, m->height, m->down * m->window_height, m->shift_height,
                         w->turns_first);
    size_t x = source_of(at.x + place % m->window_width, m->width, m->across * m->window_width, m->shift_width,
                         w->turns_first);
    return y == PADDING || x == PADDING ? PADDING : y * m->width + x;
}

/* ------------------------------------------------------------------ taking and putting ---- */

typedef struct move_work {
    const vit__windows *windows;
    const vit__norm_weights *norm;
    const vit__kernels *kernels;
    const float *from;
    float *to;
    size_t row;
} move_work;

static void take_window(void *context, size_t index, unsigned thread)
{
    const move_work *work = context;
    size_t width = work->row, places = vit__map_window(&work->windows->map);
    corner at = corner_of(work->windows, index);
    float *row = work->to + index * places * width;
    (void)thread;
    for (size_t place = 0; place < places; place++, row += width) {
        size_t token = token_at(work->windows, at, place);
        if (token == PADDING)
            memset(row, 0, width * sizeof *row);
        else if (work->norm->weight)
            vit__norm_row(work->kernels, work->norm, width, work->from + token * width, row);
        else
            memcpy(row, work->from + token * width, width * sizeof *row);
    }
}

void vit__windows_take(const vit__windows *windows, const vit__norm_weights *norm, const float *x, float *rows,
                       const vit__workers *workers)
{
    move_work work = {windows, norm, workers->kernels, x, rows, windows->width};
    vit__pool_run(workers->pool, windows->n, take_window, &work);
}

static void put_window(void *context, size_t index, unsigned thread)
{
    const move_work *work = context;
    size_t places = vit__map_window(&work->windows->map);
    corner at = corner_of(work->windows, index);
    const float *row = work->from + index * places * work->row;
    (void)thread;
    for (size_t place = 0; place < places; place++, row += work->row) {
        size_t token = token_at(work->windows, at, place);
        if (token != PADDING)
            memcpy(work->to + token * work->row, row, work->row * sizeof *row);
    }
}

void vit__windows_put(const vit__windows *windows, const float *rows, size_t row, float *y, const vit__workers *workers)
{
    move_work work = {windows, NULL, workers->kernels, rows, y, row};
    vit__pool_run(workers->pool, windows->n, put_window, &work);
}

/* ------------------------------------------------------------------ attention ---- */

typedef struct window_work {
    const vit__windows *windows;
    const vit__workers *workers;
    float *qkv, *rows;
    size_t tasks; /* of a head: each takes some of the windows */
} window_work;

/* Queries and keys of one token. The eps keeps a row of zeros what it is. */
static void norm_token(void *context, size_t index, unsigned thread)
{
    const window_work *work = context;
    const vit__windows *w = work->windows;
    size_t d = w->head_dim, width = w->heads * d;
    float *q = work->qkv + index * 3 * width, *k = q + width;
    (void)thread;
    vit__norm_weights norm = {.weight = w->cosine, .eps = 1e-24f / (float)d, .kind = VIT__NORM_RMS};
    for (size_t head = 0; head < w->heads; head++)
        vit__norm_row(work->workers->kernels, &norm, d, k + head * d, k + head * d);
    for (size_t head = 0; head < w->heads; head++) {
        norm.weight = w->cosine + (1 + head) * d;
        vit__norm_row(work->workers->kernels, &norm, d, q + head * d, q + head * d);
    }
}

/* bias[queries][keys] of one head: from distances to pairs. */
static void spread_relative(const vit__map *m, const float *relative, float *bias)
{
    size_t h = m->window_height, w = m->window_width;
    for (size_t query = 0; query < h * w; query++)
        for (size_t y = 0; y < h; y++) {
            const float *entry = relative + (query / w + h - 1 - y) * (2 * w - 1) + query % w + w - 1;
            for (size_t x = 0; x < w; x++)
                *bias++ = entry[-(ptrdiff_t)x];
        }
}

/* Does the turned map have a cut inside this window? */
static bool is_cut(const vit__windows *w, corner at)
{
    const vit__map *m = &w->map;
    bool last_row = at.y + m->window_height == m->down * m->window_height;
    bool last_column = at.x + m->window_width == m->across * m->window_width;
    return (last_row && m->shift_height) || (last_column && m->shift_width);
}

static uint32_t part_at(const vit__windows *w, corner at, size_t place)
{
    const vit__map *m = &w->map;
    return part_of(at.y + place / m->window_width, m->window_height, m->down * m->window_height, m->shift_height) * 3 +
           part_of(at.x + place % m->window_width, m->window_width, m->across * m->window_width, m->shift_width);
}

/* masked = bias, and the strangers' share where a cut lies between query and key. The keys' parts lie in `parts`. */
static void mask_strangers(const vit__windows *w, corner at, const float *bias, float *masked, uint32_t *parts)
{
    size_t n = vit__map_window(&w->map);
    for (size_t i = 0; i < n; i++)
        parts[i] = part_at(w, at, i);
    for (size_t query = 0; query < n; query++, bias += n, masked += n)
        for (size_t key = 0; key < n; key++)
            masked[key] = bias[key] + (parts[key] == parts[query] ? 0.0f : w->strangers);
}

static size_t bias_floats(const vit__map *map)
{
    return vit__map_window(map) * vit__map_window(map);
}

size_t vit__windows_scratch(const vit__map *map, size_t head_dim)
{
    return 2 * bias_floats(map) + vit__map_window(map) + vit__core_scratch(vit__map_window(map), head_dim);
}

/* One head of one window, in runs of queries. */
static void attend_window(const window_work *work, const float *bias, size_t index, size_t head, float *scratch)
{
    const vit__windows *w = work->windows;
    size_t n = vit__map_window(&w->map), width = w->heads * w->head_dim;
    const float *q = work->qkv + index * n * 3 * width + head * w->head_dim;
    float *y = work->rows + index * n * width + head * w->head_dim;
    for (size_t first = 0; first < n; first += VIT__CORE_QUERIES) {
        vit__core_call core = {.numbers = w->numbers,
                               .q = q + first * 3 * width,
                               .k = q + width,
                               .v = q + 2 * width,
                               .stride = 3 * width,
                               .queries = n - first < VIT__CORE_QUERIES ? n - first : VIT__CORE_QUERIES,
                               .keys = n,
                               .head_dim = w->head_dim,
                               .scale = w->cosine ? 1 : 1.0f / sqrtf((float)w->head_dim),
                               .bias = bias + first * n,
                               .bias_row = n,
                               .y = y + first * width,
                               .y_stride = width};
        vit__core_attend(&core, work->workers->kernels, &work->workers->tiles, scratch);
    }
}

/* One head of some of the windows. */
static void attend_head(void *context, size_t index, unsigned thread)
{
    const window_work *work = context;
    const vit__windows *w = work->windows;
    size_t head = index / work->tasks, task = index % work->tasks;
    size_t entries = vit__window_entries((vit__window){w->map.window_height, w->map.window_width});
    float *bias = work->workers->scratch + thread * work->workers->scratch_size;
    float *masked = bias + bias_floats(&w->map), *parts = masked + bias_floats(&w->map);
    float *scratch = parts + vit__map_window(&w->map);
    spread_relative(&w->map, w->relative + head * entries, bias);
    for (size_t i = task * w->n / work->tasks; i < (task + 1) * w->n / work->tasks; i++) {
        corner at = corner_of(w, i);
        bool cut = is_cut(w, at);
        if (cut)
            mask_strangers(w, at, bias, masked, (uint32_t *)(void *)parts);
        attend_window(work, cut ? masked : bias, i, head, scratch);
    }
}

void vit__windows_attend(const vit__windows *windows, float *qkv, float *rows, const vit__workers *workers)
{
    size_t threads = vit__pool_threads(workers->pool);
    window_work work = {windows, workers, qkv, rows, threads < windows->n ? threads : windows->n};
    if (windows->cosine)
        vit__pool_run(workers->pool, windows->n * vit__map_window(&windows->map), norm_token, &work);
    vit__pool_run(workers->pool, windows->heads * work.tasks, attend_head, &work);
}
