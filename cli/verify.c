/* SPDX-License-Identifier: BSD-2-Clause */
/* vit verify: the model's outputs beside those that its own library has written down (models/reference). */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "expected.h"
#include "json_read.h"
#include "json_text.h"
#include "latent.h"
#include "model.h"
#include "output_file.h"
#include "talk.h"
#include "text.h"
#include "unit_length.h"
#include "zero_shot.h"

#define TOLERANCE 1e-5        /* of outputs, in f32: ten times what PyTorch itself moves between ways of computing */
#define PIXELS_TOLERANCE 2e-6 /* the smallest step of 8-bit pixels is a thousand times that */
#define ANY_RESAMPLER (-1)

typedef struct verify {
    /* options */
    const char *model, *image, *expected;
    size_t n_models;
    double tolerance; /* 0: not given */
    bool json;
    cli_picture_options pictures;
    cli_model_options options;
    /* at work */
    char *folder;
    const char *file_name; /* of the one that is read */
    vit_tensor_file *file;
    size_t compared, wrong;
} verify;

#define FIELD(member) offsetof(verify, member)
static const cli_option verify_table[] = {
    {"tolerance", 0, "X", cli_set_seconds, FIELD(tolerance), NULL,
     "largest error of an output, as a share of its largest number (default: what case.json says, or 1e-5)"},
    {"expected", 0, "FILE", cli_set_text, FIELD(expected), NULL,
     "compare with this file (default: expected.safetensors and expected2.safetensors beside the model)"},
    {"image", 0, "FILE", cli_set_text, FIELD(image), NULL,
     "the picture that it was made from, to compare pixel_values (default: image.png and image2.png, where they are)"},
    {"json", 0, NULL, cli_set_flag, FIELD(json), NULL, "one JSON object a line"},
    {0},
};

static void set_model(void *target, const char *value)
{
    verify *v = target;
    v->model = value;
    v->n_models++;
}

/* ------------------------------------------------------------------ lines ---- */

static void *tensor_floats(const verify *v, const char *name, size_t *n, vit_error *err)
{
    vit_tensor tensor;
    *n = 0;
    if (!vit_tensor_file_find(v->file, name, &tensor))
        return NULL;
    float *values = cli_allocate(tensor.elements, sizeof *values);
    if (vit_tensor_file_floats(v->file, name, values, err) != VIT_OK) {
        free(values);
        return NULL;
    }
    *n = tensor.elements;
    return values;
}

static void add_start(const verify *v, const char *name, cli_text *line)
{
    cli_text_string(line, "{\"file\":");
    cli_json_string(line, v->file_name);
    cli_text_string(line, ",\"tensor\":");
    cli_json_string(line, name);
}

/* The end of a line for people, which names the file where it is not the usual one. */
static void add_file(const verify *v, cli_text *line)
{
    const char *slash = strrchr(v->file_name, '/'), *name = slash ? slash + 1 : v->file_name;
    cli_text_format(line, strcmp(name, "expected.safetensors") == 0 ? "\n" : "  (%s)\n", name);
}

static void print_line(cli_text *line)
{
    if (cli_print(line) != CLI_DONE)
        exit(CLI_OUTPUT);
    cli_text_free(line);
}

/* Why there is nothing to compare with a tensor; `wrong`: there should be. */
static void print_reason(verify *v, const char *name, const char *reason, bool wrong)
{
    cli_text line = {0};
    v->wrong += wrong;
    if (v->json) {
        add_start(v, name, &line);
        cli_text_format(&line, ",\"ok\":%s,\"reason\":", wrong ? "false" : "null");
        cli_json_string(&line, reason);
        cli_text_string(&line, "}\n");
    } else {
        cli_text_format(&line, "%-5s %-26s %s", wrong ? "WRONG" : "-", name, reason);
        add_file(v, &line);
    }
    print_line(&line);
}

static void add_json_number(cli_text *line, const char *key, double value)
{
    cli_text_format(line, isfinite(value) ? ",\"%s\":%.9g" : ",\"%s\":null", key, value);
}

static void print_deviation(verify *v, const char *name, const char *how, cli_deviation deviation, double tolerance)
{
    bool right = deviation.error <= tolerance;
    cli_text line = {0};
    v->compared++;
    v->wrong += !right;
    if (v->json) {
        add_start(v, name, &line);
        cli_text_format(&line, ",\"ok\":%s", right ? "true" : "false");
        add_json_number(&line, "max_error", deviation.error);
        add_json_number(&line, "cosine", deviation.cosine);
        add_json_number(&line, "tolerance", tolerance);
        cli_text_string(&line, "}\n");
    } else {
        cli_text_format(&line, "%-5s %-26s max error %.2e  cosine %.9f%s%s", right ? "ok" : "WRONG", name, deviation.error,
                        deviation.cosine, *how ? "  " : "", how);
        add_file(v, &line);
    }
    print_line(&line);
}

