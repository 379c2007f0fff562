/* SPDX-License-Identifier: BSD-2-Clause */
/* vit attention: what the patches weigh in a block's attention. With --pca, what they are like (pca.h). */
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "command.h"
#include "drawing.h"
#include "inputs.h"
#include "model.h"
#include "npy.h"
#include "output_file.h"
#include "pca.h"
#include "talk.h"
#include "text.h"

#define LAST SIZE_MAX
enum { HEAD_MEAN = -1, HEAD_ALL = -2 };

typedef struct attention {
    /* options */
    size_t layer; /* LAST: the last block's */
    int head;     /* or HEAD_MEAN, HEAD_ALL */
    bool pca;
    const char *path, *raw_path, *pixels_path, *input;
    cli_inputs inputs; /* all of them, for --pca */
    cli_picture_options pictures;
    cli_model_options options;
    /* at work */
    cli_model model;
    size_t heads, tokens;
    vit_image picture; /* as the model sees it; none of ready pixels */
    float *pixels;
    float *weights; /* [heads][tokens][tokens] */
} attention;

static bool read_number(const char *value, size_t *number)
{
    size_t digits = strspn(value, "0123456789");
    *number = strtoul(value, NULL, 10);
    return digits > 0 && digits <= 6 && !value[digits];
}

static const char *const head_names[] = {"mean", "all", NULL};

static const char *set_layer(const cli_option *option, const char *value, void *field)
{
    (void)option;
    return read_number(value, field) ? NULL : "the number of a block, counted from 0";
}

static const char *set_head(const cli_option *option, const char *value, void *field)
{
    (void)option;
    size_t number = 0;
    bool mean = strcmp(value, "mean") == 0, all = strcmp(value, "all") == 0;
    if (!mean && !all && !read_number(value, &number))
        return "mean, all, or the number of a head, counted from 0";
    *(int *)field = mean ? HEAD_MEAN : all ? HEAD_ALL : (int)number;
    return NULL;
}

static void set_input(void *target, const char *value)
{
    attention *a = target;
    a->input = value;
    cli_inputs_add(&a->inputs, value);
}

#define FIELD(member) offsetof(attention, member)
static const cli_option attention_table[] = {
    {"layer", 0, "K", set_layer, FIELD(layer), NULL, "whose attention: a block, counted from 0 (default: the last)"},
    {"head", 0, "mean|all|N", set_head, FIELD(head), head_names,
     "the mean of the heads (default), all of them side by side behind their mean, or one, counted from 0"},
    {"pca", 0, NULL, cli_set_flag, FIELD(pca), NULL,
     "draw the patches of one or several images in the colours of their principal components instead: what is alike in "
     "the eyes of the model has the same colour in all of them, and the background is black"},
    {NULL, 'o', "FILE.png", cli_set_text, FIELD(path), NULL,
     "where to draw the map, over the picture as the model sees it; - is standard output"},
    {"raw", 0, "FILE.npy", cli_set_text, FIELD(raw_path), NULL,
     "where to write the weights of all heads, f32 [H,T,T], a row for each query; - is standard output"},
    {"pixels", 0, "FILE.npy", cli_set_text, FIELD(pixels_path), NULL,
     "take preprocessed pixels, f32 [1,3,H,W], instead of an image (with --raw alone)"},
    {0},
};

/* The options that --pca excludes: it is about no block and no head. */
static cli_exit check_pca(const cli_command *command, const attention *a)
{
    if (a->layer != LAST || a->head != HEAD_MEAN)
        return cli_usage_error(command, "--layer and --head are about attention, and --pca is not");
    if (a->raw_path || a->pixels_path)
        return cli_usage_error(command, "--raw and --pixels do not go with --pca");
    if (!a->path)
        return cli_usage_error(command, "name the output: -o FILE.png");
    return cli_inputs_check(command, &a->inputs);
}

static cli_exit check_options(const cli_command *command, const attention *a)
{
    if (a->inputs.n + (a->pixels_path != NULL) != 1)
        return cli_usage_error(command, "one image at a time%s",
                               a->inputs.n ? "; several with --pca" : ": name one, or - for standard input");
    if (a->input && !*a->input)
        return cli_usage_error(command, "the input has an empty name");
    if (!a->path && !a->raw_path)
        return cli_usage_error(command, "name the output: -o FILE.png for a picture, --raw FILE.npy for the weights");
    if (a->path && a->pixels_path)
        return cli_usage_error(command, "-o draws over a picture: with --pixels there is none");
    if (a->path && a->raw_path && strcmp(a->path, a->raw_path) == 0)
        return cli_usage_error(command, "-o and --raw name the same file");
    return CLI_DONE;
}

