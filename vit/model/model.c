/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a model: checkpoint -> family -> preprocessing -> a plan and a binding for each of its towers
 * (so that names, types and shapes of all tensors are checked) -> the weights of the tower asked for.
 */
#include "model.h"

#include <math.h>
#include <stdlib.h>

#include "error.h"
#include "gemm_streamed.h"
#include "labels.h"
#include "memory.h"
#include "other_head.h"
#include "stages.h"

typedef struct opening {
    const vit_model_options *options; /* not NULL */
    vit_model *model;
    const vit__family *family;
    vit__plan plans[VIT__TOWERS];
    vit__binding bindings[VIT__TOWERS];
    bool unknown[VIT__TOWERS]; /* it is there, but this build cannot run it, or its tensors are not as they should be */
    vit_error why_unknown;     /* of the tower that nobody asked for */
    vit_error *err;
} opening;

/* How many patches a picture with a size of its own may have. */
static vit_status choose_patches(const opening *o, vit_config *config)
{
    const vit_preprocessor *p = o->model->preprocessor;
    if (!p || !p->most_patches || !config->patches_most)
        return VIT_OK;
    config->patches_most = p->most_patches;
    if (p->patch_size == config->patch_height)
        return VIT_OK;
    return vit__fail(o->err, VIT_ERR_MODEL_MISMATCH, vit__checkpoint_config_name(o->model->checkpoint),
                     "the model's patches have %zu pixels an edge, and the preprocessing's \"patch_size\" is %lu",
                     config->patch_height, (unsigned long)p->patch_size);
}

/* The picture size to run at: as asked; else, where the library takes whatever comes, what the preprocessing gives. */
static vit_status choose_size(const opening *o, vit_config *config)
{
    uint32_t height = o->options->image_height, width = o->options->image_width;
    if (!height && (!config->any_size || !vit__preprocess_fixed_size(o->model->preprocessor, &height, &width)))
        return choose_patches(o, config);
    if (height < config->patch_height || width < config->patch_width)
        return vit__fail(o->err, VIT_ERR_INVALID_ARGUMENT, "image_size",
                         "pictures of %lux%lu pixels are smaller than the model's patches of %zux%zu",
                         (unsigned long)height, (unsigned long)width, config->patch_height, config->patch_width);
    config->image_height = height;
    config->image_width = width;
    config->patches_most = 0;
    return VIT_OK;
}

/* What the model cannot be run at though it could be at its own size is the caller's to mend, not
 * the checkpoint's. */
static vit_status finish_config(const opening *o, vit_config *config)
{
    const char *name = vit__checkpoint_config_name(o->model->checkpoint);
    vit_config own = *config;
    vit_error at_size = {0};
    vit_status status = choose_size(o, config);
    if (status != VIT_OK || !o->options->image_height)
        return status == VIT_OK ? vit__config_finish(config, name, o->err) : status;
    if (vit__config_finish(config, name, &at_size) == VIT_OK)
        return VIT_OK;
    status = vit__config_finish(&own, name, o->err);
    return status == VIT_OK ? vit__fail(o->err, VIT_ERR_INVALID_ARGUMENT, "image_size", "%s", at_size.message) : status;
}

static vit_status make_plan(opening *o, vit__tower tower)
{
    vit__checkpoint *checkpoint = o->model->checkpoint;
    vit__plan *plan = &o->plans[tower];
    vit_status status = o->family->plan(checkpoint, tower, plan, o->err);
    if (status != VIT_OK || !plan->present)
        return status;
    if (tower == VIT__TOWER_IMAGE)
        status = finish_config(o, &plan->config);
    else
        status = vit__config_finish(&plan->config, vit__checkpoint_config_name(checkpoint), o->err);
    if (status == VIT_OK)
        status = vit__binding_make(plan, checkpoint, &o->bindings[tower], o->err);
    return status;
}

/* The tower that nobody asked for. What is wrong with it does not matter, except for which tensors are its own. */
static vit_status make_other_plan(opening *o, vit__tower tower)
{
    vit_error *err = o->err;
    o->err = &o->why_unknown;
    vit_status status = make_plan(o, tower);
    o->err = err;
    if (status == VIT_ERR_OUT_OF_MEMORY)
        return vit__fail_memory(err, vit__checkpoint_path(o->model->checkpoint));
    if (status == VIT_OK)
        return VIT_OK;
    o->unknown[tower] = true;
    o->plans[tower] = (vit__plan){0};
    return VIT_OK;
}

