/* SPDX-License-Identifier: BSD-2-Clause */
/* Damaged copies of every fixture. Decoding must end, as a picture within the limits or as an error that
 * leaves nothing; whatever else goes wrong is for the sanitizers to see. The same copies every time. */
#include <stdlib.h>
#include <string.h>

#include "decode_cases.h"
#include "mutate.h"

#define COPIES 400u
#define LARGEST_FIXTURE 8192u /* larger ones are large for one reason, and slow */
#define MAX_PIXELS (UINT64_C(1) << 18)

static void decode_damaged(const uint8_t *bytes, size_t size, const vit_load_options *options)
{
    /* A block of exactly this size, so that reading past it is seen. */
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    vit_image image = {0};
    vit_error err = {0};
    const vit_status status = vit_image_decode(exact, size, "damaged", options, &image, &err);
    free(exact);
    assert_int_equal(err.status, status);
    if (status == VIT_OK) {
        assert_true((uint64_t)image.width * image.height <= MAX_PIXELS);
        assert_true(image.width > 0 && image.height > 0);

    } else {
        assert_null(image.pixels);
        assert_true(err.message[0] != '\0');
        assert_int_not_equal(status, VIT_ERR_INTERNAL);
    }
    vit_image_free(&image);
}

static void damage_every_fixture(void **state)
{
    (void)state;
    const vit_load_options ways[] = {
        {.exif = VIT_EXIF_APPLY, .max_pixels = MAX_PIXELS},
        {.exif = VIT_EXIF_IGNORE, .composite = 1, .background = {1, 2, 3}, .max_pixels = MAX_PIXELS}};
    decode_cases cases = decode_cases_open();
    uint64_t random = 88172645463325252u;
    for (size_t i = 0; i < cases.count; i++) {
        size_t size;
        uint8_t *bytes = decode_fixture_read(decode_case_file(&cases, i), &size);
        uint8_t *copy = malloc(size ? size : 1);
        assert_non_null(copy);
        for (unsigned n = 0; n < COPIES && size <= LARGEST_FIXTURE; n++)
            decode_damaged(copy, mutate(bytes, size, copy, &random), &ways[n % 2]);
        free(copy);
        vit_free(bytes);
    }
    decode_cases_close(&cases);
}

/* Cut after every byte. */
static void cut_everywhere(void **state)
{
    (void)state;
    static const char *const files[] = {"exif_orientation_6.jpg",
                                        "jpeg_progressive_gray.jpg",
                                        "png_exif_raw_profile.png",
                                        "png_palette4_trns_interlaced.png",
                                        "pnm_p3.ppm",
                                        "pnm_p5.pgm"};
    const vit_load_options options = {.max_pixels = MAX_PIXELS};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size;
        uint8_t *bytes = decode_fixture_read(files[i], &size);
        for (size_t length = 0; length < size; length++)
            decode_damaged(bytes, length, &options);
        vit_free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_every_fixture),
        cmocka_unit_test(cut_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
