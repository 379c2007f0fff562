/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every golden checkpoint through the library: every hidden state and every output,
 * from the stored pixel_values, within the tolerance of its case.json (1e-5: ten
 * times what the reference itself moves between ways of computing it in float32).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"

static size_t compared; /* tensors, over all cases: a test that compares nothing must not pass */

typedef struct named_output {
    const char *name;
    vit_output output;
    bool normalised;
} named_output;

/* How the Python libraries call what we compute. */
static const named_output image_outputs[] = {
    {"last_hidden_state", VIT_OUTPUT_TOKENS, false},
    {"pooler_output", VIT_OUTPUT_POOLER, false},
    {"pooled", VIT_OUTPUT_EMBEDDING, false},
    {"logits", VIT_OUTPUT_LOGITS, false},
    {"image_features", VIT_OUTPUT_EMBEDDING, false},
    {"z_mean", VIT_OUTPUT_LATENT, false},
    {"z_log_var", VIT_OUTPUT_LATENT_LOG_VARIANCE, false},
};
static const named_output text_outputs[] = {
    {"text_features", VIT_OUTPUT_EMBEDDING, false},
    {"text_embeds", VIT_OUTPUT_EMBEDDING, true},
    {"text_last_hidden_state", VIT_OUTPUT_TOKENS, false},
    {"text_pooler_output", VIT_OUTPUT_POOLER, false},
    {"text_cls", VIT_OUTPUT_CLASS, false},
    {"text_mean", VIT_OUTPUT_MEAN, false},
};

static double case_tolerance(const char *case_name)
{
    vit_error err = {0};
    vit__json *json;
    double tolerance = 0;
    assert_ok(vit__json_load(data_path("%s/case.json", case_name), &json, &err), err);
    assert_true(vit__json_number(vit__json_get(vit__json_get(json, "tolerance"), "f32"), &tolerance));
    vit__json_free(json);
    return tolerance;
}

static void compare(const char *what, const float *got, const float *want, size_t n, double tolerance)
{
    double error = relative_error(got, want, n);
    if (!(error <= tolerance))
        fail_msg("%s: relative error %g is over %g", what, error, tolerance);
    compared++;
}

typedef struct golden_case {
    const char *name;
    vit_model *model;
    vit_session *session;
    golden golden;
    double tolerance;
    bool own_sizes; /* the model takes pictures of any size, not of the pixels' alone */
} golden_case;

static void normalise(float *rows, size_t n, size_t width)
{
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t j = 0; j < width; j++)
            sum += (double)rows[i * width + j] * (double)rows[i * width + j];
        for (size_t j = 0; j < width; j++)
            rows[i * width + j] = (float)((double)rows[i * width + j] / sqrt(sum));
    }
}

/* Numbers of one text: the session answers for as many tokens as it gets, not for as many as the model takes. */
static size_t size_of_text(const golden_case *g, vit_request request, size_t length)
{
    size_t shape[2];
    vit_error err = {0};
    assert_ok(vit_output_shape(g->model, request.output, request.layer, shape, &err), err);
    bool rows = request.output == VIT_OUTPUT_TOKENS || request.output == VIT_OUTPUT_HIDDEN;
    return shape[1] * (rows ? shape[0] - vit_model_context(g->model) + length : 1);
}

/* What stands at the padding of texts is compared with nothing; copies are moved together, so that they end at n. */
static size_t leave_out_padding(const golden *g, float *rows, size_t n, size_t width)
{
    const int32_t *mask = golden_mask(g);
    size_t kept = 0;
    for (size_t i = 0; i < n / width; i++)
        if (!mask || mask[i])
            memmove(rows + kept++ * width, rows + i * width, width * sizeof *rows);
    return kept * width;
}

static void compare_without_padding(const golden_case *g, const char *label, float *got, const float *want, size_t n,
                                    size_t width)
{
    float *copy = malloc(n * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, want, n * sizeof *copy);
    size_t kept = leave_out_padding(&g->golden, got, n, width);
    leave_out_padding(&g->golden, copy, n, width);
    compare(label, got, copy, kept, g->tolerance);
    free(copy);
}

static void encode_pixels(const golden_case *g, const vit_request *request)
{
    vit_error err = {0};
    size_t shape[4];
    golden_shape(&g->golden, "pixel_values", 4, shape);
    const vit_pixels picture = {golden_tensor(&g->golden, "pixel_values", NULL), (uint32_t)shape[3],
                                (uint32_t)shape[2]};
    assert_ok(g->own_sizes ? vit_encode_pictures(g->session, &picture, 1, request, 1, &err)
                           : vit_encode_requests(g->session, picture.values, 1, request, 1, &err),
              err);
}

/* Rows past those of a picture's own are zero. */
static void check_tail(const char *label, const float *values, size_t n, size_t size)
{
    for (size_t i = n; i < size; i++)
        if (values[i] != 0)
            fail_msg("%s: number %zu is past the picture's own, and not zero", label, i);
}