/* Where the other tower's tensors cannot be told, those are looked at that bear this tower's prefix. */
static vit_status check_unused(const opening *o, vit__tower tower)
{
    const vit__plan *plan = &o->plans[tower];
    const char *prefix = o->unknown[!tower] && plan->present ? plan->prefix : NULL;
    if (o->unknown[!tower] && (!prefix || !*prefix))
        return VIT_OK;
    const vit__towers towers = {o->bindings, o->plans, VIT__TOWERS, prefix};
    return vit__binding_check_unused(&towers, o->family, o->model->checkpoint, o->err);
}

/* A caller who would take either tower learns why the other one does not run. */
static vit_status refuse_absent(const opening *o, bool text)
{
    const char *path = vit__checkpoint_path(o->model->checkpoint);
    const char *lacks = text ? "the model has no text tower" : "the model has no image tower";
    if (o->unknown[text ? VIT__TOWER_IMAGE : VIT__TOWER_TEXT])
        return vit__fail(o->err, VIT_ERR_UNSUPPORTED_MODEL, path, "%s, and its other tower cannot be run: %s", lacks,
                         o->why_unknown.message);
    return vit__fail(o->err, VIT_ERR_UNSUPPORTED_MODEL, path, "%s: it takes %s alone", lacks,
                     text ? "pictures" : "words");
}

static vit_status make_plans(opening *o)
{
    bool text = o->options->tower == VIT_TOWER_TEXT;
    vit__tower tower = text ? VIT__TOWER_TEXT : VIT__TOWER_IMAGE;
    vit_status status = make_plan(o, tower);
    if (status == VIT_OK)
        status = make_other_plan(o, !tower);
    if (status == VIT_OK)
        status = check_unused(o, tower);
    return status == VIT_OK && !o->plans[tower].present ? refuse_absent(o, text) : status;
}

static size_t count_parameters(const vit__binding *binding, size_t pairs)
{
    size_t sum = 0;
    for (size_t slot = 0; slot < VIT__SLOTS; slot++)
        for (size_t block = 0; block < (slot < VIT__SLOT_BLOCK ? 1 : pairs); block++) {
            const vit__bound *bound = vit__binding_get(binding, (vit__slot)slot, block);
            sum += bound->weight ? vit__tensor_elements(bound->weight) : 0;
            sum += bound->bias ? vit__tensor_elements(bound->bias) : 0;
        }
    return sum;
}

/* The precision asked for; of a packed file its own, as there are no other weights. */
static vit_status choose_precision(const opening *o, const vit__plan *plan, vit_precision *precision)
{
    vit_precision asked = o->options->precision, stored = plan->packed ? plan->precision : VIT_PRECISION_F32;
    *precision = asked == VIT_PRECISION_AUTO ? stored : asked;
    if (plan->packed && *precision != stored)
        return vit__fail(
            o->err, VIT_ERR_INVALID_ARGUMENT, "precision",
            "the file holds weights packed in %s, which cannot be run in %s: leave the precision to the file, "
            "or quantize the original checkpoint anew",
            vit_precision_name(stored), vit_precision_name(*precision));
    return VIT_OK;
}

/* Where a model is used once, the tiles need not keep what they pack. */
static const vit__gemm *choose_gemm(const opening *o, const vit__plan *plan)
{
    return o->options->once && !plan->packed ? vit__gemm_streamed() : vit__gemm_tiles();
}

