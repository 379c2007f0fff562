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

/* What a difference means to the user. */
static const char *const meanings[CLI_PIN_KEYS] = {
    [CLI_PIN_MODEL_DIGEST] = "weights with the digest",
    [CLI_PIN_PREPROCESSING_DIGEST] = "preprocessing with the digest",
    [CLI_PIN_PRECISION] = "--precision",
    [CLI_PIN_OUTPUT] = "--output",
    [CLI_PIN_DIMENSIONS] = "vectors of a length of",
    [CLI_PIN_RESAMPLER] = "--resampler",
    [CLI_PIN_EXIF] = "--exif",
    [CLI_PIN_BACKGROUND] = "--background",
    [CLI_PIN_IMAGE_SIZE] = "--image-size",
    [CLI_PIN_FAST_DECODE] = "--fast-decode",
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

static void take_pictures(const cli_picture_options *pictures, cli_pin *pin)
{
    char text[32];
    const uint8_t *rgb = pictures->background.rgb;
    set(pin, CLI_PIN_RESAMPLER, cli_resampler_names[pictures->resampler]);
    set(pin, CLI_PIN_EXIF, cli_exif_names[pictures->exif]);
    if (pictures->background.given) {
        snprintf(text, sizeof text, "%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
        set(pin, CLI_PIN_BACKGROUND, text);
    }
    if (pictures->image_size.height) {
        snprintf(text, sizeof text, "%ux%u", pictures->image_size.height, pictures->image_size.width);
        set(pin, CLI_PIN_IMAGE_SIZE, text);
    }
    if (pictures->fast_decode)
        set(pin, CLI_PIN_FAST_DECODE, "yes");
}

/* (Texts have no preprocessing: they may stand beside pictures of any.) */
cli_exit cli_pin_take(const cli_command *command, const cli_job *job, const cli_output_name *output, cli_pin *pin)
{
    const vit_model *model = job->model.model;
    char digest[65], number[32];
    size_t shape[2];
    vit_error err = {0};
    if (vit_output_shape(model, output->output, output->layer, shape, &err) != VIT_OK)
        return cli_usage_error(command, "--output %s: %s", output->text, err.message);
    if (shape[0] != 1)
        return cli_usage_error(command, "--output %s is a matrix for each image; an index holds vectors", output->text);
    if (vit_model_digest(model, digest, &err) == VIT_OK)
        set(pin, CLI_PIN_MODEL_DIGEST, digest);
    if (!job->text && vit_preprocessor_digest(vit_model_preprocessor(model), digest, &err) == VIT_OK)
        set(pin, CLI_PIN_PREPROCESSING_DIGEST, digest);
    if (err.status != VIT_OK) {
        cli_library_error(&err);
        return CLI_MODEL;
    }
    snprintf(number, sizeof number, "%zu", shape[1]);
    set(pin, CLI_PIN_DIMENSIONS, number);
    set(pin, CLI_PIN_PRECISION, job->model.precision);
    set(pin, CLI_PIN_OUTPUT, output->text);
    set_place(pin, CLI_PIN_MODEL, job->model.name);
    set_place(pin, CLI_PIN_PREPROCESSOR, job->options.preprocessor);
    take_pictures(&job->pictures, pin);
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

bool cli_pin_matches(const cli_pin *index, const cli_pin *now, const char *place)
{
    for (size_t i = 0; i < CLI_PIN_KEYS; i++) {
        const char *then = index->values[i] ? index->values[i] : "(none)";
        const char *value = now->values[i] ? now->values[i] : "(none)";
        bool words = i == CLI_PIN_PREPROCESSING_DIGEST && !now->values[i];
        if (!meanings[i] || words || strcmp(then, value) == 0)
            continue;
        cli_error("%s: its vectors were made with %s %s by %s, these would be made with %s; they cannot be compared: "
                  "use the same, or another --db",
                  place, meanings[i], then, index->values[CLI_PIN_MODEL] ? index->values[CLI_PIN_MODEL] : "a model",
                  value);
        return false;
    }
    return true;
}

static bool apply_option(const cli_option *table, const char *name, const char *value, void *target)
{
    for (const cli_option *option = table; option->name || option->letter; option++)
        if (option->name && strcmp(option->name, name) == 0)
            return option->set(option, value, (char *)target + option->offset) == NULL;
    return false;
}

bool cli_pin_apply(const cli_pin *index, cli_job *job, cli_output_name *output, const char *place)
{
    static const struct {
        cli_pin_key key;
        const char *option;
        bool picture;
    } rows[] = {
        {CLI_PIN_PRECISION, "precision", false},  {CLI_PIN_RESAMPLER, "resampler", true},
        {CLI_PIN_EXIF, "exif", true},             {CLI_PIN_BACKGROUND, "background", true},
        {CLI_PIN_IMAGE_SIZE, "image-size", true}, {CLI_PIN_FAST_DECODE, "fast-decode", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = index->values[rows[i].key];
        const cli_option *table = rows[i].picture ? cli_picture_table : cli_model_table;
        void *target = rows[i].picture ? (void *)&job->pictures : (void *)&job->options;
        if (value && !apply_option(table, rows[i].option, value, target)) {
            cli_error("%s: its vectors were made with --%s %s, which this vit does not know", place, rows[i].option, value);
            return false;
        }
    }
    const cli_option row = {.name = "output"};
    if (index->values[CLI_PIN_OUTPUT] && cli_set_output(&row, index->values[CLI_PIN_OUTPUT], output) != NULL) {
        cli_error("%s: its vectors are --output %s, which this vit does not know", place, index->values[CLI_PIN_OUTPUT]);
        return false;
    }
    if (!job->options.model)
        job->options.model = index->values[CLI_PIN_MODEL];
    if (!job->options.preprocessor)
        job->options.preprocessor = index->values[CLI_PIN_PREPROCESSOR];
    return true;
}
