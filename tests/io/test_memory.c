/* SPDX-License-Identifier: BSD-2-Clause */
/* How decoding uses memory: none before the limits are checked, not much where the file cannot fill it, and every
 * request that is refused ends as out_of_memory, with nothing left behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "decode_cases.h"
#include "mutate.h"

/* What a decoder may take before it knows the picture: libjpeg's and zlib's tables and buffers stay below. */
#define WORKING_MEMORY ((size_t)256 * 1024)

typedef struct refusal {
    size_t first, count;
} refusal;

static const refusal none = {0, 0};

static vit_status decode_watched(const void *bytes, size_t size, const vit_load_options *options, refusal refused,
                                 vit_error *err)
{
    vit_image image = {0};
    allocations_watch(refused.first, refused.count);
    const vit_status status = vit_image_decode(bytes, size, "picture", options, &image, err);
    allocations_stop();
    if (status != VIT_OK)
        assert_null(image.pixels);
    vit_image_free(&image);
    return status;
}

/* Files are named by their groups: "gif_interlaced.gif". */
static bool is_built(const char *file)
{
    char group[16];
    snprintf(group, sizeof group, "%.*s", (int)strcspn(file, "_"), file);
    return strcmp(group, "exif") == 0 || decode_reads_group(group);
}

/* ------------------------------------------------------------------ limits ---- */

static void refuses_by_its_header(void **state)
{
    (void)state;
    static const char *const files[] = {"jpeg_huge.jpg",        "png_bomb_30000.png",  "png_declared_20000.png",
                                        "png_width_2_31.png",   "png_max_size.png",    "pnm_p6_huge.ppm",
                                        "gif_canvas_65535.gif", "bmp_65535.bmp",       "tiff_65535.tif",
                                        "heic_ispe_65535.heic", "heic_sps_16384.heic", "avif_ispe_65535.avif"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!is_built(files[i]))
            continue;
        size_t size;
        uint8_t *bytes = decode_fixture_read(files[i], &size);
        vit_error err = {0};
        assert_int_equal(decode_watched(bytes, size, NULL, none, &err), VIT_ERR_TOO_LARGE);
        assert_true(allocations_largest() <= WORKING_MEMORY);
        vit_free(bytes);
    }
}

static void limit_on_pixels_is_exact(void **state)
{
    (void)state;
    static const char *const files[] = {
        "jpeg_444.jpg", "jpeg_progressive.jpg", "png_rgb8.png", "png_rgb8_interlaced.png",
        "pnm_p6.ppm",   "pnm_p3.ppm",           "pnm_p4.pbm"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size;
        uint8_t *bytes = decode_fixture_read(files[i], &size);
        vit_image image = {0};
        vit_error err = {0};
        assert_ok(vit_image_decode(bytes, size, files[i], NULL, &image, &err), err);
        vit_load_options options = {.max_pixels = (uint64_t)image.width * image.height};
        vit_image_free(&image);
        assert_ok(decode_watched(bytes, size, &options, none, &err), err);
        options.max_pixels--;
        assert_int_equal(decode_watched(bytes, size, &options, none, &err), VIT_ERR_TOO_LARGE);
        assert_non_null(strstr(err.message, "limit"));
        vit_free(bytes);
    }
}

static void limit_on_bytes_is_exact(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = decode_fixture_read("png_rgb8.png", &size);
    vit_load_options options = {.max_bytes = size};
    vit_error err = {0};
    vit_image image = {0};
    assert_ok(decode_watched(bytes, size, &options, none, &err), err);
    assert_ok(vit_image_load(data_path("decode/png_rgb8.png"), &options, &image, &err), err);
    vit_image_free(&image);
    options.max_bytes = size - 1;
    assert_int_equal(decode_watched(bytes, size, &options, none, &err), VIT_ERR_TOO_LARGE);
    assert_int_equal(allocations_largest(), 0);
    err = (vit_error){0};
    assert_int_equal(vit_image_load(data_path("decode/png_rgb8.png"), &options, &image, &err), VIT_ERR_TOO_LARGE);
    vit_free(bytes);
}