static vit_status load_tower(opening *o)
{
    vit_model *model = o->model;
    vit__tower tower = o->options->tower == VIT_TOWER_TEXT ? VIT__TOWER_TEXT : VIT__TOWER_IMAGE;
    const vit__plan *plan = &o->plans[tower];
    model->config = plan->config;
    model->other_tower = o->plans[!tower].present || o->unknown[!tower];
    model->binding = o->bindings[tower];
    o->bindings[tower] = (vit__binding){0};
    model->packed = plan->packed;
    model->parameters = plan->packed ? plan->parameters
                                     : count_parameters(&model->binding, vit__config_pairs(&plan->config));
    vit_status status = choose_precision(o, plan, &model->precision);
    if (status != VIT_OK)
        return status;
    model->gemm = choose_gemm(o, plan);
    vit__weights_target target = {.gemm = model->gemm, .precision = model->precision};
    status = vit__pool_create(plan->packed ? 1 : vit__cpu_count(), &target.pool, o->err);
    if (status == VIT_OK)
        status = vit__weights_load(&plan->config, plan->names, &model->binding, model->checkpoint, &target,
                                   &model->weights, o->err);
    vit__pool_free(target.pool);
    return status;
}

/* How pictures become pixels, which may say at what size the model runs. */
static vit_status load_preprocessor(opening *o)
{
    vit_model *model = o->model;
    if (o->options->tower == VIT_TOWER_TEXT)
        return VIT_OK;
    vit_status status = o->options->preprocessor
                            ? vit_preprocessor_open(o->options->preprocessor, &model->preprocessor, o->err)
                            : vit__preprocess_of_checkpoint(model->checkpoint, &model->preprocessor, o->err);
    if (status == VIT_OK && model->preprocessor && o->options->image_height)
        vit__preprocess_aim(model->preprocessor, o->options->image_width, o->options->image_height);
    return status;
}

static vit_status load_labels(opening *o)
{
    vit_model *model = o->model;
    if (!model->config.classes)
        return VIT_OK;
    return vit__labels_load(vit__checkpoint_config(model->head ? model->head : model->checkpoint),
                            model->config.classes, &model->labels, o->err);
}

static vit_status check_options(const vit_model_options *options, vit_error *err)
{
    if ((unsigned)options->precision > VIT_PRECISION_INT8)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "there is no precision %d", (int)options->precision);
    if ((options->image_height == 0) != (options->image_width == 0))
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "an image size needs both height and width");
    if ((unsigned)options->tower > VIT_TOWER_TEXT)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "there is no tower %d", (int)options->tower);
    if (options->head && options->tower == VIT_TOWER_TEXT)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL,
                         "a classifier is of the image tower, not of the text tower");
    return VIT__CHECK_RESERVED(err, "vit_model_open", options);
}

vit_status vit_model_check(const vit_model *model, vit_error *err)
{
    if (!model)
        return vit__fail_null(err, __func__, "model");
    vit_status status = vit__checkpoint_check(model->checkpoint, err);
    return status == VIT_OK && model->head ? vit__checkpoint_check(model->head, err) : status;
}

vit_status vit_model_open(const char *path, const vit_model_options *options, vit_model **result, vit_error *err)
{
    static const vit_model_options defaults = {0};
    if (result)
        *result = NULL;
    if (!path || !result)
        return vit__fail_null(err, __func__, path ? "model" : "path");
    if (options && check_options(options, err) != VIT_OK)
        return VIT_ERR_INVALID_ARGUMENT;
    vit_model *model = vit__alloc_zero(1, sizeof *model);
    if (!model)
        return vit__fail_memory(err, path);
    opening o = {.options = options ? options : &defaults, .model = model, .err = err};
    vit_status status = vit__other_head_open(path, o.options->head, model, err);
    if (status == VIT_OK) {
        model->path = vit__checkpoint_path(model->checkpoint);
        status = vit__family_find(model->checkpoint, &o.family, err);
    }
    if (status == VIT_OK)
        status = load_preprocessor(&o);
    if (status == VIT_OK)
        status = make_plans(&o);
    if (status == VIT_OK)
        status = load_tower(&o);
    if (status == VIT_OK && model->head && o.options->tower == VIT_TOWER_IMAGE)
        status = vit__other_head_load(model, err);
    if (status == VIT_OK)
        status = load_labels(&o);
    if (status == VIT_OK)
        status = vit_model_check(model, err);
    for (vit__tower tower = 0; tower < VIT__TOWERS; tower++)
        vit__binding_free(&o.bindings[tower]);
    if (status == VIT_OK)
        *result = model;
    else
        vit_model_free(model);
    return status;
}

