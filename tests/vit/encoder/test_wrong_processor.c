/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session on a processor that computes wrongly: it takes plain C instead, gives its results, and says so. The linker
 * puts the functions of this file between the library and its tables (--wrap). A process looks at its processor once,
 * so what is wrong here is an argument of the program.
 */
#include <string.h>

#include "golden.h"
#include "kernels.h"
#include "resize_kernels.h"
#include "tiles.h"

static const char *wrong; /* "kernel", "product" or "resize" */

static bool is_wrong(const char *what, unsigned flags)
{
    return flags && strcmp(wrong, what) == 0;
}

const vit__kernels *__real_vit__kernels_get(unsigned flags);
const vit__kernels *__wrap_vit__kernels_get(unsigned flags);
vit__tiles __real_vit__tiles_get(unsigned flags);
vit__tiles __wrap_vit__tiles_get(unsigned flags);
const vit__resize_kernels *__real_vit__resize_kernels_get(unsigned flags);
const vit__resize_kernels *__wrap_vit__resize_kernels_get(unsigned flags);

static void wrong_softmax(float *x, size_t n)
{
    __real_vit__kernels_get(0)->softmax(x, n);
    x[n - 1] += 0.25f;
}

const vit__kernels *__wrap_vit__kernels_get(unsigned flags)
{
    static vit__kernels kernels;
    if (!is_wrong("kernel", flags))
        return __real_vit__kernels_get(flags);
    kernels = *__real_vit__kernels_get(flags);
    kernels.softmax = wrong_softmax;
    return &kernels;
}

static void wrong_product(const vit__tile_call *call)
{
    __real_vit__tiles_get(0).f32.multiply(call);
    ((float *)call->out)[1] *= 2;
}

vit__tiles __wrap_vit__tiles_get(unsigned flags)
{
    vit__tiles tiles = __real_vit__tiles_get(flags);
    if (is_wrong("product", flags))
        tiles.f32.multiply = wrong_product;
    return tiles;
}

static void wrong_vertical(const vit__taps *taps, size_t i, const void *const *rows, size_t n, void *out)
{
    __real_vit__resize_kernels_get(0)->vertical(taps, i, rows, n, out);
    ((uint8_t *)out)[n / 2] ^= 1;
}

const vit__resize_kernels *__wrap_vit__resize_kernels_get(unsigned flags)
{
    static vit__resize_kernels kernels;
    if (!is_wrong("resize", flags))
        return __real_vit__resize_kernels_get(flags);
    kernels = *__real_vit__resize_kernels_get(flags);
    kernels.vertical = wrong_vertical;
    return &kernels;
}

/* What vit_left_out begins with. */
static const char *named(void)
{
    return strcmp(wrong, "kernel") == 0 ? "softmax with" : strcmp(wrong, "product") == 0 ? "f32 with" : "resize with";
}

static void plain_c_is_taken(void **state)
{
    (void)state;
    vit_error err = {0};
    vit_model *model = NULL;
    vit_session *session = NULL;
    golden expected = golden_open("golden/hf_vit_classifier", "expected.safetensors");
    float logits[7];
    assert_ok(vit_model_open(data_path("golden/hf_vit_classifier"), NULL, &model, &err), err);
    assert_int_equal(vit_model_classes(model), sizeof logits / sizeof *logits);
    assert_ok(vit_session_create(model, &(vit_session_options){.threads = 2}, &session, &err), err);
    const float *pixels = golden_tensor(&expected, "pixel_values", NULL),
                *want = golden_tensor(&expected, "logits", NULL);
    assert_ok(vit_encode(session, pixels, 1, VIT_OUTPUT_LOGITS, logits, &err), err);
    assert_true(relative_error(logits, want, 7) <= 1e-5); /* the golden case's */
    bool resizes = strcmp(wrong, "resize") == 0;
    assert_int_equal(strcmp(vit_session_kernels(session), "c") == 0, !resizes);
    assert_int_equal(strcmp(vit_session_multiplier(session), "tiles/c") == 0, !resizes);
    assert_int_equal(strcmp(vit__resize_kernels_here()->name, "c") == 0, resizes);
    assert_non_null(vit_left_out());
    assert_non_null(strstr(vit_left_out(), named()));
    vit_session_free(session);
    vit_model_free(model);
    golden_close(&expected);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(plain_c_is_taken)};
    if (argc < 2 || !vit__cpu_here()->flags)
        return 77;
    wrong = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
