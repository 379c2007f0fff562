/* SPDX-License-Identifier: BSD-2-Clause */
#include "pin.h"

#include <stdlib.h>
#include <string.h>

#include "talk.h"
#include "text.h"

/* What the user is told that it is, of what must be the same. */
static const struct {
    vit_recipe_key key;
    const char *words;
    bool digest;
} told[] = {
    {VIT_RECIPE_MODEL_DIGEST, "weights", true},
    {VIT_RECIPE_PRECISION, "--precision", false},
    {VIT_RECIPE_OUTPUT, "--output", false},
    {VIT_RECIPE_RESAMPLER, "--resampler", false},
    {VIT_RECIPE_EXIF, "--exif", false},
    {VIT_RECIPE_BACKGROUND, "--background", false},
    {VIT_RECIPE_IMAGE_SIZE, "--image-size", false},
    {VIT_RECIPE_FAST_DECODE, "--fast-decode", false},
    {VIT_RECIPE_PREPROCESSING_DIGEST, "preprocessing", true},
    {VIT_RECIPE_DIMENSIONS, "a length of", false},
};

/* An index is at the size that --image-size names, or at the model's own; ready pixels do not change that. */
static vit_status take_size(const cli_picture_options *pictures, vit_recipe *recipe, vit_error *err)
{
    char text[32];
    snprintf(text, sizeof text, "%ux%u", pictures->image_size.height, pictures->image_size.width);
    return vit_recipe_set(recipe, VIT_RECIPE_IMAGE_SIZE, pictures->image_size.height ? text : NULL, err);
}

cli_exit cli_pin_take(const cli_command *command, cli_job *job, const cli_output_name *output, vit_index_pin *pin)
{
    size_t shape[2];
    vit_error err = {0};
    vit_recipe recipe;
    if (vit_output_shape(job->model.model, output->output, output->layer, shape, &err) != VIT_OK)
        return cli_usage_error(command, "--output %s: %s", output->text, err.message);
    if (shape[0] != 1)
        return cli_usage_error(command, "--output %s is a matrix for each image; an index holds vectors", output->text);
    job->output = output->output;
    job->layer = output->layer;
    cli_exit status = cli_job_recipe(job, &recipe);
    if (status != CLI_DONE)
        return status;
    if (take_size(&job->pictures, &recipe, &err) != VIT_OK ||
        vit_index_pin_take(&recipe, job->model.name, job->options.preprocessor, pin, &err) != VIT_OK)
        cli_out_of_memory();
    vit_recipe_free(&recipe);
    return CLI_DONE;
}

/* ------------------------------------------------------------------ what differs ---- */

#define DIGITS 12 /* of a digest, that are shown */

static const char *value_of(const vit_index_pin *pin, vit_recipe_key key)
{
    return pin->recipe.values[key] ? pin->recipe.values[key] : "";
}

/* Whose digest it is: a model, or where its preprocessing stands. */
static const char *owner_of(const vit_index_pin *pin, vit_recipe_key key)
{
    if (key == VIT_RECIPE_PREPROCESSING_DIGEST && pin->preprocessor)
        return pin->preprocessor;
    return pin->model ? pin->model : "";
}

/* Digests mean nothing to people: they are told the names, and where these are the same, that
 * something has changed. */
static void refuse_digest(const vit_index_pin *index, const vit_index_pin *now, size_t row, const char *place)
{
    const vit_recipe_key key = told[row].key;
    const char *what = told[row].words, *then = owner_of(index, key), *here = owner_of(now, key);
    const char *was = value_of(index, key), *is = value_of(now, key);
    if (strcmp(then, here) == 0)
        cli_error("%s: the %s of %s changed since its vectors were made (digest %.*s then, %.*s "
                  "now), and new vectors cannot be compared with these: put back what was there, or "
                  "name another --db",
                  place, what, then, DIGITS, was, DIGITS, is);
    else
        cli_error("%s: its vectors were made with the %s of %s (digest %.*s), and those of %s "
                  "(digest %.*s) would make others; they cannot be compared: use the same, or "
                  "another --db",
                  place, what, then, DIGITS, was, here, DIGITS, is);
}

/* "with --output mean", "without --background" */
static void add_option(cli_text *text, size_t row, const char *value)
{
    bool flag = told[row].key == VIT_RECIPE_FAST_DECODE;
    cli_text_format(text, "%s %s%s%s", *value ? "with" : "without", told[row].words, *value && !flag ? " " : "",
                    flag ? "" : value);
}

static void refuse_option(const vit_index_pin *index, const vit_index_pin *now, size_t row, const char *place)
{
    cli_text then = {0}, here = {0};
    add_option(&then, row, value_of(index, told[row].key));
    add_option(&here, row, value_of(now, told[row].key));
    cli_error("%s: its vectors were made by model %s %s, these would be made %s; they cannot be "
              "compared: use the same, or another --db",
              place, index->model ? index->model : "", then.data, here.data);
    cli_text_free(&then);
    cli_text_free(&here);
}

