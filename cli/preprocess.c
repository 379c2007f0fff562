/* SPDX-License-Identifier: BSD-2-Clause */
/* vit preprocess: what a model would see of one image, as an .npy file. */
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "command.h"
#include "model.h"
#include "npy.h"
#include "output_file.h"
#include "picture.h"
#include "talk.h"

enum { STAGE_PIXELS, STAGE_RESIZED, STAGE_DECODED, STAGE_UNSET };
static const char *const stage_names[] = {"pixels", "resized", "decoded", NULL};
/* In the order of filter_values. */
static const char *const filter_names[] = {"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos", NULL};
static const vit_filter filter_values[] = {VIT_FILTER_NEAREST, VIT_FILTER_BOX,     VIT_FILTER_BILINEAR,
                                           VIT_FILTER_HAMMING, VIT_FILTER_BICUBIC, VIT_FILTER_LANCZOS};
enum { FILTER_UNSET = -1, FILTER_DEFAULT = 4 /* bicubic, as PIL.Image.resize */ };

typedef struct preprocess {
    int stage, filter;
    cli_size resize; /* zero: by the preprocessing */
    const char *path, *input;
    size_t n_inputs;
    cli_picture_options pictures;
    cli_model_options options;
} preprocess;

static const char *set_resize(const cli_option *option, const char *value, void *field)
{
    (void)option;
    cli_size size = {0};
    if (!strpbrk(value, "xX") || !cli_read_size(value, &size.width, &size.height))
        return "a size such as 320x240 (width x height)";
    *(cli_size *)field = size;
    return NULL;
}

#define FIELD(member) offsetof(preprocess, member)
static const cli_option preprocess_table[] = {
    {"stage", 0, "pixels|resized|decoded", cli_set_choice, FIELD(stage), stage_names,
     "pixels: pixel_values, f32 [1,3,H,W] (default); resized: after resize, crop and padding, u8 [H,W,3]; decoded: after "
     "decoding, orientation and colour conversion, u8 [H,W,3]"},
    {"resize", 0, "WxH", set_resize, FIELD(resize), NULL, "the plain resize to this size; no model is used"},
    {"filter", 0, "NAME", cli_set_choice, FIELD(filter), filter_names,
     "of --resize: nearest, box, bilinear, hamming, bicubic (default) or lanczos"},
    {NULL, 'o', "FILE", cli_set_text, FIELD(path), NULL, "where to write the .npy file; - is standard output"},
    {0},
};

static void set_input(void *target, const char *value)
{
    preprocess *p = target;
    p->input = value;
    p->n_inputs++;
}

static bool has_resize(const preprocess *p)
{
    return p->resize.width > 0;
}

static cli_exit check_options(const cli_command *command, preprocess *p)
{
    if (p->n_inputs != 1)
        return cli_usage_error(command, p->n_inputs ? "one image at a time"
                                                    : "no input: name an image, or - for standard "
                                                      "input");
    if (!*p->input)
        return cli_usage_error(command, "the input has an empty name");
    if (!p->path)
        return cli_usage_error(command, "name the output with -o FILE.npy; - is standard output");
    if (p->stage == STAGE_UNSET)
        p->stage = has_resize(p) ? STAGE_RESIZED : STAGE_PIXELS;
    if (has_resize(p) && p->stage == STAGE_PIXELS)
        return cli_usage_error(command, "--resize makes no pixel_values: use --stage resized, or --image-size");
    if (p->filter != FILTER_UNSET && !has_resize(p))
        return cli_usage_error(command, "--filter goes with --resize; a model brings its own filter");
    uint64_t limit = p->pictures.max_pixels ? p->pictures.max_pixels : VIT_MAX_PIXELS;
    if ((uint64_t)p->resize.width * p->resize.height > limit)
        return cli_usage_error(command, "--resize %ux%u: more than --max-pixels", p->resize.width, p->resize.height);
    return CLI_DONE;
}

static cli_exit check_files(const cli_command *command, const preprocess *p)
{
    const cli_claim claim = {.option = "-o", .path = p->path, .kind = CLI_KIND_NPY};
    cli_exit status = cli_claim_file(command, &claim);
    if (status == CLI_DONE)
        status = cli_claims_spare(p->input);
    return status == CLI_DONE && p->options.preprocessor ? cli_claims_spare(p->options.preprocessor) : status;
}

/* The preprocessing in effect: a file's, or a model's, which then stays open in *model. */
static cli_exit open_rules(const cli_command *command, const preprocess *p, cli_model *model, vit_preprocessor **owned,
                           const vit_preprocessor **rules)
{
    if (p->options.preprocessor) {
        vit_error err = {0};
        if (vit_preprocessor_open(p->options.preprocessor, owned, &err) != VIT_OK) {
            cli_error("preprocessor %s: %s: %s", p->options.preprocessor, vit_status_name(err.status), err.message);
            return CLI_MODEL;
        }
        *rules = *owned;
        return cli_rules_check(*rules, p->options.preprocessor, &p->pictures);
    }
    cli_exit status = cli_model_open(&p->options, model);
    if (status != CLI_DONE)
        return status;
    *rules = vit_model_preprocessor(model->model);
    return cli_model_check_preprocessing(command, model, &p->pictures);
}

