/* SPDX-License-Identifier: BSD-2-Clause */
#include "pin.h"

#include <stdlib.h>
#include <string.h>

#include "talk.h"
#include "text.h"

const char *const cli_pin_names[CLI_PIN_KEYS] = {
    [CLI_PIN_MODEL_DIGEST] = "model_digest",
    [CLI_PIN_PREPROCESSING_DIGEST] = "preprocessing_digest",
    [CLI_PIN_PRECISION] = "precision",
    [CLI_PIN_OUTPUT] = "output",
    [CLI_PIN_DIMENSIONS] = "dimensions",
    [CLI_PIN_RESAMPLER] = "resampler",
    [CLI_PIN_EXIF] = "exif",
    [CLI_PIN_BACKGROUND] = "background",
    [CLI_PIN_IMAGE_SIZE] = "image_size",
    [CLI_PIN_FAST_DECODE] = "fast_decode",
    [CLI_PIN_MODEL] = "model",
    [CLI_PIN_PREPROCESSOR] = "preprocessor",
};

/* What must be the same, and what the user is told that it is. What stands first is told first: the
 * model before how it was run, and an option before the preprocessing, whose digest --image-size
 * changes too. */
static const struct {
    cli_pin_key key;
    const char *words;
    bool digest;
} compared[] = {
    {CLI_PIN_MODEL_DIGEST, "weights", true},
    {CLI_PIN_PRECISION, "--precision", false},
    {CLI_PIN_OUTPUT, "--output", false},
    {CLI_PIN_RESAMPLER, "--resampler", false},
    {CLI_PIN_EXIF, "--exif", false},
    {CLI_PIN_BACKGROUND, "--background", false},
    {CLI_PIN_IMAGE_SIZE, "--image-size", false},
    {CLI_PIN_FAST_DECODE, "--fast-decode", false},
    {CLI_PIN_PREPROCESSING_DIGEST, "preprocessing", true},
    {CLI_PIN_DIMENSIONS, "a length of", false},
};

static void set(cli_pin *pin, cli_pin_key key, const char *value)
{
    free(pin->values[key]);
    pin->values[key] = value ? cli_duplicate(value) : NULL;
}

/* The folder may be named from elsewhere the next time: what exists is kept as an absolute path. */
static void set_place(cli_pin *pin, cli_pin_key key, const char *place)
{
    char *resolved = place ? realpath(place, NULL) : NULL;
    set(pin, key, resolved ? resolved : place);
    free(resolved);
}

/* An index is at the size that --image-size names, or at the model's own; ready pixels do not change that. */
static void take_size(const cli_picture_options *pictures, cli_pin *pin)
{
    char text[32];
    snprintf(text, sizeof text, "%ux%u", pictures->image_size.height, pictures->image_size.width);
    set(pin, CLI_PIN_IMAGE_SIZE, pictures->image_size.height ? text : NULL);
}

