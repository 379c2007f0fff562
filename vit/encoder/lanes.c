/* SPDX-License-Identifier: BSD-2-Clause */
#include "lanes.h"

#include <stdlib.h>

#include "attention.h"
#include "clock.h"
#include "error.h"
#include "head.h"
#include "hierarchy.h"
#include "limit.h"
#include "memory.h"
#include "outputs.h"
#include "panel.h"
#include "places.h"
#include "position.h"
#include "size.h"
#include "trusted.h"

/* Fewest tokens of a lane: with less, its reading of all weights would count for more than its multiplying. */
#define LANE_TOKENS 12
/* How often the processors are counted, which reads files: 0.05 milliseconds. */
#define LOOK_SECONDS 1.0

/* ------------------------------------------------------------------ memory ---- */

/* Floats that any layer of the model needs: scratch of a thread, and operand memory of a token. */
typedef struct layer_need {
    const vit__gemm *gemm;
    size_t rows, scratch, operand, room;
} layer_need;

static void need_memory(vit__linear *linear, void *context)
{
    layer_need *need = context;
    need->scratch = vit__larger(need->scratch, need->gemm->scratch(linear, need->rows));
    need->operand = vit__larger(need->operand, need->gemm->operand(linear));
    if (need->gemm->room)
        need->room = vit__larger(need->room, need->gemm->room(linear));
}

static layer_need layer_needs(const vit_model *model)
{
    if (model->config.stages.n) {
        const vit__hierarchy_need stages = vit__hierarchy_needs(model);
        return (layer_need){.scratch = vit__round_up(stages.scratch, 16), .operand = vit__round_up(stages.operand, 16)};
    }
    size_t tokens = vit__config_tokens(&model->config);
    size_t scratch = vit__larger(vit__attention_scratch(tokens, model->config.head_dim),
                                 vit__larger(vit__pool_scratch(&model->config), vit__position_scratch(&model->config)));
    layer_need need = {model->gemm, tokens, scratch, 0, 0};
    vit__weights weights = model->weights; /* a copy of its pointers: the visit takes what may be changed */
    vit__weights_each_linear(&model->config, &weights, need_memory, &need);
    need.scratch = vit__round_up(need.scratch, 16); /* whole cache lines, so that threads share none */
    need.operand = vit__round_up(need.operand, 16);
    return need;
}

/* The regions of an input's memory, in floats. vit__config_finish bounds the sizes, so that sums cannot overflow. */
typedef struct regions {
    size_t operand, x, y, wide, parallel, difference, pooled, features, spare;
} regions;

/* Floats of lane->qkv for a token: those of the blocks' attention, or of an attention pool. */
static size_t qkv_row(const vit_config *c)
{
    return vit__larger(3 * vit__config_attention_width(c), 2 * vit__larger(c->width, vit__config_pool_width(c)));
}

/* Floats of lane->wide for a token. */
static size_t wide_row(const vit_config *c)
{
    size_t fc1 = c->mlp == VIT__MLP_GATED ? 2 * c->mlp_width : c->mlp_width;
    size_t patch = c->input == VIT__INPUT_PIXELS ? c->channels * c->patch_height * c->patch_width : 0;
    return vit__larger(vit__larger(fc1, patch), vit__larger(qkv_row(c), c->transformation_width));
}

/* Floats of one vector on its way to the embedding. */
static size_t vector_room(const vit_config *c)
{
    size_t most = vit__larger(vit__larger(2 * c->width, vit__config_pool_width(c)), c->transformation_width);
    for (size_t i = 0; i < VIT__LIMIT_DENSE_LAYERS; i++)
        most = vit__larger(most, c->dense[i].width);
    return most;
}

/* For an encoder with stages: each lane has an `operand` and a `wide` of its own, for some rows at a time. */
static regions staged_regions(const vit_model *model, const vit__lanes *lanes)
{
    const vit_config *c = &model->config;
    const vit__hierarchy_need need = vit__hierarchy_needs(model);
    return (regions){
        .operand = lanes->n * lanes->operand_row,
        .x = vit__round_up(need.x[0], 16),
        .y = vit__round_up(need.y, 16),
        .wide = lanes->n * lanes->wide_row,
        .parallel = need.x[1],
        .pooled = vector_room(c),
        .spare = vit__larger(vector_room(c), c->classes),
    };
}

