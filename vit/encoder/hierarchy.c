/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The encoder of "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows" (Liu et al. 2021, and 2022
 * for SwinV2), in network order:
 *
 *     pixels [3,height,width] -> patches [N,P] -> linear, norm, positions: x [T,C]
 *     each stage but the first: x [T/4,2C] = matrix of norm of each 2x2 tokens beside each other (SwinV2: norm of
 *     matrix)
 *     depth times: x += attention inside windows(norm1(x)); x += mlp(norm2(x))
 *                  (SwinV2: x += norm1(attention inside windows(x)); x += norm2(mlp(x)))
 *     final norm -> x [T,C] -> head
 *
 * Lanes that share an input share out the windows for attention, and the tokens for all else. They meet where one reads
 * what others wrote: behind attention, and behind each block. A lane takes some hundred rows at a time through
 * several steps, so that what is between two steps stays in its processor's cache.
 */
#include "hierarchy.h"

#include <string.h>

#include "attention.h"
#include "head.h"
#include "rows.h"
#include "size.h"
#include "windows.h"

#define CHUNK_ROWS 512 /* rows that a lane takes at a time, unless a window has more */

/* One stage of a pass, as a lane sees it. */
typedef struct stage {
    vit__lane *lane;
    const vit__stage *config;
    vit__map map;
    size_t tokens, width, attention; /* T, C, A: heads together */
    size_t first, own;               /* tokens that are the lane's */
    size_t chunk;                    /* rows at a time */
    float *x;                        /* [T, C] */
} stage;

/* ------------------------------------------------------------------ sizes ---- */

/* A back end that packs a layer for every call is called once for all rows. */
static size_t chunk_rows(const vit_model *model, const vit__map *map)
{
    size_t all = vit__map_padded(map);
    return model->gemm->undivided ? all : vit__smaller(all, vit__larger(CHUNK_ROWS, vit__map_window(map)));
}

static size_t patch_size(const vit_config *c)
{
    return c->channels * c->patch_height * c->patch_width;
}

typedef struct layer_need {
    const vit__gemm *gemm;
    size_t rows, operand, room, scratch;
} layer_need;

static void need_layer(vit__linear *linear, void *context)
{
    layer_need *need = context;
    if (!linear->outputs)
        return;
    need->operand = vit__larger(need->operand, need->rows * need->gemm->operand(linear));
    need->room = vit__larger(need->room, need->gemm->room ? need->gemm->room(linear) : 0);
    need->scratch = vit__larger(need->scratch, need->gemm->scratch(linear, need->rows));
}

/* Floats of the lane's `wide` for one row of a stage: what the step needs that needs most. */
static size_t wide_row(const vit_config *c, const vit__stage *s)
{
    size_t attention = s->heads * s->head_dim;
    size_t attend = vit__larger(s->width, attention) + 3 * attention, mlp = s->mlp_width + s->width;
    return vit__larger(vit__larger(attend, mlp), vit__larger(4 * s->width, patch_size(c)));
}

vit__hierarchy_need vit__hierarchy_needs(const vit_model *model)
{
    const vit_config *c = &model->config;
    vit__weights weights = model->weights; /* a copy of its pointers: the visit takes what may be changed */
    vit__hierarchy_need need = {0};
    layer_need layers = {.gemm = model->gemm, .rows = 1};
    vit__weights_each_linear(c, &weights, need_layer, &layers);
    for (size_t i = 0; i < c->stages.n; i++) {
        const vit__stage *s = &c->stages.stage[i];
        const vit__map map = vit__stages_map(c, i);
        layers.rows = chunk_rows(model, &map);
        if (i == 0)
            need_layer(&weights.patch, &layers);
        size_t first = vit__config_stage_first(c, i);
        for (vit__block_weights *w = weights.blocks + first; w < weights.blocks + first + s->depth; w++) {
            vit__linear *all[] = {&w->qkv, &w->projection, &w->fc1, &w->fc2, &w->merge};
            for (size_t k = 0; k < sizeof all / sizeof *all; k++)
                need_layer(all[k], &layers);
        }
        need.x[i % 2] = vit__larger(need.x[i % 2], vit__map_tokens(&map) * s->width);
        need.y = vit__larger(need.y, vit__map_tokens(&map) * s->heads * s->head_dim);
        need.wide = vit__larger(need.wide, layers.rows * wide_row(c, s));
        need.scratch = vit__larger(need.scratch, vit__windows_scratch(&map, s->head_dim));
    }
    need.operand = layers.operand + layers.room;
    need.scratch = vit__larger(need.scratch, layers.scratch);
    return need;
}

static stage enter(vit__lane *lane, size_t index)
{
    const vit_config *c = &lane->model->config;
    const vit__stage *s = &c->stages.stage[index];
    stage at = {.lane = lane, .config = s, .map = vit__stages_map(c, index), .width = s->width};
    at.tokens = vit__map_tokens(&at.map);
    at.attention = s->heads * s->head_dim;
    at.first = lane->part * at.tokens / lane->parts;
    at.own = (lane->part + 1) * at.tokens / lane->parts - at.first;
    at.chunk = chunk_rows(lane->model, &at.map);
    at.x = index % 2 ? lane->all.parallel : lane->all.x;
    return at;
}