/* A header within the limit, and a file that cannot hold such a picture, takes no memory for it. */
static void a_header_alone_takes_no_memory(void **state)
{
    (void)state;
    static const char *const headers[] = {"P6 13000 13000 255\nabc", "P5 13000 13000 65535\nabc",
                                          "P4 13000 13000\nabc",     "P3 13000 13000 255\n1 2 3",
                                          "P2 13000 13000 255\n1 2", "P1 13000 13000\n1 0"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        vit_error err = {0};
        assert_int_equal(decode_watched(headers[i], strlen(headers[i]), NULL, none, &err), VIT_ERR_TRUNCATED);
        assert_true(allocations_largest() <= WORKING_MEMORY);
    }
}

/* 13000 x 13000 written over the size in the header of a small file. */
static void claim_13000(uint8_t *bytes, size_t size, const char *file)
{
    if (strstr(file, ".png")) {
        png_header_resize(bytes, 13000, 13000);
        return;
    }
    for (size_t i = 2; i + 9 < size; i += 2 + ((size_t)bytes[i + 2] << 8 | bytes[i + 3])) {
        if (bytes[i + 1] != 0xc0 && bytes[i + 1] != 0xc2)
            continue;
        bytes[i + 5] = bytes[i + 7] = 13000 >> 8;
        bytes[i + 6] = bytes[i + 8] = 13000 & 255;
        return;
    }
    fail_msg("%s has no frame header", file);
}

static void a_small_file_takes_no_memory_for_a_large_picture(void **state)
{
    (void)state;
    static const char *const files[] = {"jpeg_420.jpg", "jpeg_progressive.jpg",    "jpeg_gray.jpg",
                                        "png_rgb8.png", "png_rgb8_interlaced.png", "png_gray1.png"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size;
        uint8_t *bytes = decode_fixture_read(files[i], &size);
        claim_13000(bytes, size, files[i]);
        vit_error err = {0};
        assert_int_equal(decode_watched(bytes, size, NULL, none, &err), VIT_ERR_TRUNCATED);
        assert_true(allocations_largest() <= WORKING_MEMORY);
        vit_free(bytes);
    }
}

/* Texts that expand a thousandfold are looked at, not unpacked whole. */
static void metadata_is_not_unpacked_without_bound(void **state)
{
    (void)state;
    static const char *const files[] = {"png_ztxt_bomb.png", "png_iccp_bomb.png"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size;
        uint8_t *bytes = decode_fixture_read(files[i], &size);
        vit_error err = {0};
        assert_ok(decode_watched(bytes, size, NULL, none, &err), err);
        assert_true(allocations_largest() <= (size_t)1 << 20);
        vit_free(bytes);
    }
}

/* ------------------------------------------------------------------ refused requests ---- */

/* How decoding ends when requests first, first + 1, ... are refused; *made is how many there were. */
static vit_status decode_refused(const char *file, refusal refused, size_t *made)
{
    size_t size;
    uint8_t *bytes = decode_fixture_read(file, &size);
    const vit_load_options options = {.composite = 1};
    vit_error err = {0};
    const vit_status status = decode_watched(bytes, size, &options, refused, &err);
    *made = allocations_stop();
    vit_free(bytes);
    assert_int_equal(err.status, status);
    return status;
}

static const char *const diverse_files[] = {"jpeg_444.jpg",
                                            "jpeg_progressive.jpg",
                                            "jpeg_arithmetic_progressive.jpg",
                                            "jpeg_ycck_420.jpg",
                                            "exif_orientation_6.jpg",
                                            "png_palette4_trns_interlaced.png",
                                            "png_exif_raw_profile.png",
                                            "png_rgba16.png",
                                            "pnm_p6_16bit.ppm",
                                            "pnm_p3.ppm",
                                            "gif_interlaced.gif",
                                            "gif_offset_transparent.gif",
                                            "bmp_8_gray.bmp",
                                            "bmp_rle8.bmp",
                                            "ico_sizes.ico",
                                            "psd_rgb_rle.psd"};

