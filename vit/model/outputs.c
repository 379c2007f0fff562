/* SPDX-License-Identifier: BSD-2-Clause */
#include "outputs.h"

#include <stdio.h>

#include "error.h"
#include "limit.h"
#include "model.h"
#include "stages.h"

static const char *const names[VIT__OUTPUTS] = {
    [VIT_OUTPUT_EMBEDDING] = "embedding",
    [VIT_OUTPUT_CLASS] = "cls",
    [VIT_OUTPUT_MEAN] = "mean",
    [VIT_OUTPUT_TOKENS] = "tokens",
    [VIT_OUTPUT_HIDDEN] = "hidden:K",
    [VIT_OUTPUT_POOLER] = "pooler",
    [VIT_OUTPUT_LOGITS] = "logits",
    [VIT_OUTPUT_PROBABILITIES] = "probs",
    [VIT_OUTPUT_LATENT] = "latent",
    [VIT_OUTPUT_LATENT_LOG_VARIANCE] = "latent-log-variance",
    [VIT_OUTPUT_ATTENTION] = "attention:K",
    [VIT_OUTPUT_CLASS_MEAN] = "cls+mean",
};

const char *vit__output_name(vit_output output)
{
    return names[output];
}

bool vit__output_exists(const vit_config *c, vit_output output)
{
    switch (output) {
    case VIT_OUTPUT_EMBEDDING:
    case VIT_OUTPUT_TOKENS:
    case VIT_OUTPUT_HIDDEN:
        return true;
    case VIT_OUTPUT_ATTENTION: /* one softmax a head and block, over all tokens, of as many in every picture */
        return c->attention == VIT__ATTENTION_PLAIN && c->order != VIT__BLOCK_BRANCHES && !c->patches_most &&
               !c->stages.n;
    case VIT_OUTPUT_CLASS:
        return c->class_token || c->text_class;
    case VIT_OUTPUT_MEAN: /* of texts where padding is known, which is no part of a mean */
        return c->input == VIT__INPUT_PIXELS || c->padding != VIT__PADDING_NONE;
    case VIT_OUTPUT_CLASS_MEAN:
        return vit__output_exists(c, VIT_OUTPUT_CLASS) && vit__output_exists(c, VIT_OUTPUT_MEAN);
    case VIT_OUTPUT_POOLER:
        return c->pooler != VIT__POOLER_NONE;
    case VIT_OUTPUT_LOGITS:
    case VIT_OUTPUT_PROBABILITIES:
        return c->head != VIT__HEAD_NONE;
    case VIT_OUTPUT_LATENT:
    case VIT_OUTPUT_LATENT_LOG_VARIANCE:
        return c->latent > 0;
    }
    return false;
}

void vit__output_list(const vit_config *c, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int output = 0; output < VIT__OUTPUTS && used < size; output++)
        if (vit__output_exists(c, (vit_output)output))
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", names[output]);
}

static size_t embedding_width(const vit_config *c)
{
    switch (c->embedding) {
    case VIT__EMBEDDING_PROJECTED:
        return c->projection_width;
    case VIT__EMBEDDING_LATENT:
        return c->latent;
    case VIT__EMBEDDING_POOLED:
        return c->dense[0].width || c->transformation_width ? vit__config_dense_inputs(c, VIT__LIMIT_DENSE_LAYERS)
                                                            : vit__config_pooled_width(c, c->pooling);
    default:
        return vit__config_token_width(c);
    }
}

/* What comes into the first block, or out of the block before layer: a merging behind it comes later. */
static void hidden_shape(const vit_config *c, size_t layer, size_t tokens, size_t shape[2])
{
    shape[0] = tokens;
    shape[1] = c->width;
    if (c->stages.n) {
        size_t stage = vit__config_stage(c, layer ? layer - 1 : 0);
        const vit__map map = vit__stages_map(c, stage);
        shape[0] = vit__map_tokens(&map);
        shape[1] = c->stages.stage[stage].width;
    }
}

