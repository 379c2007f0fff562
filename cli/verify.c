/* SPDX-License-Identifier: BSD-2-Clause */
/* vit verify: the model's outputs beside those that its own library has written down (models/reference). */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "comparison.h"
#include "inputs.h"
#include "json_read.h"
#include "limit.h"
#include "model.h"
#include "pictures.h"
#include "pixels.h"
#include "talk.h"
#include "text.h"
#include "tower.h"
#include "vit/pipeline.h"

#define TOLERANCE 1e-5 /* of outputs, in f32: ten times what PyTorch itself moves between ways of computing */
#define SCRIPT "reference/make_expected.py"
#define PACKAGES "reference/requirements.txt"

typedef struct verify {
    /* options */
    const char *expected;
    cli_inputs images; /* of --image */
    double tolerance;  /* 0: not given */
    bool json;
    cli_picture_options pictures;
    cli_model_options options;
    /* at work */
    char *folder;
    cli_comparison comparison;
} verify;

static const char *add_image(const cli_option *option, const char *value, void *field)
{
    (void)option;
    cli_inputs_add(field, value);
    return NULL;
}

#define FIELD(member) offsetof(verify, member)
static const cli_option verify_table[] = {
    {"tolerance", 0, "X", cli_set_positive, FIELD(tolerance), NULL,
     "largest error of an output, as a share of its largest number (default: what case.json says, or 1e-5)"},
    {"expected", 0, "FILE", cli_set_text, FIELD(expected), NULL,
     "compare with this file (default: expected.safetensors and expected2.safetensors beside the model)"},
    {"image", 0, "FILE", add_image, FIELD(images), NULL,
     "the picture that it was made from; for several, name each in their order, or their folder (default: image.png and "
     "image2.png beside the model, where they are)"},
    {"json", 0, NULL, cli_set_flag, FIELD(json), NULL, "one JSON object a line"},
    {0},
};

/* ------------------------------------------------------------------ pictures ---- */

static size_t items_of(const vit_tensor_file *file, const char *name)
{
    vit_tensor tensor;
    return vit_tensor_file_find(file, name, &tensor) && tensor.rank > 0 ? tensor.shape[0] : 0;
}

/* As many pictures as the file's tensors are of. */
static vit_status load_pictures(verify *v, const cli_inputs *from, cli_pictures *pictures, vit_error *err)
{
    static const char *const names[] = {"pixel_values", "pixel_values_torchvision", "logits_per_image"};
    size_t most = cli_tower_most(v->comparison.file, VIT_TOWER_IMAGE);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t items = items_of(v->comparison.file, names[i]);
        most = items > most ? items : most;
    }
    return cli_pictures_load(pictures, from, &v->pictures, most, err);
}

/* ------------------------------------------------------------------ images ---- */

static cli_exit bad_file(const verify *v, const char *message)
{
    cli_error("%s: %s", v->comparison.file_name, message);
    return CLI_USAGE;
}

/* The model at the size of the pixels, which is its own nearly always. Where it is not, *own is the
 * model as it was, for its preprocessing may still be wanted. */
static cli_exit open_at_size(verify *v, cli_tower *t, cli_size size, cli_model *own)
{
    if (vit_model_image_height(t->model.model) == size.height && vit_model_image_width(t->model.model) == size.width)
        return CLI_DONE;
    cli_model_options options = v->options;
    options.image_size = size;
    *own = t->model;
    return cli_model_open(&options, &t->model);
}

/* Outputs of the pixels that the file holds. */
static cli_exit verify_stored(verify *v, cli_tower *t, const vit_tensor *pixels, cli_model *own)
{
    size_t n;
    vit_error err = {0};
    const cli_size size = {
        .height = (uint32_t)pixels->shape[2], .width = (uint32_t)pixels->shape[3], .asked_by = v->comparison.file_name};
    cli_exit status = open_at_size(v, t, size, own);
    if (status != CLI_DONE)
        return status;
    t->items = pixels->shape[0];
    t->pixels = cli_comparison_floats(&v->comparison, "pixel_values", &n, &err);
    return t->pixels ? cli_tower_run(&v->comparison, &v->options, t) : bad_file(v, err.message);
}

