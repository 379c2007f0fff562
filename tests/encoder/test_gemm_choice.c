/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which back end multiplies, by itself and as VIT_GEMM asks; and that it is what a session says. Arguments: "absent": on a
 * machine that has no oneDNN; "available": no test, status 0 if oneDNN can be had here.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "gemm.h"
#include "gemm_streamed.h"
#include "model.h"

static bool absent;

static const char *chosen(const char *asked, vit_precision precision, vit__cpu_level level, bool once)
{
    if (asked)
        setenv("VIT_GEMM", asked, 1);
    else
        unsetenv("VIT_GEMM");
    const char *name = vit__gemm_choose(precision, level, once)->name;
    unsetenv("VIT_GEMM");
    return name;
}

/* By the processor alone, whatever VIT_GEMM holds that means nothing or cannot be had. */
static void the_processor_decides(void **state)
{
    (void)state;
    const char *const nothing[] = {NULL, "", "mkl", "Tiles", "onednn ", "openblas"};
    bool matrix = vit__cpu_matrix_unit() && vit__gemm_onednn(VIT__CPU_AVX512_BF16);
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        for (int p = VIT_PRECISION_F32; p <= VIT_PRECISION_INT8; p++) {
            assert_string_equal(chosen(nothing[i], (vit_precision)p, VIT__CPU_C, false), "tiles");
            assert_string_equal(chosen(nothing[i], (vit_precision)p, VIT__CPU_AVX512_VNNI, false), "tiles");
            assert_string_equal(chosen(nothing[i], (vit_precision)p, VIT__CPU_AVX512_BF16, true), "tiles");
        }
        assert_string_equal(chosen(nothing[i], VIT_PRECISION_F32, VIT__CPU_AVX512_BF16, false), "tiles");
        assert_string_equal(chosen(nothing[i], VIT_PRECISION_BF16, VIT__CPU_AVX512_BF16, false), "tiles");
        assert_string_equal(chosen(nothing[i], VIT_PRECISION_INT8, VIT__CPU_AVX512_BF16, false),
                            matrix ? "onednn" : "tiles");
    }
}

static void tiles_when_asked(void **state)
{
    (void)state;
    assert_string_equal(chosen("tiles", VIT_PRECISION_INT8, VIT__CPU_AVX512_BF16, false), "tiles");
}

/* oneDNN where it is there: for int8 alone, never for a model that is used once, nor below VNNI. */
static void onednn_when_asked(void **state)
{
    (void)state;
    for (vit__cpu_level level = VIT__CPU_C; level <= vit__cpu_detect(); level++) {
        bool there = TEST_ONEDNN && !absent && level >= VIT__CPU_AVX512_VNNI;
        assert_string_equal(chosen("onednn", VIT_PRECISION_INT8, level, false), there ? "onednn" : "tiles");
        assert_string_equal(chosen("onednn", VIT_PRECISION_INT8, level, true), "tiles");
        assert_string_equal(chosen("onednn", VIT_PRECISION_BF16, level, false), "tiles");
        assert_string_equal(chosen("onednn", VIT_PRECISION_F32, level, false), "tiles");
    }
}

/* All the way through opening a model. */
static void sessions_say_so(void **state)
{
    (void)state;
    bool there = TEST_ONEDNN && !absent && vit__cpu_detect() >= VIT__CPU_AVX512_VNNI;
    for (int once = 0; once < 2; once++) {
        vit_error err = {0};
        vit_model *model;
        vit_session *session;
        vit_model_options options = {.precision = VIT_PRECISION_INT8, .once = once};
        setenv("VIT_GEMM", "onednn", 1);
        assert_ok(vit_model_open(VIT_DEFAULT_MODEL, &options, &model, &err), err);
        unsetenv("VIT_GEMM");
        assert_ok(vit_session_create(model, NULL, &session, &err), err);
        assert_int_equal(strcmp(vit_session_multiplier(session), "onednn") == 0, there && !once);
        vit_session_free(session);
        vit_model_free(model);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "available") == 0)
        return !vit__gemm_onednn(vit__cpu_detect());
    absent = argc > 1 && strcmp(argv[1], "absent") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_processor_decides),
        cmocka_unit_test(tiles_when_asked),
        cmocka_unit_test(onednn_when_asked),
        cmocka_unit_test(sessions_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
