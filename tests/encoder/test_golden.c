/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every golden checkpoint through the library: every hidden state and every output, from the stored pixel_values,
 * within the tolerance of its case.json (1e-5: ten times what the reference itself moves between ways of computing it in
 * float32).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"

static size_t compared; /* tensors, over all cases: a test that compares nothing must not pass */

typedef struct named_output {
    const char *name;
    vit_output output;
} named_output;

/* How the Python libraries call what we compute. */
static const named_output outputs[] = {
    {"last_hidden_state", VIT_OUTPUT_TOKENS},
    {"pooler_output", VIT_OUTPUT_POOLER},
    {"pooled", VIT_OUTPUT_EMBEDDING},
    {"logits", VIT_OUTPUT_LOGITS},
};

static double case_tolerance(const char *case_name)
{
    vit_error err = {0};
    vit__json *json;
    double tolerance = 0;
    assert_ok(vit__json_load(data_path("golden/%s/case.json", case_name), &json, &err), err);
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

static void check_output(const char *what, vit_session *session, const vit_model *model, const golden *g,
                         vit_request request, const char *name)
{
    vit_error err = {0};
    size_t n, n_pixels;
    const float *want = golden_tensor(g, name, &n), *pixels = golden_tensor(g, "pixel_values", &n_pixels);
    if (!want)
        return;
    assert_int_equal(n_pixels, vit_model_pixels_size(model));
    if (vit_output_size(model, request.output, request.layer) != n)
        fail_msg("%s: %s has %zu values here, %zu there", what, name,
                 vit_output_size(model, request.output, request.layer), n);
    request.result = malloc(n * sizeof *request.result);
    assert_non_null(request.result);
    assert_ok(vit_encode_requests(session, pixels, 1, &request, 1, &err), err);
    char label[256];
    snprintf(label, sizeof label, "%s %s", what, name);
    compare(label, request.result, want, n, case_tolerance(what));
    free(request.result);
}

static void check_file(const char *case_name, const vit_model *model, const char *file)
{
    vit_error err = {0};
    vit_session *session;
    golden g = golden_open(case_name, file);
    assert_ok(vit_session_create(model, NULL, &session, &err), err);
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++)
        check_output(case_name, session, model, &g, (vit_request){.output = outputs[i].output}, outputs[i].name);
    for (size_t layer = 0; layer < 64; layer++) {
        char name[32];
        snprintf(name, sizeof name, "hidden_states.%zu", layer);
        check_output(case_name, session, model, &g, (vit_request){.output = VIT_OUTPUT_HIDDEN, .layer = layer}, name);
    }
    vit_session_free(session);
    golden_close(&g);
}

static void check_case(const char *case_name)
{
    vit_error err = {0};
    vit_model *model;
    assert_ok(vit_model_open(data_path("golden/%s", case_name), NULL, &model, &err), err);
    check_file(case_name, model, "expected.safetensors");
    FILE *second = fopen(data_path("golden/%s/expected2.safetensors", case_name), "rb");
    if (second) {
        fclose(second);
        check_file(case_name, model, "expected2.safetensors");
    }
    vit_model_free(model);
}

static void goldens_match(void **state)
{
    (void)state;
    golden_each(check_case);
    assert_true(compared > 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(goldens_match)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
