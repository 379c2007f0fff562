/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which back end multiplies, by itself and as VIT_GEMM asks; and that it is what a session says. Arguments: "absent": on a
 * machine that has no oneDNN; "available": no test, status 0 if oneDNN can be had for every precision here.
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
    const char *without = vit__gemm_openblas() ? "openblas" : "tiles";
    const char *const nothing[] = {NULL, "", "mkl", "Tiles", "onednn "};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        assert_string_equal(chosen(nothing[i], VIT_PRECISION_F32, VIT__CPU_C, false), without);
        assert_string_equal(chosen(nothing[i], VIT_PRECISION_F32, VIT__CPU_AVX512_BF16, false), "tiles");
        assert_string_equal(chosen(nothing[i], VIT_PRECISION_INT8, VIT__CPU_AVX512_VNNI, false), "tiles");
        for (int p = VIT_PRECISION_BF16; p <= VIT_PRECISION_INT8; p++) {
            bool matrix = vit__cpu_matrix_unit() && vit__gemm_onednn((vit_precision)p, VIT__CPU_AVX512_BF16);
            assert_string_equal(chosen(nothing[i], (vit_precision)p, VIT__CPU_AVX512_BF16, false),
                                matrix ? "onednn" : "tiles");
            assert_string_equal(chosen(nothing[i], (vit_precision)p, VIT__CPU_AVX512_BF16, true), "tiles");
        }
    }
}

static void tiles_and_openblas_when_asked(void **state)
{
    (void)state;
    const char *openblas = vit__gemm_openblas() ? "openblas" : "tiles";
    assert_string_equal(chosen("tiles", VIT_PRECISION_F32, VIT__CPU_C, false), "tiles");
    assert_string_equal(chosen("openblas", VIT_PRECISION_F32, VIT__CPU_AVX2, false), openblas);
    assert_string_equal(chosen("openblas", VIT_PRECISION_F32, VIT__CPU_AVX2, true), openblas);
    assert_string_equal(chosen("openblas", VIT_PRECISION_INT8, VIT__CPU_AVX2, false), "tiles");
}

/* Where it is there, never for a model that is used once, nor below the instructions that it needs. */
static void onednn_when_asked(void **state)
{
    (void)state;
    const vit__cpu_level needed[] = {VIT__CPU_AVX512, VIT__CPU_AVX512_BF16, VIT__CPU_AVX512_VNNI};
    for (int p = VIT_PRECISION_F32; p <= VIT_PRECISION_INT8; p++)
        for (vit__cpu_level level = VIT__CPU_AVX2; level <= vit__cpu_detect(); level++) {
            bool there = TEST_ONEDNN && !absent && level >= needed[p];
            assert_string_equal(chosen("onednn", (vit_precision)p, level, false), there ? "onednn" : "tiles");
            assert_string_equal(chosen("onednn", (vit_precision)p, level, true), "tiles");
        }
}

/* All the way through opening a model. */
static void sessions_say_so(void **state)
{
    (void)state;
    bool there = TEST_ONEDNN && !absent && vit__cpu_detect() >= VIT__CPU_AVX512;
    for (int once = 0; once < 2; once++) {
        vit_error err = {0};
        vit_model *model;
        vit_session *session;
        vit_model_options options = {.precision = VIT_PRECISION_F32, .once = once};
        setenv("VIT_GEMM", "onednn", 1);
        assert_ok(vit_model_open(VIT_DEFAULT_MODEL, &options, &model, &err), err);
        unsetenv("VIT_GEMM");
        assert_ok(vit_session_create(model, NULL, &session, &err), err);
        assert_int_equal(strcmp(vit_session_multiplier(session), "onednn") == 0, there && !once);
        vit_session_free(session);
        vit_model_free(model);
    }
}

static int unavailable(void)
{
    for (int p = VIT_PRECISION_F32; p <= VIT_PRECISION_INT8; p++)
        if (!vit__gemm_onednn((vit_precision)p, vit__cpu_detect()))
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "available") == 0)
        return unavailable();
    absent = argc > 1 && strcmp(argv[1], "absent") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_processor_decides),
        cmocka_unit_test(tiles_and_openblas_when_asked),
        cmocka_unit_test(onednn_when_asked),
        cmocka_unit_test(sessions_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
