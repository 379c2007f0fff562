/* SPDX-License-Identifier: BSD-2-Clause */
#include "picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mistaken.h"
#include "text.h"

static const char *const resampler_names[] = {"pillow", "pillow13", "torchvision", NULL};
static const char *const exif_names[] = {"apply", "ignore", NULL};

/* Digits, at most six of them, so that no product of two overflows. */
static const char *read_edge(const char *at, uint32_t *edge)
{
    size_t digits = strspn(at, "0123456789");
    uint32_t value = 0;
    for (size_t i = 0; i < digits && i < 7; i++)
        value = value * 10 + (uint32_t)(at[i] - '0');
    if (digits == 0 || digits > 6 || value == 0)
        return NULL;
    *edge = value;
    return at + digits;
}

bool cli_read_size(const char *value, uint32_t *first, uint32_t *second)
{
    const char *rest = read_edge(value, first);
    if (rest && *rest == '\0') {
        *second = *first;
        return true;
    }
    if (!rest || (*rest != 'x' && *rest != 'X'))
        return false;
    rest = read_edge(rest + 1, second);
    return rest && *rest == '\0';
}

static const char *set_image_size(const cli_option *option, const char *value, void *field)
{
    (void)option;
    cli_size size = {0};
    if (!cli_read_size(value, &size.height, &size.width))
        return "a size such as 224 or 224x336 (height x width)";
    *(cli_size *)field = size;
    return NULL;
}

static int hex_digit(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = digit ? strchr(digits, digit) : NULL;
    return at ? (int)((at - digits) % 16) : -1;
}

static const char *set_background(const cli_option *option, const char *value, void *field)
{
    cli_picture_options *options = (cli_picture_options *)(void *)((char *)field - option->offset);
    const char *digits = value + (*value == '#');
    for (size_t i = 0; i < 6; i++)
        if (hex_digit(digits[i]) < 0)
            return "a colour such as ffffff (red, green, blue)";
    if (digits[6])
        return "a colour such as ffffff (red, green, blue)";
    for (size_t i = 0; i < 3; i++)
        options->background.rgb[i] = (uint8_t)(hex_digit(digits[2 * i]) * 16 + hex_digit(digits[2 * i + 1]));
    options->background.given = true;
    return NULL;
}

#define FIELD(member) offsetof(cli_picture_options, member)
const cli_option cli_picture_table[] = {
    {"exif", 0, "apply|ignore", cli_set_choice, FIELD(exif), exif_names,
     "turn pictures as their EXIF orientation says (default apply)"},
    {"background", 0, "RRGGBB", set_background, FIELD(background), NULL,
     "put transparent pictures on this colour; without it transparency is dropped, as PIL's convert(\"RGB\") does"},
    {"max-pixels", 0, "N", cli_set_large, FIELD(max_pixels), NULL,
     "refuse larger pictures (default 178956970, PIL's limit)"},
    {"resampler", 0, "pillow|pillow13|torchvision", cli_set_choice, FIELD(resampler), resampler_names,
     "whose resize to reproduce bit for bit: Pillow up to 12 (default), Pillow 13, or torchvision as transformers 5 "
     "uses it"},
    {"image-size", 0, "HxW|N", set_image_size, FIELD(image_size), NULL,
     "aim the preprocessing at this size, and run the model at it: its positions are interpolated, where its family says how"},
    {"fast-decode", 0, NULL, cli_set_flag, FIELD(fast_decode), NULL,
     "read large JPEGs at a half, a quarter or an eighth, never below three times the size that the preprocessing resizes to: "
     "faster, and the vectors differ a little (docs/speed.md); all other formats are read whole"},
    {0},
};

vit_preprocess_options cli_preprocess_options(const cli_picture_options *options)
{
    return (vit_preprocess_options){
        .resampler = (vit_resampler)options->resampler,
        .image_height = options->image_size.height,
        .image_width = options->image_size.width,
        .max_pixels = options->max_pixels,
    };
}

/* A picture decoded at a lower resolution keeps at least this many times what the resize will leave of each edge. (Most
 * of the time is gained by the first half; with 2 the worst embedding of docs/speed.md is eight times as far off.) */
#define FAST_DECODE_MARGIN 3u

static uint32_t with_margin(uint32_t edge)
{
    return edge <= UINT32_MAX / FAST_DECODE_MARGIN ? edge * FAST_DECODE_MARGIN : UINT32_MAX;
}

vit_load_options cli_load_options(const cli_picture_options *options, const vit_preprocessor *rules)
{
    vit_load_options load = {
        .exif = (vit_exif)options->exif,
        .composite = options->background.given,
        .max_pixels = options->max_pixels,
    };
    memcpy(load.background, options->background.rgb, sizeof load.background);
    const vit_preprocess_options aim = {.image_height = options->image_size.height,
                                        .image_width = options->image_size.width,
                                        .max_pixels = options->max_pixels};
    uint32_t width, height;
    if (options->fast_decode && rules && vit_preprocess_target(rules, &aim, &width, &height, NULL) == VIT_OK) {
        load.least_width = with_margin(width);
        load.least_height = with_margin(height);
    }
    return load;
}

/* A tar file is often past the limit on the bytes of a picture. */
void cli_picture_explain(const char *path, vit_error *err)
{
    FILE *file = err->status == VIT_ERR_UNSUPPORTED_FORMAT || err->status == VIT_ERR_TOO_LARGE ? fopen(path, "re")
                                                                                               : NULL;
    if (!file)
        return;
    void *bytes = cli_allocate(CLI_MISTAKEN_BYTES, 1);
    size_t size = fread(bytes, 1, CLI_MISTAKEN_BYTES, file);
    cli_mistaken(bytes, size, path, err);
    free(bytes);
    fclose(file);
}

static vit_status load_from_stdin(const vit_load_options *options, vit_image *image, vit_error *err)
{
    void *bytes = NULL;
    size_t size = 0;
    vit_status status = vit_descriptor_read(STDIN_FILENO, "standard input", 0, &bytes, &size, err);
    if (status == VIT_OK)
        status = vit_image_decode(bytes, size, "standard input", options, image, err);
    if (status == VIT_ERR_UNSUPPORTED_FORMAT)
        cli_mistaken(bytes, size, "-", err);
    vit_free(bytes);
    return status;
}

vit_status cli_picture_load(const vit_load_options *options, const char *path, vit_image *image, vit_error *err)
{
    vit_error why = {0};
    vit_status status = path ? vit_image_load(path, options, image, &why) : load_from_stdin(options, image, &why);
    if (status != VIT_OK && path)
        cli_picture_explain(path, &why);
    return status == VIT_OK ? VIT_OK : vit_error_set(err, why.status, why.where, "%s", why.message);
}
