/* SPDX-License-Identifier: BSD-2-Clause */
/* vit_image_resize against Pillow (both pass orders) and torchvision, bit for bit, at each instruction set. */
#include "fixtures.h"

#include <string.h>

#include "sha256.h"

static size_t compared;

static void check(const vit__json *row, const vit_image *image, vit_filter filter, vit_resampler resampler,
                  const char *sum)
{
    vit_error err = {0};
    vit_image resized;
    int64_t width = 0, height = 0;
    char hex[65];
    const vit__json *size = vit__json_get(row, "dst");
    assert_true(vit__json_integer(vit__json_at(size, 0), &width) && vit__json_integer(vit__json_at(size, 1), &height));
    assert_ok(vit_image_alloc((uint32_t)width, (uint32_t)height, &resized, &err), err);
    for (int level = 0; next_level(&level);) {
        memset(resized.pixels, 0, (size_t)(3 * width * height));
        assert_ok(vit_image_resize(image, &resized, filter, resampler, &err), err);
        vit__sha256(resized.pixels, (size_t)(3 * width * height), hex);
        if (strcmp(hex, sum) != 0)
            fail_msg("%s to %dx%d, filter %d, %s, level %d: other pixels",
                     vit__json_string(vit__json_get(row, "source")), (int)width, (int)height, (int)filter,
                     resampler_columns[resampler], level);
        compared++;
    }
    vit_image_free(&resized);
}

static void visit(const vit__json *row)
{
    static const char *const filters[] = {"nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"};
    vit_image image = load_image("resize", vit__json_string(vit__json_get(row, "source")));
    const char *name = vit__json_string(vit__json_get(row, "filter"));
    size_t filter = 0;
    while (strcmp(filters[filter], name) != 0)
        assert_true(++filter < sizeof filters / sizeof *filters);
    for (int resampler = 0; resampler < 3; resampler++) {
        const char *sum = vit__json_string(vit__json_get(row, resampler_columns[resampler]));
        if (sum)
            check(row, &image, (vit_filter)filter, (vit_resampler)resampler, sum);
    }
    vit_image_free(&image);
}

static void same_pixels(void **state)
{
    (void)state;
    each_case("resize", visit);
    assert_true(compared > 1000);
}

static void refuses_nonsense(void **state)
{
    (void)state;
    vit_image image = make_noise(4, 3), none = {0}, empty = {4, 3, NULL};
    const struct {
        const vit_image *from;
        vit_image *to;
        int filter, resampler;
    } calls[] = {{NULL, &image, 3, 0},   {&image, NULL, 3, 0},    {&none, &image, 3, 0},  {&image, &empty, 3, 0},
                 {&image, &image, 6, 0}, {&image, &image, -1, 0}, {&image, &image, 3, 3}, {&image, &image, 3, -1}};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        vit_error err = {0};
        assert_int_equal(vit_image_resize(calls[i].from, calls[i].to, (vit_filter)calls[i].filter,
                                          (vit_resampler)calls[i].resampler, &err),
                         VIT_ERR_INVALID_ARGUMENT);
        assert_true(err.message[0] != '\0');
    }
    vit_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_pixels), cmocka_unit_test(refuses_nonsense)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