void vit__output_shape(const vit_config *c, vit_output output, size_t layer, size_t tokens, size_t shape[2])
{
    shape[0] = 1;
    shape[1] = c->width;
    switch (output) {
    case VIT_OUTPUT_EMBEDDING:
        shape[1] = embedding_width(c);
        break;
    case VIT_OUTPUT_CLASS:
    case VIT_OUTPUT_MEAN:
        shape[1] = vit__config_token_width(c);
        break;
    case VIT_OUTPUT_CLASS_MEAN:
        shape[1] = 2 * vit__config_token_width(c);
        break;
    case VIT_OUTPUT_TOKENS:
        shape[0] = tokens;
        shape[1] = vit__config_token_width(c);
        break;
    case VIT_OUTPUT_HIDDEN:
        hidden_shape(c, layer, tokens, shape);
        break;
    case VIT_OUTPUT_POOLER:
        shape[1] = c->pooler == VIT__POOLER_DENSE       ? c->pooler_width
                   : c->pooler == VIT__POOLER_EMBEDDING ? embedding_width(c)
                                                        : vit__config_pooled_width(c, c->pooling);
        break;
    case VIT_OUTPUT_LOGITS:
    case VIT_OUTPUT_PROBABILITIES:
        shape[1] = c->classes;
        break;
    case VIT_OUTPUT_LATENT:
    case VIT_OUTPUT_LATENT_LOG_VARIANCE:
        shape[1] = c->latent;
        break;
    case VIT_OUTPUT_ATTENTION:
        shape[0] = c->heads * tokens;
        shape[1] = tokens;
        break;
    }
}

static const vit_output head_outputs[] = {
    [VIT__HEAD_INPUT_EMBEDDING] = VIT_OUTPUT_EMBEDDING,
    [VIT__HEAD_INPUT_CLASS] = VIT_OUTPUT_CLASS,
    [VIT__HEAD_INPUT_MEAN] = VIT_OUTPUT_MEAN,
    [VIT__HEAD_INPUT_POOLER] = VIT_OUTPUT_POOLER,
    [VIT__HEAD_INPUT_CLASS_MEAN] = VIT_OUTPUT_CLASS_MEAN,
};

vit_output vit__output_of_head(vit__head_input input)
{
    return head_outputs[input];
}

bool vit__output_to_head(vit_output output, vit__head_input *input)
{
    for (int i = VIT__HEAD_INPUT_OWN + 1; i <= VIT__HEAD_INPUT_CLASS_MEAN; i++) {
        *input = (vit__head_input)i;
        if (head_outputs[i] == output)
            return true;
    }
    return false;
}

size_t vit__output_head_inputs(const vit_config *c)
{
    size_t shape[2];
    if (c->head_input == VIT__HEAD_INPUT_OWN)
        return vit__config_pooled_width(c, c->head_pooling);
    vit__output_shape(c, vit__output_of_head(c->head_input), 0, 1, shape);
    return shape[1];
}

vit_status vit_output_shape(const vit_model *model, vit_output output, size_t layer, size_t shape[2], vit_error *err)
{
    if (shape)
        shape[0] = shape[1] = 0;
    if (!model || !shape)
        return vit__fail_null(err, __func__, model ? "shape" : "model");
    const vit_config *c = &model->config;
    if (output == VIT_OUTPUT_ATTENTION && c->patches_most)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_OUTPUT, model->path,
                         "the model has no output %s while each picture has a size of its own: run it at one size, "
                         "such as 256x256 (--image-size)",
                         names[output]);
    if (!vit__output_exists(c, output)) {
        char list[200];
        vit__output_list(c, list, sizeof list);
        bool known = (unsigned)output < VIT__OUTPUTS;
        return vit__fail(err, VIT_ERR_UNSUPPORTED_OUTPUT, model->path, "the model has no output %s; it has %s",
                         known ? names[output] : "of that number", list);
    }
    if (output == VIT_OUTPUT_HIDDEN && layer > c->depth)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_OUTPUT, model->path,
                         "the model has no hidden:%zu: it has hidden:0 to hidden:%zu", layer, c->depth);
    if (output == VIT_OUTPUT_ATTENTION && layer >= c->depth)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_OUTPUT, model->path,
                         "the model has no attention:%zu: it has attention:0 to attention:%zu", layer, c->depth - 1);
    vit__output_shape(c, output, layer, vit__config_tokens(c), shape);
    return VIT_OK;
}

size_t vit_output_size(const vit_model *model, vit_output output, size_t layer)
{
    size_t shape[2];
    return vit_output_shape(model, output, layer, shape, NULL) == VIT_OK ? shape[0] * shape[1] : 0;
}