static void compare(verify *v, const char *name, const float *got, size_t n)
{
    size_t n_want;
    vit_error err = {0};
    float *want = tensor_floats(v, name, &n_want, &err);
    char sizes[96];
    snprintf(sizes, sizeof sizes, "%zu numbers here, %zu there", n, n_want);
    if (!want || n != n_want)
        print_reason(v, name, want ? sizes : err.message, true);
    else
        print_deviation(v, name, "", cli_deviation_of(got, want, n), v->tolerance);
    free(want);
}

/* ------------------------------------------------------------------ pixel_values ---- */

/* The picture as the stored pixels have it: by the rules as they are, or, where that gives another size, aimed at theirs. */
typedef struct subject {
    const vit_preprocessor *rules;
    vit_image image;
    vit_preprocess_options options;
} subject;

static vit_status aim_at(subject *s, const vit_tensor *pixels, vit_error *err)
{
    uint32_t width, height;
    for (int aimed = 0; aimed < 2; aimed++) {
        vit_status status = vit_preprocess_shape(s->rules, s->image.width, s->image.height, &s->options, &width, &height, err);
        if (status != VIT_OK || (pixels->rank == 4 && pixels->shape[0] == 1 && pixels->shape[1] == 3 &&
                                 pixels->shape[2] == height && pixels->shape[3] == width))
            return status;
        s->options.image_height = pixels->rank == 4 ? (uint32_t)pixels->shape[2] : height;
        s->options.image_width = pixels->rank == 4 ? (uint32_t)pixels->shape[3] : width;
    }
    return vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, NULL, "%ux%u pixels here, %zu numbers there", height, width,
                         pixels->elements);
}

static vit_status deviation_by(const subject *s, vit_resampler resampler, const float *want, size_t n,
                               cli_deviation *deviation, vit_error *err)
{
    vit_preprocess_options options = s->options;
    options.resampler = resampler;
    float *pixels = cli_allocate(n, sizeof *pixels);
    vit_status status = vit_preprocess(s->rules, &s->image, &options, pixels, err);
    if (status == VIT_OK)
        *deviation = cli_deviation_of(pixels, want, n);
    free(pixels);
    return status;
}

/* By each of the ways that the reference may have used, and the best of them is it; or by the one that was named. */
static void compare_pixels(verify *v, subject *s, const char *name, const vit_resampler *ways, size_t n_ways)
{
    const vit_resampler named = (vit_resampler)v->pictures.resampler;
    size_t n;
    vit_error err = {0};
    vit_tensor tensor;
    float *want = tensor_floats(v, name, &n, &err);
    if (vit_tensor_file_find(v->file, name, &tensor))
        aim_at(s, &tensor, &err);
    cli_deviation best = {(double)INFINITY, 0};
    vit_resampler way = ways[0];
    if (v->pictures.resampler != ANY_RESAMPLER) {
        ways = &named;
        n_ways = 1;
    }
    for (size_t i = 0; i < n_ways && want && err.status == VIT_OK; i++) {
        cli_deviation deviation;
        if (deviation_by(s, ways[i], want, n, &deviation, &err) == VIT_OK && deviation.error < best.error) {
            best = deviation;
            way = ways[i];
        }
    }
    if (err.status != VIT_OK)
        print_reason(v, name, err.message, true);
    else if (want)
        print_deviation(v, name, cli_resampler_names[way], best, PIXELS_TOLERANCE);
    free(want);
}

/* The model as it is by itself, whose preprocessing aims where its config says. */
static void verify_picture(verify *v, const vit_model *model, const char *path, bool named)
{
    static const vit_resampler pillow[] = {VIT_RESAMPLER_PILLOW13, VIT_RESAMPLER_PILLOW},
                               torchvision[] = {VIT_RESAMPLER_TORCHVISION};
    if (!named && access(path, F_OK) != 0)
        return;
    subject s = {.rules = vit_model_preprocessor(model), .options = cli_preprocess_options(&v->pictures)};
    const vit_load_options load = cli_load_options(&v->pictures, s.rules);
    vit_error err = {0};
    s.options.resampler = VIT_RESAMPLER_PILLOW;
    if (!s.rules)
        print_reason(v, "pixel_values", "the model says nothing about preprocessing", false);
    else if (cli_picture_load(&load, path, &s.image, &err) != VIT_OK)
        print_reason(v, "pixel_values", err.message, true);
    else {
        compare_pixels(v, &s, "pixel_values", pillow, 2);
        compare_pixels(v, &s, "pixel_values_torchvision", torchvision, 1);
    }
    vit_image_free(&s.image);
}

