/* SPDX-License-Identifier: BSD-2-Clause */
/* JPEGs of which a smaller picture will do: how much smaller they
 * get, what is then in them, and that nothing else changes. */
#include <stdlib.h>
#include <string.h>

#include "decode_cases.h"

static vit_status load(const char *file, vit_exif exif, uint32_t width, uint32_t height, vit_picture *s)
{
    const vit_load_options options = {.exif = exif, .least_width = width, .least_height = height};
    return vit_picture_load(data_path("decode/%s", file), &options, s, NULL);
}

static vit_picture load_ok(const char *file, vit_exif exif, uint32_t width, uint32_t height)
{
    vit_picture s;
    assert_int_equal(load(file, exif, width, height, &s), VIT_OK);
    return s;
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        uint32_t least[2], size[2], whole[2];
    } rows[] = {
        {"jpeg_420.jpg", {0, 0}, {37, 29}, {37, 29}},
        {"jpeg_420.jpg", {1, 0}, {37, 29}, {37, 29}},
        {"jpeg_420.jpg", {38, 30}, {37, 29}, {37, 29}},
        {"jpeg_420.jpg", {20, 1}, {37, 29}, {37, 29}},
        {"jpeg_420.jpg", {19, 1}, {19, 15}, {37, 29}},
        {"jpeg_420.jpg", {1, 16}, {37, 29}, {37, 29}},
        {"jpeg_420.jpg", {1, 9}, {19, 15}, {37, 29}},
        {"jpeg_420.jpg", {10, 8}, {10, 8}, {37, 29}},
        {"jpeg_420.jpg", {1, 1}, {5, 4}, {37, 29}},
        {"jpeg_420.jpg", {UINT32_MAX, UINT32_MAX}, {37, 29}, {37, 29}},
        {"jpeg_ycck_420.jpg", {1, 1}, {5, 4}, {37, 29}},
        {"jpeg_progressive.jpg", {10, 8}, {10, 8}, {37, 29}},
        {"jpeg_arithmetic.jpg", {1, 1}, {5, 4}, {37, 29}},
        {"jpeg_size_1x1.jpg", {1, 1}, {1, 1}, {1, 1}},
        {"exif_orientation_6_progressive_gray.jpg",
         {1, 1},
         {4, 5},
         {29, 37}}, /* turned: limits and sizes are upright ones */
        {"exif_orientation_6_progressive_gray.jpg", {15, 19}, {15, 19}, {29, 37}},
        {"exif_orientation_6_progressive_gray.jpg", {16, 1}, {29, 37}, {29, 37}},
        {"exif_orientation_6_progressive_gray.jpg", {1, 20}, {29, 37}, {29, 37}},
        {"png_rgb8.png", {1, 1}, {19, 13}, {19, 13}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        vit_picture s = load_ok(rows[i].file, VIT_EXIF_APPLY, rows[i].least[0], rows[i].least[1]);
        if (s.image.width != rows[i].size[0] || s.image.height != rows[i].size[1] || s.width != rows[i].whole[0] ||
            s.height != rows[i].whole[1])
            fail_msg("row %zu: %ux%u of %ux%u", i, s.image.width, s.image.height, s.width, s.height);
        bool turned = strstr(rows[i].file, "orientation_6") != NULL; /* its file lies on its side */
        assert_int_equal(turned ? s.stored_height : s.stored_width, s.width);
        assert_int_equal(turned ? s.stored_width : s.stored_height, s.height);
        vit_image_free(&s.image);
    }
}

/* The sum of the samples; *cut: some may have been cut off at 0 or 255, so that their mean says less. */
static int sum_of_block(const vit_image *whole, uint32_t x, uint32_t y, uint32_t channel, bool *cut)
{
    int sum = 0;
    for (uint32_t row = 8 * y; row < 8 * y + 8; row++)
        for (uint32_t column = 8 * x; column < 8 * x + 8; column++) {
            const uint8_t *pixel = whole->pixels + 3 * ((size_t)row * whole->width + column);
            sum += pixel[channel];
            for (size_t c = 0; c < 3; c++)
                *cut = *cut || pixel[c] == 0 || pixel[c] == 255;
        }
    return sum;
}

/* How many samples were compared. Two levels: roundings of the samples, of the mean and of the colours. */
static size_t compare_eighth(const char *file, const vit_image *whole, const vit_image *eighth)
{
    size_t compared = 0;
    for (uint32_t i = 0; i < whole->height / 8 * (whole->width / 8) * 3; i++) {
        uint32_t c = i % 3, x = i / 3 % (whole->width / 8), y = i / 3 / (whole->width / 8);
        bool cut = false;
        int sum = sum_of_block(whole, x, y, c, &cut), got = eighth->pixels[3 * ((size_t)y * eighth->width + x) + c];
        if (!cut && abs(sum - 64 * got) > 2 * 64)
            fail_msg("%s (%u, %u) channel %u: %d, and the mean is %d/64", file, x, y, c, got, sum);
        compared += !cut;
    }
    return compared;
}

