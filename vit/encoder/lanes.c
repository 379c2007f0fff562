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

static layer_need layer_needs(const vit_model *model, size_t abreast)
{
    if (model->config.stages.n) {
        const vit__hierarchy_need stages = vit__hierarchy_needs(model);
        return (layer_need){.scratch = vit__round_up(stages.scratch, 16), .operand = vit__round_up(stages.operand, 16)};
    }
    size_t tokens = vit__config_tokens(&model->config);
    size_t scratch = vit__larger(vit__attention_scratch(tokens, model->config.head_dim),
                                 vit__larger(vit__pool_scratch(&model->config), vit__position_scratch(&model->config)));
    layer_need need = {model->gemm, abreast * tokens, scratch, 0, 0};
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
    size_t tokens = lanes->abreast * vit__config_tokens(c), attention = vit__config_attention_width(c);
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

/* How many inputs of a batch a lane takes together: as its multiplier does best, if there are so many for each lane. */
static size_t inputs_abreast(const vit_model *model, const vit__tiles *tiles, size_t lanes, size_t max_batch)
{
    size_t best = vit__panel_multiplier(tiles, model->precision)->abreast, there = max_batch / lanes;
    bool several = !model->config.stages.n && best > 1 && there >= best;
    return several ? vit__smaller(best, VIT__LANE_INPUTS) : 1;
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
    lanes->n = lane_count(model, &tiles, threads, max_batch);
    lanes->abreast = inputs_abreast(model, &tiles, lanes->n, max_batch);
    layer_need need = layer_needs(model, lanes->abreast);
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
    size_t places = lanes->abreast * context;
    bool hides = model->config.class_behind, several = lanes->abreast > 1;
    lanes->places = context ? vit__alloc(lanes->n * places, sizeof *lanes->places) : NULL;
    lanes->hidden = hides ? vit__alloc(lanes->n * places, sizeof *lanes->hidden) : NULL;
    lanes->singles = several ? vit__alloc_zero(lanes->n * lanes->abreast, sizeof *lanes->singles) : NULL;
    if (!lanes->crews || !lanes->lanes || !lanes->memory || !lanes->meeting || (context && !lanes->places) ||
        (hides && !lanes->hidden) || (several && !lanes->singles))
        return vit__fail_memory(err, NULL);
    vit_status status = start(lanes, threads, err);
    if (status != VIT_OK)
        return status;
    for (size_t i = 0; i < lanes->n; i++) {
        lanes->lanes[i].model = model;
        lanes->lanes[i].places = context ? lanes->places + i * places : NULL;
        lanes->lanes[i].hidden = hides ? lanes->hidden + i * places : NULL;
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
    free(lanes->singles);
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
    size_t input; /* the first; with lanes together: the one */
    size_t each;  /* inputs that a lane takes */
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

/* Tells the lane of its input. */
static void seat(const vit__inputs *inputs, size_t index, vit__encoder_input *input, vit__lane *lane)
{
    const vit_config *c = &lane->model->config;
    *input = pick(lane->model, inputs, index);
    bool words = c->input == VIT__INPUT_TOKENS;
    lane->input = input;
    lane->length = words ? input->length + c->class_behind : vit__config_tokens(c);
    lane->tokens = words             ? vit__places_find(c, input->ids, input->length, lane->places)
                   : c->patches_most ? vit__config_prefix(c) + vit__config_patches_of(c, input->height, input->width)
                                     : lane->length;
    if (c->class_behind)
        vit__places_hide(c, input, lane->hidden);
}

/* Of a lane with several inputs: a lane for input i of them. */
static vit__lane single_of(const vit__lane *lane, size_t i)
{
    size_t context = lane->model->config.input == VIT__INPUT_TOKENS ? vit__config_tokens(&lane->model->config) : 0;
    vit__lane single = *lane;
    single.each = &lane->each[i];
    single.n_each = 1;
    single.places = lane->places ? lane->places + i * context : NULL;
    single.hidden = lane->hidden ? lane->hidden + i * context : NULL;
    return single;
}

/* Gives this lane the rows of the other from `start` on. What nobody reads once an input's turn is over is for all. */
static void give_rows(const vit__lane *from, size_t start, vit__lane *to)
{
    size_t width = from->model->config.width, attention = vit__config_attention_width(&from->model->config);
    to->workers = from->workers;
    to->leads = true;
    to->part = 0;
    to->parts = 1;
    to->first = 0;
    to->rows = to->own = to->tokens;
    to->all = from->all;
    to->all.x = to->x = from->x + start * width;
    to->y = from->y + start * attention;
    to->wide = from->wide;
    to->parallel = from->parallel + start * width;
    to->difference = from->difference + start * attention;
    for (int i = 0; i < 2; i++)
        to->qkv[i] = from->qkv[i] + start * 3 * attention;
}

/* One lane: several inputs. */
static void run_several(const run_work *work, size_t first, size_t which)
{
    vit__lanes *lanes = work->lanes;
    vit__lane *lane = &lanes->lanes[which];
    vit__encoder_input inputs[VIT__LANE_INPUTS];
    lane->meeting = NULL;
    lane->each = lanes->singles + which * lanes->abreast;
    lane->n_each = work->each;
    lane->tokens = 0;
    for (size_t i = 0; i < work->each; i++) {
        lane->each[i] = single_of(lane, i);
        seat(work->inputs, first + i, &inputs[i], &lane->each[i]);
        lane->tokens += lane->each[i].tokens;
    }
    place(lanes, lane, &lanes->memory[which], 0, 1);
    for (size_t i = 0, start = 0; i < work->each; start += lane->each[i++].tokens)
        give_rows(lane, start, &lane->each[i]);
    vit__encoder_run(lane);
}

/* One lane: its part of the input that all share, or an input of its own. */
static void run_one(const run_work *work, size_t index, size_t which)
{
    vit__lanes *lanes = work->lanes;
    vit__lane *lane = &lanes->lanes[which];
    vit__encoder_input input;
    lane->each = lane;
    lane->n_each = 1;
    seat(work->inputs, index, &input, lane);
    lane->meeting = work->together && lanes->sharing > 1 ? lanes->meeting : NULL;
    place(lanes, lane, &lanes->memory[work->together ? 0 : which], work->together ? which : 0,
          work->together ? lanes->sharing : 1);
    (lane->model->config.stages.n ? vit__hierarchy_run : vit__encoder_run)(lane);
}

static void run_lane(void *context, size_t index, unsigned thread)
{
    const run_work *work = context;
    if (work->together)
        run_one(work, work->input, index);
    else
        (work->each > 1 ? run_several : run_one)(work, work->input + index * work->each, thread);
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
    run_work work = {.lanes = lanes, .inputs = inputs};
    for (work.each = lanes->slots == lanes->n ? lanes->abreast : 0; work.each > 0; work.each--) {
        size_t tasks = (inputs->n - work.input) / (work.each * lanes->n) * lanes->n;
        if (tasks > 0)
            vit__pool_run(lanes->pool, tasks, run_lane, &work);
        work.input += tasks * work.each;
    }
    work.together = true;
    if (work.input < inputs->n)
        count_processors(lanes);
    for (; work.input < inputs->n; work.input++)
        vit__pool_run(lanes->pool, lanes->sharing, run_lane,
                      &work); /* each thread takes one: it stays there till all have met */
}
