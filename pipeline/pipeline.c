/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a model with what it takes to feed it. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "pipeline_internal.h"

#define USUAL_BATCH 8
#define BATCH_BYTES (64u * 1024u * 1024u) /* of pixels, for a batch size of our own choosing */

size_t vit_pipeline_row_size(const vit_pipeline *pipeline)
{
    if (!pipeline)
        return 0;
    if (vit__pipeline_takes_text(pipeline))
        return vit_model_context(pipeline->model) * sizeof(int32_t);
    return vit_model_pixels_size(pipeline->model) * sizeof(float);
}

/* A few dozen small pictures or texts are worked on together; where pictures are large, fewer. */
static size_t usual_batch(const vit_pipeline *pipeline)
{
    size_t row = vit_pipeline_row_size(pipeline), fitting = row ? BATCH_BYTES / row : USUAL_BATCH;
    if (pipeline->settings.model.once || fitting < 1)
        return 1;
    return fitting < USUAL_BATCH ? fitting : USUAL_BATCH;
}

/* The options' strings may go when the call returns. */
static vit_status keep_options(vit_pipeline *pipeline, const char *model, const vit_pipeline_options *options,
                               vit_error *err)
{
    if (options && VIT__CHECK_RESERVED(err, "vit_pipeline_options", options) != VIT_OK)
        return VIT_ERR_INVALID_ARGUMENT;
    pipeline->settings = options ? *options : (vit_pipeline_options){0};
    const char *preprocessor = pipeline->settings.model.preprocessor;
    pipeline->name = vit__strdup(model);
    pipeline->preprocessor = preprocessor ? vit__strdup(preprocessor) : NULL;
    pipeline->settings.model.preprocessor = pipeline->preprocessor;
    if (!pipeline->name || (preprocessor && !pipeline->preprocessor))
        return vit__fail_memory(err, model);
    return VIT_OK;
}

vit_status vit_pipeline_choose(vit_pipeline *pipeline, const vit_pipeline_options *options, vit_error *err)
{
    size_t shape[2];
    if (!pipeline || !options)
        return vit__fail_null(err, __func__, pipeline ? "options" : "pipeline");
    vit_status status = vit_output_shape(pipeline->model, options->output, options->layer, shape, err);
    if (status == VIT_OK && options->sample && options->output != VIT_OUTPUT_LATENT)
        status = vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, "a sample is drawn of the output latent alone");
    if (status != VIT_OK)
        return status;
    vit_pipeline_options *settings = &pipeline->settings;
    settings->output = options->output;
    settings->layer = options->layer;
    settings->normalize = options->normalize;
    settings->sample = options->sample;
    settings->seed = options->seed;
    pipeline->rows = shape[0];
    pipeline->size = shape[0] * shape[1];
    return VIT_OK;
}

/* What stands on the open model. */
static vit_status settle(vit_pipeline *pipeline, vit_error *err)
{
    const vit_pipeline_options chosen = pipeline->settings;
    if (pipeline->settings.batch == 0)
        pipeline->settings.batch = usual_batch(pipeline);
    return vit_pipeline_choose(pipeline, &chosen, err);
}

static vit_status make(const vit_model *model, const char *name, const vit_pipeline_options *options,
                       vit_pipeline *pipeline, vit_error *err)
{
    vit_status status = keep_options(pipeline, name, options, err);
    if (status == VIT_OK && !model)
        status = vit_model_open(name, &pipeline->settings.model, &pipeline->own, err);
    pipeline->model = model ? model : pipeline->own;
    return status == VIT_OK ? settle(pipeline, err) : status;
}