static void check_output(const golden_case *g, vit_request request, const char *name, bool normalised)
{
    vit_error err = {0};
    size_t n, n_ids = 0, items = 1;
    const float *want = golden_tensor(&g->golden, name, &n);
    const int32_t *ids = golden_ids(&g->golden, &items, &n_ids);
    bool text = vit_model_context(g->model) > 0;
    if (!want)
        return;
    items = text ? items : 1;
    size_t size = text ? size_of_text(g, request, n_ids / items)
                       : vit_output_size(g->model, request.output, request.layer);
    bool rows = request.output == VIT_OUTPUT_TOKENS || request.output == VIT_OUTPUT_HIDDEN;
    if (g->own_sizes && rows ? size < n : size * items != n)
        fail_msg("%s: %s has %zu values here, %zu there", g->name, name, size * items, n);
    request.result = malloc((text ? n : size) * sizeof *request.result);
    assert_non_null(request.result);
    if (text)
        assert_ok(vit_encode_text_requests(g->session, ids, items, n_ids / items, &request, 1, &err), err);
    else
        encode_pixels(g, &request);
    if (normalised)
        normalise(request.result, items, size);
    char label[256];
    snprintf(label, sizeof label, "%s %s", g->name, name);
    if (!text)
        check_tail(label, request.result, n, size);
    if (text && rows && size * items % n_ids == 0)
        compare_without_padding(g, label, request.result, want, n, size * items / n_ids);
    else
        compare(label, request.result, want, n, g->tolerance);
    free(request.result);
}

static void check_hidden(const golden_case *g, const char *which)
{
    for (size_t layer = 0; layer < 64; layer++) {
        char name[32];
        snprintf(name, sizeof name, "%s.%zu", which, layer);
        check_output(g, (vit_request){.output = VIT_OUTPUT_HIDDEN, .layer = layer}, name, false);
    }
}

/* The picture size that the case was made at, where it is not the model's own. */
static void size_of_pixels(const golden *g, vit_model_options *options)
{
    size_t shape[4];
    if (!golden_tensor(g, "pixel_values", NULL))
        return; /* words alone */
    golden_shape(g, "pixel_values", 4, shape);
    options->image_height = (uint32_t)shape[2];
    options->image_width = (uint32_t)shape[3];
}

/* own_sizes: as a model of pictures with sizes of their own, where it is one. */
static void check_tower(const char *case_name, const char *file, vit_tower tower, bool own_sizes)
{
    vit_error err = {0};
    golden_case g = {.name = case_name,
                     .golden = golden_open(case_name, file),
                     .tolerance = case_tolerance(case_name),
                     .own_sizes = own_sizes};
    vit_model_options options = {.tower = tower};
    if (!own_sizes)
        size_of_pixels(&g.golden, &options);
    assert_ok(vit_model_open(data_path("%s", case_name), &options, &g.model, &err), err);
    assert_ok(vit_session_create(g.model, NULL, &g.session, &err), err);
    if (tower == VIT_TOWER_TEXT) {
        for (size_t i = 0; i < sizeof text_outputs / sizeof *text_outputs; i++)
            check_output(&g, (vit_request){.output = text_outputs[i].output}, text_outputs[i].name,
                         text_outputs[i].normalised);
        check_hidden(&g, "text_hidden_states");
    } else {
        for (size_t i = 0; i < sizeof image_outputs / sizeof *image_outputs; i++)
            check_output(&g, (vit_request){.output = image_outputs[i].output}, image_outputs[i].name, false);
        bool normalised = golden_tensor(&g.golden, "image_features", NULL) != NULL;
        check_output(&g, (vit_request){.output = VIT_OUTPUT_EMBEDDING}, "image_embeds", normalised);
        check_hidden(&g, "hidden_states");
    }
    vit_session_free(g.session);
    vit_model_free(g.model);
    golden_close(&g.golden);
}

static bool takes_own_sizes(const char *case_name)
{
    vit_error err = {0};
    vit_model *model;
    assert_ok(vit_model_open(data_path("%s", case_name), NULL, &model, &err), err);
    bool takes = vit_model_patches(model) > 0;
    vit_model_free(model);
    return takes;
}

static void check_file(const char *case_name, const char *file)
{
    golden g = golden_open(case_name, file);
    bool words = golden_tensor(&g, "text_features", NULL) != NULL;
    bool pictures = golden_tensor(&g, "pixel_values", NULL) != NULL;
    golden_close(&g);
    assert_true(words || pictures);
    if (pictures)
        check_tower(case_name, file, VIT_TOWER_IMAGE, false);
    if (pictures && takes_own_sizes(case_name))
        check_tower(case_name, file, VIT_TOWER_IMAGE, true);
    if (words)
        check_tower(case_name, file, VIT_TOWER_TEXT, false);
}

static void check_case(const char *case_name)
{
    check_file(case_name, "expected.safetensors");
    FILE *second = fopen(data_path("%s/expected2.safetensors", case_name), "rb");
    if (second) {
        fclose(second);
        check_file(case_name, "expected2.safetensors");
    }
}

static void goldens_match(void **state)
{
    (void)state;
    golden_each(check_case);
    assert_true(compared > (getenv("VIT_TEST_CASE") ? 0 : 80));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(goldens_match)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
