/* SPDX-License-Identifier: BSD-2-Clause */
#include "foreign_encoder.h"

#include <stdio.h>
#include <string.h>

#include "error.h"
#include "text_encoder.h"

/* The tensor of a slot, in block 0. */
static const vit__tensor *tensor_of(const vit__checkpoint *checkpoint, const vit__plan *plan, vit__slot slot)
{
    char name[256];
    const char *pattern = plan->names[slot].weight;
    return pattern && vit__family_tensor_name(pattern, plan->prefix, (vit__place){0, 0}, name, sizeof name)
               ? vit__checkpoint_find(checkpoint, name)
               : NULL;
}

/* Width and depth come from the name of a published model. How many rows its tables have, the tensors say. */
static void take_sizes(const vit__foreign_encoder *e, const vit__checkpoint *checkpoint, vit__reader *r,
                       vit__plan *plan)
{
    vit_config *c = &plan->config;
    const vit__tensor *words = tensor_of(checkpoint, plan, VIT__SLOT_TOKENS);
    const vit__tensor *types = tensor_of(checkpoint, plan, VIT__SLOT_TOKEN_TYPES);
    const vit__tensor *positions = tensor_of(checkpoint, plan, VIT__SLOT_POSITIONS);
    if (!words || words->rank != 2 || words->shape[1] != c->width) {
        char has[128] = "missing";
        if (words)
            vit__tensor_shape_text(words, has, sizeof has);
        vit__reader_fail(r, VIT_ERR_MODEL_MISMATCH,
                         "\"%s\" is \"%.80s\", which is %zu wide, but its table of words in this file is %s", e->key,
                         e->name, c->width, has);
        return;
    }
    c->vocabulary = words->shape[0];
    c->token_types = types && types->rank == 2 ? types->shape[0] : c->token_types;
    if (positions && positions->rank == 2 && positions->shape[0] > c->position_first)
        c->context = positions->shape[0] - c->position_first;
}

static void plan_by(const vit__foreign_encoder *e, const vit__checkpoint *checkpoint, const vit__json *config,
                    const char *model_type, vit__reader *r, vit__plan *plan)
{
    vit__reader inner = vit__reader_inside(r, config);
    const vit__text_source source = {.checkpoint = checkpoint,
                                     .config = &inner,
                                     .model_type = model_type,
                                     .prefix = e->prefix,
                                     .pad_of_config = e->pad_of_config};
    if (!vit__text_encoder_known(model_type))
        vit__reader_fail(r, VIT_ERR_UNSUPPORTED_MODEL,
                         "\"%s\" is \"%.80s\", an encoder of the type \"%.40s\": this build lacks it", e->key, e->name,
                         model_type);
    else
        vit__text_encoder_plan(&source, plan);
}

void vit__foreign_encoder_plan(const vit__foreign_encoder *e, const vit__checkpoint *checkpoint, vit__reader *r,
                               vit__plan *plan)
{
    vit__json *config = NULL;
    const char *type = NULL;
    if (vit__reader_failed(r))
        return;
    vit_status status = vit__checkpoint_other_config(e->name, &config, r->err);
    bool found = config != NULL;
    if (status == VIT_OK && found) {
        type = vit__json_string(vit__json_get(config, "model_type"));
    } else if (status == VIT_OK) {
        config = vit__text_encoder_published(e->name, &type, &status);
        if (status != VIT_OK)
            vit__fail_memory(r->err, r->where);
    }
    if (status != VIT_OK)
        vit__reader_take(r, status);
    else if (!config)
        vit__reader_fail(
            r, VIT_ERR_UNSUPPORTED_MODEL,
            "\"%s\" is \"%.80s\", whose config is not in this folder: get it into the local cache with: hf "
            "download %.80s config.json",
            e->key, e->name, e->name);
    else
        plan_by(e, checkpoint, config, type ? type : "", r, plan);
    if (!vit__reader_failed(r) && !found)
        take_sizes(e, checkpoint, r, plan);
    vit__json_free(config);
}
