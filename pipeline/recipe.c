/* SPDX-License-Identifier: BSD-2-Clause */
/* What made a vector, as a table: for each key its name, how a pipeline says it, and how it becomes an option again. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "pipeline_internal.h"

enum { TEXT_SIZE = 80 }; /* a digest is 64 digits, an output's name 26 characters at most */

/* ------------------------------------------------------------------ from a pipeline ---- */

/* Each fills text[TEXT_SIZE]; "" leaves the key unset. */
static vit_status take_model_digest(const vit_pipeline *p, char *text, vit_error *err)
{
    return vit_model_digest(p->model, text, err);
}

static vit_status take_preprocessing_digest(const vit_pipeline *p, char *text, vit_error *err)
{
    const vit_preprocessor *rules = vit_model_preprocessor(p->model);
    return vit__pipeline_takes_text(p) || !rules ? VIT_OK : vit_preprocessor_digest(rules, text, err);
}

static vit_status take_precision(const vit_pipeline *p, char *text, vit_error *err)
{
    (void)err;
    snprintf(text, TEXT_SIZE, "%s", vit_precision_name(vit_model_precision(p->model)));
    return VIT_OK;
}

static vit_status take_output(const vit_pipeline *p, char *text, vit_error *err)
{
    (void)err;
    bool of_a_block = p->settings.output == VIT_OUTPUT_HIDDEN || p->settings.output == VIT_OUTPUT_ATTENTION;
    if (of_a_block)
        snprintf(text, TEXT_SIZE, "%s:%zu", vit_output_name(p->settings.output), p->settings.layer);
    else
        snprintf(text, TEXT_SIZE, "%s", vit_output_name(p->settings.output));
    return VIT_OK;
}

static vit_status take_dimensions(const vit_pipeline *p, char *text, vit_error *err)
{
    (void)err;
    snprintf(text, TEXT_SIZE, "%zu", p->size / p->rows);
    return VIT_OK;
}

static vit_status take_normalize(const vit_pipeline *p, char *text, vit_error *err)
{
    (void)err;
    strcpy(text, p->settings.normalize ? "yes" : "");
    return VIT_OK;
}

static vit_status take_input(const vit_pipeline *p, char *text, vit_error *err)
{
    (void)err;
    strcpy(text, vit__pipeline_takes_text(p) ? "text" : "");
    return VIT_OK;
}

static vit_status take_sample(const vit_pipeline *p, char *text, vit_error *err)
{
    (void)err;
    if (p->settings.sample)
        snprintf(text, TEXT_SIZE, "%" PRIu64, p->settings.seed);
    return VIT_OK;
}

static vit_status take_resampler(const vit_pipeline *p, char *text, vit_error *err)
{
    (void)err;
    snprintf(text, TEXT_SIZE, "%s", vit_resampler_name(p->settings.resampler));
    return VIT_OK;
}

static vit_status take_exif(const vit_pipeline *p, char *text, vit_error *err)
{
    (void)err;
    snprintf(text, TEXT_SIZE, "%s", vit_exif_name(p->settings.load.exif));
    return VIT_OK;
}

