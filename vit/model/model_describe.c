/* SPDX-License-Identifier: BSD-2-Clause */
/* What a model is, as JSON: for people (vit info) and for programs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config_json.h"
#include "error.h"
#include "limit.h"
#include "model.h"
#include "outputs.h"
#include "stages.h"

typedef struct field {
    const char *key;
    double value;
} field;

/* Each helper answers false when memory ran out; a value that is NULL then fails the set. */
static bool set_numbers(vit__json *object, const field *fields, size_t n)
{
    bool done = true;
    for (size_t i = 0; i < n; i++)
        done = done && vit__json_set(object, fields[i].key, vit__json_new_number(fields[i].value));
    return done;
}

static bool set_text(vit__json *object, const char *key, const char *text)
{
    return vit__json_set(object, key, vit__json_new_string(text));
}

static bool set_extent(vit__json *object, const char *key, size_t height, size_t width)
{
    vit__json *pair = vit__json_new_array();
    bool done = vit__json_append(pair, vit__json_new_number((double)height)) &&
                vit__json_append(pair, vit__json_new_number((double)width));
    return vit__json_set(object, key, pair) && done;
}

static bool set_input(vit__json *object, const vit_config *c)
{
    if (c->input == VIT__INPUT_TOKENS) {
        const field words[] = {{"vocabulary", (double)c->vocabulary}, {"context", (double)c->context}};
        return set_text(object, "input", "text") && set_numbers(object, words, 2) &&
               (!c->padding || set_numbers(object, &(field){"padding", (double)c->pad_token}, 1));
    }
    return set_text(object, "input", "image") &&
           (c->patches_most ? set_numbers(object, &(field){"max_num_patches", (double)c->patches_most}, 1)
                            : set_extent(object, "image_size", c->image_height, c->image_width)) &&
           set_extent(object, "patch_size", c->patch_height, c->patch_width);
}

static bool set_sizes(vit__json *object, const vit_model *model)
{
    const vit_config *c = &model->config;
    const field sizes[] = {
        {"tokens", (double)vit__config_tokens(c)},
        {"registers", (double)c->registers},
        {"width", (double)c->width},
        {"depth", (double)c->depth},
        {"heads", (double)c->heads},
        {"mlp_width", (double)c->mlp_width},
        {"parameters", (double)model->parameters},
        {"gflops", round(vit__config_flops(c) / 1e7) / 100},
    };
    return set_numbers(object, sizes, sizeof sizes / sizeof *sizes);
}

/* [{"depth": 2, "width": 96, "heads": 3, "map": [56, 56], "window": [7, 7], "shift": [3, 3]}, ...], of an encoder that
 * has stages. */
static bool set_stages(vit__json *object, const vit_config *c)
{
    vit__json *stages = vit__json_new_array();
    bool done = true;
    for (size_t i = 0; i < c->stages.n; i++) {
        const vit__stage *s = &c->stages.stage[i];
        const vit__map map = vit__stages_map(c, i);
        const field sizes[] = {{"depth", (double)s->depth}, {"width", (double)s->width}, {"heads", (double)s->heads}};
        vit__json *stage = vit__json_new_object();
        done = set_numbers(stage, sizes, 3) && set_extent(stage, "map", map.height, map.width) &&
               set_extent(stage, "window", map.window_height, map.window_width) &&
               set_extent(stage, "shift", map.shift_height, map.shift_width) && done;
        done = vit__json_append(stages, stage) && done;
    }
    if (c->stages.n)
        return vit__json_set(object, "stages", stages) && done;
    vit__json_free(stages);
    return true;
}

/* What makes one vector of the tokens: which of them count, and into how many numbers they are projected. */
static bool set_pooling(vit__json *object, const vit_config *c)
{
    const bool layers = c->dense[0].width > 0 || c->transformation_width > 0;
    const size_t width = c->embedding == VIT__EMBEDDING_PROJECTED ? c->projection_width
                         : layers                                 ? vit__config_dense_inputs(c, VIT__LIMIT_DENSE_LAYERS)
                                                                  : 0;
    const vit__pooling pooling = c->embedding == VIT__EMBEDDING_CLASS  ? VIT__POOL_CLASS
                                 : c->embedding == VIT__EMBEDDING_MEAN ? VIT__POOL_MEAN_PATCHES
                                                                       : c->pooling;
    return set_text(object, "pooling", vit__pooling_name(pooling)) &&
           set_numbers(object, &(field){"projection", (double)width}, 1);
}