static cli_exit check_files(const cli_command *command, const attention *a)
{
    const cli_claim picture = {.option = "-o", .path = a->path, .kind = CLI_KIND_MAP};
    const cli_claim raw = {.option = "--raw", .path = a->raw_path, .kind = CLI_KIND_NPY};
    cli_exit status = cli_claim_file(command, &picture);
    if (status == CLI_DONE)
        status = cli_claim_file(command, &raw);
    if (status != CLI_DONE)
        return status;
    return cli_claims_spare(a->pixels_path ? a->pixels_path : a->input);
}

/* ------------------------------------------------------------------ the model ---- */

static cli_exit check_model(const cli_command *command, attention *a)
{
    size_t shape[2];
    vit_error err = {0};
    size_t depth = vit_model_depth(a->model.model);
    if (a->layer == LAST)
        a->layer = depth > 0 ? depth - 1 : 0;
    if (vit_output_shape(a->model.model, VIT_OUTPUT_ATTENTION, a->layer, shape, &err) != VIT_OK)
        return cli_usage_error(command, "--layer %zu: %s", a->layer, err.message);
    a->tokens = shape[1];
    a->heads = shape[0] / shape[1];
    if (a->head >= 0 && (size_t)a->head >= a->heads)
        return cli_usage_error(command, "--head %d: the model has heads 0 to %zu", a->head, a->heads - 1);
    return a->pixels_path ? CLI_DONE : cli_model_check_preprocessing(command, &a->model, &a->pictures);
}

/* Ready pixels say the size at which the model runs. */
static vit_status open_pixels(attention *a, cli_npy *npy, vit_error *err)
{
    vit_status status = cli_npy_open(a->pixels_path, npy, err);
    if (status == VIT_OK && npy->shape[0] != 1) {
        status = vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, a->pixels_path, "%zu pictures: name one",
                               npy->shape[0]);
        cli_npy_close(npy);
    }
    if (status == VIT_OK && !a->options.image_size.height)
        a->options.image_size = (cli_size){(uint32_t)npy->shape[3], (uint32_t)npy->shape[2], a->pixels_path};
    return status;
}

static vit_status read_pixels(attention *a, const cli_npy *npy, vit_error *err)
{
    const vit_model *model = a->model.model;
    if (npy->shape[2] != vit_model_image_height(model) || npy->shape[3] != vit_model_image_width(model))
        return vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, a->pixels_path,
                             "pixels of %zux%zu do not fit --image-size", npy->shape[2], npy->shape[3]);
    return cli_npy_read(npy, a->pixels_path, 0, a->pixels, err);
}

static vit_status encode(attention *a, const cli_npy *npy, vit_error *err)
{
    a->pixels = cli_allocate(vit_model_pixels_size(a->model.model), sizeof *a->pixels);
    a->weights = cli_allocate(a->heads * a->tokens, a->tokens * sizeof *a->weights);
    const cli_seen seen = {a->model.model, &a->pictures};
    const char *path = a->pixels_path || strcmp(a->input, "-") == 0 ? NULL : a->input;
    vit_status status = a->pixels_path ? read_pixels(a, npy, err)
                                       : cli_picture_see(&seen, path, &a->picture, a->pixels, err);
    const vit_request request = {VIT_OUTPUT_ATTENTION, a->layer, a->weights};
    return status == VIT_OK ? vit_encode_requests(a->model.session, a->pixels, 1, &request, 1, err) : status;
}

/* ------------------------------------------------------------------ maps ---- */

static vit_status draw(const attention *a, void **bytes, size_t *size, vit_error *err)
{
    size_t n = a->head == HEAD_ALL ? a->heads + 1 : 1;
    const vit_grid grid = vit_model_grid(a->model.model);
    size_t patches = grid.rows * grid.columns;
    float *maps = cli_allocate(n, patches * sizeof *maps);
    vit_status status = vit_attention_map(a->model.model, a->weights, a->head < 0 ? -1 : a->head, maps, err);
    for (size_t head = 0; a->head == HEAD_ALL && status == VIT_OK && head < a->heads; head++)
        status = vit_attention_map(a->model.model, a->weights, (int)head, maps + (head + 1) * patches, err);
    const vit_heat_map map = {.picture = &a->picture, .grid = grid, .n = n, .weights = maps};
    vit_image sheet = {0};
    if (status == VIT_OK)
        status = vit_heat_map_draw(&map, &sheet, err);
    if (status == VIT_OK)
        status = vit_image_encode_png(&sheet, bytes, size, err);
    vit_image_free(&sheet);
    free(maps);
    return status;
}

/* ------------------------------------------------------------------ files ---- */

