/* SPDX-License-Identifier: BSD-2-Clause */
#include "swin.h"

#include "limit.h"

void vit__swin_stages(vit__reader *r, vit_config *c)
{
    size_t depths[VIT__LIMIT_MODEL_STAGES] = {2, 2, 6, 2}, heads[VIT__LIMIT_MODEL_STAGES] = {3, 6, 12, 24};
    size_t n = vit__read_sizes(r, "depths", 4, VIT__LIMIT_MODEL_STAGES, depths);
    size_t n_heads = vit__read_sizes(r, "num_heads", 4, VIT__LIMIT_MODEL_STAGES, heads);
    size_t width = vit__read_size(r, "embed_dim", 96);
    if (n_heads < n)
        vit__reader_fail(r, VIT_ERR_CORRUPT, "\"num_heads\" has %zu numbers for the %zu stages of \"depths\"", n_heads,
                         n);
    c->stages.n = n;
    for (size_t i = 0; i < n; i++)
        c->stages.stage[i] = (vit__stage){.depth = depths[i], .width = width << i, .heads = heads[i]};
}

void vit__swin_mlp(vit__reader *r, vit_config *c, const double ratios[VIT__LIMIT_MODEL_STAGES])
{
    for (size_t i = 0; i < c->stages.n; i++) {
        vit__stage *stage = &c->stages.stage[i];
        double width = (double)stage->width * ratios[i];
        if (width >= 1 && width <= 2147483647.0)
            stage->mlp_width = (size_t)width;
        else
            vit__reader_fail(r, VIT_ERR_CORRUPT, "\"mlp_ratio\" makes an MLP of width %g", width);
    }
}

void vit__swin_version(vit__reader *r, bool second, vit_config *c)
{
    c->order = second ? VIT__BLOCK_BRANCH_NORM : VIT__BLOCK_PRE_NORM;
    c->attention = second ? VIT__ATTENTION_COSINE : VIT__ATTENTION_PLAIN;
    c->relative_bias = second ? VIT__RELATIVE_CONTINUOUS : VIT__RELATIVE_WINDOW;
    c->stages.norm_after_merge = second;
    c->stages.norm_eps = 1e-5;
    c->stages.strangers = -100;
    c->qkv_bias = vit__read_flag(r, "qkv_bias", true);
    c->key_bias = !second;
    c->patch_norm = c->patch_bias = c->projection_bias = c->mlp_bias = c->final_norm = true;
}

void vit__swin_close(vit_config *c)
{
    const vit__stage *last = &c->stages.stage[c->stages.n - 1];
    c->depth = vit__config_stage_first(c, c->stages.n);
    c->width = last->width;
    c->heads = last->heads;
    c->head_dim = last->head_dim;
    c->mlp_width = last->mlp_width;
}