static cli_exit leave_images_out(verify *v)
{
    cli_tower_leave_out(&v->comparison, VIT_TOWER_IMAGE,
                        "not compared: there are no pixel_values, and no picture to make them from (--image)");
    return CLI_DONE;
}

/* Outputs of the pictures, where the file holds no pixels. */
static cli_exit verify_pictures(verify *v, cli_tower *t, const cli_pictures *pictures, cli_model *own)
{
    vit_error err = {0};
    cli_size size = {.asked_by = v->pictures.image_size.height ? NULL : "the preprocessing"};
    if (pictures->n == 0)
        return leave_images_out(v);
    if (cli_pictures_size(pictures, &size, &err) != VIT_OK) {
        cli_tower_leave_out(&v->comparison, VIT_TOWER_IMAGE, err.message);
        return CLI_DONE;
    }
    cli_exit status = open_at_size(v, t, size, own);
    return status == CLI_DONE ? cli_tower_run_pictures(&v->comparison, &v->options, t, pictures, v->pictures.resampler)
                              : status;
}

/* The model as it is by itself, whose preprocessing aims where its config says; then at the size of
 * the pixels. */
static cli_exit verify_with_pictures(verify *v, cli_tower *t, const cli_inputs *from, const vit_tensor *pixels)
{
    cli_pictures pictures = {.rules = vit_model_preprocessor(t->model.model)};
    vit_error err = {0};
    char reason[1200];
    if (from->n && !pictures.rules) {
        cli_comparison_leave_out(&v->comparison, "pixel_values", "the model says nothing about preprocessing");
    } else if (from->n && load_pictures(v, from, &pictures, &err) != VIT_OK) {
        snprintf(reason, sizeof reason, "%s: %s", err.where, err.message);
        cli_comparison_fail(&v->comparison, "pixel_values", reason);
    } else if (pictures.n) {
        cli_pixels_compare(&v->comparison, &pictures, v->pictures.resampler);
    }
    cli_model own = {0};
    cli_exit status = pixels ? verify_stored(v, t, pixels, &own) : verify_pictures(v, t, &pictures, &own);
    cli_pictures_free(&pictures);
    cli_model_close(&own);
    return status;
}

/* A file that holds nothing of pictures asks for no image tower. */
static cli_exit verify_images(verify *v, cli_tower *t, const cli_inputs *from)
{
    const vit_tensor_file *file = v->comparison.file;
    vit_tensor pixels;
    bool stored = vit_tensor_file_find(file, "pixel_values", &pixels);
    bool any = stored || cli_tower_most(file, VIT_TOWER_IMAGE) > 0 || items_of(file, "pixel_values_torchvision") > 0 ||
               items_of(file, "logits_per_image") > 0;
    if (stored && !cli_pixels_are(&pixels))
        return bad_file(v, "pixel_values is not [N,3,H,W]");
    if (!any)
        return CLI_DONE;
    if (!stored && from->n == 0)
        return leave_images_out(v);
    cli_exit status = cli_model_open(&v->options, &t->model);
    return status == CLI_DONE ? verify_with_pictures(v, t, from, stored ? &pixels : NULL) : status;
}

/* ------------------------------------------------------------------ texts ---- */

