/* SPDX-License-Identifier: BSD-2-Clause */
/* A progressive JPEG may go over its picture as often as it likes, at a dozen bytes a time. */
#include <string.h>

#include "decode_cases.h"

#define SIDE 4096u
#define SOUND_SCANS 10u
#define HOSTILE_SCANS 400u

typedef struct stream {
    uint8_t bytes[32 * 1024];
    size_t size;
} stream;

static void put(stream *s, const void *bytes, size_t size)
{
    assert_true(size <= sizeof s->bytes - s->size);
    memcpy(s->bytes + s->size, bytes, size);
    s->size += size;
}

/* SIDE x SIDE, gray. Every code is one bit long. */
static void put_header(stream *s)
{
    static const uint8_t frame[] = {0xff, 0xc2, 0, 11, 8, SIDE >> 8, SIDE & 255, SIDE >> 8, SIDE & 255, 1, 1, 0x11, 0};
    static const uint8_t quantisation[] = {0xff, 0xdb, 0, 67, 0}, level = 1;
    static const uint8_t difference_codes[] = {0xff, 0xc4, 0, 20, 0x00, 1, 0, 0, 0, 0, 0,
                                               0,    0,    0, 0,  0,    0, 0, 0, 0, 0, 0};
    static const uint8_t run_codes[] = {0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0};
    put(s, "\xff\xd8", 2);
    put(s, quantisation, sizeof quantisation);
    for (int i = 0; i < 64; i++)
        put(s, &level, 1);
    put(s, frame, sizeof frame);
    put(s, difference_codes, sizeof difference_codes);
    put(s, run_codes, sizeof run_codes);
}

/* The levels themselves, left to libjpeg to make up; then runs of 32767 empty blocks: a zero and fourteen ones each. */
static void put_scans(stream *s, unsigned count)
{
    static const uint8_t levels[] = {0xff, 0xda, 0, 8, 1, 1, 0x00, 0, 0, 0};
    static const uint8_t rest[] = {0xff, 0xda, 0, 8, 1, 1, 0x00, 1, 63, 0};
    static const uint8_t runs[] = {0x7f, 0xfe, 0xff, 0,    0xfd, 0xff, 0,    0xfb, 0xff, 0,    0xf7,
                                   0xff, 0,    0xef, 0xff, 0,    0xdf, 0xff, 0,    0xbf, 0xff, 0};
    put(s, levels, sizeof levels);
    for (unsigned i = 1; i < count; i++) {
        put(s, rest, sizeof rest);
        put(s, runs, sizeof runs);
    }
    put(s, "\xff\xd9", 2);
}

static vit_status decode_scans(unsigned count, vit_error *err)
{
    static stream s;
    s.size = 0;
    put_header(&s);
    put_scans(&s, count);
    vit_image image = {0};
    const vit_status status = vit_image_decode(s.bytes, s.size, "scans.jpg", NULL, &image, err);
    vit_image_free(&image);
    return status;
}

static void as_many_as_encoders_write(void **state)
{
    (void)state;
    vit_error err = {0};
    assert_ok(decode_scans(SOUND_SCANS, &err), err);
}

static void as_many_as_cost_time(void **state)
{
    (void)state;
    vit_error err = {0};
    assert_int_equal(decode_scans(HOSTILE_SCANS, &err), VIT_ERR_CORRUPT);
    assert_non_null(strstr(err.message, "scans"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_encoders_write),
        cmocka_unit_test(as_many_as_cost_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