void vit_model_free(vit_model *model)
{
    if (!model)
        return;
    if (model->gemm)
        vit__weights_free(&model->config, model->gemm, &model->weights);
    vit__binding_free(&model->binding);
    vit_preprocessor_free(model->preprocessor);
    vit__labels_free(model->labels, model->config.classes);
    vit__checkpoint_free(model->checkpoint);
    vit__checkpoint_free(model->head);
    free(model);
}

const char *vit_model_file(const vit_model *model, size_t index)
{
    size_t own = 0;
    if (!model)
        return NULL;
    while (vit__checkpoint_file(model->checkpoint, own))
        own++;
    return index < own   ? vit__checkpoint_file(model->checkpoint, index)
           : model->head ? vit__checkpoint_file(model->head, index - own)
                         : NULL;
}

size_t vit_model_depth(const vit_model *model)
{
    return model ? model->config.depth : 0;
}

size_t vit_model_width(const vit_model *model)
{
    return model ? model->config.width : 0;
}

size_t vit_model_heads(const vit_model *model)
{
    return model ? model->config.heads : 0;
}

vit_precision vit_model_precision(const vit_model *model)
{
    return model ? model->precision : VIT_PRECISION_AUTO;
}

const char *vit_model_family(const vit_model *model)
{
    return model ? model->config.family : NULL;
}

uint32_t vit_model_image_width(const vit_model *model)
{
    return model ? (uint32_t)model->config.image_width : 0;
}

uint32_t vit_model_image_height(const vit_model *model)
{
    return model ? (uint32_t)model->config.image_height : 0;
}

size_t vit_model_pixels_size(const vit_model *model)
{
    if (!model)
        return 0;
    return vit__config_pixels(&model->config);
}

vit_grid vit_model_grid(const vit_model *model)
{
    if (!model || model->config.input == VIT__INPUT_TOKENS)
        return (vit_grid){0};
    const vit_config *c = &model->config;
    if (c->stages.n) { /* a token of the last stage stands for 2x2 of the stage before, and so on */
        const vit__map map = vit__stages_map(c, c->stages.n - 1);
        return (vit_grid){map.height, map.width, c->patch_height << (c->stages.n - 1),
                          c->patch_width << (c->stages.n - 1)};
    }
    return (vit_grid){c->image_height / c->patch_height, c->image_width / c->patch_width, c->patch_height,
                      c->patch_width};
}

size_t vit_model_patches(const vit_model *model)
{
    return model ? model->config.patches_most : 0;
}

size_t vit_model_context(const vit_model *model)
{
    return model && model->config.input == VIT__INPUT_TOKENS ? model->config.context : 0;
}

size_t vit_model_classes(const vit_model *model)
{
    return model ? model->config.classes : 0;
}

int vit_model_regression(const vit_model *model)
{
    return model ? model->config.regression : 0;
}

int vit_model_multi_label(const vit_model *model)
{
    return model ? model->config.multi_label : 0;
}

const char *vit_model_label(const vit_model *model, size_t index)
{
    return model && model->labels && index < model->config.classes ? model->labels[index] : NULL;
}

double vit_model_flops(const vit_model *model)
{
    return model ? vit__config_flops(&model->config) : 0;
}

const vit_preprocessor *vit_model_preprocessor(const vit_model *model)
{
    return model ? model->preprocessor : NULL;
}

vit_status vit_model_similarity(const vit_model *model, vit_similarity *similarity, vit_error *err)
{
    if (similarity)
        *similarity = (vit_similarity){0};
    if (!model || !similarity)
        return vit__fail_null(err, __func__, model ? "similarity" : "model");
    if (model->config.cosine_logits) {
        *similarity = (vit_similarity){1, 0, false};
        return VIT_OK;
    }
    if (!model->config.logit_scale)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, model->path,
                         "the model does not compare pictures with words (CLIP and SigLIP models with both towers do)");
    float stored = model->weights.logit_scale, scale = model->config.temperature ? 1 / stored : expf(stored),
          most = (float)model->config.logit_scale_most;
    *similarity = (vit_similarity){most > 0 ? fminf(fmaxf(scale, 1), most) : scale, model->weights.logit_bias,
                                   model->config.sigmoid_logits};
    return VIT_OK;
}