static regions input_regions(const vit_model *model, const vit__lanes *lanes)
{
    const vit_config *c = &model->config;
    if (c->stages.n)
        return staged_regions(model, lanes);
    size_t tokens = vit__config_tokens(c), attention = vit__config_attention_width(c);
    return (regions){
        .operand = tokens * lanes->operand_row + lanes->n * lanes->room,
        .x = tokens * c->width,
        .y = vit__larger(tokens * vit__larger(c->width, attention), vit__config_pool_width(c)),
        .wide = tokens * lanes->wide_row,
        .parallel = c->order == VIT__BLOCK_PARALLEL || c->order == VIT__BLOCK_BRANCHES ? tokens * c->width : 0,
        .difference = c->attention == VIT__ATTENTION_DIFFERENTIAL ? tokens * attention : 0,
        .pooled = vector_room(c),
        .features = c->head_input ? vit__output_head_inputs(c) : 0,
        .spare = vit__larger(vit__larger(vector_room(c), c->classes), c->pool_mlp_width),
    };
}

static size_t input_floats(const regions *r)
{
    return r->operand + r->x + r->y + r->wide + r->parallel + r->difference + r->pooled + r->features + r->spare;
}

static vit__lane_memory lay_out(const regions *r, float *next)
{
    vit__lane_memory memory = {.operand = next};
    memory.x = next += r->operand;
    memory.y = next += r->x;
    memory.wide = next += r->y;
    memory.parallel = next += r->wide;
    memory.difference = next += r->parallel;
    memory.pooled = next += r->difference;
    memory.features = next += r->pooled;
    memory.spare = next + r->features;
    return memory;
}

static vit_status allocate(const vit_model *model, vit__lanes *lanes, size_t scratch, vit_error *err)
{
    regions r = input_regions(model, lanes);
    size_t floats = input_floats(&r), threads = 0, inputs, scratches, total;
    size_t qkv = lanes->n > 1 && !model->config.stages.n ? vit__config_tokens(&model->config) * qkv_row(&model->config)
                                                         : 0;
    for (size_t i = 0; i < lanes->n; i++)
        threads += vit__pool_threads(lanes->crews[i]);
    if (!vit__multiply(floats, lanes->slots, &inputs) || !vit__multiply(scratch, threads, &scratches) ||
        !vit__add(inputs, scratches, &total) || !vit__add(total, 2 * qkv, &total))
        return vit__fail(err, VIT_ERR_TOO_LARGE, model->path, "%zu inputs at once do not fit in memory", lanes->slots);
    lanes->arena = vit__alloc_aligned(total, sizeof(float));
    if (!lanes->arena)
        return vit__fail(err, VIT_ERR_OUT_OF_MEMORY, model->path,
                         "%zu inputs at once need %zu MiB, more memory than there is", lanes->slots, total / 262144);
    float *next = lanes->arena;
    for (size_t i = 0; i < lanes->n; i++) {
        lanes->lanes[i].workers.scratch = next;
        next += vit__pool_threads(lanes->crews[i]) * scratch;
    }
    for (size_t i = 0; i < lanes->slots; i++, next += floats)
        lanes->memory[i] = lay_out(&r, next);
    lanes->qkv[0] = next;
    lanes->qkv[1] = next + qkv;
    return VIT_OK;
}

/* ------------------------------------------------------------------ threads ---- */

/* A matrix unit multiplies sooner than weights come from memory. So threads that have one input share out a layer's
 * outputs, and with them its weights, which is what the threads of one lane do, and not the input's tokens. */
static bool shares_weights(const vit_model *model, const vit__tiles *tiles, size_t max_batch)
{
    return max_batch == 1 && vit__panel_multiplier(tiles, model->precision)->hands_out;
}

/* As many lanes as threads, if a lane's share of an input is worth a thread. */
static size_t lane_count(const vit_model *model, const vit__tiles *tiles, unsigned threads, size_t max_batch)
{
    bool one = model->gemm->undivided || shares_weights(model, tiles, max_batch);
    size_t most = one ? 1 : vit__config_tokens(&model->config) / LANE_TOKENS;
    return vit__larger(vit__smaller(threads, most), 1);
}

