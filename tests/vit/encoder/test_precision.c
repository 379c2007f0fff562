/* SPDX-License-Identifier: BSD-2-Clause */
/* How far bf16 and int8 take the embeddings of the default
 * model from those of f32; and that the options are checked. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"

#define IMAGES 16

/* Smooth pictures, as photographs are: a few waves of each colour. */
static float *waves(size_t side)
{
    float *pixels = malloc(IMAGES * 3 * side * side * sizeof *pixels);
    assert_non_null(pixels);
    for (size_t plane = 0; plane < IMAGES * 3; plane++)
        for (size_t y = 0; y < side; y++)
            for (size_t x = 0; x < side; x++) {
                double across = (double)(x * (1 + plane % 5)) / (double)side,
                       down = (double)(y * (1 + plane % 7)) / (double)side;
                pixels[(plane * side + y) * side + x] = (float)(sin(3 * across + (double)plane) * cos(4 * down) * 1.5);
            }
    return pixels;
}

static float *embed(vit_precision precision, const float *pixels, size_t *width)
{
    vit_error err = {0};
    vit_model *model;
    vit_session *session;
    vit_model_options options = {.precision = precision};
    assert_ok(vit_model_open(VIT_DEFAULT_MODEL, &options, &model, &err), err);
    assert_ok(vit_session_create(model, NULL, &session, &err), err);
    *width = vit_output_size(model, VIT_OUTPUT_EMBEDDING, 0);
    float *result = malloc(IMAGES * *width * sizeof *result);
    assert_ok(vit_encode(session, pixels, IMAGES, VIT_OUTPUT_EMBEDDING, result, &err), err);
    vit_session_free(session);
    vit_model_free(model);
    return result;
}

static double cosine(const float *a, const float *b, size_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

/* The bounds that the project publishes (docs/models.md), on the average and for the worst picture. */
static void embeddings_stay_near(void **state)
{
    (void)state;
    static const struct {
        vit_precision precision;
        double mean, worst;
    } bounds[] = {{VIT_PRECISION_BF16, 0.9999, 0.9995}, {VIT_PRECISION_INT8, 0.9995, 0.999}};
    size_t width;
    float *pixels = waves(32), *exact = embed(VIT_PRECISION_F32, pixels, &width);
    for (size_t k = 0; k < 2; k++) {
        float *got = embed(bounds[k].precision, pixels, &width);
        double mean = 0, worst = 1;
        for (size_t i = 0; i < IMAGES; i++) {
            double c = cosine(exact + i * width, got + i * width, width);
            mean += c / IMAGES;
            worst = fmin(worst, c);
        }
        print_message("precision %d: cosine to f32 %.6f, worst %.6f\n", (int)bounds[k].precision, mean, worst);
        assert_true(mean >= bounds[k].mean);
        assert_true(worst >= bounds[k].worst);
        assert_int_not_equal(memcmp(got, exact, IMAGES * width * sizeof *got), 0); /* it is another arithmetic */
        free(got);
    }
    free(exact);
    free(pixels);
}

static void unknown_precisions_are_refused(void **state)
{
    (void)state;
    vit_error err = {0};
    vit_model *model;
    vit_model_options options = {.precision = (vit_precision)(VIT_PRECISION_INT8 + 1)};
    assert_int_equal(vit_model_open(VIT_DEFAULT_MODEL, &options, &model, &err), VIT_ERR_INVALID_ARGUMENT);
    assert_null(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(embeddings_stay_near),
                                       cmocka_unit_test(unknown_precisions_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
