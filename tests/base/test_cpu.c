/* SPDX-License-Identifier: BSD-2-Clause */
/* What the processor offers is asked once: a host program may change its environment afterwards. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "cpu.h"

static void the_environment_counts_once(void **state)
{
    (void)state;
    const vit__cpu before = *vit__cpu_here();
    assert_int_equal(setenv("VIT_CPU", before.flags ? "c" : "amx", 1), 0);
    assert_int_equal(vit__cpu_here()->flags, before.flags);
}

/* "amx" can be had everywhere: plain C stands in for what is not there, and nothing else is allowed that is not. */
static void amx_is_for_everybody(void **state)
{
    (void)state;
#if defined(__x86_64__)
    const vit__isa *amx = &vit__isas[vit__isa_count - 1];
    assert_string_equal(amx->name, "amx");
    assert_true(vit__cpu_runs(0, amx));
    assert_false(vit__cpu_has_all(VIT__CPU_AVX2, amx));
    assert_int_equal(vit__cpu_allowed(VIT__CPU_AVX2, amx), VIT__CPU_AVX2 | VIT__CPU_AMX_IN_C);
    assert_int_equal(vit__cpu_allowed(VIT__CPU_AVX2, &vit__isas[0]), 0);
    assert_int_equal(vit__cpu_permitted(VIT__CPU_AVX2), VIT__CPU_AVX2);
    const unsigned permitted = vit__cpu_permitted(vit__cpu_here()->flags);
    assert_int_equal(permitted & ~(unsigned)VIT__CPU_AMX, vit__cpu_here()->flags & ~(unsigned)VIT__CPU_AMX);
#endif
}

/* Names stand once, plain C is the first, and each allows something that those before it do not. */
static void instruction_sets_are_told_apart(void **state)
{
    (void)state;
    assert_string_equal(vit__isas[0].name, "c");
    assert_int_equal(vit__isas[0].flags, 0);
    for (size_t i = 1; i < vit__isa_count; i++)
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(vit__isas[i].name, vit__isas[j].name);
            assert_false(vit__cpu_has(vit__isas[j].flags, vit__isas[i].flags));
        }
}

static void there_is_a_processor(void **state)
{
    (void)state;
    assert_true(vit__cpu_count() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_counts_once),
        cmocka_unit_test(amx_is_for_everybody),
        cmocka_unit_test(instruction_sets_are_told_apart),
        cmocka_unit_test(there_is_a_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