static cli_exit verify_texts(verify *v, cli_tower *t)
{
    vit_tensor ids;
    vit_error err = {0};
    if (!vit_tensor_file_find(v->comparison.file, "input_ids", &ids)) {
        cli_tower_leave_out(&v->comparison, VIT_TOWER_TEXT, "not compared: there are no input_ids");
        return CLI_DONE;
    }
    if (ids.rank != 2)
        return bad_file(v, "input_ids is not [N,L]");
    cli_model_options options = v->options;
    options.tower = VIT_TOWER_TEXT;
    cli_exit status = cli_model_open(&options, &t->model);
    if (status != CLI_DONE)
        return status;
    t->items = ids.shape[0];
    t->length = ids.shape[1];
    t->ids = cli_allocate(ids.elements, sizeof *t->ids);
    if (vit_tensor_file_integers(v->comparison.file, "input_ids", t->ids, &err) != VIT_OK)
        return bad_file(v, err.message);
    vit_tensor mask;
    bool masked = vit_tensor_file_find(v->comparison.file, "attention_mask", &mask) && mask.elements == ids.elements;
    t->mask = masked ? cli_allocate(ids.elements, sizeof *t->mask) : NULL;
    if (masked && vit_tensor_file_integers(v->comparison.file, "attention_mask", t->mask, &err) != VIT_OK)
        return bad_file(v, err.message);
    return cli_tower_run(&v->comparison, &v->options, t);
}

/* ------------------------------------------------------------------ both ---- */

static float *similarities(const vit_labels *labels, const float *embeddings, size_t items)
{
    size_t n = vit_labels_count(labels);
    float *logits = cli_allocate(items, n * sizeof *logits);
    for (size_t i = 0; i < items; i++)
        vit_labels_score(labels, embeddings + i * vit_labels_width(labels), 1, logits + i * n);
    return logits;
}

/* Where the pixels are made from pictures, by each resampler. */
static void compare_each_way(verify *v, const cli_tower *images, const vit_labels *labels, const char *name)
{
    cli_candidates candidates = {0};
    vit_error err = {0};
    size_t n;
    float *want = cli_comparison_floats(&v->comparison, name, &n, &err);
    size_t texts = vit_labels_count(labels), items = n / texts;
    if (!want)
        cli_comparison_fail(&v->comparison, name, err.message);
    else if (items == 0 || items > images->items || items * texts != n)
        cli_comparison_leave_out(&v->comparison, name, "not compared: it is of other pictures or texts than there are");
    else {
        for (size_t i = 0; i < CLI_RESAMPLERS; i++) {
            float *logits = similarities(labels, images->embeddings[i], items);
            candidates.tried[i] = true;
            candidates.by[i] = cli_deviation_of(logits, want, n);
            free(logits);
        }
        cli_comparison_candidates(&v->comparison, name, &candidates, v->pictures.resampler, images->made_with,
                                  v->comparison.tolerance);
    }
    free(want);
}

/* logits_per_image [images][texts] */
static void compare_similarities(verify *v, const cli_tower *images, const cli_tower *texts)
{
    static const char name[] = "logits_per_image";
    vit_tensor tensor;
    vit_error err = {0};
    float *vectors = texts->embeddings[0];
    if (!vit_tensor_file_find(v->comparison.file, name, &tensor))
        return;
    vit_similarity similarity;
    vit_labels *labels;
    if (!images->embeddings[0] || !vectors) {
        cli_comparison_leave_out(&v->comparison, name,
                                 vectors ? "not compared: there are no pictures" : "not compared: there are no texts");
        return;
    }
    if (images->width != texts->width || vit_model_similarity(images->model.model, &similarity, &err) != VIT_OK) {
        cli_comparison_fail(&v->comparison, name,
                            err.status == VIT_OK ? "the vectors of pictures and texts have different sizes"
                                                 : err.message);
        return;
    }
    if (vit_labels_from_vectors(&similarity, vectors, texts->items, 1, texts->width, &labels, &err) != VIT_OK)
        cli_out_of_memory(); /* nothing else can be wrong with them */
    if (images->embeddings[1]) {
        compare_each_way(v, images, labels, name);
    } else {
        float *logits = similarities(labels, images->embeddings[0], images->items);
        cli_comparison_values(&v->comparison, name, logits, images->items * texts->items);
        free(logits);
    }
    vit_labels_free(labels);
}

