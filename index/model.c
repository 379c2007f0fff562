/* SPDX-License-Identifier: BSD-2-Clause */
/* The model that made the vectors of an index. */
#include "error.h"
#include "vit/index.h"

static vit_status check_columns(const vit_index *index, const vit_pipeline *pipeline, vit_error *err)
{
    size_t columns = vit_index_columns(index), size = vit_pipeline_size(pipeline);
    if (columns == size)
        return VIT_OK;
    return vit__fail(err, VIT_ERR_MODEL_MISMATCH, vit_index_place(index),
                     "the index has vectors of %zu numbers, and the model %s now gives %zu", columns,
                     vit_index_get_pin(index)->model, size);
}

vit_status vit_index_pipeline(const vit_index *index, const vit_pipeline_options *given, vit_pipeline **pipeline,
                              vit_error *err)
{
    if (pipeline)
        *pipeline = NULL;
    if (!index || !pipeline)
        return vit__fail_null(err, __func__, index ? "pipeline" : "index");
    const vit_index_pin *pin = vit_index_get_pin(index);
    if (!pin->model)
        return vit__fail(err, VIT_ERR_NOT_FOUND, vit_index_place(index),
                         "no model: nothing was indexed yet, or its vectors are not of a model that has a name");
    vit_pipeline_options options = given ? *given : (vit_pipeline_options){0};
    options.normalize = 1;
    if (!options.model.preprocessor)
        options.model.preprocessor = pin->preprocessor;
    vit_status status = vit_recipe_apply(&pin->recipe, &options, err);
    if (status == VIT_OK)
        status = vit_pipeline_open(pin->model, &options, pipeline, err);
    if (status == VIT_OK)
        status = check_columns(index, *pipeline, err);
    if (status != VIT_OK) {
        vit_pipeline_free(*pipeline);
        *pipeline = NULL;
    }
    return status;
}
