/* SPDX-License-Identifier: BSD-2-Clause */
/* Principal components and the colours of patches against numpy's SVD (tests/pipeline/make_components.py). */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "golden.h"
#include "vit/pipeline.h"

/* Components are of length 1, and kept in floats: 6e-8 is the distance of two floats there. */
#define BOUND 1e-6

static const float *tensor_of(const golden *given, const char *name, const char *part, size_t shape[2])
{
    char full[64];
    snprintf(full, sizeof full, "%s.%s", name, part);
    golden_shape(given, full, 2, shape);
    return golden_tensor(given, full, NULL);
}

static void compare(const golden *given, const char *name)
{
    size_t rows[2], components[2];
    char full[64];
    vit_error err = {0};
    const float *values = tensor_of(given, name, "rows", rows),
                *want = tensor_of(given, name, "components", components);
    snprintf(full, sizeof full, "%s.mean", name);
    const float *want_mean = golden_tensor(given, full, NULL);
    float *mean = malloc(rows[1] * sizeof *mean), *got = malloc(components[0] * rows[1] * sizeof *got);
    assert_ok(vit_principal_components(values, rows[0], rows[1], components[0], mean, got, &err), err);
    for (size_t i = 0; i < rows[1]; i++)
        assert_true(fabsf(mean[i] - want_mean[i]) <= 1e-6f * (1 + fabsf(want_mean[i])));
    for (size_t i = 0; i < components[0] * rows[1]; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= BOUND))
            fail_msg("%s: number %zu is %g, not %g", name, i, (double)got[i], (double)want[i]);
    free(mean);
    free(got);
}

