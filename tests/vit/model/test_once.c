/* SPDX-License-Identifier: BSD-2-Clause */
/* A model that is opened for one call gives the bits of one that is packed, and goes on giving them. */
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "packed_file.h"
#include "session.h"

static size_t compared, streamed; /* models */

static bool is_streamed(const vit_model *model)
{
    vit_error err = {0};
    vit_session *session;
    assert_ok(vit_session_create(model, NULL, &session, &err), err);
    bool is = strcmp(vit_session_multiplier(session), "streamed") == 0;
    vit_session_free(session);
    return is;
}

static void check_outputs(const vit_model *model, const float *want, size_t n, const char *what)
{
    size_t size;
    float *got = all_outputs(model, &size);
    assert_int_equal(size, n);
    assert_true((got == NULL) == (want == NULL));
    if (want && memcmp(got, want, n * sizeof *want) != 0)
        fail_msg("%s: other bits, precision %d", what, (int)vit_model_precision(model));
    free(got);
}

static void check_tower(const char *path, vit_model_options options)
{
    vit_error err = {0};
    vit_model *model, *once;
    if (vit_model_open(path, &options, &model, NULL) != VIT_OK)
        return; /* it has not this tower; what opens is counted */
    options.once = 1;
    assert_ok(vit_model_open(path, &options, &once, &err), err);
    size_t n;
    float *want = all_outputs(model, &n);
    for (int i = 0; i < 2; i++) /* the second time from pages that were given back */
        check_outputs(once, want, n, path);
    compared++;
    streamed += is_streamed(once);
    assert_false(is_streamed(model));
    free(want);
    vit_model_free(model);
    vit_model_free(once);
}

static void check_path(const char *path)
{
    for (int precision = VIT_PRECISION_F32; precision <= VIT_PRECISION_INT8; precision++)
        for (int tower = VIT_TOWER_IMAGE; tower <= VIT_TOWER_TEXT; tower++)
            check_tower(path, (vit_model_options){.precision = (vit_precision)precision, .tower = (vit_tower)tower});
}

static void check_case(const char *case_path)
{
    check_path(data_path("%s", case_path));
}

static void bits_are_those_of_packed_weights(void **state)
{
    (void)state;
    golden_each(check_case);
    check_path(VIT_DEFAULT_MODEL); /* in F16: all copies */
    print_message("%zu models, %zu streamed\n", compared, streamed);
    assert_true(compared > golden_share(200) || getenv("VIT_TEST_CASE"));
    assert_int_equal(streamed, compared);
}

/* Many rows on several threads, and batches. */
static void threads_and_batches_make_no_difference(void **state)
{
    (void)state;
    enum { IMAGES = 5 };
    vit_error err = {0};
    vit_model *models[2];
    float *results[2];
    for (int once = 0; once < 2; once++) {
        vit_model_options options = {.precision = VIT_PRECISION_INT8, .once = once};
        assert_ok(vit_model_open(data_path("golden/hf_dinov2_classifier"), &options, &models[once], &err), err);
        vit_session_options how = {.threads = once ? 3 : 1, .max_batch = once ? 2 : 1};
        vit_session *session;
        assert_ok(vit__session_create(models[once], &how, 3, &session, &err), err); /* as if there were 3 processors */
        size_t pixels_size = vit_model_pixels_size(models[once]) * IMAGES;
        float *pixels = malloc(pixels_size * sizeof *pixels);
        for (size_t i = 0; i < pixels_size; i++)
            pixels[i] = (float)(i * 7919 % 2048) / 1024 - 1;
        results[once] = calloc(vit_output_size(models[once], VIT_OUTPUT_TOKENS, 0) * IMAGES, sizeof(float));
        assert_ok(vit_encode(session, pixels, IMAGES, VIT_OUTPUT_TOKENS, results[once], &err), err);
        free(pixels);
        vit_session_free(session);
    }
    assert_memory_equal(results[0], results[1],
                        vit_output_size(models[0], VIT_OUTPUT_TOKENS, 0) * IMAGES * sizeof(float));
    for (int once = 0; once < 2; once++) {
        free(results[once]);
        vit_model_free(models[once]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_those_of_packed_weights),
        cmocka_unit_test(threads_and_batches_make_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
