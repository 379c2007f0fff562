/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timm's Vision Transformers: an architecture name stands for the arguments of one of six constructors, and a
 * checkpoint may override them (model_args). These are the rules by which the constructors turn arguments into a
 * model. */
#ifndef VIT_TIMM_H
#define VIT_TIMM_H

#include "family.h"
#include "model_keys.h"
#include "timm_architectures.h"

/* What a model of timm is made from. */
typedef struct vit__timm_model {
    const char *architecture;        /* "vit_base_patch16_224" */
    const vit__json *model_args;     /* overrides of the architecture's arguments; NULL: none */
    const vit__json *pretrained_cfg; /* says what is left open after that; NULL: nothing */
    const vit__json *num_classes;    /* goes before pretrained_cfg's; NULL: that holds */
    const char *prefix;              /* of the tensors' names */
    const char *pooling;             /* that the built model is given in place of its own; NULL: its own */
    bool headless;                   /* there is no classifier, whatever the arguments say */
    bool head_projects;              /* the classifier is no classifier but the projection into the embedding */
} vit__timm_model;

/* The plan of an image tower. Also for a trunk inside another checkpoint (open_clip). */
vit_status vit__timm_plan(const vit__timm_model *model, const vit__checkpoint *checkpoint, vit__plan *plan,
                          vit_error *err);

/* timm_arguments.c: the arguments that the constructor gets, as
 * one object, which the caller frees, and whose they are. */
vit_status vit__timm_arguments(const vit__timm_model *model, const char *where, vit__json **arguments,
                               vit__timm_class *kind, vit_error *err);

/* timm_names.c: how the tensors of a model of this class are named. */
const vit__name *vit__timm_names(vit__timm_class kind, const vit__checkpoint *checkpoint, const vit__timm_model *model,
                                 const vit_config *config);

/* What the constructors have in common, for timm_*.c. The reader is over the arguments. */
void vit__timm_sizes(vit__reader *reader, vit_config *config);
/* One norm layer for all places, with its eps. */
void vit__timm_norm(vit__reader *reader, vit_config *config);
/* MLP width of a ratio: int(D * ratio). */
size_t vit__timm_mlp_width(vit__reader *reader, const char *key, double ratio, const vit_config *config);
/* Pooling by global_pool ("token", "avg", "max", "avgmax", "map",
 * ""; `absent` if it is not given), and a classifier on top. */
void vit__timm_head(vit__reader *reader, const char *absent, vit_config *config);

/* One constructor each. */
void vit__timm_vit(vit__reader *reader, vit_config *config);
void vit__timm_distilled(vit__reader *reader, vit_config *config);
void vit__timm_eva(vit__reader *reader, vit_config *config);
void vit__timm_beit(vit__reader *reader, vit_config *config);
void vit__timm_swin(vit__reader *reader, vit_config *config);
void vit__timm_swin2(vit__reader *reader, vit_config *config);

#endif
