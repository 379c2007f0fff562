/* SPDX-License-Identifier: BSD-2-Clause */
#include "transformers.h"

#include <string.h>

void vit__transformers_encoder(vit__reader *r, double eps, vit_config *c)
{
    vit__read_extent(r, "image_size", 224, &c->image_height, &c->image_width);
    c->channels = vit__read_size(r, "num_channels", 3);
    c->width = vit__read_size(r, "hidden_size", 768);
    c->depth = vit__read_size(r, "num_hidden_layers", 12);
    c->heads = vit__read_size(r, "num_attention_heads", 12);
    c->mlp_width = vit__read_size(r, "intermediate_size", 3072);
    c->norm_eps = vit__read_number(r, "layer_norm_eps", eps);
    c->activation = vit__read_activation(r, "hidden_act", "gelu");
    c->qkv_bias = vit__read_flag(r, "qkv_bias", true);
    c->key_bias = c->patch_bias = c->projection_bias = c->mlp_bias = true;
    c->interpolation = VIT__INTERPOLATION_BICUBIC;
    vit__transformers_patches(r, 16, c);
}

void vit__transformers_dino(vit_config *c)
{
    c->class_token = true;
    c->any_size = true;
    c->attention_scale = c->mlp_scale = true;
    c->final_norm = true;
    c->final_norm_eps = c->norm_eps;
    c->pooling = VIT__POOL_CLASS;
    c->pooler = VIT__POOLER_POOLED;
    c->embedding = VIT__EMBEDDING_CLASS;
}

void vit__transformers_patches(vit__reader *r, size_t size, vit_config *c)
{
    vit__read_extent(r, "patch_size", size, &c->patch_height, &c->patch_width);
    c->position_height = c->patch_height ? c->image_height / c->patch_height : 0;
    c->position_width = c->patch_width ? c->image_width / c->patch_width : 0;
}

void vit__transformers_pooler(vit__reader *r, const vit__checkpoint *checkpoint, vit__plan *plan)
{
    vit_config *c = &plan->config;
    if (!vit__family_has(checkpoint, plan->names[VIT__SLOT_POOLER].weight, plan->prefix))
        return;
    c->pooler = VIT__POOLER_DENSE;
    c->pooler_width = vit__read_size(r, "pooler_output_size", 0);
    c->pooler_width = c->pooler_width ? c->pooler_width : c->width; /* Python's "or" */
    c->pooler_activation = vit__read_activation(r, "pooler_act", "tanh");
}

void vit__transformers_head(vit__reader *r, const vit__checkpoint *checkpoint, vit__pooling pooling, vit__plan *plan)
{
    vit_config *c = &plan->config;
    bool classifies = vit__read_architecture(r, "ForImageClassification");
    bool nameless = vit__json_length(vit__json_get(r->object, "architectures")) == 0;
    bool teacher = vit__read_architecture(r, "ForImageClassificationWithTeacher");
    if (!classifies && !teacher &&
        !(nameless && vit__family_has(checkpoint, plan->names[VIT__SLOT_HEAD].weight, plan->prefix)))
        return;
    c->classes = vit__read_classes(r);
    c->head = c->classes ? VIT__HEAD_LINEAR : VIT__HEAD_NONE; /* no labels: an identity instead of a classifier */
    c->head_bias = true;
    c->head_pooling = pooling;
    /* One class alone is there or not: its softmax would always be 1 (ImageClassificationPipeline). */
    const char *problem = vit__read_text(r, "problem_type", "");
    c->regression = strcmp(problem, "regression") == 0;
    c->multi_label = !c->regression && (c->classes == 1 || strcmp(problem, "multi_label_classification") == 0);
}
