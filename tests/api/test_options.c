/* SPDX-License-Identifier: BSD-2-Clause */
/* Structs of options: all zero is the default, and what is reserved must be zero. And the facts that came with them. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vit/hub.h"
#include "vit/io.h"
#include "vit/text.h"

#define MODEL "golden/hf_clip"

static vit_model *open_model(void)
{
    vit_model *model = NULL;
    vit_error err = {0};
    assert_ok(vit_model_open(data_path(MODEL), &(vit_model_options){0}, &model, &err), err);
    return model;
}

static void assert_reserved(vit_status status, const vit_error *err)
{
    assert_int_equal(status, VIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(err->message, "reserved"));
}

static void zero_is_auto(void **state)
{
    (void)state;
    vit_model *model = open_model();
    assert_int_equal(vit_model_precision(model), VIT_PRECISION_F32);
    assert_int_equal(VIT_PRECISION_AUTO, 0);
    assert_string_equal(vit_precision_name(VIT_PRECISION_AUTO), "auto");
    vit_model_free(model);
}

static void reserved_is_zero(void **state)
{
    (void)state;
    vit_model *model = open_model(), *other;
    vit_session *session;
    vit_image image;
    vit_tokenizer *tokenizer;
    uint32_t width, height;
    for (int i = 0; i < 4; i++) {
        vit_error err[6] = {{0}};
        vit_model_options m = {0};
        m.reserved[(size_t)i % (sizeof m.reserved / sizeof *m.reserved)] = 1;
        assert_reserved(vit_model_open(data_path(MODEL), &m, &other, &err[0]), &err[0]);
        vit_session_options s = {0};
        s.reserved[i] = 1;
        assert_reserved(vit_session_create(model, &s, &session, &err[1]), &err[1]);
        vit_load_options l = {0};
        l.reserved[(size_t)i % (sizeof l.reserved / sizeof *l.reserved)] = 1;
        assert_reserved(vit_image_decode("P5 1 1 255 x", 12, NULL, &l, &image, &err[2]), &err[2]);
        vit_preprocess_options p = {0};
        p.reserved[i] = 1;
        assert_reserved(vit_preprocess_shape(vit_model_preprocessor(model), 5, 5, &p, &width, &height, &err[3]),
                        &err[3]);
        vit_tokenizer_options t = {0};
        t.reserved[i] = 1;
        assert_reserved(vit_tokenizer_open(data_path(MODEL), &t, &tokenizer, &err[4]), &err[4]);
        vit_hub_options h = {.cache = "/nowhere"};
        vit_hub_snapshot *snapshot;
        h.reserved[i] = 1;
        assert_reserved(vit_hub_find("a/b", &h, &snapshot, &err[5]), &err[5]);
        assert_true(!snapshot && !other && !session && !image.pixels && !tokenizer);
    }
    vit_model_free(model);
}

static void the_version_is_that_of_the_header(void **state)
{
    (void)state;
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", VIT_VERSION_MAJOR, VIT_VERSION_MINOR, VIT_VERSION_PATCH);
    assert_string_equal(vit_version(), text);
    assert_true(VIT_VERSION > VIT_VERSION_OF(0, 0, 999) && VIT_VERSION < VIT_VERSION_OF(1, 0, 0));
}

/* The widths of its config.json. */
static void the_encoder_is_told(void **state)
{
    (void)state;
    vit_model *model = open_model();
    size_t shape[2], depth = vit_model_depth(model);
    assert_true(depth > 0);
    assert_int_equal(vit_output_shape(model, VIT_OUTPUT_HIDDEN, depth, shape, NULL), VIT_OK);
    assert_int_equal(shape[1], vit_model_width(model));
    assert_int_equal(vit_output_shape(model, VIT_OUTPUT_HIDDEN, depth + 1, shape, NULL), VIT_ERR_UNSUPPORTED_OUTPUT);
    assert_int_equal(vit_output_shape(model, VIT_OUTPUT_ATTENTION, depth - 1, shape, NULL), VIT_OK);
    assert_int_equal(shape[0], vit_model_heads(model) * shape[1]);
    vit_model_free(model);
}

static int refuse(void *context, const void *bytes, size_t size)
{
    (void)context;
    (void)bytes;
    (void)size;
    return 1;
}

static void a_failed_write_has_a_status(void **state)
{
    (void)state;
    vit_model *model = open_model();
    assert_int_equal(vit_model_pack(model, NULL, &(vit_sink){.write = refuse}, NULL), VIT_ERR_UNWRITABLE);
    assert_string_equal(vit_status_name(VIT_ERR_UNWRITABLE), "unwritable");
    vit_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_auto),
        cmocka_unit_test(reserved_is_zero),
        cmocka_unit_test(the_version_is_that_of_the_header),
        cmocka_unit_test(the_encoder_is_told),
        cmocka_unit_test(a_failed_write_has_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
