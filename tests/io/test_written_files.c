/* SPDX-License-Identifier: BSD-2-Clause */
/* Pictures written as PNG and JPEG, and the tensors of a file through the public interface. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support.h"
#include "vit/tensors.h"

/* ------------------------------------------------------------------ PNG ---- */

static void round_trip(uint32_t width, uint32_t height)
{
    vit_image image, again;
    vit_error err = {0};
    void *bytes;
    size_t size;
    uint64_t state = width * 31 + height;
    assert_ok(vit_image_alloc(width, height, &image, &err), err);
    for (size_t i = 0; i < (size_t)3 * width * height; i++)
        image.pixels[i] = (uint8_t)(random_next(&state) >> 32);
    assert_ok(vit_image_encode_png(&image, &bytes, &size, &err), err);
    assert_ok(vit_image_decode(bytes, size, NULL, NULL, &again, &err), err);
    assert_true(again.width == width && again.height == height);
    assert_memory_equal(again.pixels, image.pixels, (size_t)3 * width * height);
    vit_free(bytes);
    vit_image_free(&image);
    vit_image_free(&again);
}

static void png_round_trips(void **state)
{
    (void)state;
    round_trip(1, 1);
    round_trip(1, 700);
    round_trip(700, 1);
    round_trip(123, 45);
}

