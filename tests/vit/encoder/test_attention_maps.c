/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attention maps against transformers (make_attention.py): relative
 * positions, rotary positions, a causal mask, texts. The bound is that of the goldens:
 * ten times what the reference itself moves between ways of computing in float32.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"

#define BOUND 1e-5

static void encode(const golden *given, vit_session *session, bool text, const vit_request *requests, size_t n)
{
    vit_error err = {0};
    size_t texts, ids;
    const int32_t *tokens = golden_ids(given, &texts, &ids);
    if (text)
        assert_ok(vit_encode_text_requests(session, tokens, texts, ids / texts, requests, n, &err), err);
    else
        assert_ok(vit_encode_requests(session, golden_tensor(given, "pixel_values", NULL), 1, requests, n, &err), err);
}

/* "hf_clip.text.0" */
static void compare(const vit__tensor *want)
{
    char name[64], tower[8];
    size_t block;
    vit_error err = {0};
    assert_int_equal(sscanf(want->name, "%63[^.].%7[^.].%zu", name, tower, &block), 3);
    bool text = strcmp(tower, "text") == 0;
    char path[128];
    snprintf(path, sizeof path, "golden/%s", name);
    golden given = golden_open(path, "expected.safetensors");
    vit_model *model;
    vit_session *session;
    vit_model_options options = {.tower = text ? VIT_TOWER_TEXT : VIT_TOWER_IMAGE};
    assert_ok(vit_model_open(data_path("%s", path), &options, &model, &err), err);
    assert_ok(vit_session_create(model, &(vit_session_options){.threads = 2, .max_batch = 2}, &session, &err), err);
    size_t n = vit__tensor_elements(want), width = vit_output_size(model, VIT_OUTPUT_EMBEDDING, 0) * want->shape[0];
    float *got = malloc(n * sizeof *got), *alone = malloc(width * sizeof *alone),
          *beside = malloc(width * sizeof *beside);
    assert_true(got && alone && beside);
    vit_request requests[] = {{VIT_OUTPUT_ATTENTION, block, got}, {VIT_OUTPUT_EMBEDDING, 0, beside}};
    encode(&given, session, text, requests, 2);
    double error = relative_error(got, vit__tensor_view(want), n);
    if (!(error <= BOUND))
        fail_msg("%s: relative error %g", want->name, error);
    vit_request one = {VIT_OUTPUT_EMBEDDING, 0, alone};
    encode(&given, session, text, &one, 1);
    assert_memory_equal(alone, beside, width * sizeof *alone);
    free(got);
    free(alone);
    free(beside);
    vit_session_free(session);
    vit_model_free(model);
    golden_close(&given);
}

static void maps_match(void **state)
{
    (void)state;
    golden expected = golden_open("attention", "expected.safetensors");
    assert_true(expected.expected.n_tensors >= 7);
    for (size_t i = 0; i < expected.expected.n_tensors; i++)
        compare(&expected.expected.tensors[i]);
    golden_close(&expected);
}

static void past_the_last_block(void **state)
{
    (void)state;
    vit_error err = {0};
    vit_model *model;
    size_t shape[2];
    assert_ok(vit_model_open(data_path("golden/hf_vit_classifier"), NULL, &model, &err), err);
    assert_ok(vit_output_shape(model, VIT_OUTPUT_ATTENTION, 1, shape, &err), err);
    assert_int_equal(shape[0], 4 * shape[1]);
    assert_int_equal(vit_output_shape(model, VIT_OUTPUT_ATTENTION, 2, shape, &err), VIT_ERR_UNSUPPORTED_OUTPUT);
    assert_non_null(strstr(err.message, "attention:1"));
    vit_grid grid = vit_model_grid(model);
    assert_true(grid.rows == 6 && grid.columns == 6 && grid.patch_height == 8 && grid.patch_width == 8);
    vit_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(maps_match), cmocka_unit_test(past_the_last_block)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