/* y[rows, outputs] = epilogue(norm(x)[rows, inputs]), rows one behind the other */
static void linear(const stage *s, const vit__linear *layer, const vit__norm_weights *norm, const float *x, size_t rows,
                   vit__epilogue epilogue, float *y)
{
    epilogue.residual_row = layer->outputs;
    vit__gemm_call call = {.linear = layer,
                           .x = x,
                           .norm = norm,
                           .y = y,
                           .rows = rows,
                           .x_row = layer->inputs,
                           .y_row = layer->outputs,
                           .epilogue = epilogue};
    s->lane->model->gemm->apply(&call, &s->lane->workers);
}

/* The lane's tokens, some at a time: rows from `first` on. */
typedef void step(const stage *s, const vit__block_weights *w, size_t first, size_t rows);

static void each_chunk(const stage *s, step *take, const vit__block_weights *w)
{
    for (size_t done = 0; done < s->own; done += s->chunk)
        take(s, w, s->first + done, vit__smaller(s->chunk, s->own - done));
}

/* ------------------------------------------------------------------ into tokens ---- */

typedef struct gathering {
    const stage *to;
    const stage *from; /* the stage before; NULL: pixels */
    size_t first;
} gathering;

static void gather_patch(void *context, size_t index, unsigned thread)
{
    const gathering *g = context;
    const vit__lane *lane = g->to->lane;
    const vit_config *c = &lane->model->config;
    const vit__picture picture = {lane->input->pixels, c->image_height, c->image_width};
    (void)thread;
    vit__rows_patch(c, &picture, g->first + index, lane->wide + index * patch_size(c));
}

static void embed(const stage *s, const vit__block_weights *w, size_t first, size_t rows)
{
    const vit__weights *weights = &s->lane->model->weights;
    gathering g = {.to = s, .first = first};
    float *x = s->x + first * s->width;
    (void)w;
    vit__pool_run(s->lane->workers.pool, rows, gather_patch, &g);
    linear(s, &weights->patch, NULL, s->lane->wide, rows, (vit__epilogue){0}, x);
    vit__rows_norm(&s->lane->workers, &weights->patch_norm, rows, s->width, x, x);
    if (weights->positions)
        s->lane->workers.kernels->accumulate(weights->positions + first * s->width, rows * s->width, x);
}

/* The tokens (0,0), (1,0), (0,1), (1,1) of 2x2 beside each other, as row and column; zeros beyond the map's border. */
static void gather_four(void *context, size_t index, unsigned thread)
{
    const gathering *g = context;
    const vit__map *map = &g->from->map;
    size_t token = g->first + index, width = g->from->width;
    size_t y = 2 * (token / g->to->map.width), x = 2 * (token % g->to->map.width);
    float *out = g->to->lane->wide + index * 4 * width;
    (void)thread;
    for (size_t i = 0; i < 4; i++, out += width)
        if (y + i % 2 < map->height && x + i / 2 < map->width)
            memcpy(out, g->from->x + ((y + i % 2) * map->width + x + i / 2) * width, width * sizeof *out);
        else
            memset(out, 0, width * sizeof *out);
}

/* The merging between two stages, whose matrix is bound with the last block of the one or the first of the other. */
static void merge(const stage *from, const stage *to, const vit__block_weights *w)
{
    const vit_config *c = &to->lane->model->config;
    bool behind = c->stages.norm_after_merge;
    for (size_t done = 0; done < to->own; done += to->chunk) {
        size_t first = to->first + done, rows = vit__smaller(to->chunk, to->own - done);
        gathering g = {to, from, first};
        float *x = to->x + first * to->width;
        vit__pool_run(to->lane->workers.pool, rows, gather_four, &g);
        linear(to, &w->merge, behind ? NULL : &w->merge_norm, to->lane->wide, rows, (vit__epilogue){0}, x);
        if (behind)
            vit__rows_norm(&to->lane->workers, &w->merge_norm, rows, to->width, x, x);
    }
}

/* ------------------------------------------------------------------ blocks ---- */

static bool norms_branches(const stage *s)
{
    return s->lane->model->config.order == VIT__BLOCK_BRANCH_NORM;
}