static bool write_raw(const attention *a, cli_file *file)
{
    char header[CLI_NPY_HEADER];
    const size_t shape[] = {a->heads, a->tokens, a->tokens};
    cli_npy_header("<f4", shape, 3, header);
    bool written = cli_file_write(file, header, sizeof header);
    for (size_t row = 0; row < a->heads * a->tokens && written; row++) {
        cli_text bytes = {0};
        cli_put_f32(&bytes, a->weights + row * a->tokens, a->tokens);
        written = cli_file_write(file, bytes.data, bytes.size);
        cli_text_free(&bytes);
    }
    return written;
}

static cli_exit write_files(const attention *a)
{
    cli_file picture = {0}, raw = {0};
    void *bytes = NULL;
    size_t size = 0;
    vit_error err = {0};
    if (a->path && draw(a, &bytes, &size, &err) != VIT_OK) {
        cli_input_error(a->input, &err);
        return CLI_INPUTS_FAILED;
    }
    bool done = (!a->path || cli_drawing_write(a->path, bytes, size, &picture)) &&
                (!a->raw_path || (cli_file_open(&raw, a->raw_path) && write_raw(a, &raw) && cli_file_settle(&raw)));
    done = done && (!a->path || cli_file_commit(&picture)) && (!a->raw_path || cli_file_commit(&raw));
    cli_file_discard(&picture); /* nothing, once committed */
    cli_file_discard(&raw);
    vit_free(bytes);
    return done ? CLI_DONE : CLI_OUTPUT;
}

static cli_exit draw_components(const cli_command *command, attention *a)
{
    const cli_claim picture = {.option = "-o", .path = a->path, .kind = CLI_KIND_MAP};
    const cli_pca pca = {&a->inputs, &a->pictures, &a->options, a->path};
    cli_exit status = a->path ? cli_claim_file(command, &picture) : CLI_DONE;
    if (status == CLI_DONE)
        status = check_pca(command, a);
    a->options.image_size = a->pictures.image_size;
    return status == CLI_DONE ? cli_pca_draw(command, &pca) : status;
}

static cli_exit map_input(const cli_command *command, attention *a)
{
    cli_npy npy = {.descriptor = -1};
    vit_error err = {0};
    cli_exit status = check_options(command, a);
    if (status == CLI_DONE)
        status = check_files(command, a);
    if (status != CLI_DONE)
        return status;
    a->options.image_size = a->pictures.image_size;
    if (a->pixels_path && open_pixels(a, &npy, &err) != VIT_OK) {
        cli_input_error(a->pixels_path, &err);
        return CLI_INPUTS_FAILED;
    }
    a->options.once = true;
    status = cli_model_open(&a->options, &a->model);
    if (status == CLI_DONE)
        status = check_model(command, a);
    if (status == CLI_DONE)
        status = cli_model_start(&a->options, 1, &a->model);
    if (status == CLI_DONE && encode(a, &npy, &err) != VIT_OK) {
        cli_input_error(a->pixels_path ? a->pixels_path : a->input, &err);
        status = CLI_INPUTS_FAILED;
    }
    cli_npy_close(&npy);
    if (status == CLI_DONE && a->path && !vit_output_size(a->model.model, VIT_OUTPUT_CLASS, 0))
        cli_note("the model has no class token: the map is what all patches see, in the mean");
    return status == CLI_DONE ? write_files(a) : status;
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    attention a = {.layer = LAST, .head = HEAD_MEAN};
    const cli_group groups[] = {
        {"Results", attention_table, &a, set_input},
        {"Model", cli_model_table, &a.options, NULL},
        {"Pictures", cli_picture_table, &a.pictures, NULL},
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? (a.pca ? draw_components : map_input)(command, &a) : (cli_exit)parsed;
    cli_inputs_free(&a.inputs);
    free(a.pixels);
    free(a.weights);
    vit_image_free(&a.picture);
    cli_model_close(&a.model);
    return status;
}

const cli_command cli_attention = {
    .name = "attention",
    .summary = "where in an image a block of the model looks",
    .usage = "[OPTION]... -o FILE.png INPUT...",
    .text =
        "Draws how much each patch of an image (or of standard input, if INPUT is -) weighs in the attention of a block:\n"
        "for the class token, or for all patches in the mean where the model has no class token. Dark is the least weight\n"
        "in a map, bright the most.\n\n"
        "With --pca it draws what the patches of several images (an INPUT may be a folder) are like, not where the model\n"
        "looks: their features behind the last block, without class token and registers, along the three directions in\n"
        "which the patches that are in front differ most, as red, green and blue.",
    .example = "vit attention -m facebook/dinov2-small --layer 11 --head all -o map.png photo.jpg",
    .left_out = (const cli_left_out[]){{"batch", NULL}, {0}},
    .run = run,
};
