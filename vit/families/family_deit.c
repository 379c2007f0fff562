/* SPDX-License-Identifier: BSD-2-Clause */
/* transformers' DeiT: DeiTModel, DeiTForImageClassification, DeiTForImageClassificationWithTeacher. */
#include <stdio.h>

#include "transformers.h"

#define EMBEDDING_NAMES                                                                                                \
    VIT__VIT_EMBEDDING_NAMES, [VIT__SLOT_DISTILLATION_TOKEN] = VIT__ALONE("embeddings.distillation_token")

/* With teacher: two heads. */
#define TEACHER_NAMES                                                                                                  \
    [VIT__SLOT_HEAD] = VIT__PAIR("^cls_classifier"), [VIT__SLOT_HEAD_DISTILLATION] = VIT__PAIR(                        \
                                                         "^distillation_classifier")

static const vit__name_set names = {EMBEDDING_NAMES, VIT__CLASSIFIER_NAME, VIT__VIT_BLOCK_NAMES("encoder.layer.%zu.")};
static const vit__name_set new_names = {EMBEDDING_NAMES, VIT__CLASSIFIER_NAME, VIT__VIT_NEW_BLOCK_NAMES("layers.%zu.")};
static const vit__name_set teacher_names = {EMBEDDING_NAMES, TEACHER_NAMES, VIT__VIT_BLOCK_NAMES("encoder.layer.%zu.")};
static const vit__name_set new_teacher_names = {EMBEDDING_NAMES, TEACHER_NAMES,
                                                VIT__VIT_NEW_BLOCK_NAMES("layers.%zu.")};

static const vit__naming namings[] = {{"deit.", names}, {"", names}, {"deit.", new_names}, {"", new_names}};
static const vit__naming teacher_namings[] = {
    {"deit.", teacher_names}, {"", teacher_names}, {"deit.", new_teacher_names}, {"", new_teacher_names}};

static vit_status plan(const vit__checkpoint *checkpoint, vit__tower tower, vit__plan *out, vit_error *err)
{
    if (tower != VIT__TOWER_IMAGE)
        return VIT_OK;
    vit__reader r = vit__reader_of(checkpoint, err);
    bool teacher = vit__read_architecture(&r, "WithTeacher") ||
                   vit__family_has(checkpoint, "cls_classifier.weight", "");
    vit_config *c = &out->config;
    out->present = true;
    vit__family_name(checkpoint, teacher ? teacher_namings : namings, sizeof namings / sizeof *namings, out);
    snprintf(c->family, sizeof c->family, "deit");
    vit__transformers_encoder(&r, 1e-12, c);
    c->class_token = c->distillation_token = true;
    c->position = VIT__POSITION_LEARNED_ALL;
    c->final_norm = true;
    c->final_norm_eps = c->norm_eps;
    c->embedding = VIT__EMBEDDING_CLASS;
    c->pooling = VIT__POOL_CLASS;
    vit__transformers_pooler(&r, checkpoint, out);
    vit__transformers_head(&r, checkpoint, VIT__POOL_CLASS, out);
    if (teacher) {
        c->head = VIT__HEAD_TWO_AVERAGED;
        c->head_bias = true;
    }
    return r.status;
}

static const char *const types[] = {"deit", NULL};
static const char *const harmless[] = {"embeddings.mask_token", "decoder.*" /* of DeiTForMaskedImageModeling */, NULL};

const vit__family vit__family_deit = {"deit", VIT__CHECKPOINT_TRANSFORMERS, types, plan, harmless};
