/* SPDX-License-Identifier: BSD-2-Clause */
/* The same image gives the same bits alone and in a batch of seven, with one thread and with two or three, and whatever
 * other outputs are asked for. */
#include <stdlib.h>
#include <string.h>

#include "golden.h"

#define IMAGES 7

static float *random_pixels(size_t n)
{
    float *pixels = malloc(n * sizeof *pixels);
    unsigned seed = 99;
    assert_non_null(pixels);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        pixels[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
    return pixels;
}

/* How seven images are encoded. */
typedef struct way {
    unsigned threads;
    size_t max_batch;
    bool apart; /* every output by a pass of its own, which may leave out work that others need */
} way;

/* All seven images, every kind of output the model has, one after the other in *result. */
static void encode(const vit_model *model, const float *pixels, way how, float *result)
{
    vit_error err = {0};
    vit_session *session;
    vit_session_options options = {.threads = how.threads, .max_batch = how.max_batch};
    assert_ok(vit_session_create(model, &options, &session, &err), err);
    vit_request requests[10];
    size_t n = 0;
    for (int output = VIT_OUTPUT_EMBEDDING; output <= VIT_OUTPUT_LATENT_LOG_VARIANCE; output++) {
        size_t size = vit_output_size(model, (vit_output)output, 1);
        if (size == 0)
            continue;
        requests[n++] = (vit_request){(vit_output)output, 1, result};
        result += size * IMAGES;
    }
    for (size_t i = 0; how.apart && i < n; i++)
        assert_ok(vit_encode_requests(session, pixels, IMAGES, &requests[i], 1, &err), err);
    if (!how.apart)
        assert_ok(vit_encode_requests(session, pixels, IMAGES, requests, n, &err), err);
    vit_session_free(session);
}

static void check_model(const char *path, vit_precision precision)
{
    static const way ways[] = {{1, 7, false}, {2, 7, false}, {3, 2, false}, {2, 1, false}, {2, 3, true}, {1, 1, true}};
    vit_error err = {0};
    vit_model *model;
    vit_model_options options = {.precision = precision};
    assert_ok(vit_model_open(path, &options, &model, &err), err);
    size_t total = 0;
    for (int output = VIT_OUTPUT_EMBEDDING; output <= VIT_OUTPUT_LATENT_LOG_VARIANCE; output++)
        total += vit_output_size(model, (vit_output)output, 1) * IMAGES;
    float *pixels = random_pixels(vit_model_pixels_size(model) * IMAGES);
    float *want = calloc(total, sizeof *want), *got = calloc(total, sizeof *got);
    encode(model, pixels, (way){1, 1, false}, want);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        memset(got, 0, total * sizeof *got);
        encode(model, pixels, ways[i], got);
        if (memcmp(got, want, total * sizeof *got) != 0)
            fail_msg("%s, precision %d: %u threads, batches of %zu, outputs %s give other bits", path, (int)precision,
                     ways[i].threads, ways[i].max_batch, ways[i].apart ? "apart" : "together");
    }
    free(pixels);
    free(want);
    free(got);
    vit_model_free(model);
}

static void check_precisions(const char *path)
{
    for (int precision = VIT_PRECISION_F32; precision <= VIT_PRECISION_INT8; precision++)
        check_model(path, (vit_precision)precision);
}

static void check_case(const char *case_name)
{
    check_precisions(data_path("%s", case_name));
}

static void bits_are_the_same(void **state)
{
    (void)state;
    golden_each(check_case);
    check_precisions(VIT_DEFAULT_MODEL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bits_are_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
