/* SPDX-License-Identifier: BSD-2-Clause */
/* Pictures with sizes of their own (SigLIP 2 NaFlex): which are taken, which are refused, and what the model says. */
#include <string.h>

#include "support.h"

#define NAFLEX data_path("golden/hf_siglip2_naflex")
#define PATCH 8u
#define MOST 48u
#define WIDTH 36u

static float values[3 * MOST * PATCH * PATCH], result[WIDTH];
static const vit_request request = {.output = VIT_OUTPUT_EMBEDDING, .result = result};

static vit_model *open_at(uint32_t height, uint32_t width)
{
    vit_error err = {0};
    vit_model *model;
    const vit_model_options options = {.image_height = height, .image_width = width};
    assert_ok(vit_model_open(NAFLEX, &options, &model, &err), err);
    return model;
}

static vit_session *start(const vit_model *model)
{
    vit_error err = {0};
    vit_session *session;
    assert_ok(vit_session_create(model, NULL, &session, &err), err);
    return session;
}

static void facts_say_the_most(void **state)
{
    (void)state;
    vit_model *model = open_at(0, 0);
    const vit_grid grid = vit_model_grid(model);
    size_t shape[2];
    vit_error err = {0};
    assert_int_equal(vit_model_patches(model), MOST);
    assert_int_equal(vit_model_image_width(model), 0);
    assert_int_equal(vit_model_image_height(model), 0);
    assert_int_equal(vit_model_pixels_size(model), 3 * MOST * PATCH * PATCH);
    assert_int_equal(grid.rows + grid.columns, 0);
    assert_int_equal(grid.patch_height, PATCH);
    assert_int_equal(vit_output_shape(model, VIT_OUTPUT_ATTENTION, 0, shape, &err), VIT_ERR_UNSUPPORTED_OUTPUT);
    assert_non_null(strstr(err.message, "--image-size"));
    vit_model_free(model);

    model = open_at(24, 40);
    assert_int_equal(vit_model_patches(model), 0);
    assert_int_equal(vit_model_image_width(model), 40);
    assert_int_equal(vit_output_size(model, VIT_OUTPUT_ATTENTION, 0), 3 * 15 * 15);
    vit_model_free(model);
}

static void sizes_are_checked(void **state)
{
    (void)state;
    static const struct {
        uint32_t width, height;
        vit_status status;
    } cases[] = {{PATCH, PATCH, VIT_OK},
                 {MOST * PATCH, PATCH, VIT_OK},
                 {PATCH, MOST * PATCH, VIT_OK},
                 {PATCH - 1, PATCH, VIT_ERR_INVALID_ARGUMENT},
                 {0, 0, VIT_ERR_INVALID_ARGUMENT},
                 {(MOST + 1) * PATCH, PATCH, VIT_ERR_INVALID_ARGUMENT},
                 {UINT32_MAX, UINT32_MAX, VIT_ERR_INVALID_ARGUMENT}};
    vit_model *model = open_at(0, 0);
    vit_session *session = start(model);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const vit_pixels picture = {values, cases[i].width, cases[i].height};
        assert_int_equal(vit_encode_pictures(session, &picture, 1, &request, 1, NULL), cases[i].status);
    }
    const vit_pixels nothing = {NULL, PATCH, PATCH};
    vit_error err = {0};
    assert_int_equal(vit_encode_pictures(session, &nothing, 1, &request, 1, &err), VIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "picture 0"));
    err = (vit_error){0};
    assert_int_equal(vit_encode(session, values, 1, VIT_OUTPUT_EMBEDDING, result, &err), VIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "vit_encode_pictures"));
    vit_session_free(session);
    vit_model_free(model);
}

static void a_model_of_one_size_takes_that_one(void **state)
{
    (void)state;
    vit_model *model = open_at(24, 40);
    vit_session *session = start(model);
    const vit_pixels right = {values, 40, 24}, wrong = {values, 24, 40};
    vit_error err = {0};
    assert_ok(vit_encode_pictures(session, &right, 1, &request, 1, &err), err);
    assert_int_equal(vit_encode_pictures(session, &wrong, 1, &request, 1, &err), VIT_ERR_INVALID_ARGUMENT);
    vit_session_free(session);
    vit_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_say_the_most),
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(a_model_of_one_size_takes_that_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