/* ------------------------------------------------------------------ outputs ---- */

typedef struct wanted {
    vit_tensor tensor;
    cli_expected expected;
    size_t size; /* of one item */
    float *values, *log_variances; /* the second for a draw */
} wanted;

typedef struct tower {
    cli_model model;
    vit_tower kind;
    size_t items, length; /* tokens of a text */
    float *pixels;
    int32_t *ids;
    wanted *all;
    size_t n;
    float *embeddings; /* [items][width] */
    size_t width;
} tower;

static void free_tower(tower *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->all[i].values);
        free(t->all[i].log_variances);
    }
    free(t->all);
    free(t->pixels);
    free(t->ids);
    free(t->embeddings);
    cli_model_close(&t->model);
}

/* The tensors that this tower gives. */
static void list_wanted(verify *v, tower *t)
{
    wanted one = {0};
    for (size_t i = 0; vit_tensor_file_get(v->file, i, &one.tensor); i++) {
        size_t shape[2];
        vit_error err = {0};
        if (!cli_expected_of(v->file, one.tensor.name, &one.expected) || one.expected.tower != t->kind)
            continue;
        if (vit_output_shape(t->model.model, one.expected.output, one.expected.layer, shape, &err) != VIT_OK) {
            print_reason(v, one.tensor.name, err.message, true);
            continue;
        }
        one.size = shape[0] * shape[1];
        t->all = cli_reallocate(t->all, t->n + 1, sizeof *t->all);
        t->all[t->n] = one;
        t->all[t->n].values = cli_allocate(t->items, one.size * sizeof(float));
        if (one.expected.sampled)
            t->all[t->n].log_variances = cli_allocate(t->items, one.size * sizeof(float));
        t->n++;
    }
}

/* All outputs of one pass. */
static vit_status encode(tower *t, vit_error *err)
{
    vit_request *requests = cli_allocate(2 * t->n + 1, sizeof *requests);
    size_t n = 0;
    t->width = vit_output_size(t->model.model, VIT_OUTPUT_EMBEDDING, 0);
    t->embeddings = cli_allocate(t->items, t->width * sizeof *t->embeddings);
    requests[n++] = (vit_request){VIT_OUTPUT_EMBEDDING, 0, t->embeddings};
    for (size_t i = 0; i < t->n; i++) {
        requests[n++] = (vit_request){t->all[i].expected.output, t->all[i].expected.layer, t->all[i].values};
        if (t->all[i].log_variances)
            requests[n++] = (vit_request){VIT_OUTPUT_LATENT_LOG_VARIANCE, 0, t->all[i].log_variances};
    }
    vit_status status =
        t->kind == VIT_TOWER_TEXT
            ? vit_encode_text_requests(t->model.session, t->ids, t->items, t->length, requests, n, err)
            : vit_encode_requests(t->model.session, t->pixels, t->items, requests, n, err);
    free(requests);
    return status;
}

static void compare_wanted(verify *v, const tower *t, wanted *w)
{
    for (size_t i = 0; i < t->items; i++) {
        float *values = w->values + i * w->size;
        if (w->expected.sampled)
            cli_latent_draw(w->expected.seed, i, w->log_variances + i * w->size, w->size, values);
        if (w->expected.normalised)
            cli_to_length_one(values, w->size);
    }
    compare(v, w->tensor.name, w->values, t->items * w->size);
}

static cli_exit run_tower(verify *v, tower *t)
{
    vit_error err = {0};
    cli_exit status = cli_model_start(&v->options, 1, &t->model);
    if (status != CLI_DONE)
        return status;
    list_wanted(v, t);
    if (encode(t, &err) != VIT_OK) {
        cli_error("model %s: %s: %s", t->model.name, vit_status_name(err.status), err.message);
        return CLI_INPUTS_FAILED;
    }
    for (size_t i = 0; i < t->n; i++)
        compare_wanted(v, t, &t->all[i]);
    return CLI_DONE;
}

/* ------------------------------------------------------------------ towers ---- */

static cli_exit bad_file(const verify *v, const char *message)
{
    cli_error("%s: %s", v->file_name, message);
    return CLI_USAGE;
}

