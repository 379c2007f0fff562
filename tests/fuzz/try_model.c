/* SPDX-License-Identifier: BSD-2-Clause */
#include "try_model.h"

#include <stdlib.h>
#include <unistd.h>

#include "fit_weights.h"
#include "fuzz.h"
#include "vit/vit.h"

#define FLOPS_MOST 1e8 /* larger models are not worth the time */
#define PIXELS_MOST ((size_t)1 << 20)
#define EDGE_MOST 4096 /* pixels */

/* Of the model's size, or a row of all the patches that it takes. */
static vit_pixels picture_of(const vit_model *model, const float *pixels)
{
    const vit_grid grid = vit_model_grid(model);
    const size_t most = vit_model_patches(model), width = most * grid.patch_width;
    if (most == 0 || width > UINT32_MAX)
        return (vit_pixels){pixels, vit_model_image_width(model), vit_model_image_height(model)};
    return (vit_pixels){pixels, (uint32_t)width, (uint32_t)grid.patch_height};
}

static void encode(const vit_model *model)
{
    const size_t n = vit_model_pixels_size(model), width = vit_output_size(model, VIT_OUTPUT_EMBEDDING, 0);
    vit_session_options options = {.threads = 1};
    vit_session *session = NULL;
    if (n > PIXELS_MOST || width > PIXELS_MOST || vit_model_flops(model) > FLOPS_MOST ||
        vit_session_create(model, &options, &session, NULL) != VIT_OK)
        return;
    float *pixels = calloc(n, sizeof *pixels), *vector = calloc(width, sizeof *vector);
    if (pixels && vector) {
        const vit_pixels picture = picture_of(model, pixels);
        const vit_request request = {.output = VIT_OUTPUT_EMBEDDING, .result = vector};
        const vit_status status = vit_encode_pictures(session, &picture, 1, &request, 1, NULL);
        if (status != VIT_OK && status != VIT_ERR_NON_FINITE)
            abort();
    }
    free(vector);
    free(pixels);
    vit_session_free(session);
}

static void encode_text(const vit_model *model)
{
    const size_t width = vit_output_size(model, VIT_OUTPUT_EMBEDDING, 0);
    const int32_t ids[] = {0, 2, 3, 1};
    const size_t length = vit_model_context(model) < 4 ? vit_model_context(model) : 4;
    vit_session_options options = {.threads = 1};
    vit_session *session = NULL;
    if (width > PIXELS_MOST || vit_model_flops(model) > FLOPS_MOST ||
        vit_session_create(model, &options, &session, NULL) != VIT_OK)
        return;
    float *vector = calloc(width, sizeof *vector);
    if (vector) {
        const vit_status status = vit_encode_text(session, ids, 1, length, VIT_OUTPUT_EMBEDDING, vector, NULL);
        if (status != VIT_OK && status != VIT_ERR_NON_FINITE && status != VIT_ERR_INVALID_ARGUMENT)
            abort();
    }
    free(vector);
    vit_session_free(session);
}

vit_model *try_open(const char *path, const vit_model_options *options, vit_status *why)
{
    vit_model *model = NULL;
    vit_error err = {0};
    const vit_status status = vit_model_open(path, options, &model, &err);
    if ((model != NULL) != (status == VIT_OK) || err.status != status || status == VIT_ERR_INTERNAL)
        abort();
    if (why)
        *why = status;
    if (!model)
        return NULL;
    char *description = vit_model_describe(model);
    if (!description || !*description)
        abort();
    vit_free(description);
    return model;
}

/* Of inputs. What takes long is done in every fourth turn: the first is one. */
static unsigned turn;

/* At another picture size, and in another precision. */
static void open_otherwise(const char *path, const vit_model *model)
{
    const vit_grid grid = vit_model_grid(model);
    if (vit_model_image_width(model) > EDGE_MOST || vit_model_image_height(model) > EDGE_MOST)
        return;
    const vit_model_options options = {.precision = VIT_PRECISION_BF16,
                                       .image_height = (uint32_t)(3 * grid.patch_height),
                                       .image_width = (uint32_t)(5 * grid.patch_width)};
    vit_model *other = try_open(path, &options, NULL);
    if (other)
        encode(other);
    vit_model_free(other);
}

/* Whether the tensors are those that the config asks for, or it never came to that. */
static bool open_tower(const char *path, vit_tower tower)
{
    vit_model_options options = {.tower = tower, .precision = VIT_PRECISION_AUTO};
    vit_status status;
    vit_model *model = try_open(path, &options, &status);
    char digest[65];
    if (!model)
        return status != VIT_ERR_MODEL_MISMATCH;
    if (vit_model_digest(model, digest, NULL) != VIT_OK)
        abort();
    (tower == VIT_TOWER_IMAGE ? encode : encode_text)(model);
    if (tower == VIT_TOWER_IMAGE && turn % 4 == 0)
        open_otherwise(path, model);
    vit_model_free(model);
    return true;
}

static bool open_towers(const char *path)
{
    const bool image = open_tower(path, VIT_TOWER_IMAGE), text = open_tower(path, VIT_TOWER_TEXT);
    return image && text;
}

void try_model(const char *path)
{
    open_towers(path);
}

/* Who names a file in a folder means the model in it. */
static void open_files(void)
{
    static const char *const names[] = {"model.safetensors", "open_clip_model.safetensors", "pytorch_model.bin"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (access(scratch_path(names[i]), R_OK) == 0)
            open_towers(scratch_path(names[i]));
    char *folder = NULL;
    vit_error err = {0};
    if (vit_model_folder(scratch_path(""), &folder, &err) != err.status || (folder != NULL) != (err.status == VIT_OK))
        abort();
    vit_free(folder);
}

bool try_folder(void)
{
    setenv("HF_HUB_CACHE", scratch_path("hub"), 1); /* where models are that others name */
    if (turn % 4 == 0)
        open_files();
    const bool fitted = !open_towers(scratch_path("")) && fit_weights();
    if (fitted)
        open_towers(scratch_path(""));
    turn++;
    return fitted;
}
