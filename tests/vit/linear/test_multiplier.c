/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session says that multiplies; and that f32 asks for no matrix unit. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "tiles.h"

static void check(vit_precision precision, bool once, const char *name)
{
    vit_error err = {0};
    vit_model *model;
    vit_session *session;
    vit_model_options options = {.precision = precision, .once = once};
    char want[48];
    snprintf(want, sizeof want, "tiles/%s", name);
    assert_ok(vit_model_open(VIT_DEFAULT_MODEL, &options, &model, &err), err);
    assert_ok(vit_session_create(model, NULL, &session, &err), err);
    assert_string_equal(vit_session_multiplier(session), once ? "streamed" : want);
    vit_session_free(session);
    vit_model_free(model);
}

static void sessions_say_so(void **state)
{
    (void)state;
    const unsigned flags = vit__cpu_here()->flags;
    const vit__tiles all = vit__tiles_get(flags);
    for (int once = 0; once < 2; once++) {
        check(VIT_PRECISION_F32, once, all.f32.name);
        check(VIT_PRECISION_BF16, once, all.bf16.name);
        check(VIT_PRECISION_INT8, once, all.int8.name);
    }
}

/* VIT_CPU=amx can be had everywhere, and is never chosen where there is no unit. */
static void a_matrix_unit_is_named(void **state)
{
    (void)state;
#if defined(__x86_64__)
    const unsigned flags = vit__cpu_here()->flags;
    const vit__tiles in_c = vit__tiles_get(VIT__CPU_AMX_IN_C), plain = vit__tiles_get(flags & ~(unsigned)VIT__CPU_AMX);
    assert_string_equal(in_c.bf16.name, "amx_in_c");
    assert_string_equal(in_c.int8.name, "amx_in_c");
    assert_string_equal(in_c.f32.name, "c");
    assert_int_equal(strcmp(plain.bf16.name, "amx_in_c") == 0, vit__cpu_has(flags, VIT__CPU_AMX_IN_C));
    assert_string_not_equal(plain.f32.name, "amx");
    assert_int_equal(in_c.bf16.abreast, 2); /* it multiplies sooner than weights come, so both inputs share them */
    assert_int_equal(in_c.int8.abreast, 2);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sessions_say_so), cmocka_unit_test(a_matrix_unit_is_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