/* The model at the size of the stored pixels, which is its own nearly always. */
static cli_exit open_at_size(verify *v, tower *t, cli_size size)
{
    if (vit_model_image_height(t->model.model) == size.height && vit_model_image_width(t->model.model) == size.width)
        return CLI_DONE;
    cli_model_options options = v->options;
    options.image_size = size;
    cli_model_close(&t->model);
    return cli_model_open(&options, &t->model);
}

static cli_exit verify_images(verify *v, tower *t, const char *image, bool named)
{
    vit_tensor pixels;
    vit_error err = {0};
    if (!vit_tensor_file_find(v->file, "pixel_values", &pixels) || pixels.rank != 4 || pixels.shape[1] != 3 ||
        pixels.shape[2] > UINT16_MAX || pixels.shape[3] > UINT16_MAX)
        return bad_file(v, "there are no pixel_values [N,3,H,W] in it: models/reference/make_expected.py writes them");
    cli_exit status = cli_model_open(&v->options, &t->model);
    if (status != CLI_DONE)
        return status;
    verify_picture(v, t->model.model, image, named);
    status = open_at_size(v, t, (cli_size){.height = (uint32_t)pixels.shape[2], .width = (uint32_t)pixels.shape[3]});
    if (status != CLI_DONE)
        return status;
    size_t n;
    t->items = pixels.shape[0];
    t->pixels = tensor_floats(v, "pixel_values", &n, &err);
    return t->pixels ? run_tower(v, t) : bad_file(v, err.message);
}

static cli_exit verify_texts(verify *v, tower *t)
{
    vit_tensor ids;
    vit_error err = {0};
    if (!vit_tensor_file_find(v->file, "input_ids", &ids))
        return CLI_DONE;
    if (ids.rank != 2)
        return bad_file(v, "input_ids is not [N,L]");
    cli_model_options options = v->options;
    options.tower = t->kind = VIT_TOWER_TEXT;
    cli_exit status = cli_model_open(&options, &t->model);
    if (status != CLI_DONE)
        return status;
    t->items = ids.shape[0];
    t->length = ids.shape[1];
    t->ids = cli_allocate(ids.elements, sizeof *t->ids);
    if (vit_tensor_file_integers(v->file, "input_ids", t->ids, &err) != VIT_OK)
        return bad_file(v, err.message);
    return run_tower(v, t);
}

/* logits_per_image [images][texts] */
static void compare_similarities(verify *v, const tower *images, const tower *texts)
{
    static const char name[] = "logits_per_image";
    vit_tensor tensor;
    vit_error err = {0};
    if (!vit_tensor_file_find(v->file, name, &tensor))
        return;
    cli_zero_shot labels = {.n = texts->items, .width = texts->width, .vectors = texts->embeddings};
    if (!texts->embeddings || images->width != texts->width ||
        vit_model_similarity(images->model.model, &labels.similarity, &err) != VIT_OK) {
        print_reason(v, name, err.status == VIT_OK ? "there are no texts to compare with" : err.message, true);
        return;
    }
    float *logits = cli_allocate(images->items, labels.n * sizeof *logits);
    for (size_t i = 0; i < labels.n; i++)
        cli_to_length_one(labels.vectors + i * labels.width, labels.width);
    for (size_t i = 0; i < images->items; i++)
        cli_zero_shot_score(&labels, images->embeddings + i * images->width, true, logits + i * labels.n);
    compare(v, name, logits, images->items * labels.n);
    free(logits);
}

/* What is in the file and was not compared must not look as if it had been. */
static void list_others(verify *v)
{
    static const char *const known[] = {"pixel_values", "pixel_values_torchvision", "input_ids", "logits_per_image"};
    vit_tensor tensor;
    for (size_t i = 0; vit_tensor_file_get(v->file, i, &tensor); i++) {
        cli_expected expected;
        bool other = !cli_expected_of(v->file, tensor.name, &expected);
        for (size_t j = 0; j < sizeof known / sizeof *known; j++)
            other = other && strcmp(tensor.name, known[j]) != 0;
        if (other)
            print_reason(v, tensor.name, "not compared: it is no output of this command", false);
    }
}

static cli_exit verify_file(verify *v, const char *path, const char *image, bool named)
{
    tower images = {.kind = VIT_TOWER_IMAGE}, texts = {.kind = VIT_TOWER_TEXT};
    vit_error err = {0};
    v->file_name = path;
    if (vit_tensor_file_open(path, &v->file, &err) != VIT_OK) {
        cli_error("%s: %s: %s", path, vit_status_name(err.status), err.message);
        return CLI_USAGE;
    }
    cli_exit status = verify_images(v, &images, image, named);
    if (status == CLI_DONE)
        status = verify_texts(v, &texts);
    if (status == CLI_DONE) {
        compare_similarities(v, &images, &texts);
        list_others(v);
    }
    free_tower(&images);
    free_tower(&texts);
    vit_tensor_file_free(v->file);
    v->file = NULL;
    return status;
}