/* Names the tensors that were not compared: they must not look as if they had been. */
static void list_others(verify *v)
{
    static const char *const known[] = {"pixel_values", "pixel_values_torchvision", "input_ids", "attention_mask",
                                        "logits_per_image"};
    const vit_tensor_file *file = v->comparison.file;
    vit_tensor tensor;
    for (size_t i = 0; vit_tensor_file_get(file, i, &tensor); i++) {
        cli_expected expected;
        bool other = !cli_expected_of(file, tensor.name, &expected);
        for (size_t j = 0; j < sizeof known / sizeof *known; j++)
            other = other && strcmp(tensor.name, known[j]) != 0;
        if (other)
            cli_comparison_leave_out(&v->comparison, tensor.name, "not compared: it is no output of this command");
    }
}

static cli_exit verify_open_file(verify *v, const cli_inputs *from)
{
    cli_tower images = {.kind = VIT_TOWER_IMAGE}, texts = {.kind = VIT_TOWER_TEXT};
    cli_exit status = verify_images(v, &images, from);
    if (status == CLI_DONE)
        status = verify_texts(v, &texts);
    if (status == CLI_DONE) {
        compare_similarities(v, &images, &texts);
        list_others(v);
    }
    cli_tower_free(&images);
    cli_tower_free(&texts);
    return status;
}

static cli_exit verify_file(verify *v, const char *path, const cli_inputs *from)
{
    vit_tensor_file *file = NULL;
    vit_error err = {0};
    if (vit_tensor_file_open(path, &file, &err) != VIT_OK) {
        cli_error("%s: %s: %s", path, vit_status_name(err.status), err.message);
        return CLI_USAGE;
    }
    v->comparison.file = file;
    v->comparison.file_name = path;
    cli_exit status = verify_open_file(v, from);
    v->comparison.file = NULL;
    vit_tensor_file_free(file);
    return status;
}

/* ------------------------------------------------------------------ the command ---- */

/* case.json's "tolerance": {"f32": 1e-5} */
static double tolerance_of_case(const verify *v)
{
    char *path = cli_join(v->folder, "case.json");
    vit__json *json = NULL;
    double tolerance = 0;
    cli_json_load(path, VIT__LIMIT_JSON_BYTES, &json, NULL);
    bool said = vit__json_number(vit__json_get(vit__json_get(json, "tolerance"), "f32"), &tolerance);
    tolerance = said && isfinite(tolerance) && tolerance > 0 ? tolerance : 0;
    vit__json_free(json);
    free(path);
    return tolerance > 0 ? tolerance : TOLERANCE;
}

static cli_exit find_folder(const cli_command *command, verify *v)
{
    vit_error err = {0};
    char *folder = NULL;
    cli_exit status = cli_model_take_operand(command, &v->options);
    if (status != CLI_DONE)
        return status;
    if (!v->options.model)
        return cli_usage_error(command, "name a model, whose folder holds expected.safetensors");
    if (v->options.precision > VIT_PRECISION_F32 && v->tolerance <= 0)
        return cli_usage_error(command, "--precision is below what the expected outputs were made with: say with "
                                        "--tolerance what will do");
    char *name;
    status = cli_model_choose(&v->options, &name);
    if (status != CLI_DONE)
        return status;
    if (vit_model_folder(name, &folder, &err) != VIT_OK)
        cli_error("model %s: %s: %s", name, vit_status_name(err.status), err.message);
    free(name);
    if (!folder)
        return CLI_MODEL;
    /* A folder of sentence-transformers may have the model in one below it. */
    char *beside = cli_join(v->options.model, "expected.safetensors");
    v->folder = cli_duplicate(access(beside, F_OK) == 0 ? v->options.model : folder);
    free(beside);
    vit_free(folder);
    return CLI_DONE;
}

/* How to make the file that is not there, by commands that can be pasted: the script is installed
 * with the command. */