bool cli_pin_matches(const vit_index_pin *index, const vit_index_pin *now, const char *place)
{
    vit_recipe_key key = vit_index_pin_differs(index, now);
    for (size_t row = 0; row < sizeof told / sizeof *told; row++)
        if (told[row].key == key)
            (told[row].digest ? refuse_digest : refuse_option)(index, now, row, place);
    return key == VIT_RECIPE_KEYS;
}

cli_exit cli_pin_confirm(const cli_command *command, cli_job *job, const cli_output_name *output,
                         const vit_index *index)
{
    vit_index_pin now = {0};
    cli_exit status = cli_pin_take(command, job, output, &now);
    if (status == CLI_DONE && !cli_pin_matches(vit_index_get_pin(index), &now, vit_index_place(index)))
        status = CLI_USAGE;
    vit_index_pin_free(&now);
    return status;
}

/* ------------------------------------------------------------------ options ---- */

static bool apply_option(const cli_option *table, const char *name, const char *value, void *target)
{
    for (const cli_option *option = table; option->name || option->letter; option++)
        if (option->name && strcmp(option->name, name) == 0)
            return option->set(option, value, (char *)target + option->offset) == NULL;
    return false;
}

static bool was_given(const cli_job *job, vit_recipe_key key)
{
    const cli_picture_options *pictures = &job->pictures;
    switch (key) {
    case VIT_RECIPE_PRECISION:
        return job->options.precision != VIT_PRECISION_AUTO;
    case VIT_RECIPE_RESAMPLER:
        return pictures->resampler >= 0;
    case VIT_RECIPE_EXIF:
        return pictures->exif >= 0;
    case VIT_RECIPE_BACKGROUND:
        return pictures->background.given;
    case VIT_RECIPE_IMAGE_SIZE:
        return pictures->image_size.height > 0;
    case VIT_RECIPE_FAST_DECODE:
        return pictures->fast_decode;
    default:
        return false;
    }
}

/* In the form that the index keeps it in, which is that of the command line. */
static bool apply_options(const vit_index_pin *index, cli_job *job, const char *place)
{
    static const struct {
        vit_recipe_key key;
        const char *option;
        bool picture;
    } rows[] = {
        {VIT_RECIPE_PRECISION, "precision", false},
        {VIT_RECIPE_RESAMPLER, "resampler", true},
        {VIT_RECIPE_EXIF, "exif", true},
        {VIT_RECIPE_BACKGROUND, "background", true},
        {VIT_RECIPE_IMAGE_SIZE, "image-size", true},
        {VIT_RECIPE_FAST_DECODE, "fast-decode", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = index->recipe.values[rows[i].key];
        const cli_option *table = rows[i].picture ? cli_picture_table : cli_model_table;
        void *target = rows[i].picture ? (void *)&job->pictures : (void *)&job->options;
        if (!value || was_given(job, rows[i].key))
            continue;
        if (!apply_option(table, rows[i].option, value, target)) {
            cli_error("%s: its vectors were made with --%s %s, which this vit does not know", place, rows[i].option,
                      value);
            return false;
        }
        if (rows[i].key == VIT_RECIPE_PRECISION)
            job->options.precision_asked_by = place;
        if (rows[i].key == VIT_RECIPE_IMAGE_SIZE)
            job->pictures.image_size.asked_by = place;
    }
    return true;
}

/* *given becomes what the index names, unless the user names another. */
static void apply_place(const char *named, const char *place, const char **given, const char **asked_by)
{
    if (*given || !named)
        return;
    *given = named;
    *asked_by = place;
}

bool cli_pin_apply(const vit_index_pin *index, cli_job *job, cli_output_name *output, const char *place)
{
    static const cli_option row = {.name = "output"};
    const char *name = index->recipe.values[VIT_RECIPE_OUTPUT] ? index->recipe.values[VIT_RECIPE_OUTPUT] : "embedding";
    if (!apply_options(index, job, place))
        return false;
    if (!output->text && cli_set_output(&row, name, output) != NULL) {
        cli_error("%s: its vectors are --output %s, which this vit does not know", place, name);
        return false;
    }
    job->pictures.exif = job->pictures.exif < 0 ? VIT_EXIF_APPLY : job->pictures.exif;
    job->pictures.resampler = job->pictures.resampler < 0 ? VIT_RESAMPLER_PILLOW : job->pictures.resampler;
    apply_place(index->model, place, &job->options.model, &job->options.model_asked_by);
    apply_place(index->preprocessor, place, &job->options.preprocessor, &job->options.preprocessor_asked_by);
    return true;
}