static void components_match(void **state)
{
    (void)state;
    golden given = golden_open("components", "expected.safetensors");
    static const char *const names[] = {"patches", "wide", "long", "two_directions"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        compare(&given, names[i]);
    golden_close(&given);
}

static void rows_that_are_special(void **state)
{
    (void)state;
    static const float line[] = {0, 0, 3, 4, 6, 8}, alike[] = {1, 2, 1, 2};
    float mean[2], got[4];
    vit_error err = {0};
    assert_ok(vit_principal_components(line, 3, 2, 2, mean, got, &err), err);
    assert_true(mean[0] == 3 && mean[1] == 4);
    assert_true(fabsf(got[0] - 0.6f) < 1e-6f && fabsf(got[1] - 0.8f) < 1e-6f && got[2] == 0 && got[3] == 0);
    assert_ok(vit_principal_components(alike, 2, 2, 1, mean, got, &err), err);
    assert_true(got[0] == 0 && got[1] == 0);
    const float broken[] = {1, NAN, 2, 3}, endless[] = {1, INFINITY, 2, 3};
    assert_int_equal(vit_principal_components(broken, 2, 2, 1, mean, got, NULL), VIT_ERR_NON_FINITE);
    assert_int_equal(vit_principal_components(endless, 2, 2, 1, mean, got, NULL), VIT_ERR_NON_FINITE);
    const size_t wrong[][3] = {{0, 2, 1}, {2, 2, 0}, {2, 2, 3}, {2, 0, 1}, {2, 100, 65}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(vit_principal_components(line, wrong[i][0], wrong[i][1], wrong[i][2], mean, got, NULL),
                         VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_principal_components(line, 1, SIZE_MAX / 2, 1, mean, got, NULL), VIT_ERR_OUT_OF_MEMORY);
}

static const vit_grid grid = {6, 7, 4, 4};

static void colours_match(void **state)
{
    (void)state;
    golden given = golden_open("components", "expected.safetensors");
    const float *rows = golden_tensor(&given, "patches.rows", NULL);
    const float *want = golden_tensor(&given, "patches.colours", NULL);
    uint8_t got[2 * 6 * 7 * 3];
    vit_error err = {0};
    size_t black = 0;
    assert_ok(vit_patch_colours(rows, 2, &grid, 24, got, &err), err);
    for (size_t i = 0; i < sizeof got; i++)
        assert_true(fabsf((float)got[i] - want[i]) <= 1); /* a half may be rounded either way */
    for (size_t i = 0; i < sizeof got; i += 3)
        black += !got[i] && !got[i + 1] && !got[i + 2];
    assert_in_range(black, 84 - 22 - 1, 84 - 22 + 2); /* two things of 22 patches in all */
    float *blank = calloc(84 * 24, sizeof *blank);
    assert_ok(vit_patch_colours(blank, 2, &grid, 24, got, &err), err);
    for (size_t i = 0; i < sizeof got; i++)
        assert_int_equal(got[i], 0);
    assert_ok(vit_patch_colours(rows, 2, &grid, 2, got, &err), err); /* fewer numbers than colours */
    blank[5] = NAN;
    assert_int_equal(vit_patch_colours(blank, 2, &grid, 24, got, &err), VIT_ERR_NON_FINITE);
    free(blank);
    golden_close(&given);
}

/* Four patches on a line: nothing is background, and their places on the line are the first colour. */
static void nothing_is_background(void **state)
{
    (void)state;
    const float rows[] = {0, 0, 3, 4, 6, 8, 30, 40};
    const vit_grid four = {2, 2, 4, 4};
    const uint8_t want[] = {0, 26, 51, 255};
    uint8_t got[4 * 3], divided[4 * 3];
    vit_error err = {0};
    assert_ok(vit_patch_colours_all(rows, 1, &four, 2, got, &err), err);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(got[3 * i], want[i]);
    assert_ok(vit_patch_colours(rows, 1, &four, 2, divided, &err), err);
    assert_memory_not_equal(got, divided, sizeof got);
    assert_ok(vit_patch_colours_all(rows, 4, &(vit_grid){1, 1, 4, 4}, 2, divided, &err),
              err); /* whoever they belong to */
    assert_memory_equal(got, divided, sizeof got);
}

static void pictures_are_drawn(void **state)
{
    (void)state;
    uint8_t colours[3 * 42 * 3];
    vit_image pictures[3], sheet;
    vit_error err = {0};
    memset(colours, 200, sizeof colours);
    for (size_t i = 0; i < 3; i++) {
        assert_ok(vit_image_alloc(30, 25, &pictures[i], &err), err);
        memset(pictures[i].pixels, 50, 30 * 25 * 3);
    }
    vit_patch_picture what = {.pictures = pictures, .grid = grid, .n = 3, .colours = colours};
    assert_ok(vit_patch_picture_draw(&what, &sheet, &err), err);
    const uint32_t scale = 11; /* to at least 256 pixels */
    assert_int_equal(sheet.width, 4 * 30 * scale + 3 * 4);
    assert_int_equal(sheet.height, 2 * 25 * scale + 4);
    const uint32_t right = 30 * scale + 4;
    assert_int_equal(sheet.pixels[0], 50);
    assert_int_equal(sheet.pixels[3 * right], 200);
    assert_int_equal(sheet.pixels[3 * ((size_t)(24 * scale) * sheet.width + right)], 255); /* below the last patch */
    vit_image_free(&sheet);
    what.n = 0;
    assert_int_equal(vit_patch_picture_draw(&what, &sheet, NULL), VIT_ERR_INVALID_ARGUMENT);
    what.n = 3;
    what.grid.rows = 7;
    assert_int_equal(vit_patch_picture_draw(&what, &sheet, NULL), VIT_ERR_INVALID_ARGUMENT);
    what.grid = (vit_grid){6, 7, 0, 4};
    assert_int_equal(vit_patch_picture_draw(&what, &sheet, NULL), VIT_ERR_INVALID_ARGUMENT);
    what.grid = grid;
    pictures[1].width = 25;
    assert_int_equal(vit_patch_picture_draw(&what, &sheet, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_null(sheet.pixels);
    for (size_t i = 0; i < 3; i++)
        vit_image_free(&pictures[i]);
}

/* Each of the arguments that must not be NULL, named. */
static void null_is_refused(void **state)
{
    (void)state;
    float numbers[6] = {0};
    uint8_t colours[3];
    vit_image image;
    const vit_grid one = {1, 1, 1, 1};
    const vit_patch_picture empty = {.grid = one, .n = 1};
#define REFUSED(call)                                                                                                  \
    do {                                                                                                               \
        vit_error err = {0};                                                                                           \
        assert_int_equal(call, VIT_ERR_INVALID_ARGUMENT);                                                              \
        assert_non_null(strstr(err.message, "NULL"));                                                                  \
    } while (0)
    REFUSED(vit_principal_components(NULL, 1, 2, 1, numbers, numbers, &err));
    REFUSED(vit_principal_components(numbers, 1, 2, 1, NULL, numbers, &err));
    REFUSED(vit_principal_components(numbers, 1, 2, 1, numbers, NULL, &err));
    REFUSED(vit_patch_colours(NULL, 1, &one, 2, colours, &err));
    REFUSED(vit_patch_colours(numbers, 1, NULL, 2, colours, &err));
    REFUSED(vit_patch_colours(numbers, 1, &one, 2, NULL, &err));
    REFUSED(vit_patch_colours_all(NULL, 1, &one, 2, colours, &err));
    REFUSED(vit_patch_colours_all(numbers, 1, NULL, 2, colours, &err));
    REFUSED(vit_patch_colours_all(numbers, 1, &one, 2, NULL, &err));
    assert_int_equal(vit_patch_colours_all(numbers, 0, &one, 2, colours, NULL), VIT_ERR_INVALID_ARGUMENT);
    REFUSED(vit_patch_picture_draw(NULL, &image, &err));
    REFUSED(vit_patch_picture_draw(&empty, NULL, &err));
    REFUSED(vit_patch_picture_draw(&empty, &image, &err));
    assert_int_equal(vit_principal_components(NULL, 1, 2, 1, numbers, numbers, NULL), VIT_ERR_INVALID_ARGUMENT);
}

static void missing_memory(void **state)
{
    (void)state;
    const float rows[] = {1, 0, 0, 1, 2, 3, 4, 5};
    const vit_grid four = {2, 2, 1, 1};
    uint8_t colours[12];
    for (size_t i = 1;; i++) {
        vit_error err = {0};
        allocations_watch(i, 1);
        vit_status status = vit_patch_colours(rows, 1, &four, 2, colours, &err);
        size_t made = allocations_stop();
        if (made < i) {
            assert_int_equal(status, VIT_OK);
            assert_true(i > 5);
            return;
        }
        assert_int_equal(status, VIT_ERR_OUT_OF_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(components_match),   cmocka_unit_test(rows_that_are_special),
        cmocka_unit_test(colours_match),      cmocka_unit_test(nothing_is_background),
        cmocka_unit_test(pictures_are_drawn), cmocka_unit_test(null_is_refused),
        cmocka_unit_test(missing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