/* {"embedding": [768], "tokens": [197, 768], ...} */
static bool set_outputs(vit__json *object, const vit_config *c)
{
    vit__json *outputs = vit__json_new_object();
    bool done = true;
    for (int output = 0; output < VIT__OUTPUTS; output++) {
        if (!vit__output_exists(c, (vit_output)output))
            continue;
        size_t shape[2];
        vit__output_shape(c, (vit_output)output, c->depth, vit__config_tokens(c), shape);
        bool matrix = output == VIT_OUTPUT_TOKENS || output == VIT_OUTPUT_HIDDEN || output == VIT_OUTPUT_ATTENTION;
        vit__json *sizes = vit__json_new_array();
        done = (!matrix || vit__json_append(sizes, vit__json_new_number((double)shape[0]))) && done;
        done = vit__json_append(sizes, vit__json_new_number((double)shape[1])) && done;
        done = vit__json_set(outputs, vit__output_name((vit_output)output), sizes) && done;
    }
    return vit__json_set(object, "outputs", outputs) && done;
}

static bool set_labels(vit__json *object, const vit_model *model)
{
    const field classes = {"classes", (double)model->config.classes};
    if (!set_numbers(object, &classes, 1))
        return false;
    if (!model->labels)
        return vit__json_set(object, "labels", vit__json_new_string(NULL));
    vit__json *labels = vit__json_new_array();
    bool done = true;
    for (size_t i = 0; i < model->config.classes; i++)
        done = vit__json_append(labels, vit__json_new_string(model->labels[i])) && done;
    return vit__json_set(object, "labels", labels) && done;
}

/* For a packed file: its precision and its source. */
static bool set_packed(vit__json *object, const vit_model *model)
{
    if (!model->packed)
        return true;
    vit__json *packed = vit__json_new_object();
    const char *source = vit__json_string(vit__json_get(vit__checkpoint_config(model->checkpoint), "source_digest"));
    bool done = vit__json_set(packed, "version", vit__json_new_number(VIT__PACKED_VERSION)) &&
                set_text(packed, "precision", vit_precision_name(model->precision)) &&
                set_text(packed, "source_digest", source);
    return vit__json_set(object, "packed", packed) && done;
}

/* A classifier in a file of its own: the file, and what it was made for. */
static bool set_head(vit__json *object, const vit_model *model)
{
    static const char *const keys[] = {"base", "base_digest", "preprocessing_digest"};
    if (!model->head)
        return true;
    vit__json *head = vit__json_new_object();
    bool done = vit__json_set(head, "path", vit__json_new_path(vit__checkpoint_path(model->head)));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        done = set_text(head, keys[i], vit__checkpoint_metadata(model->head, keys[i])) && done;
    return vit__json_set(object, "head", head) && done;
}

/* What a classifier of an output reads, and how it was fitted. */
static bool set_fit(vit__json *object, const vit_model *model)
{
    const vit_config *c = &model->config;
    const char *text = vit__checkpoint_metadata(model->head ? model->head : model->checkpoint, "fit");
    vit__json *fit = NULL;
    if (text) /* of another writer it may be no JSON, and is left out */
        vit__json_parse(text, strlen(text), NULL, &fit, NULL);
    return (!c->head_input || (set_text(object, "head_input", vit__output_name(vit__output_of_head(c->head_input))) &&
                               vit__json_set(object, "head_normalize", vit__json_new_boolean(c->head_normalize)))) &&
           (!fit || vit__json_set(object, "fit", fit));
}

char *vit_model_describe(const vit_model *model)
{
    if (!model)
        return NULL;
    vit__json *object = vit__json_new_object();
    bool done = set_text(object, "family", model->config.family) &&
                vit__json_set(object, "path", vit__json_new_path(model->path)) && set_input(object, &model->config) &&
                set_sizes(object, model) && set_stages(object, &model->config) && set_pooling(object, &model->config) &&
                set_outputs(object, &model->config) && set_labels(object, model) && set_packed(object, model) &&
                set_head(object, model) && set_fit(object, model) &&
                vit__json_set(object, "towers", vit__json_new_number(model->other_tower ? 2 : 1)) &&
                vit__json_set(object, "preprocessing",
                              model->preprocessor ? vit__preprocess_json(model->preprocessor)
                                                  : vit__json_new_string(NULL));
    char *text = done ? vit__json_text(object, 2) : NULL;
    vit__json_free(object);
    return text;
}

vit_status vit_model_digest(const vit_model *model, char hex[65], vit_error *err)
{
    if (hex)
        hex[0] = '\0';
    if (!model || !hex)
        return vit__fail_null(err, __func__, model ? "hex" : "model");
    return vit__checkpoint_digest(model->checkpoint, hex, err);
}
