/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which back end multiplies, by itself and as VIT_GEMM asks; and that it is what a session says. Arguments:
 * "absent": on a machine that has no oneDNN; "available": no test, status 0 if oneDNN can be had here.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "gemm.h"
#include "gemm_streamed.h"
#include "model.h"

static bool absent;

enum {
    VNNI = VIT__CPU_AVX2 | VIT__CPU_AVX512 | VIT__CPU_AVX512_VNNI,
    AMX = VNNI | VIT__CPU_AVX512_BF16 | VIT__CPU_AMX
};

static const char *chosen(const char *asked, vit_precision precision, unsigned flags, bool once)
{
    vit__cpu cpu = {.flags = flags};
    strcpy(cpu.gemm, asked);
    return vit__gemm_choose(precision, &cpu, once)->name;
}

/* Can oneDNN multiply on this processor? oneDNN looks at the
 * processor itself, whatever VIT_CPU forbids to the tiles. */
static bool onednn_is_there(void)
{
    bool there = vit__gemm_onednn(VNNI) != NULL;
    assert_false(there && (absent || !TEST_ONEDNN));
    return there;
}

/* By the processor alone, whatever VIT_GEMM holds that means nothing. */
static void the_processor_decides(void **state)
{
    (void)state;
    const char *const nothing[] = {"", "mkl", "Tiles", "onednn ", "openblas"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        for (int p = VIT_PRECISION_F32; p <= VIT_PRECISION_INT8; p++) {
            assert_string_equal(chosen(nothing[i], (vit_precision)p, 0, false), "tiles");
            assert_string_equal(chosen(nothing[i], (vit_precision)p, VNNI, false), "tiles");
            assert_string_equal(chosen(nothing[i], (vit_precision)p, AMX, true), "streamed");
        }
        assert_string_equal(chosen(nothing[i], VIT_PRECISION_F32, AMX, false), "tiles");
        assert_string_equal(chosen(nothing[i], VIT_PRECISION_BF16, AMX, false), "tiles");
        assert_string_equal(chosen(nothing[i], VIT_PRECISION_INT8, AMX, false), onednn_is_there() ? "onednn" : "tiles");
    }
}

static void tiles_when_asked(void **state)
{
    (void)state;
    assert_string_equal(chosen("tiles", VIT_PRECISION_INT8, AMX, false), "tiles");
}

/* oneDNN where it is there: for int8 alone, never for a model that is used once, nor below VNNI. */
static void onednn_when_asked(void **state)
{
    (void)state;
    assert_string_equal(chosen("onednn", VIT_PRECISION_INT8, VNNI, false), onednn_is_there() ? "onednn" : "tiles");
    assert_string_equal(chosen("onednn", VIT_PRECISION_INT8, VNNI, true), "streamed");
    assert_string_equal(chosen("onednn", VIT_PRECISION_INT8, VIT__CPU_AVX2 | VIT__CPU_AVX512, false), "tiles");
    assert_string_equal(chosen("onednn", VIT_PRECISION_BF16, VNNI, false), "tiles");
    assert_string_equal(chosen("onednn", VIT_PRECISION_F32, VNNI, false), "tiles");
}

/* All the way through opening a model, by the environment as this process found it when it started. */
static void sessions_say_so(void **state)
{
    (void)state;
    bool allowed = vit__cpu_has(vit__cpu_here()->flags, VNNI);
    bool onednn = strcmp(vit__cpu_here()->gemm, "onednn") == 0 && allowed && onednn_is_there();
    for (int once = 0; once < 2; once++) {
        vit_error err = {0};
        vit_model *model;
        vit_session *session;
        vit_model_options options = {.precision = VIT_PRECISION_INT8, .once = once};
        assert_ok(vit_model_open(VIT_DEFAULT_MODEL, &options, &model, &err), err);
        assert_ok(vit_session_create(model, NULL, &session, &err), err);
        assert_int_equal(strcmp(vit_session_multiplier(session), "onednn") == 0, onednn && !once);
        vit_session_free(session);
        vit_model_free(model);
    }
}

int main(int argc, char **argv)
{
    setenv("VIT_GEMM", "onednn", 1); /* before anything looks at it */
    if (argc > 1 && strcmp(argv[1], "available") == 0)
        return !vit__gemm_onednn(vit__cpu_here()->flags);
    absent = argc > 1 && strcmp(argv[1], "absent") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_processor_decides),
        cmocka_unit_test(tiles_when_asked),
        cmocka_unit_test(onednn_when_asked),
        cmocka_unit_test(sessions_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
