/* SPDX-License-Identifier: BSD-2-Clause */
#include "other_head.h"

#include <math.h>
#include <string.h>

#include "error.h"
#include "outputs.h"

#define WEIGHT "head.weight"
#define BIAS "head.bias"

/* ------------------------------------------------------------------ in the place of the model's own ---- */

vit_status vit__other_head_check(const vit_model *image, const vit_head *head, const char *function, vit_error *err)
{
    vit__head_input input;
    if (head->classes == 0)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, function, "a classifier without classes");
    if (!vit__output_to_head(head->output, &input) || !vit__output_exists(&image->config, head->output))
        return vit__fail(err, VIT_ERR_UNSUPPORTED_OUTPUT, image->path,
                         "no classifier can read the output %s of this model",
                         (unsigned)head->output < VIT__OUTPUTS ? vit_output_name(head->output) : "of that number");
    return VIT_OK;
}

static size_t head_parameters(const vit__linear *linear)
{
    return linear->outputs * (linear->inputs + 1);
}

void vit__other_head_put(vit_model *model, const vit_head *head)
{
    vit_config *c = &model->config;
    vit__linear *layer = &model->weights.head;
    model->parameters -= head_parameters(layer) + head_parameters(&model->weights.head_distillation);
    model->weights.head_distillation = (vit__linear){0};
    c->head = VIT__HEAD_LINEAR;
    c->head_pooling = VIT__POOL_NONE;
    vit__output_to_head(head->output, &c->head_input);
    c->head_normalize = head->normalize != 0;
    c->head_bias = true;
    c->multi_label = c->regression = false;
    c->classes = head->classes;
    *layer = (vit__linear){.inputs = vit__output_head_inputs(c),
                           .outputs = head->classes,
                           .n_parts = 1,
                           .parts = {{head->weight, head->bias, head->classes}},
                           .precision = VIT_PRECISION_F32};
    model->parameters += head_parameters(layer);
}

/* ------------------------------------------------------------------ a file of a classifier ---- */

static bool is_head(const vit__checkpoint *checkpoint)
{
    return vit__checkpoint_kind_of(checkpoint) == VIT__CHECKPOINT_HEAD;
}

/* The model that the file of a classifier names. */
static vit_status open_base(vit_model *model, vit_error *err)
{
    const char *path = vit__checkpoint_path(model->head), *base = vit__checkpoint_metadata(model->head, "base");
    vit_error here = {0};
    if (!base || !*base)
        return vit__fail(err, VIT_ERR_NOT_FOUND, path,
                         "a classifier alone, and it does not say of which model: name the model, and this file as "
                         "its classifier");
    if (vit__checkpoint_open(base, &model->checkpoint, &here) == VIT_OK)
        return VIT_OK;
    return vit__fail(err, here.status, path,
                     "a classifier alone, and its model %.200s cannot be opened (%.300s): name the place of the model, "
                     "and this file as its classifier",
                     base, here.message);
}

static vit_status open_head(const char *path, vit_model *model, vit_error *err)
{
    vit_status status = vit__checkpoint_open(path, &model->head, err);
    if (status != VIT_OK || is_head(model->head))
        return status;
    return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, path,
                     "no classifier alone: its metadata do not say \"format\": \"vit-head\"");
}

vit_status vit__other_head_open(const char *path, const char *head, vit_model *model, vit_error *err)
{
    vit_status status = vit__checkpoint_open(path, &model->checkpoint, err);
    if (status != VIT_OK)
        return status;
    if (head) {
        status = open_head(head, model, err);
    } else if (is_head(model->checkpoint)) {
        model->head = model->checkpoint;
        model->checkpoint = NULL;
        status = open_base(model, err);
    }
    if (status == VIT_OK && is_head(model->checkpoint))
        status = vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, vit__checkpoint_path(model->checkpoint),
                           "a classifier alone, where the model is wanted whose vectors a classifier reads");
    return status;
}

/* The model's digests, as the file of the classifier has them. A file that has none goes with every model. */
static vit_status check_digests(const vit_model *model, vit_error *err)
{
    const char *path = vit__checkpoint_path(model->head);
    const char *base = vit__checkpoint_metadata(model->head, "base_digest");
    const char *rules = vit__checkpoint_metadata(model->head, "preprocessing_digest");
    char digest[65];
    vit_status status = base ? vit_model_digest(model, digest, err) : VIT_OK;
    if (status == VIT_OK && base && strcmp(base, digest) != 0)
        return vit__fail(err, VIT_ERR_MODEL_MISMATCH, path,
                         "the classifier was made for the model with the digest %.64s, and the digest of %s is %s",
                         base, model->path, digest);
    if (status != VIT_OK || !rules || !model->preprocessor)
        return status;
    status = vit_preprocessor_digest(model->preprocessor, digest, err);
    if (status == VIT_OK && strcmp(rules, digest) != 0)
        return vit__fail(err, VIT_ERR_MODEL_MISMATCH, path,
                         "the classifier was made for pictures that are preprocessed in another way: the digest of the "
                         "preprocessing was %.64s, and is %s now; take the picture size and the preprocessing that the "
                         "classifier was made with",
                         rules, digest);
    return status;
}