/* ------------------------------------------------------------------ the command ---- */

/* case.json's "tolerance": {"f32": 1e-5} */
static double tolerance_of_case(const verify *v)
{
    char *path = cli_join(v->folder, "case.json");
    void *bytes = NULL;
    size_t size = 0;
    double tolerance = 0;
    if (vit_file_read(path, 1u << 20, &bytes, &size, NULL) == VIT_OK) {
        cli_json *json = cli_json_parse(bytes, size);
        bool said = json && cli_json_number_of(cli_json_get(cli_json_get(json, "tolerance"), "f32"), &tolerance);
        tolerance = said && isfinite(tolerance) && tolerance > 0 ? tolerance : 0;
        cli_json_free(json);
    }
    vit_free(bytes);
    free(path);
    return tolerance > 0 ? tolerance : TOLERANCE;
}

static cli_exit find_folder(const cli_command *command, verify *v)
{
    vit_error err = {0};
    char *folder = NULL;
    if (v->n_models > 1 || (v->n_models && v->options.model))
        return cli_usage_error(command, "one model at a time");
    if (v->model)
        v->options.model = v->model;
    if (!v->options.model)
        return cli_usage_error(command, "name a model, whose folder holds expected.safetensors");
    if (v->options.precision > CLI_PRECISION_F32 && v->tolerance <= 0)
        return cli_usage_error(command, "--precision is below what the expected outputs were made with: say with "
                                        "--tolerance what will do");
    if (vit_model_folder(v->options.model, &folder, &err) != VIT_OK) {
        cli_error("model %s: %s: %s", v->options.model, vit_status_name(err.status), err.message);
        return CLI_MODEL;
    }
    v->folder = cli_duplicate(folder);
    vit_free(folder);
    return CLI_DONE;
}

static cli_exit verify_beside(verify *v, const char *expected, const char *image, bool needed)
{
    char *file = cli_join(v->folder, expected), *picture = cli_join(v->folder, image);
    cli_exit status = CLI_DONE;
    if (needed || access(file, F_OK) == 0)
        status = verify_file(v, file, v->image ? v->image : picture, v->image != NULL);
    free(file);
    free(picture);
    return status;
}

static cli_exit sum_up(const cli_command *command, const verify *v)
{
    if (v->compared == 0)
        return cli_usage_error(command, "model %s: nothing was compared", v->options.model);
    if (v->wrong) {
        cli_error("model %s: %zu outputs are not as expected", v->options.model, v->wrong);
        return CLI_INPUTS_FAILED;
    }
    cli_note("model %s: %zu outputs are as expected", v->options.model, v->compared);
    return CLI_DONE;
}

static cli_exit verify_model(const cli_command *command, verify *v)
{
    cli_exit status = find_folder(command, v);
    if (status != CLI_DONE)
        return status;
    if (v->tolerance <= 0)
        v->tolerance = tolerance_of_case(v);
    if (v->expected) {
        char *picture = cli_join(v->folder, "image.png");
        status = verify_file(v, v->expected, v->image ? v->image : picture, v->image != NULL);
        free(picture);
    } else {
        status = verify_beside(v, "expected.safetensors", "image.png", true);
        if (status == CLI_DONE && !v->image)
            status = verify_beside(v, "expected2.safetensors", "image2.png", false);
    }
    return status == CLI_DONE ? sum_up(command, v) : status;
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    verify v = {.pictures.resampler = ANY_RESAMPLER};
    const cli_group groups[] = {
        {"Comparing", verify_table, &v, set_model},
        {"Model", cli_model_table, &v.options, NULL},
        {"Pictures", cli_picture_table, &v.pictures, NULL},
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? verify_model(command, &v) : (cli_exit)parsed;
    free(v.folder);
    return status;
}

const cli_command cli_verify = {
    .name = "verify",
    .summary = "compare a model's outputs with those of its own library",
    .usage = "[OPTION]... MODEL",
    .text = "Compares what a model gives here with what its own library gave. The latter stands in expected.safetensors in\n"
            "the model's folder; models/reference/make_expected.py writes such files. Prints one line for each output, with\n"
            "the largest error as a share of the largest number, and the cosine. The picture is preprocessed as Pillow 13\n"
            "does it and as older versions do, and the better one counts, unless --resampler names one.\n"
            "Exit status 1: an output is not as expected.",
    .example = "vit verify models/clip-vit-base-patch32",
    .run = run,
};