static void png_refuses(void **state)
{
    (void)state;
    void *bytes;
    size_t size;
    uint8_t pixel[3] = {0};
    const vit_image vast = {2000000, 1, pixel}, nothing = {1, 1, NULL}, empty = {0, 1, pixel};
    assert_int_equal(vit_image_encode_png(NULL, &bytes, &size, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_image_encode_png(&nothing, &bytes, &size, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_image_encode_png(&empty, &bytes, &size, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_image_encode_png(&vast, &bytes, &size, NULL), VIT_ERR_TOO_LARGE);
    assert_null(bytes);
}

/* ------------------------------------------------------------------ JPEG ---- */

/* A picture without edges comes back nearly as it was, of whatever size; a lower quality takes fewer bytes. */
static void jpeg_of(uint32_t width, uint32_t height, int quality, size_t *size)
{
    vit_image image, again;
    vit_error err = {0};
    void *bytes;
    assert_ok(vit_image_alloc(width, height, &image, &err), err);
    for (size_t i = 0; i < (size_t)width * height; i++) {
        image.pixels[3 * i] = (uint8_t)(i % width * 255 / width);
        image.pixels[3 * i + 1] = (uint8_t)(i / width * 255 / height);
        image.pixels[3 * i + 2] = 128;
    }
    assert_ok(vit_image_encode_jpeg(&image, quality, &bytes, size, &err), err);
    assert_ok(vit_image_decode(bytes, *size, NULL, NULL, &again, &err), err);
    assert_true(again.width == width && again.height == height);
    for (size_t i = 0; quality >= 80 && i < (size_t)3 * width * height; i++)
        assert_in_range(abs(again.pixels[i] - image.pixels[i]), 0, 16);
    vit_free(bytes);
    vit_image_free(&image);
    vit_image_free(&again);
}

static void jpeg_is_written(void **state)
{
    (void)state;
    size_t fine, coarse;
    jpeg_of(1, 1, 100, &fine);
    jpeg_of(1, 700, 80, &fine);
    jpeg_of(123, 45, 95, &fine);
    jpeg_of(123, 45, 10, &coarse);
    assert_true(coarse < fine);
}

static void jpeg_refuses(void **state)
{
    (void)state;
    void *bytes;
    size_t size;
    uint8_t pixel[3] = {0};
    vit_error err = {0};
    const vit_image one = {1, 1, pixel}, vast = {65501, 1, pixel}, empty = {0, 1, pixel};
    assert_int_equal(vit_image_encode_jpeg(&empty, 80, &bytes, &size, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_image_encode_jpeg(&one, 0, &bytes, &size, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_image_encode_jpeg(&one, 101, &bytes, &size, &err), VIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "101"));
    assert_int_equal(vit_image_encode_jpeg(&vast, 80, &bytes, &size, NULL), VIT_ERR_TOO_LARGE);
    assert_null(bytes);
}

/* ------------------------------------------------------------------ tensors ---- */

static char path[] = "/tmp/vit-tensors-XXXXXX";

/* A file with this header and these bytes behind it. */
static void write_file(const char *header, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    uint64_t length = strlen(header);
    assert_non_null(file);
    assert_int_equal(fwrite(&length, sizeof length, 1, file), 1); /* little-endian, as the machines of the tests are */
    assert_int_equal(fwrite(header, 1, length, file), length);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void tensors_are_read(void **state)
{
    (void)state;
    vit_error err = {0};
    vit_tensor_file *file;
    vit_tensor tensor;
    struct {
        int64_t wide[2], huge[1];
        float floats[2];
        int32_t narrow[1];
    } data = {{-5, 2147483647}, {2147483648}, {1.5f, -2}, {7}};
    write_file("{\"w\":{\"dtype\":\"I64\",\"shape\":[1,2],\"data_offsets\":[0,16]},"
               "\"h\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[16,24]},"
               "\"f\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
               "\"n\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[32,36]}}",
               &data, 36);
    assert_ok(vit_tensor_file_open(path, &file, &err), err);
    const char *const names[] = {"f", "h", "n", "w"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(vit_tensor_file_get(file, i, &tensor));
        assert_string_equal(tensor.name, names[i]);
    }
    assert_true(tensor.rank == 2 && tensor.elements == 2 && tensor.shape[1] == 2);
    assert_string_equal(tensor.dtype, "I64");
    assert_false(vit_tensor_file_get(file, 4, &tensor));
    assert_false(vit_tensor_file_find(file, "x", &tensor));
    assert_null(tensor.name);
    int32_t integers[2];
    float floats[2];
    assert_ok(vit_tensor_file_integers(file, "w", integers, &err), err);
    assert_true(integers[0] == -5 && integers[1] == 2147483647);
    assert_ok(vit_tensor_file_integers(file, "n", integers, &err), err);
    assert_int_equal(integers[0], 7);
    assert_ok(vit_tensor_file_floats(file, "f", floats, &err), err);
    assert_true(floats[0] > 1.4f && floats[1] < -1.9f);
    assert_int_equal(vit_tensor_file_integers(file, "h", integers, NULL), VIT_ERR_UNSUPPORTED_FORMAT);
    assert_int_equal(vit_tensor_file_integers(file, "f", integers, NULL), VIT_ERR_UNSUPPORTED_FORMAT);
    assert_int_equal(vit_tensor_file_floats(file, "n", floats, NULL), VIT_ERR_UNSUPPORTED_FORMAT);
    assert_int_equal(vit_tensor_file_floats(file, "x", floats, NULL), VIT_ERR_NOT_FOUND);
    vit_tensor_file_free(file);
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    vit_tensor_file *file;
    assert_int_equal(vit_tensor_file_open("/nowhere/at/all", &file, NULL), VIT_ERR_NOT_FOUND);
    assert_null(file);
    assert_int_equal(vit_tensor_file_open("/tmp", &file, NULL), VIT_ERR_UNREADABLE);
    assert_int_equal(vit_tensor_file_open(NULL, &file, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_tensor_file_open(path, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    write_file("{\"f\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "1234567", 7);
    assert_int_not_equal(vit_tensor_file_open(path, &file, NULL), VIT_OK);
    assert_null(file);
    write_file("{", "", 0);
    assert_int_equal(vit_tensor_file_open(path, &file, NULL), VIT_ERR_CORRUPT);
    vit_tensor_file_free(NULL);
}

static int make_file(void **state)
{
    (void)state;
    int descriptor = mkstemp(path);
    return descriptor < 0 || close(descriptor) != 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(png_round_trips),  cmocka_unit_test(png_refuses),
                                       cmocka_unit_test(jpeg_is_written),  cmocka_unit_test(jpeg_refuses),
                                       cmocka_unit_test(tensors_are_read), cmocka_unit_test(bad_files_are_refused)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
