/* SPDX-License-Identifier: BSD-2-Clause */
/* What agrees with plain C is trusted, and a wrong kernel or multiplier is found and named. */
#include <math.h>
#include <string.h>

#include "support.h"
#include "trusted.h"

static void all_levels_agree(void **state)
{
    (void)state;
    unsigned flags;
    for (size_t i = 0; next_isa(&i, &flags);) {
        const vit__tiles tiles = vit__tiles_get(flags);
        assert_null(vit__kernels_differ(vit__kernels_get(flags)));
        assert_null(vit__tiles_differ(&tiles));
    }
    assert_int_equal(vit__trusted_flags(true), vit__cpu_here()->flags);
    assert_null(vit_left_out());
}

/* Wrong in one place of many. */
static void wrong_softmax(float *x, size_t n)
{
    vit__kernels_get(0)->softmax(x, n);
    x[n - 1] = x[0] + 0.5f;
}

static void wrong_norm(const float *x, const float *weight, const float *bias, float eps, size_t n, float *y)
{
    vit__kernels_get(0)->layer_norm(x, weight, bias, eps, n, y);
    y[n / 2] = NAN;
}

static void wrong_product(const vit__tile_call *call)
{
    vit__tiles_get(0).int8.multiply(call);
    ((int32_t *)call->out)[5] += 1 << 20;
}

static void a_wrong_one_is_named(void **state)
{
    (void)state;
    vit__kernels kernels = *vit__kernels_get(0);
    kernels.softmax = wrong_softmax;
    assert_string_equal(vit__kernels_differ(&kernels), "softmax");
    kernels = *vit__kernels_get(0);
    kernels.layer_norm = wrong_norm;
    assert_string_equal(vit__kernels_differ(&kernels), "layer_norm");
    vit__tiles tiles = vit__tiles_get(0);
    tiles.int8.multiply = wrong_product;
    assert_string_equal(vit__tiles_differ(&tiles), "int8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_levels_agree), cmocka_unit_test(a_wrong_one_is_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
