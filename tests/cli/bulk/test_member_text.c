/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes with an image in a tar file, on its way into a line of JSON. */
#include <stdlib.h>
#include <string.h>

#include "sha256.h"
#include "member_text.h"
#include "support.h"

static void test_json(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *line; /* NULL: refused */
    } cases[] = {
        {"{}", "{}"},
        {" { \"a\" :\n[ 1 , 2.50 ,\t\"x y\" ] }\r\n", "{\"a\":[1,2.50,\"x y\"]}"},
        {"\"a \\\" b \\\\\"", "\"a \\\" b \\\\\""},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"null", "null"},
        {"\"\\u0000\"", "\"\\u0000\""},
        {"", NULL},
        {"{", NULL},
        {"{}{}", NULL},
        {"\"\n\"", NULL},
        {"NaN", NULL},
        {"\"\xff\"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *why = NULL;
        char *line = cli_member_json(cases[i].bytes, strlen(cases[i].bytes), &why);
        if (cases[i].line)
            assert_string_equal(line, cases[i].line);
        else
            assert_null(line);
        assert_int_equal(why == NULL, line != NULL);
        free(line);
    }
}

/* Brackets without end must not run the parser out of stack. */
static void test_deep_json(void **state)
{
    (void)state;
    enum { DEPTH = 1 << 20 };
    char *deep = malloc(DEPTH);
    const char *why = NULL;
    assert_non_null(deep);
    memset(deep, '[', DEPTH);
    assert_null(cli_member_json(deep, DEPTH, &why));
    assert_non_null(why);
    free(deep);
}

static void test_text(void **state)
{
    (void)state;
    const char *why = NULL;
    char *text = cli_member_text("a dog\n", 6, &why);
    assert_string_equal(text, "a dog\n");
    free(text);
    text = cli_member_text(NULL, 0, &why);
    assert_string_equal(text, "");
    free(text);
    assert_null(why);
    assert_null(cli_member_text("a\0b", 3, &why));
    assert_non_null(why);
}

/* FIPS 180-4, and that asking in between changes nothing. */
static void test_digest(void **state)
{
    (void)state;
    char hex[VIT__SHA256_HEX];
    vit__sha256_state digest;
    vit__sha256_start(&digest);
    vit__sha256_so_far(&digest, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    vit__sha256_add(&digest, "a", 1);
    vit__sha256_so_far(&digest, hex);
    vit__sha256_add(&digest, "bc", 2);
    vit__sha256_so_far(&digest, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_deep_json),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
