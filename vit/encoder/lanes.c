/* SPDX-License-Identifier: BSD-2-Clause */
#include "lanes.h"

#include <stdlib.h>

#include "attention.h"
#include "error.h"
#include "head.h"
#include "memory.h"

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Floats that any layer of the model needs: scratch of a thread, and operand memory of an input. */
typedef struct layer_need {
    const vit__gemm *gemm;
    size_t rows, scratch, operand;
} layer_need;

static void need_memory(vit__linear *linear, void *context)
{
    layer_need *need = context;
    need->scratch = max_size(need->scratch, need->gemm->scratch(linear->inputs, linear->outputs, need->rows));
    need->operand = max_size(need->operand, need->gemm->operand(linear, need->rows));
}

static layer_need layer_needs(const vit_model *model)
{
    size_t tokens = vit__config_tokens(&model->config);
    size_t scratch = max_size(vit__attention_scratch(tokens, model->config.head_dim), vit__pool_scratch(&model->config));
    layer_need need = {model->gemm, tokens, scratch, 0};
    vit__weights weights = model->weights; /* a copy of its pointers: the visit takes what may be changed */
    vit__weights_each_linear(&model->config, &weights, need_memory, &need);
    need.scratch = (need.scratch + 15) / 16 * 16; /* whole cache lines, so that threads share none */
    return need;
}

/* What a lane's memory consists of, in floats of one input. vit__config_finish bounds the sizes, so that sums cannot
 * overflow. */
typedef struct regions {
    size_t x, y, wide, parallel, difference, pooled, spare, operand;
} regions;

static regions input_regions(const vit_model *model, size_t operand)
{
    const vit_config *c = &model->config;
    size_t tokens = vit__config_tokens(c), attention = vit__config_attention_width(c);
    size_t fc1 = c->mlp == VIT__MLP_GATED ? 2 * c->mlp_width : c->mlp_width;
    size_t token = max_size(max_size(3 * attention, fc1), max_size(2 * c->width, c->pool_mlp_width));
    size_t patches = c->input == VIT__INPUT_PIXELS
                         ? vit__config_patches(c) * c->channels * c->patch_height * c->patch_width
                         : 0;
    return (regions){
        .x = tokens * c->width,
        .y = tokens * max_size(c->width, attention),
        .wide = max_size(tokens * token, patches),
        .parallel = c->order == VIT__BLOCK_PARALLEL || c->order == VIT__BLOCK_BRANCHES ? tokens * c->width : 0,
        .difference = c->attention == VIT__ATTENTION_DIFFERENTIAL ? tokens * attention : 0,
        .pooled = 2 * c->width,
        .spare = max_size(2 * c->width, c->classes),
        .operand = operand,
    };
}

/* The lane's memory for `slots` inputs in the arena. */
static void lay_out(vit__lane *lane, const regions *r, size_t slots, float *next)
{
    lane->workers.operand = next;
    lane->x = next += r->operand * slots;
    lane->y = next += r->x * slots;
    lane->wide = next += r->y * slots;
    lane->parallel = next += r->wide * slots;
    lane->difference = next += r->parallel * slots;
    lane->pooled = next += r->difference * slots;
    lane->spare = next + r->pooled * slots;
}

/* The index-th thread's lane: the place of the index-th input of those together. */
static vit__lane part(const vit__lanes *lanes, const regions *r, size_t index)
{
    vit__lane lane = lanes->together;
    lane.workers.pool = lanes->single;
    lane.workers.scratch += index * lane.workers.scratch_size;
    lane.workers.operand += index * r->operand;
    lane.x += index * r->x;
    lane.y += index * r->y;
    lane.wide += index * r->wide;
    lane.parallel += index * r->parallel;
    lane.difference += index * r->difference;
    lane.pooled += index * r->pooled;
    lane.spare += index * r->spare;
    return lane;
}