static void memory_that_runs_out_is_reported(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof diverse_files / sizeof *diverse_files; i++) {
        size_t made, wanted;
        if (!is_built(diverse_files[i]))
            continue;
        assert_int_equal(decode_refused(diverse_files[i], none, &wanted), VIT_OK);
        assert_true(wanted > 0);
        for (size_t first = 1; first <= wanted; first++) {
            const vit_status status = decode_refused(diverse_files[i], (refusal){first, SIZE_MAX}, &made);
            if (status != VIT_ERR_OUT_OF_MEMORY)
                fail_msg("%s, request %zu: %s", diverse_files[i], first, vit_status_name(status));
        }
    }
}

/* One request refused, the next granted: whoever carries on regardless is seen. (libjpeg may ask again for less.) */
static void a_single_refused_request_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof diverse_files / sizeof *diverse_files; i++) {
        size_t made, wanted;
        if (!is_built(diverse_files[i]))
            continue;
        assert_int_equal(decode_refused(diverse_files[i], none, &wanted), VIT_OK);
        for (size_t first = 1; first <= wanted; first++) {
            const vit_status status = decode_refused(diverse_files[i], (refusal){first, 1}, &made);
            if (status != VIT_ERR_OUT_OF_MEMORY && !(status == VIT_OK && made > wanted))
                fail_msg("%s, request %zu: %s", diverse_files[i], first, vit_status_name(status));
        }
    }
}

/* Of these formats only the picture itself is refused, by its size: their libraries (libwebp 1.2.4, libtiff 4.5.0,
 * libavif 0.11, libde265 1.0.11, libjxl 0.7) do not survive every refusal of their own. */
static void no_room_for_the_picture(void **state)
{
    (void)state;
    static const char *const files[] = {"webp_lossy_alpha.webp", "webp_lossless.webp",      "webp_animated.webp",
                                        "tiff_palette8.tif",     "tiff_rgb_planar_lzw.tif", "avif_420.avif",
                                        "avif_irot1.avif",       "heic_420.heic",           "heic_phone.heic",
                                        "jxl_lossless_16bit.jxl"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size;
        vit_image image = {0};
        vit_error err = {0};
        if (!is_built(files[i]))
            continue;
        uint8_t *bytes = decode_fixture_read(files[i], &size);
        assert_ok(vit_image_decode(bytes, size, files[i], NULL, &image, &err), err);
        const size_t refused = (size_t)image.width * image.height * 3;
        vit_image_free(&image);
        allocations_refuse(refused);
        const vit_status status = vit_image_decode(bytes, size, files[i], NULL, &image, &err);
        allocations_stop();
        vit_free(bytes);
        assert_null(image.pixels);
        assert_int_equal(status, VIT_ERR_OUT_OF_MEMORY);
    }
}

static void loading_reports_refused_requests(void **state)
{
    (void)state;
    const char *path = data_path("decode/png_rgb8.png");
    vit_status status = VIT_ERR_OUT_OF_MEMORY;
    size_t first = 0;
    while (status == VIT_ERR_OUT_OF_MEMORY && ++first < 1000) {
        vit_image image = {0};
        vit_error err = {0};
        allocations_watch(first, SIZE_MAX);
        status = vit_image_load(path, NULL, &image, &err);
        allocations_stop();
        vit_image_free(&image);
    }
    assert_int_equal(status, VIT_OK);
    assert_true(first > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_by_its_header),
        cmocka_unit_test(limit_on_pixels_is_exact),
        cmocka_unit_test(limit_on_bytes_is_exact),
        cmocka_unit_test(a_header_alone_takes_no_memory),
        cmocka_unit_test(a_small_file_takes_no_memory_for_a_large_picture),
        cmocka_unit_test(metadata_is_not_unpacked_without_bound),
        cmocka_unit_test(memory_that_runs_out_is_reported),
        cmocka_unit_test(a_single_refused_request_is_survived),
        cmocka_unit_test(no_room_for_the_picture),
        cmocka_unit_test(loading_reports_refused_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
