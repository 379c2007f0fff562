/* SPDX-License-Identifier: BSD-2-Clause */
/* Every file of tests/data/decode and decode_more: ends as its row says, with exactly its pixels, whichever way it is
 * asked. */
#include <stdlib.h>
#include <string.h>

#include "decode_cases.h"
#include "sha256.h"

static const vit_load_options as_stored = {.exif = VIT_EXIF_IGNORE};
static const vit_load_options upright = {.exif = VIT_EXIF_APPLY};
static const vit_load_options over_white = {.exif = VIT_EXIF_IGNORE, .composite = 1, .background = {255, 255, 255}};

static bool flag(const vit__json *row, const char *key)
{
    bool value = false;
    return vit__json_boolean(vit__json_get(row, key), &value) && value;
}

static bool accepts(const vit__json *row, const char *outcome)
{
    const vit__json *list = vit__json_get(row, "accept");
    for (size_t i = 0; i < vit__json_length(list); i++) {
        if (strcmp(vit__json_string(vit__json_at(list, i)), outcome) == 0)
            return true;
    }
    return false;
}

/* A format that this build does without. */
static bool is_absent_format(const vit__json *row)
{
    const char *group = vit__json_string(vit__json_get(row, "group"));
    return group && !decode_reads_group(group);
}

static bool is_decode_error(vit_status status)
{
    return status == VIT_ERR_UNSUPPORTED_FORMAT || status == VIT_ERR_CORRUPT || status == VIT_ERR_TRUNCATED ||
           status == VIT_ERR_TOO_LARGE;
}

/* Of a format that has libraries of its own (a group), Pillow says what its library says: there only a size past the
 * limit is asked for by name. */
static bool is_expected_error(const vit__json *row, vit_status status)
{
    const char *name = vit__json_string(vit__json_get(row, "error_class"));
    if (vit__json_get(row, "group") && strcmp(name, "too_large") != 0)
        return is_decode_error(status);
    if (strcmp(name, "unknown_format") == 0)
        name = "unsupported_format";
    return strcmp(vit_status_name(status), name) == 0;
}

/* The first of the two that the row has, where 16-bit gray is always the scaled one. */
static const vit__json *expected_pixels(const vit__json *row, const char *key)
{
    const vit__json *pixels = vit__json_get(row, key);
    if (!pixels)
        pixels = vit__json_get(row, "scaled");
    return pixels ? pixels : vit__json_get(row, "as_stored");
}

static bool has_pixels(const vit_image *image, const vit__json *expected)
{
    int64_t width = 0, height = 0;
    char hex[65];
    vit__json_integer(vit__json_get(expected, "width"), &width);
    vit__json_integer(vit__json_get(expected, "height"), &height);
    if (image->width != width || image->height != height)
        return false;
    vit__sha256(image->pixels, (size_t)image->width * image->height * 3, hex);
    return strcmp(hex, vit__json_string(vit__json_get(expected, "sha256"))) == 0;
}

/* Whether the pixels are within the row's tolerance of those in the picture that `expected` names. */
static bool has_pixels_nearly(const vit_image *image, const vit__json *row, const vit__json *expected)
{
    const char *file = vit__json_string(vit__json_get(expected, "file"));
    vit_image golden = {0};
    vit_error err = {0};
    int64_t tolerance = 0;
    if (!file || !vit__json_integer(vit__json_get(row, "tolerance"), &tolerance))
        return false;
    assert_ok(vit_image_load(decode_fixture_path(file), &as_stored, &golden, &err), err);
    bool near = golden.width == image->width && golden.height == image->height;
    for (size_t i = 0; near && i < (size_t)image->width * image->height * 3; i++)
        near = abs(golden.pixels[i] - image->pixels[i]) <= tolerance;
    vit_image_free(&golden);
    return near;
}

/* What is wrong with this outcome, or NULL. */
static const char *judge(const vit__json *row, const char *key, vit_status status, const vit_image *image)
{
    if (status != VIT_OK && image->pixels)
        return "fails, but leaves pixels";
    if (is_absent_format(row))
        return status == VIT_ERR_UNSUPPORTED_FORMAT ? NULL : "a format that is not read, and not refused as such";
    if (status != VIT_OK) {
        if (!accepts(row, "error"))
            return "must be decoded";
        if (accepts(row, "ok"))
            return is_decode_error(status) ? NULL : "an error that does not speak of the file";
        return is_expected_error(row, status) ? NULL : "another error is expected";
    }
    if (!accepts(row, "ok"))
        return "must not be decoded";
    const vit__json *expected = expected_pixels(row, key);
    if (!expected || flag(row, "may_differ") || has_pixels(image, expected) || has_pixels_nearly(image, row, expected))
        return NULL;
    return "has other pixels than Pillow";
}

/* Returns whether the case is as it should be. */
static bool check(const decode_cases *cases, size_t i, const char *key, const vit_load_options *options)
{
    const vit__json *row = decode_case_row(cases, i);
    const char *file = decode_case_file(cases, i);
    vit_image image = {0};
    vit_error err = {0};
    const vit_status status = vit_image_load(decode_fixture_path(file), options, &image, &err);
    const char *problem = judge(row, key, status, &image);
    if (status != VIT_OK && (err.status != status || err.message[0] == '\0' || !strstr(err.where, file)))
        problem = "the error does not say what and where";
    if (problem)
        print_error("%s (%s), %s: %s; ended as %s: %s\n", file, vit__json_string(vit__json_get(row, "why")), key,
                    problem, vit_status_name(status), err.message);
    vit_image_free(&image);
    return !problem;
}

static void check_all(const char *key, const vit_load_options *options)
{
    decode_cases cases = decode_cases_open();
    size_t wrong = 0;
    for (size_t i = 0; i < cases.count; i++)
        wrong += !check(&cases, i, key, options);
    decode_cases_close(&cases);
    assert_int_equal(wrong, 0);
}

static void pixels_as_stored(void **state)
{
    (void)state;
    check_all("as_stored, 16-bit gray scaled", &as_stored);
}

static void pixels_upright(void **state)
{
    (void)state;
    check_all("exif_applied", &upright);
}

static void pixels_over_white(void **state)
{
    (void)state;
    check_all("white", &over_white);
}

/* Without options: upright, transparency dropped. */
static void defaults_are_upright(void **state)
{
    (void)state;
    check_all("exif_applied", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_as_stored),
        cmocka_unit_test(pixels_upright),
        cmocka_unit_test(pixels_over_white),
        cmocka_unit_test(defaults_are_upright),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