/* y[T, A] = attention inside the lane's windows, before the output projection */
static void attend(const stage *s, const vit__block_weights *w, bool turned)
{
    static const vit__norm_weights none = {0};
    const vit_config *c = &s->lane->model->config;
    size_t places = vit__map_window(&s->map), all = s->map.down * s->map.across, at_a_time = s->chunk / places;
    size_t first = s->lane->part * all / s->lane->parts, end = (s->lane->part + 1) * all / s->lane->parts;
    float *rows = s->lane->wide, *qkv = rows + s->chunk * vit__larger(s->width, s->attention);
    vit__windows windows = {.map = s->map,
                            .turns_first = c->stages.turns_first,
                            .width = s->width,
                            .heads = s->config->heads,
                            .head_dim = s->config->head_dim,
                            .numbers = vit__attention_numbers(s->lane->model->precision, &s->lane->workers.tiles),
                            .relative = w->relative,
                            .cosine = w->cosine,
                            .strangers = (float)c->stages.strangers};
    if (!turned)
        windows.map.shift_height = windows.map.shift_width = 0;
    for (; first < end; first += at_a_time) {
        windows.first = first;
        windows.n = vit__smaller(at_a_time, end - first);
        vit__windows_take(&windows, norms_branches(s) ? &none : &w->norm1, s->x, rows, &s->lane->workers);
        linear(s, &w->qkv, NULL, rows, windows.n * places, (vit__epilogue){0}, qkv);
        vit__windows_attend(&windows, qkv, rows, &s->lane->workers);
        vit__windows_put(&windows, rows, s->attention, s->lane->all.y, &s->lane->workers);
    }
}

/* x += branch, normed where the model norms the branches */
static void add(const stage *s, const vit__norm_weights *norm, float *branch, size_t rows, float *x)
{
    vit__rows_norm(&s->lane->workers, norm, rows, s->width, branch, branch);
    vit__rows_add(&s->lane->workers, branch, NULL, rows, s->width, x);
}

/* x += projection(y); x += mlp(norm2(x)) */
static void finish(const stage *s, const vit__block_weights *w, size_t first, size_t rows)
{
    const float *y = s->lane->all.y + first * s->attention;
    float *x = s->x + first * s->width, *wide = s->lane->wide;
    const vit__epilogue act = {.activation = s->lane->model->config.activation}, more = {.residual = x};
    linear(s, &w->projection, NULL, y, rows, more, x);
    linear(s, &w->fc1, &w->norm2, x, rows, act, wide);
    linear(s, &w->fc2, NULL, wide, rows, more, x);
}

/* x += norm1(projection(y)); x += norm2(mlp(x)) */
static void finish_normed(const stage *s, const vit__block_weights *w, size_t first, size_t rows)
{
    const float *y = s->lane->all.y + first * s->attention;
    float *x = s->x + first * s->width, *wide = s->lane->wide, *branch = wide + rows * s->config->mlp_width;
    const vit__epilogue act = {.activation = s->lane->model->config.activation};
    linear(s, &w->projection, NULL, y, rows, (vit__epilogue){0}, branch);
    add(s, &w->norm1, branch, rows, x);
    linear(s, &w->fc1, NULL, x, rows, act, wide);
    linear(s, &w->fc2, NULL, wide, rows, (vit__epilogue){0}, branch);
    add(s, &w->norm2, branch, rows, x);
}

/* ------------------------------------------------------------------ the forward pass ---- */

/* Hands out the lane's tokens where they were asked for: 0 = input of the first block. */
static void emit_hidden(const stage *s, size_t layer)
{
    const vit__encoder_input *input = s->lane->input;
    size_t at = s->first * s->width;
    for (size_t i = 0; i < input->n_requests; i++)
        if (input->requests[i].output == VIT_OUTPUT_HIDDEN && input->requests[i].layer == layer)
            memcpy(input->requests[i].result + input->index * s->tokens * s->width + at, s->x + at,
                   s->own * s->width * sizeof *s->x);
}

/* The blocks of a stage; the first is block `index` of all. */
static void run_blocks(const stage *s, size_t index)
{
    const vit__block_weights *w = s->lane->model->weights.blocks + index;
    for (size_t i = 0; i < s->config->depth; i++, w++) {
        attend(s, w, i % 2 == 1);
        vit__lane_meet(s->lane);
        each_chunk(s, norms_branches(s) ? finish_normed : finish, w);
        emit_hidden(s, index + i + 1);
        vit__lane_meet(s->lane);
    }
}

void vit__hierarchy_run(vit__lane *lane)
{
    const vit_config *c = &lane->model->config;
    const vit__weights *weights = &lane->model->weights;
    stage at = enter(lane, 0);
    each_chunk(&at, embed, NULL);
    emit_hidden(&at, 0);
    vit__lane_meet(lane);
    for (size_t i = 0; i < c->stages.n; i++) {
        size_t first = vit__config_stage_first(c, i);
        if (i > 0) {
            const stage before = at;
            at = enter(lane, i);
            merge(&before, &at, &weights->blocks[first - c->stages.merging_ends]);
            vit__lane_meet(lane);
        }
        run_blocks(&at, first);
    }
    float *x = at.x + at.first * at.width;
    vit__rows_norm(&lane->workers, &weights->final_norm, at.own, at.width, x, x);
    lane->all.x = at.x;
    vit__lane_meet(lane);
    if (lane->leads)
        vit__head_run(lane);
}