/* model NULL: the pipeline opens it. */
static vit_status create(const vit_model *model, const char *name, const vit_pipeline_options *options,
                         vit_pipeline **result, vit_error *err)
{
    vit_pipeline *pipeline = vit__alloc_zero(1, sizeof *pipeline);
    if (!pipeline)
        return vit__fail_memory(err, name);
    pthread_mutex_init(&pipeline->turn, NULL);
    pthread_mutex_init(&pipeline->running, NULL);
    vit_status status = make(model, name, options, pipeline, err);
    if (status == VIT_OK)
        *result = pipeline;
    else
        vit_pipeline_free(pipeline);
    return status;
}

vit_status vit_pipeline_open(const char *model, const vit_pipeline_options *options, vit_pipeline **pipeline,
                             vit_error *err)
{
    if (pipeline)
        *pipeline = NULL;
    if (!model || !pipeline)
        return vit__fail_null(err, __func__, model ? "pipeline" : "model");
    return create(NULL, model, options, pipeline, err);
}

vit_status vit_pipeline_create(const vit_model *model, const char *name, const vit_pipeline_options *options,
                               vit_pipeline **pipeline, vit_error *err)
{
    if (pipeline)
        *pipeline = NULL;
    if (!model || !name || !pipeline)
        return vit__fail_null(err, __func__, !model ? "model" : name ? "pipeline" : "name");
    return create(model, name, options, pipeline, err);
}

void vit_pipeline_free(vit_pipeline *pipeline)
{
    if (!pipeline)
        return;
    vit_tokenizer_free(pipeline->tokenizer);
    vit_session_free(pipeline->session);
    vit_model_free(pipeline->own);
    pthread_mutex_destroy(&pipeline->turn);
    pthread_mutex_destroy(&pipeline->running);
    free(pipeline->preprocessor);
    free(pipeline->name);
    free(pipeline);
}

vit_status vit_pipeline_start(vit_pipeline *pipeline, vit_error *err)
{
    if (!pipeline)
        return vit__fail_null(err, __func__, "pipeline");
    if (pipeline->session && pipeline->process == getpid())
        return VIT_OK;
    vit_session_free(pipeline->session); /* of the process that this one was forked from */
    pipeline->session = NULL;
    pipeline->process = getpid();
    const vit_session_options options = {.threads = pipeline->settings.threads, .max_batch = pipeline->settings.batch};
    return vit_session_create(pipeline->model, &options, &pipeline->session, err);
}

/* A tokenizer may say that texts are longer than the model takes; then the model is right. */
vit_status vit_pipeline_start_words(vit_pipeline *pipeline, vit_error *err)
{
    if (!pipeline)
        return vit__fail_null(err, __func__, "pipeline");
    if (pipeline->tokenizer)
        return VIT_OK;
    vit_tokenizer_options options = {.context = 0};
    vit_tokenizer *tokenizer = NULL;
    vit_status status = vit_tokenizer_open(pipeline->name, &options, &tokenizer, err);
    options.context = vit_model_context(pipeline->model);
    if (status == VIT_OK && vit_tokenizer_context(tokenizer) > options.context) {
        vit_tokenizer_free(tokenizer);
        status = vit_tokenizer_open(pipeline->name, &options, &tokenizer, err);
    }
    if (status != VIT_OK)
        return status;
    pipeline->tokenizer = tokenizer;
    pipeline->text_length = vit_tokenizer_context(tokenizer);
    return VIT_OK;
}

/* ------------------------------------------------------------------ facts ---- */

const vit_model *vit_pipeline_model(const vit_pipeline *pipeline)
{
    return pipeline ? pipeline->model : NULL;
}

const vit_pipeline_options *vit_pipeline_settings(const vit_pipeline *pipeline)
{
    return pipeline ? &pipeline->settings : NULL;
}

size_t vit_pipeline_size(const vit_pipeline *pipeline)
{
    return pipeline ? pipeline->size : 0;
}

vit_session *vit_pipeline_session(vit_pipeline *pipeline)
{
    return pipeline ? pipeline->session : NULL;
}

size_t vit_pipeline_text_length(const vit_pipeline *pipeline)
{
    return pipeline ? pipeline->text_length : 0;
}