static void explain(const verify *v, const char *file)
{
    char *script = cli_model_shipped(SCRIPT), *packages = cli_model_shipped(PACKAGES);
    cli_text command = {0};
    cli_error("%s: not_found: there is no such file; the library that the model comes from writes it", file);
    if (script && packages) {
        cli_text_string(&command, "python3 -m venv reference && reference/bin/pip install -r ");
        cli_text_shell(&command, packages);
        cli_text_string(&command, " && reference/bin/python ");
        cli_text_shell(&command, script);
        cli_text_string(&command, " ");
        cli_text_shell(&command, v->folder);
        if (v->expected) {
            cli_text_string(&command, " -o ");
            cli_text_shell(&command, file);
        }
        cli_error("to write it: %s", command.data);
    } else {
        cli_error("to write it: models/" SCRIPT " of the sources of vit, which is not installed here");
    }
    cli_text_free(&command);
    free(script);
    free(packages);
}

/* A file, with the pictures of --image, or else the one beside the model. */
static cli_exit verify_with(verify *v, const char *file, const char *image)
{
    char *picture = cli_join(v->folder, image);
    cli_inputs beside = {0};
    if (v->images.n == 0 && access(picture, F_OK) == 0)
        cli_inputs_add(&beside, picture);
    cli_exit status = verify_file(v, file, v->images.n ? &v->images : &beside);
    cli_inputs_free(&beside);
    free(picture);
    return status;
}

static cli_exit verify_files(verify *v)
{
    char *first = v->expected ? cli_duplicate(v->expected) : cli_join(v->folder, "expected.safetensors");
    char *second = cli_join(v->folder, "expected2.safetensors");
    cli_exit status = CLI_USAGE;
    if (access(first, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
        explain(v, first);
    else
        status = verify_with(v, first, "image.png");
    if (status == CLI_DONE && !v->expected && v->images.n == 0 && access(second, F_OK) == 0)
        status = verify_with(v, second, "image2.png");
    free(first);
    free(second);
    return status;
}

static cli_exit sum_up(const cli_command *command, const verify *v)
{
    const cli_comparison *c = &v->comparison;
    if (c->wrong) {
        cli_error("model %s: %zu outputs are not as expected", v->options.model, c->wrong);
        return CLI_INPUTS_FAILED;
    }
    if (c->compared == 0)
        return cli_usage_error(command, "model %s: nothing was compared", v->options.model);
    if (c->left_out)
        cli_note("model %s: %zu outputs are as expected, %zu not compared", v->options.model, c->compared, c->left_out);
    else
        cli_note("model %s: %zu outputs are as expected", v->options.model, c->compared);
    return CLI_DONE;
}

static cli_exit verify_model(const cli_command *command, verify *v)
{
    cli_exit status = v->images.n ? cli_inputs_check(command, &v->images) : CLI_DONE;
    if (status == CLI_DONE)
        status = find_folder(command, v);
    if (status != CLI_DONE)
        return status;
    v->comparison.json = v->json;
    v->comparison.tolerance = v->tolerance > 0 ? v->tolerance : tolerance_of_case(v);
    status = verify_files(v);
    return status == CLI_DONE ? sum_up(command, v) : status;
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    verify v = {.pictures.resampler = CLI_ANY_RESAMPLER};
    const cli_group groups[] = {
        {"Comparing", verify_table, &v, NULL},
        {"Model", cli_model_table, &v.options, cli_model_add_operand},
        {"Pictures", cli_picture_table, &v.pictures, NULL},
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? verify_model(command, &v) : (cli_exit)parsed;
    cli_inputs_free(&v.images);
    free(v.folder);
    return status;
}

const cli_command cli_verify = {
    .name = "verify",
    .summary = "compare a model's outputs with those of its own library",
    .usage = "[OPTION]... MODEL",
    .text =
        "Compares what a model gives here with what its own library gave. The latter stands in expected.safetensors in\n"
        "the model's folder. Prints one line for each output, with the largest error as a share of the largest number,\n"
        "and the cosine. Where there is no such file, the message says how the script make_expected.py, which is\n"
        "installed with vit, writes it. The picture is preprocessed by each resampler, and the one that fits is named; a\n"
        "tensor that was made with another one than --resampler names is not compared. Exit status 1: an output is not\n"
        "as expected.",
    .example = "vit verify models/clip-vit-base-patch32",
    .run = run,
};