/* An eighth is what each block of 8 x 8 has in the mean. */
static void an_eighth_is_the_mean(void **state)
{
    (void)state;
    static const char *const files[] = {"jpeg_444.jpg", "jpeg_gray.jpg", "jpeg_progressive_444.jpg"};
    size_t compared = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        vit_picture whole = load_ok(files[i], VIT_EXIF_APPLY, 0, 0), eighth = load_ok(files[i], VIT_EXIF_APPLY, 1, 1);
        compared += compare_eighth(files[i], &whole.image, &eighth.image);
        vit_image_free(&whole.image);
        vit_image_free(&eighth.image);
    }
    assert_true(compared >= 30);
}

/* Orientation 6: the stored rows, from the last on, are the columns. */
static void turned_as_the_whole(void **state)
{
    (void)state;
    static const char file[] = "exif_orientation_6_progressive_gray.jpg";
    vit_picture stored = load_ok(file, VIT_EXIF_IGNORE, 19, 15), upright = load_ok(file, VIT_EXIF_APPLY, 15, 19);
    assert_int_equal(stored.image.width, upright.image.height);
    for (uint32_t y = 0; y < stored.image.height; y++)
        for (uint32_t x = 0; x < stored.image.width; x++)
            assert_memory_equal(
                stored.image.pixels + 3 * ((size_t)y * stored.image.width + x),
                upright.image.pixels + 3 * ((size_t)x * upright.image.width + (stored.image.height - 1 - y)), 3);
    vit_image_free(&stored.image);
    vit_image_free(&upright.image);
}

/* Hostile files among them. */
static void every_file_ends_as_it_does_whole(void **state)
{
    (void)state;
    decode_cases cases = decode_cases_open();
    for (size_t i = 0; i < cases.count; i++) {
        const char *file = decode_case_file(&cases, i);
        vit_picture whole, part;
        vit_status want = load(file, VIT_EXIF_APPLY, 0, 0, &whole), got = load(file, VIT_EXIF_APPLY, 1, 1, &part);
        if (want != got)
            fail_msg("%s: %s, and whole %s", file, vit_status_name(got), vit_status_name(want));
        if (got == VIT_OK && (part.width != whole.width || part.height != whole.height))
            fail_msg("%s: %ux%u, and whole %ux%u", file, part.width, part.height, whole.width, whole.height);
        vit_image_free(&whole.image);
        vit_image_free(&part.image);
    }
    decode_cases_close(&cases);
}

/* What a picture will take is known before it is decoded. */
static void the_header_tells_the_size(void **state)
{
    (void)state;
    const vit_load_options small = {.max_pixels = 1};
    decode_cases cases = decode_cases_open();
    for (size_t i = 0; i < cases.count; i++) {
        size_t size;
        vit_picture whole, measured;
        const char *file = decode_case_file(&cases, i);
        uint8_t *bytes = decode_fixture_read(file, &size);
        vit_status want = vit_picture_decode(bytes, size, NULL, NULL, &whole, NULL);
        vit_status got = vit_picture_measure(bytes, size, NULL, NULL, &measured, NULL);
        assert_null(measured.image.pixels);
        if (want == VIT_OK && got != VIT_OK)
            fail_msg("%s: %s, and is decoded", file, vit_status_name(got));
        if (want == VIT_OK &&
            (measured.stored_width != whole.stored_width || measured.stored_height != whole.stored_height))
            fail_msg("%s: %ux%u by its header, and decoded %ux%u", file, measured.stored_width, measured.stored_height,
                     whole.stored_width, whole.stored_height);
        if (want == VIT_OK && (size_t)whole.stored_width * whole.stored_height > 1)
            assert_int_equal(vit_picture_measure(bytes, size, NULL, &small, &measured, NULL), VIT_ERR_TOO_LARGE);
        vit_image_free(&whole.image);
        vit_free(bytes);
    }
    decode_cases_close(&cases);
}

/* What a program asks before it decodes: the readers' own answer, and the names of what is no picture. */
static void formats_are_told_by_content(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *format; /* NULL: none */
    } others[] = {
        {"\0\0\0\x18"
         "ftypisom\0\0\0\0isomiso2",
         24, "MPEG-4"},
        {"%PDF-1.7", 8, "PDF"},
        {"<svg xmlns='...'>", 17, "SVG"},
        {"{\"a\": 1}", 8, NULL},
        {"hello", 5, NULL},
        {"", 0, NULL},
        {"\xff", 1, NULL},
    };
    int readable = -1;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const char *format = vit_image_format_of(others[i].bytes, others[i].size, &readable);
        assert_true(format == others[i].format || (format && others[i].format && !strcmp(format, others[i].format)));
        assert_int_equal(readable, 0);
    }
    decode_cases cases = decode_cases_open();
    for (size_t i = 0; i < cases.count; i++) {
        size_t size;
        vit_picture picture;
        uint8_t *bytes = decode_fixture_read(decode_case_file(&cases, i), &size);
        vit_status status = vit_picture_decode(bytes, size, NULL, NULL, &picture, NULL);
        const char *format = vit_image_format_of(bytes, size, &readable);
        if (status == VIT_OK && (!format || !readable))
            fail_msg("%s is decoded, and its format is %s", decode_case_file(&cases, i), format ? format : "unknown");
        vit_image_free(&picture.image);
        vit_free(bytes);
    }
    decode_cases_close(&cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(an_eighth_is_the_mean),
        cmocka_unit_test(turned_as_the_whole),
        cmocka_unit_test(every_file_ends_as_it_does_whole),
        cmocka_unit_test(the_header_tells_the_size),
        cmocka_unit_test(formats_are_told_by_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