/* u8 [H,W,3] */
static void add_image(cli_text *bytes, const vit_image *image)
{
    char header[CLI_NPY_HEADER];
    const size_t shape[] = {image->height, image->width, 3};
    cli_npy_header("|u1", shape, 3, header);
    cli_text_add(bytes, header, sizeof header);
    cli_text_add(bytes, image->pixels, (size_t)image->height * image->width * 3);
}

static vit_status plain_resize(const preprocess *p, const vit_image *image, cli_text *bytes, vit_error *err)
{
    vit_image resized = {0};
    vit_filter filter = filter_values[p->filter == FILTER_UNSET ? FILTER_DEFAULT : p->filter];
    vit_status status = vit_image_alloc(p->resize.width, p->resize.height, &resized, err);
    if (status == VIT_OK)
        status = vit_image_resize(image, &resized, filter, (vit_resampler)p->pictures.resampler, err);
    if (status == VIT_OK)
        add_image(bytes, &resized);
    vit_image_free(&resized);
    return status;
}

static vit_status ruled_resize(const preprocess *p, const vit_preprocessor *rules, const vit_image *image,
                               cli_text *bytes, vit_error *err)
{
    vit_image resized = {0};
    vit_preprocess_options options = cli_preprocess_options(&p->pictures);
    vit_status status = vit_preprocess_resized(rules, image, &options, &resized, err);
    if (status == VIT_OK)
        add_image(bytes, &resized);
    vit_image_free(&resized);
    return status;
}

/* f32 [1,3,H,W] */
static vit_status pixel_values(const preprocess *p, const vit_preprocessor *rules, const vit_image *image,
                               cli_text *bytes, vit_error *err)
{
    vit_preprocess_options options = cli_preprocess_options(&p->pictures);
    uint32_t width = 0, height = 0;
    vit_status status = vit_preprocess_shape(rules, image->width, image->height, &options, &width, &height, err);
    if (status != VIT_OK)
        return status;
    const size_t shape[] = {1, 3, height, width}, n = (size_t)3 * height * width;
    float *pixels = cli_allocate(n, sizeof *pixels);
    status = vit_preprocess(rules, image, &options, pixels, err);
    if (status == VIT_OK) {
        char header[CLI_NPY_HEADER];
        cli_npy_header("<f4", shape, 4, header);
        cli_text_add(bytes, header, sizeof header);
        cli_put_f32(bytes, pixels, n);
    }
    free(pixels);
    return status;
}

static vit_status make_bytes(const preprocess *p, const vit_preprocessor *rules, cli_text *bytes, vit_error *err)
{
    const vit_load_options load = cli_load_options(&p->pictures, rules);
    vit_image image = {0};
    const char *path = strcmp(p->input, "-") == 0 ? NULL : p->input;
    vit_status status = cli_picture_load(&load, path, &image, err);
    if (status == VIT_OK) {
        if (p->stage == STAGE_DECODED)
            add_image(bytes, &image);
        else if (has_resize(p))
            status = plain_resize(p, &image, bytes, err);
        else if (p->stage == STAGE_RESIZED)
            status = ruled_resize(p, rules, &image, bytes, err);
        else
            status = pixel_values(p, rules, &image, bytes, err);
    }
    vit_image_free(&image);
    return status;
}

static cli_exit write_bytes(const preprocess *p, const vit_preprocessor *rules)
{
    cli_file file;
    if (!cli_file_open(&file, p->path))
        return CLI_OUTPUT;
    cli_text bytes = {0};
    vit_error err = {0};
    cli_exit status = CLI_DONE;
    if (make_bytes(p, rules, &bytes, &err) != VIT_OK) {
        cli_input_error(p->input, &err);
        status = CLI_INPUTS_FAILED;
    } else if (!cli_file_write(&file, bytes.data, bytes.size) || !cli_file_commit(&file)) {
        status = CLI_OUTPUT;
    }
    cli_file_discard(&file); /* nothing, once committed */
    cli_text_free(&bytes);
    return status;
}

static cli_exit preprocess_input(const cli_command *command, preprocess *p)
{
    cli_model model = {0};
    vit_preprocessor *owned = NULL;
    const vit_preprocessor *rules = NULL;
    cli_exit status = check_options(command, p);
    if (status == CLI_DONE)
        status = check_files(command, p);
    if (status == CLI_DONE && p->stage != STAGE_DECODED && !has_resize(p))
        status = open_rules(command, p, &model, &owned, &rules);
    if (status == CLI_DONE)
        status = write_bytes(p, rules);
    vit_preprocessor_free(owned);
    cli_model_close(&model);
    return status;
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    preprocess p = {.stage = STAGE_UNSET, .filter = FILTER_UNSET};
    const cli_group groups[] = {
        {"Results", preprocess_table, &p, set_input},
        {"Model", cli_model_table, &p.options, NULL},
        {"Pictures", cli_picture_table, &p.pictures, NULL},
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    return parsed == CLI_GO_ON ? preprocess_input(command, &p) : (cli_exit)parsed;
}

const cli_command cli_preprocess = {
    .name = "preprocess",
    .summary = "what a model would see of one image",
    .usage = "[OPTION]... -o FILE.npy INPUT",
    .text = "Writes what a model would see of one image (or of standard input, if INPUT is -) as\n"
            "an .npy file. --stage decoded, --resize and --preprocessor need no model.",
    .example = "vit preprocess -m google/vit-base-patch16-224 -o pixels.npy photo.jpg",
    .left_out = (const cli_left_out[]){{"threads", NULL}, {"batch", NULL}, {"precision", NULL}, {0}},
    .run = run,
};
