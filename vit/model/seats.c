/* SPDX-License-Identifier: BSD-2-Clause */
/* One list of all linear layers of a model, for whoever visits, finds, packs or releases them. */
#include <stdlib.h>

#include "weights.h"

/* Where a linear layer is. A new layer is a row of this list. */
typedef struct seat {
    vit__slot slot;
    size_t offset; /* in vit__weights, or in vit__block_weights */
} seat;

/* clang-format off */
#define ONCE(slot, member) {VIT__SLOT_##slot, offsetof(vit__weights, member)}
#define EACH(slot, member) {VIT__SLOT_##slot, offsetof(vit__block_weights, member)}
/* clang-format on */
static const seat seats[] = {
    ONCE(PATCH, patch),
    ONCE(POOLER, pooler),
    ONCE(TRANSFORMATION, transformation),
    ONCE(DENSE1, dense[0]),
    ONCE(DENSE2, dense[1]),
    ONCE(DENSE3, dense[2]),
    ONCE(EMBEDDING, embedding),
    ONCE(HEAD, head),
    ONCE(HEAD_DISTILLATION, head_distillation),
    ONCE(LATENT_MEAN, latent_mean),
    ONCE(LATENT_LOG_VARIANCE, latent_log_variance),
    ONCE(POOL_KV, pool.kv),
    ONCE(POOL_PROJECTION, pool.projection),
    ONCE(POOL_FC1, pool.fc1),
    ONCE(POOL_FC2, pool.fc2),
    EACH(QKV, qkv),
    EACH(PROJECTION, projection),
    EACH(FC1, fc1),
    EACH(FC2, fc2),
    EACH(MERGE, merge),
};

static vit__linear *seated(const seat *at, void *owner)
{
    return (vit__linear *)(void *)((char *)owner + at->offset);
}

static bool is_in_blocks(const seat *at)
{
    return at->slot >= VIT__SLOT_BLOCK;
}

void vit__weights_each_linear(const vit_config *config, vit__weights *weights,
                              void (*visit)(vit__linear *linear, void *context), void *context)
{
    for (const seat *s = seats; s < seats + sizeof seats / sizeof *seats; s++)
        for (size_t i = 0; i < (!is_in_blocks(s) ? 1 : weights->blocks ? vit__config_pairs(config) : 0); i++) {
            vit__linear *linear = seated(s, is_in_blocks(s) ? (void *)&weights->blocks[i] : weights);
            if (linear->outputs)
                visit(linear, context);
        }
}

const vit__linear *vit__weights_linear(const vit__weights *weights, vit__slot slot, size_t block)
{
    for (const seat *s = seats; s < seats + sizeof seats / sizeof *seats; s++)
        if (s->slot == slot) /* only read */
            return seated(s, is_in_blocks(s) ? (void *)&weights->blocks[block] : (void *)(uintptr_t)weights);
    return NULL;
}

static void release(vit__linear *linear, void *context)
{
    const vit__gemm *gemm = context;
    gemm->release(linear);
}

void vit__weights_free(const vit_config *config, const vit__gemm *gemm, vit__weights *weights)
{
    vit__weights_each_linear(config, weights, release, (void *)(uintptr_t)gemm);
    free(weights->blocks);
    *weights = (vit__weights){0};
}
