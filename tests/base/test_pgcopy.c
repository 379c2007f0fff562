/* SPDX-License-Identifier: BSD-2-Clause */
/* PostgreSQL's binary COPY, byte by byte as its manual and pgvector's vector_recv and halfvec_recv have it. */
#include <string.h>

#include "pgcopy.h"
#include "support.h"

#define assert_bytes(text, want)                                                                                       \
    do {                                                                                                               \
        assert_int_equal((text).size, sizeof(want) - 1);                                                               \
        assert_memory_equal((text).data, want, sizeof(want) - 1);                                                      \
    } while (0)

static void test_frame(void **state)
{
    (void)state;
    vit__buffer bytes = {0};
    vit__pg_start(&bytes);
    vit__pg_end(&bytes);
    assert_bytes(bytes, "PGCOPY\n\xff\r\n\0"
                        "\0\0\0\0"
                        "\0\0\0\0"
                        "\xff\xff");
    vit__buffer_free(&bytes);
}

static void test_fields(void **state)
{
    (void)state;
    vit__buffer bytes = {0};
    vit__pg_row(&bytes, 4);
    vit__pg_text(&bytes, "a\xc3\xa9");
    vit__pg_null(&bytes);
    vit__pg_int64(&bytes, -2);
    vit__pg_bytes(&bytes, "\0\x01", 2);
    assert_bytes(bytes, "\0\x04"
                        "\0\0\0\x03"
                        "a\xc3\xa9"
                        "\xff\xff\xff\xff"
                        "\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xfe"
                        "\0\0\0\x02\0\x01");
    vit__buffer_free(&bytes);
}

/* The server takes UTF-8 only, and a file name may be anything. */
static void test_no_utf8(void **state)
{
    (void)state;
    vit__buffer bytes = {0};
    vit__pg_text(&bytes, "x\xff\xc3");
    assert_bytes(bytes, "\0\0\0\x0dx\\udcff\\udcc3");
    vit__buffer_clear(&bytes);
    vit__pg_text(&bytes, "");
    assert_bytes(bytes, "\0\0\0\0");
    vit__buffer_free(&bytes);
}

static void test_vector(void **state)
{
    (void)state;
    static const float values[] = {1.0f, -2.5f, 0.1f};
    vit__buffer bytes = {0};
    vit__pg_vector(&bytes, values, 3, false);
    assert_bytes(bytes, "\0\0\0\x10"
                        "\0\x03\0\0"
                        "\x3f\x80\0\0"
                        "\xc0\x20\0\0"
                        "\x3d\xcc\xcc\xcd");
    vit__buffer_clear(&bytes);
    vit__pg_vector(&bytes, values, 3, true);
    assert_bytes(bytes, "\0\0\0\x0a"
                        "\0\x03\0\0"
                        "\x3c\0"
                        "\xc1\0"
                        "\x2e\x66");
    vit__buffer_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_no_utf8),
        cmocka_unit_test(test_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