static void take_recipe(const vit_recipe *recipe, cli_pin *pin)
{
    static const struct {
        cli_pin_key key;
        vit_recipe_key of;
    } rows[] = {
        {CLI_PIN_MODEL_DIGEST, VIT_RECIPE_MODEL_DIGEST},
        {CLI_PIN_PREPROCESSING_DIGEST, VIT_RECIPE_PREPROCESSING_DIGEST},
        {CLI_PIN_PRECISION, VIT_RECIPE_PRECISION},
        {CLI_PIN_OUTPUT, VIT_RECIPE_OUTPUT},
        {CLI_PIN_DIMENSIONS, VIT_RECIPE_DIMENSIONS},
        {CLI_PIN_RESAMPLER, VIT_RECIPE_RESAMPLER},
        {CLI_PIN_EXIF, VIT_RECIPE_EXIF},
        {CLI_PIN_BACKGROUND, VIT_RECIPE_BACKGROUND},
        {CLI_PIN_FAST_DECODE, VIT_RECIPE_FAST_DECODE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        set(pin, rows[i].key, recipe->values[rows[i].of]);
}

cli_exit cli_pin_take(const cli_command *command, cli_job *job, const cli_output_name *output, cli_pin *pin)
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
    take_recipe(&recipe, pin);
    take_size(&job->pictures, pin);
    set_place(pin, CLI_PIN_MODEL, job->model.name);
    set_place(pin, CLI_PIN_PREPROCESSOR, job->options.preprocessor);
    vit_recipe_free(&recipe);
    return CLI_DONE;
}

void cli_pin_free(cli_pin *pin)
{
    for (size_t i = 0; i < CLI_PIN_KEYS; i++)
        set(pin, (cli_pin_key)i, NULL);
}

size_t cli_pin_dimensions(const cli_pin *pin)
{
    const char *text = pin->values[CLI_PIN_DIMENSIONS];
    return text ? (size_t)strtoul(text, NULL, 10) : 0;
}

/* ------------------------------------------------------------------ what differs ---- */

#define DIGITS 12 /* of a digest, that are shown */

static const char *value_of(const cli_pin *pin, cli_pin_key key)
{
    return pin->values[key] ? pin->values[key] : "";
}

/* Whose digest it is: a model, or where its preprocessing stands. */
static const char *owner_of(const cli_pin *pin, cli_pin_key key)
{
    bool rules = key == CLI_PIN_PREPROCESSING_DIGEST && pin->values[CLI_PIN_PREPROCESSOR];
    return value_of(pin, rules ? CLI_PIN_PREPROCESSOR : CLI_PIN_MODEL);
}

/* Digests mean nothing to people: they are told the names, and where these are the same, that
 * something has changed. */
static void refuse_digest(const cli_pin *index, const cli_pin *now, size_t row, const char *place)
{
    const cli_pin_key key = compared[row].key;
    const char *what = compared[row].words, *then = owner_of(index, key), *here = owner_of(now, key);
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
    bool flag = compared[row].key == CLI_PIN_FAST_DECODE;
    cli_text_format(text, "%s %s%s%s", *value ? "with" : "without", compared[row].words, *value && !flag ? " " : "",
                    flag ? "" : value);
}

static void refuse_option(const cli_pin *index, const cli_pin *now, size_t row, const char *place)
{
    cli_text then = {0}, here = {0};
    add_option(&then, row, value_of(index, compared[row].key));
    add_option(&here, row, value_of(now, compared[row].key));
    cli_error("%s: its vectors were made by model %s %s, these would be made %s; they cannot be "
              "compared: use the same, or another --db",
              place, value_of(index, CLI_PIN_MODEL), then.data, here.data);
    cli_text_free(&then);
    cli_text_free(&here);
}

bool cli_pin_matches(const cli_pin *index, const cli_pin *now, const char *place)
{
    for (size_t row = 0; row < sizeof compared / sizeof *compared; row++) {
        const cli_pin_key key = compared[row].key;
        bool words = key == CLI_PIN_PREPROCESSING_DIGEST && !now->values[key];
        if (words || strcmp(value_of(index, key), value_of(now, key)) == 0)
            continue;
        (compared[row].digest ? refuse_digest : refuse_option)(index, now, row, place);
        return false;
    }
    return true;
}

/* ------------------------------------------------------------------ options ---- */

static bool apply_option(const cli_option *table, const char *name, const char *value, void *target)
{
    for (const cli_option *option = table; option->name || option->letter; option++)
        if (option->name && strcmp(option->name, name) == 0)
            return option->set(option, value, (char *)target + option->offset) == NULL;
    return false;
}

static bool was_given(const cli_job *job, cli_pin_key key)
{
    const cli_picture_options *pictures = &job->pictures;
    switch (key) {
    case CLI_PIN_PRECISION:
        return job->options.precision != VIT_PRECISION_AUTO;
    case CLI_PIN_RESAMPLER:
        return pictures->resampler >= 0;
    case CLI_PIN_EXIF:
        return pictures->exif >= 0;
    case CLI_PIN_BACKGROUND:
        return pictures->background.given;
    case CLI_PIN_IMAGE_SIZE:
        return pictures->image_size.height > 0;
    case CLI_PIN_FAST_DECODE:
        return pictures->fast_decode;
    default:
        return false;
    }
}

/* In the form that the index keeps it in, which is that of the command line. */
static bool apply_options(const cli_pin *index, cli_job *job, const char *place)
{
    static const struct {
        cli_pin_key key;
        const char *option;
        bool picture;
    } rows[] = {
        {CLI_PIN_PRECISION, "precision", false},
        {CLI_PIN_RESAMPLER, "resampler", true},
        {CLI_PIN_EXIF, "exif", true},
        {CLI_PIN_BACKGROUND, "background", true},
        {CLI_PIN_IMAGE_SIZE, "image-size", true},
        {CLI_PIN_FAST_DECODE, "fast-decode", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = index->values[rows[i].key];
        const cli_option *table = rows[i].picture ? cli_picture_table : cli_model_table;
        void *target = rows[i].picture ? (void *)&job->pictures : (void *)&job->options;
        if (!value || was_given(job, rows[i].key))
            continue;
        if (!apply_option(table, rows[i].option, value, target)) {
            cli_error("%s: its vectors were made with --%s %s, which this vit does not know", place, rows[i].option,
                      value);
            return false;
        }
        if (rows[i].key == CLI_PIN_PRECISION)
            job->options.precision_asked_by = place;
        if (rows[i].key == CLI_PIN_IMAGE_SIZE)
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

bool cli_pin_apply(const cli_pin *index, cli_job *job, cli_output_name *output, const char *place)
{
    static const cli_option row = {.name = "output"};
    const char *name = index->values[CLI_PIN_OUTPUT] ? index->values[CLI_PIN_OUTPUT] : "embedding";
    if (!apply_options(index, job, place))
        return false;
    if (!output->text && cli_set_output(&row, name, output) != NULL) {
        cli_error("%s: its vectors are --output %s, which this vit does not know", place, name);
        return false;
    }
    job->pictures.exif = job->pictures.exif < 0 ? VIT_EXIF_APPLY : job->pictures.exif;
    job->pictures.resampler = job->pictures.resampler < 0 ? VIT_RESAMPLER_PILLOW : job->pictures.resampler;
    apply_place(index->values[CLI_PIN_MODEL], place, &job->options.model, &job->options.model_asked_by);
    apply_place(index->values[CLI_PIN_PREPROCESSOR], place, &job->options.preprocessor,
                &job->options.preprocessor_asked_by);
    return true;
}
