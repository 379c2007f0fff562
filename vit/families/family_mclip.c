/* SPDX-License-Identifier: BSD-2-Clause */
/* Multilingual-CLIP: an encoder of transformers, whose config it only names, the mean of its tokens, and a linear layer
 * into the space of a CLIP model that is not in the checkpoint. */
#include <stdio.h>

#include "foreign_encoder.h"
#include "model_keys.h"

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    vit__reader r = vit__reader_of(checkpoint, err);
    vit_config *c = &out->config;
    if (tower != VIT__TOWER_TEXT)
        return VIT_OK;
    const vit__foreign_encoder encoder = {
        .key = "modelBase", .name = vit__read_text(&r, "modelBase", ""), .prefix = "transformer."};
    out->present = true;
    snprintf(c->family, sizeof c->family, "M-CLIP");
    vit__foreign_encoder_plan(&encoder, checkpoint, &r, out);
    if (r.status != VIT_OK)
        return r.status;
    size_t width = vit__read_size(&r, "transformerDimensions", c->width);
    if (width != c->width)
        vit__reader_fail(&r, VIT_ERR_MODEL_MISMATCH, "\"transformerDimensions\" is %zu, but \"modelBase\" is %zu wide",
                         width, c->width);
    c->pooling = VIT__POOL_MEAN_ALL;
    c->embedding = VIT__EMBEDDING_PROJECTED;
    c->embedding_bias = true;
    c->projection_width = vit__read_size(&r, "numDims", 768);
    out->composed[VIT__SLOT_EMBEDDING] = (vit__name)VIT__PAIR("^LinearTransformation");
    return r.status;
}

static const char *const types[] = {"M-CLIP", NULL};
static const char *const harmless[] = {"embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias", NULL};

const vit__family vit__family_mclip = {"M-CLIP", VIT__CHECKPOINT_TRANSFORMERS, types, plan, harmless};