static vit_status start(vit__lanes *lanes, unsigned threads, vit_error *err)
{
    vit_status status = vit__pool_create((unsigned)lanes->n, &lanes->pool, err);
    for (size_t i = 0; status == VIT_OK && i < lanes->n; i++)
        status = vit__pool_create(threads / (unsigned)lanes->n + (i < threads % lanes->n), &lanes->crews[i], err);
    if (status != VIT_OK)
        return status;
    lanes->sharing = lanes->n;
    lanes->processors = vit__pool_processors(lanes->pool);
    lanes->looked = vit__seconds();
    return VIT_OK;
}

vit_status vit__lanes_create(const vit_model *model, unsigned threads, size_t max_batch, vit__lanes *lanes,
                             vit_error *err)
{
    /* No matrix unit multiplies f32: the system need not be asked for one. */
    const unsigned flags = vit__trusted_flags(model->precision != VIT_PRECISION_F32);
    const vit__tiles tiles = vit__tiles_get(flags);
    layer_need need = layer_needs(model);
    lanes->n = lane_count(model, &tiles, threads, max_batch);
    lanes->slots = vit__smaller(max_batch, lanes->n);
    lanes->operand_row = need.operand;
    lanes->room = need.room;
    lanes->wide_row = model->config.stages.n ? vit__round_up(vit__hierarchy_needs(model).wide, 16)
                                             : wide_row(&model->config);
    lanes->crews = vit__alloc_zero(lanes->n, sizeof *lanes->crews);
    lanes->lanes = vit__alloc_zero(lanes->n, sizeof *lanes->lanes);
    lanes->memory = vit__alloc_zero(lanes->slots, sizeof *lanes->memory);
    lanes->meeting = vit__barrier_create((unsigned)lanes->n);
    size_t context = model->config.input == VIT__INPUT_TOKENS ? vit__config_tokens(&model->config) : 0;
    bool hides = model->config.class_behind;
    lanes->places = context ? vit__alloc(lanes->n * context, sizeof *lanes->places) : NULL;
    lanes->hidden = hides ? vit__alloc(lanes->n * context, sizeof *lanes->hidden) : NULL;
    if (!lanes->crews || !lanes->lanes || !lanes->memory || !lanes->meeting || (context && !lanes->places) ||
        (hides && !lanes->hidden))
        return vit__fail_memory(err, NULL);
    vit_status status = start(lanes, threads, err);
    if (status != VIT_OK)
        return status;
    for (size_t i = 0; i < lanes->n; i++) {
        lanes->lanes[i].model = model;
        lanes->lanes[i].places = context ? lanes->places + i * context : NULL;
        lanes->lanes[i].hidden = hides ? lanes->hidden + i * context : NULL;
        lanes->lanes[i].workers = (vit__workers){
            .pool = lanes->crews[i], .kernels = vit__kernels_get(flags), .tiles = tiles, .scratch_size = need.scratch};
    }
    return allocate(model, lanes, need.scratch, err);
}

void vit__lanes_free(vit__lanes *lanes)
{
    vit__pool_free(lanes->pool);
    for (size_t i = 0; lanes->crews && i < lanes->n; i++)
        vit__pool_free(lanes->crews[i]);
    free(lanes->crews);
    free(lanes->lanes);
    free(lanes->memory);
    free(lanes->places);
    free(lanes->hidden);
    vit__barrier_free(lanes->meeting);
    free(lanes->arena);
}

/* ------------------------------------------------------------------ a call ---- */

typedef struct run_work {
    vit__lanes *lanes;
    const vit__inputs *inputs;
    size_t input; /* with lanes together: the one */
    bool together;
} run_work;

