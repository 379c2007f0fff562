/* SPDX-License-Identifier: BSD-2-Clause */
/* pixel_values of every configuration of the manifest against transformers (both backends), timm and open_clip: bit for
 * bit (test_resize does so at each instruction set). DINOv3's floats within the tolerance of its row. */
#include "fixtures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "safetensors.h"
#include "sha256.h"

static size_t compared;

static void check_shape(const char *name, const vit__json *entry, const vit_preprocessor *rules, const vit_image *image,
                        const vit_preprocess_options *options)
{
    vit_error err = {0};
    uint32_t width, height;
    int64_t want_width = 0, want_height = 0;
    const vit__json *shape = vit__json_get(entry, "shape");
    assert_true(vit__json_integer(vit__json_at(shape, 1), &want_height));
    assert_true(vit__json_integer(vit__json_at(shape, 2), &want_width));
    assert_ok(vit_preprocess_shape(rules, image->width, image->height, options, &width, &height, &err), err);
    if (width != want_width || height != want_height)
        fail_msg("%s: %ux%u, not %dx%d", name, width, height, (int)want_width, (int)want_height);
}

static void check_sum(const char *name, const char *file, const vit_preprocessor *rules, const vit_image *image,
                      const vit_preprocess_options *options, const char *sum)
{
    char hex[65];
    size_t n;
    float *pixels = preprocess_image(rules, image, options, &n);
    vit__sha256(pixels, n * sizeof *pixels, hex);
    if (strcmp(hex, sum) != 0)
        fail_msg("%s, %s, %s: other values", name, file, resampler_columns[options->resampler]);
    free(pixels);
    compared++;
}

/* The 8-bit picture, put through the table, is pixel_values. */
static void check_resized(const char *name, const vit_preprocessor *rules, const vit_image *image,
                          const vit_preprocess_options *options)
{
    vit_error err = {0};
    vit_image resized;
    size_t n;
    float table[3][256], *pixels = preprocess_image(rules, image, options, &n);
    assert_ok(vit_preprocess_resized(rules, image, options, &resized, &err), err);
    assert_int_equal(n, (size_t)3 * resized.width * resized.height);
    vit__normalise_table(rules, options->resampler, table);
    for (size_t i = 0; i < n; i++)
        if (memcmp(&pixels[i % 3 * (n / 3) + i / 3], &table[i % 3][resized.pixels[i]], sizeof(float)) != 0)
            fail_msg("%s: the resized picture differs at sample %zu", name, i);
    vit_image_free(&resized);
    free(pixels);
}

static void check_exact(const vit__json *row, const char *file, const vit__json *entry, const vit_preprocessor *rules)
{
    const char *name = vit__json_string(vit__json_get(row, "name"));
    vit_image image = load_image("preprocess", file);
    for (int resampler = 0; resampler < 3; resampler++) {
        const char *sum = vit__json_string(vit__json_get(entry, resampler_columns[resampler]));
        vit_preprocess_options options = {.resampler = (vit_resampler)resampler};
        if (!sum)
            continue;
        check_shape(name, entry, rules, &image, &options);
        check_sum(name, file, rules, &image, &options, sum);
        check_resized(name, rules, &image, &options);
    }
    vit_image_free(&image);
}

static void visit(const vit__json *row)
{
    vit_error err = {0};
    vit_preprocessor rules;
    const char *library = vit__json_string(vit__json_get(row, "library"));
    if (vit__json_get(row, "tolerance"))
        return;
    assert_ok(read_rules(library, vit__json_get(row, "config"), &rules, &err), err);
    const vit__json *cases = vit__json_get(row, "cases");
    for (void *i = vit__json_first(cases); i; i = vit__json_next(cases, i))
        check_exact(row, vit__json_key(i), vit__json_value(i), &rules);
}

static void same_values(void **state)
{
    (void)state;
    each_case("preprocess", visit);
    assert_true(compared > 1500);
}

static size_t compared_floats;

static void check_floats(const vit__json *row, const char *file, const vit_preprocessor *rules,
                         const vit__safetensors *tensors)
{
    const vit__tensor *tensor = vit__safetensors_find(tensors, file);
    vit_image image = load_image("preprocess", file);
    double tolerance = 0, worst = 0;
    assert_non_null(tensor);
    assert_true(vit__json_number(vit__json_get(row, "tolerance"), &tolerance) && tolerance <= 1e-4);
    for (int resampler = 0; resampler < 3; resampler++) { /* they all mean the same here */
        vit_preprocess_options options = {.resampler = (vit_resampler)resampler};
        size_t n;
        float *pixels = preprocess_image(rules, &image, &options, &n), *want = malloc(n * sizeof *want);
        assert_int_equal(n, vit__tensor_elements(tensor));
        assert_true(vit__tensor_read(tensor, 0, n, want));
        for (size_t i = 0; i < n; i++)
            worst = fmax(worst, fabs((double)pixels[i] - (double)want[i]));
        free(pixels);
        free(want);
    }
    if (!(worst <= tolerance))
        fail_msg("%s: off by %g", file, worst);
    compared_floats++;
    vit_image_free(&image);
}

/* DINOv3: sums of floats in another order than torch's, so not to the bit. */
static void visit_floats(const vit__json *row)
{
    vit_error err = {0};
    vit_preprocessor rules;
    vit__safetensors tensors;
    uint8_t *bytes;
    size_t size;
    if (!vit__json_get(row, "tolerance"))
        return;
    const char *path = data_path("preprocess/%s", vit__json_string(vit__json_get(row, "tensors")));
    assert_ok(vit_file_read(path, 0, (void *)&bytes, &size, &err), err);
    assert_ok(vit__safetensors_parse(bytes, size, path, &tensors, &err), err);
    assert_ok(read_rules("transformers", vit__json_get(row, "config"), &rules, &err), err);
    const vit__json *cases = vit__json_get(row, "cases");
    for (void *i = vit__json_first(cases); i; i = vit__json_next(cases, i))
        check_floats(row, vit__json_key(i), &rules, &tensors);
    vit__safetensors_free(&tensors);
    vit_free(bytes);
}

static void close_floats(void **state)
{
    (void)state;
    each_case("preprocess", visit_floats);
    assert_int_equal(compared_floats, 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_values), cmocka_unit_test(close_floats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