static vit_status take_background(const vit_pipeline *p, char *text, vit_error *err)
{
    const uint8_t *rgb = p->settings.load.background;
    (void)err;
    if (p->settings.load.composite)
        snprintf(text, TEXT_SIZE, "%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
    return VIT_OK;
}

static vit_status take_image_size(const vit_pipeline *p, char *text, vit_error *err)
{
    (void)err;
    if (p->settings.model.image_height)
        snprintf(text, TEXT_SIZE, "%" PRIu32 "x%" PRIu32, p->settings.model.image_height,
                 p->settings.model.image_width);
    return VIT_OK;
}

static vit_status take_fast_decode(const vit_pipeline *p, char *text, vit_error *err)
{
    (void)err;
    strcpy(text, p->settings.fast_decode ? "yes" : "");
    return VIT_OK;
}

/* ------------------------------------------------------------------ to options ---- */

/* Each answers whether this build knows the value. */
static bool apply_precision(const char *value, vit_pipeline_options *o)
{
    for (int i = VIT_PRECISION_F32; i <= VIT_PRECISION_INT8; i++)
        if (strcmp(value, vit_precision_name((vit_precision)i)) == 0) {
            o->model.precision = (vit_precision)i;
            return true;
        }
    return false;
}

static bool apply_output(const char *value, vit_pipeline_options *o)
{
    return vit_output_parse(value, &o->output, &o->layer);
}

static bool is_yes(const char *value, int *flag)
{
    *flag = strcmp(value, "yes") == 0;
    return *flag;
}

static bool apply_normalize(const char *value, vit_pipeline_options *o)
{
    return is_yes(value, &o->normalize);
}

static bool apply_fast_decode(const char *value, vit_pipeline_options *o)
{
    return is_yes(value, &o->fast_decode);
}

static bool apply_sample(const char *value, vit_pipeline_options *o)
{
    int end = 0;
    o->sample = sscanf(value, "%" SCNu64 "%n", &o->seed, &end) == 1 && !value[end];
    return o->sample;
}

static bool apply_resampler(const char *value, vit_pipeline_options *o)
{
    for (int i = 0; vit_resampler_name((vit_resampler)i); i++)
        if (strcmp(value, vit_resampler_name((vit_resampler)i)) == 0) {
            o->resampler = (vit_resampler)i;
            return true;
        }
    return false;
}

static bool apply_exif(const char *value, vit_pipeline_options *o)
{
    for (int i = 0; vit_exif_name((vit_exif)i); i++)
        if (strcmp(value, vit_exif_name((vit_exif)i)) == 0) {
            o->load.exif = (vit_exif)i;
            return true;
        }
    return false;
}

static bool apply_background(const char *value, vit_pipeline_options *o)
{
    int end = 0;
    uint8_t *rgb = o->load.background;
    o->load.composite = sscanf(value, "%2" SCNx8 "%2" SCNx8 "%2" SCNx8 "%n", &rgb[0], &rgb[1], &rgb[2], &end) == 3 &&
                        end == 6 && !value[end];
    return o->load.composite;
}

static bool apply_image_size(const char *value, vit_pipeline_options *o)
{
    int end = 0;
    return sscanf(value, "%" SCNu32 "x%" SCNu32 "%n", &o->model.image_height, &o->model.image_width, &end) == 2 &&
           !value[end] && o->model.image_height && o->model.image_width;
}

/* ------------------------------------------------------------------ the table ---- */

static const struct {
    const char *name;
    vit_status (*take)(const vit_pipeline *pipeline, char *text, vit_error *err);
    bool (*apply)(const char *value,
                  vit_pipeline_options *options); /* NULL: it follows from the model, or is not the pipeline's */
    bool pictures;                                /* says nothing of a text's vector */
    bool compared;
} rows[VIT_RECIPE_KEYS] = {
    [VIT_RECIPE_MODEL_DIGEST] = {"model_digest", take_model_digest, NULL, false, true},
    [VIT_RECIPE_PREPROCESSING_DIGEST] = {"preprocessing_digest", take_preprocessing_digest, NULL, true, true},
    [VIT_RECIPE_PRECISION] = {"precision", take_precision, apply_precision, false, true},
    [VIT_RECIPE_OUTPUT] = {"output", take_output, apply_output, false, true},
    [VIT_RECIPE_DIMENSIONS] = {"dimensions", take_dimensions, NULL, false, true},
    [VIT_RECIPE_NORMALIZE] = {"normalize", take_normalize, apply_normalize, false, false}, /* cosines do not tell */
    [VIT_RECIPE_INPUT] = {"input", take_input, NULL, false, false},
    [VIT_RECIPE_SAMPLE] = {"sample", take_sample, apply_sample, false, true},
    [VIT_RECIPE_RESAMPLER] = {"resampler", take_resampler, apply_resampler, true, true},
    [VIT_RECIPE_EXIF] = {"exif", take_exif, apply_exif, true, true},
    [VIT_RECIPE_BACKGROUND] = {"background", take_background, apply_background, true, true},
    [VIT_RECIPE_IMAGE_SIZE] = {"image_size", take_image_size, apply_image_size, true, true},
    [VIT_RECIPE_FAST_DECODE] = {"fast_decode", take_fast_decode, apply_fast_decode, true, true},
};

const char *vit_recipe_name(vit_recipe_key key)
{
    return (size_t)key < VIT_RECIPE_KEYS ? rows[key].name : NULL;
}

vit_status vit_recipe_set(vit_recipe *recipe, vit_recipe_key key, const char *value, vit_error *err)
{
    if (!recipe || (size_t)key >= VIT_RECIPE_KEYS)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL, recipe ? "there is no such key" : "recipe is NULL");
    char *copy = value ? vit__strdup(value) : NULL;
    if (value && !copy)
        return vit__fail_memory(err, NULL);
    free(recipe->values[key]);
    recipe->values[key] = copy;
    return VIT_OK;
}

void vit_recipe_free(vit_recipe *recipe)
{
    for (size_t i = 0; recipe && i < VIT_RECIPE_KEYS; i++)
        vit_recipe_set(recipe, (vit_recipe_key)i, NULL, NULL);
}

vit_status vit_recipe_take(const vit_pipeline *pipeline, vit_recipe *recipe, vit_error *err)
{
    if (recipe)
        *recipe = (vit_recipe){0};
    if (!pipeline || !recipe)
        return vit__fail_null(err, __func__, pipeline ? "recipe" : "pipeline");
    vit_status status = VIT_OK;
    for (size_t i = 0; i < VIT_RECIPE_KEYS && status == VIT_OK; i++) {
        char text[TEXT_SIZE] = "";
        status = rows[i].take(pipeline, text, err);
        if (status == VIT_OK)
            status = vit_recipe_set(recipe, (vit_recipe_key)i, *text ? text : NULL, err);
    }
    if (status != VIT_OK)
        vit_recipe_free(recipe);
    return status;
}

/* ------------------------------------------------------------------ use ---- */

static bool is_of_texts(const vit_recipe *recipe)
{
    const char *input = recipe->values[VIT_RECIPE_INPUT];
    return input && strcmp(input, "text") == 0;
}

vit_recipe_key vit_recipe_differs(const vit_recipe *a, const vit_recipe *b, int from)
{
    for (int i = from < 0 ? 0 : from; a && b && i < VIT_RECIPE_KEYS; i++) {
        const char *one = a->values[i] ? a->values[i] : "", *other = b->values[i] ? b->values[i] : "";
        bool counts = rows[i].compared && !(rows[i].pictures && (is_of_texts(a) || is_of_texts(b)));
        if (counts && strcmp(one, other) != 0)
            return (vit_recipe_key)i;
    }
    return VIT_RECIPE_KEYS;
}

vit_status vit_recipe_apply(const vit_recipe *recipe, vit_pipeline_options *options, vit_error *err)
{
    if (!recipe || !options)
        return vit__fail_null(err, __func__, recipe ? "options" : "recipe");
    for (size_t i = 0; i < VIT_RECIPE_KEYS; i++)
        if (recipe->values[i] && rows[i].apply && !rows[i].apply(recipe->values[i], options))
            return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, rows[i].name, "\"%s\" is not known to this version",
                             recipe->values[i]);
    return VIT_OK;
}