static vit_status allocate(vit__lanes *lanes, const regions *r, size_t slots, vit_error *err)
{
    const char *path = lanes->together.model->path;
    size_t threads = vit__pool_threads(lanes->pool), floats, scratch, total;
    size_t per_input = r->x + r->y + r->wide + r->parallel + r->difference + r->pooled + r->spare + r->operand;
    if (!vit__multiply(per_input, slots, &floats) ||
        !vit__multiply(lanes->together.workers.scratch_size, threads, &scratch) || !vit__add(floats, scratch, &total))
        return vit__fail(err, VIT_ERR_TOO_LARGE, path, "%zu inputs at once do not fit in memory", slots);
    lanes->arena = vit__alloc_aligned(total, sizeof(float));
    lanes->apart = slots == threads ? vit__alloc(threads, sizeof *lanes->apart) : NULL;
    if (!lanes->arena || (slots == threads && !lanes->apart))
        return vit__fail(err, VIT_ERR_OUT_OF_MEMORY, path, "%zu inputs at once need %zu MiB, more memory than there is",
                         slots, total / 262144);
    lanes->together.workers.scratch = lanes->arena;
    lay_out(&lanes->together, r, slots, lanes->arena + scratch);
    for (size_t i = 0; lanes->apart && i < threads; i++)
        lanes->apart[i] = part(lanes, r, i);
    return VIT_OK;
}

vit_status vit__lanes_create(const vit_model *model, unsigned threads, size_t max_batch, vit__lanes *lanes,
                             vit_error *err)
{
    vit__cpu_level level = vit__cpu_detect();
    layer_need need = layer_needs(model);
    regions r = input_regions(model, need.operand);
    lanes->slots = max_batch < threads ? max_batch : threads;
    vit_status status = vit__pool_create(threads, &lanes->pool, err);
    if (status == VIT_OK)
        status = vit__pool_create(1, &lanes->single, err);
    if (status != VIT_OK)
        return status;
    lanes->together.model = model;
    lanes->together.workers = (vit__workers){.pool = lanes->pool, .kernels = vit__kernels_get(level),
                                             .tiles = vit__tiles_get(level), .scratch_size = need.scratch};
    return allocate(lanes, &r, lanes->slots, err);
}

void vit__lanes_free(vit__lanes *lanes)
{
    vit__pool_free(lanes->pool);
    vit__pool_free(lanes->single);
    free(lanes->apart);
    free(lanes->arena);
}

/* Some of the inputs, as a batch of their own. */
static vit__encoder_batch slice(const vit_model *model, const vit__encoder_batch *inputs, size_t first, size_t items)
{
    vit__encoder_batch batch = *inputs;
    batch.items = items;
    batch.first += first;
    if (batch.pixels)
        batch.pixels += first * vit_model_pixels_size(model);
    else
        batch.ids += first * batch.length;
    return batch;
}

typedef struct apart_work {
    vit__lanes *lanes;
    const vit__encoder_batch *inputs;
} apart_work;

static void encode_one(void *context, size_t index, unsigned thread)
{
    const apart_work *work = context;
    vit__lane *lane = &work->lanes->apart[thread];
    vit__encoder_batch batch = slice(lane->model, work->inputs, index, 1);
    vit__encoder_run(lane, &batch);
}

void vit__lanes_run(vit__lanes *lanes, const vit__encoder_batch *inputs)
{
    size_t done = 0, threads = vit__pool_threads(lanes->pool);
    if (lanes->apart && inputs->items >= threads) {
        apart_work work = {lanes, inputs};
        done = inputs->items / threads * threads;
        vit__pool_run(lanes->pool, done, encode_one, &work);
    }
    for (size_t items; done < inputs->items; done += items) {
        items = inputs->items - done < lanes->slots ? inputs->items - done : lanes->slots;
        vit__encoder_batch batch = slice(lanes->together.model, inputs, done, items);
        vit__encoder_run(&lanes->together, &batch);
    }
}