/* The metadata "head_input" and "head_normalize". */
static vit_status read_input(const vit__checkpoint *file, vit_head *head, vit_error *err)
{
    const char *input = vit__checkpoint_metadata(file, "head_input");
    const char *normalize = vit__checkpoint_metadata(file, "head_normalize");
    size_t layer;
    if (!input || !vit_output_parse(input, &head->output, &layer))
        return vit__fail(err, VIT_ERR_CORRUPT, vit__checkpoint_path(file),
                         "\"head_input\" of its metadata is %.100s, which is the name of no output",
                         input ? input : "not there");
    head->normalize = normalize && strcmp(normalize, "true") == 0;
    if (normalize && !head->normalize && strcmp(normalize, "false") != 0)
        return vit__fail(err, VIT_ERR_CORRUPT, vit__checkpoint_path(file),
                         "\"head_normalize\" of its metadata is %.100s: it is true or false", normalize);
    return VIT_OK;
}

/* A tensor of the shape [rows, columns], of [rows] where columns is 0. */
static vit_status read_tensor(vit__checkpoint *file, const char *name, size_t rows, size_t columns,
                              const float **values, vit_error *err)
{
    const vit__tensor *tensor = vit__checkpoint_find(file, name);
    const char *path = vit__checkpoint_path(file);
    char shape[100];
    if (!tensor)
        return vit__fail(err, VIT_ERR_CORRUPT, path, "it has no tensor \"%s\"", name);
    vit__tensor_shape_text(tensor, shape, sizeof shape);
    const size_t rank = columns ? 2 : 1;
    bool fits = tensor->rank == rank && tensor->shape[0] == rows && (!columns || tensor->shape[1] == columns);
    if (!fits && columns)
        return vit__fail(err, VIT_ERR_MODEL_MISMATCH, path, "tensor \"%s\" is %s, and would have to be [%zu, %zu]",
                         name, shape, rows, columns);
    if (!fits)
        return vit__fail(err, VIT_ERR_MODEL_MISMATCH, path, "tensor \"%s\" is %s, and would have to be [%zu]", name,
                         shape, rows);
    vit_status status = vit__checkpoint_floats(file, tensor, values, err);
    for (size_t i = 0; status == VIT_OK && i < vit__tensor_elements(tensor); i++)
        if (!isfinite((*values)[i]))
            status = vit__fail(err, VIT_ERR_CORRUPT, path, "tensor \"%s\" holds NaN or infinity", name);
    return status;
}

/* The numbers, of an output that the model has. */
static vit_status read_layer(const vit_model *model, vit_head *head, vit_error *err)
{
    size_t shape[2];
    const char *path = vit__checkpoint_path(model->head);
    const vit__tensor *weight = vit__checkpoint_find(model->head, WEIGHT);
    if (!weight || weight->rank == 0 || weight->shape[0] == 0)
        return vit__fail(err, VIT_ERR_CORRUPT, path, "it has no tensor \"" WEIGHT "\" with a row for each class");
    head->classes = weight->shape[0];
    vit_status status = vit__other_head_check(model, head, path, err);
    if (status != VIT_OK)
        return status;
    vit__output_shape(&model->config, head->output, 0, 1, shape);
    status = read_tensor(model->head, WEIGHT, head->classes, shape[1], &head->weight, err);
    if (status == VIT_OK)
        status = read_tensor(model->head, BIAS, head->classes, 0, &head->bias, err);
    if (status == VIT_OK && vit__checkpoint_tensors(model->head) != 2)
        status = vit__fail(err, VIT_ERR_CORRUPT, path, "it has other tensors beside \"" WEIGHT "\" and \"" BIAS "\"");
    return status;
}

/* A back end that streams needs weights in a mapped file. A copy is packed now, by the tiles. */
static vit_status prepare(vit_model *model, vit_error *err)
{
    vit__linear *layer = &model->weights.head;
    bool copied = !vit__checkpoint_maps(model->head, layer->parts[0].weight);
    const vit__gemm *gemm = model->gemm->streams && copied ? vit__gemm_tiles() : model->gemm;
    vit__pool *pool = NULL;
    vit_status status = vit__pool_create(1, &pool, err);
    if (status == VIT_OK)
        status = gemm->prepare(layer, pool, err);
    vit__pool_free(pool);
    return status;
}

vit_status vit__other_head_load(vit_model *model, vit_error *err)
{
    vit_head head = {0};
    vit_status status = check_digests(model, err);
    if (status == VIT_OK)
        status = read_input(model->head, &head, err);
    if (status == VIT_OK)
        status = read_layer(model, &head, err);
    if (status != VIT_OK)
        return status;
    vit__linear *old[] = {&model->weights.head, &model->weights.head_distillation};
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (old[i]->outputs)
            model->gemm->release(old[i]);
    vit__other_head_put(model, &head);
    return prepare(model, err);
}