static vit__encoder_input pick(const vit_model *model, const vit__inputs *inputs, size_t index)
{
    const vit_config *c = &model->config;
    const vit_pixels picture = inputs->pictures ? inputs->pictures[index]
                               : inputs->pixels ? (vit_pixels){inputs->pixels + index * vit__config_pixels(c),
                                                               (uint32_t)c->image_width, (uint32_t)c->image_height}
                                                : (vit_pixels){0};
    return (vit__encoder_input){.pixels = picture.values,
                                .height = picture.height,
                                .width = picture.width,
                                .ids = inputs->ids ? inputs->ids + index * inputs->length : NULL,
                                .length = inputs->length,
                                .index = index,
                                .requests = inputs->requests,
                                .n_requests = inputs->n_requests};
}

/* The lane's tokens and where they lie: share `part` of `parts`. */
static void place(const vit__lanes *lanes, vit__lane *lane, const vit__lane_memory *memory, size_t part, size_t parts)
{
    const vit_config *c = &lane->model->config;
    size_t attention = vit__config_attention_width(c), tokens = lane->tokens, first = part * tokens / parts;
    lane->leads = part == 0;
    lane->part = part;
    lane->parts = parts;
    lane->first = first;
    lane->own = (part + 1) * tokens / parts - first;
    lane->rows = lane->own;
    lane->all = *memory;
    if (c->stages.n) { /* each stage shares out its own tokens */
        lane->workers.operand = memory->operand + part * lanes->operand_row;
        lane->wide = memory->wide + part * lanes->wide_row;
        return;
    }
    lane->workers.operand = memory->operand + first * lanes->operand_row + part * lanes->room;
    lane->x = memory->x + first * c->width;
    lane->y = memory->y + first * vit__larger(c->width, attention);
    lane->wide = memory->wide + first * lanes->wide_row;
    lane->parallel = memory->parallel + first * c->width;
    lane->difference = memory->difference + first * attention;
    for (int i = 0; i < 2; i++)
        lane->qkv[i] = parts > 1 ? lanes->qkv[i] : memory->wide;
}

/* One lane: its part of the input that all share, or an input of its own. */
static void run_lane(void *context, size_t index, unsigned thread)
{
    const run_work *work = context;
    vit__lanes *lanes = work->lanes;
    size_t which = work->together ? index : thread;
    vit__lane *lane = &lanes->lanes[which];
    const vit_config *c = &lane->model->config;
    vit__encoder_input input = pick(lane->model, work->inputs, work->together ? work->input : index);
    bool words = c->input == VIT__INPUT_TOKENS;
    lane->length = words ? input.length + c->class_behind : vit__config_tokens(c);
    lane->tokens = words             ? vit__places_find(c, input.ids, input.length, lane->places)
                   : c->patches_most ? vit__config_prefix(c) + vit__config_patches_of(c, input.height, input.width)
                                     : lane->length;
    if (c->class_behind)
        vit__places_hide(c, &input, lane->hidden);
    lane->meeting = work->together && lanes->sharing > 1 ? lanes->meeting : NULL;
    place(lanes, lane, &lanes->memory[work->together ? 0 : which], work->together ? which : 0,
          work->together ? lanes->sharing : 1);
    (c->stages.n ? vit__hierarchy_run : vit__encoder_run)(lane, &input);
}

/* The affinity mask and the cgroup's quota may change while the process runs. */
static void count_processors(vit__lanes *lanes)
{
    if (lanes->n == 1 || vit__seconds() - lanes->looked < LOOK_SECONDS)
        return;
    size_t now = vit__pool_processors(lanes->pool);
    lanes->sharing = now < lanes->processors ? vit__smaller(now, lanes->n) : lanes->n;
    lanes->looked = vit__seconds();
    vit__barrier_expect(lanes->meeting, (unsigned)lanes->sharing);
}

void vit__lanes_run(vit__lanes *lanes, const vit__inputs *inputs)
{
    size_t apart = lanes->slots == lanes->n ? inputs->n / lanes->n * lanes->n : 0;
    run_work work = {lanes, inputs, 0, false};
    if (apart > 0)
        vit__pool_run(lanes->pool, apart, run_lane, &work);
    work.together = true;
    if (apart < inputs->n)
        count_processors(lanes);
    for (work.input = apart; work.input < inputs->n; work.input++)
        vit__pool_run(lanes->pool, lanes->sharing, run_lane,
                      &work); /* each thread takes one: it stays there till all have met */
}
