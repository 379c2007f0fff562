/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for a terminal: no byte of it is a command. */
#include "support.h"

#include <string.h>

#include "json_text.h"
#include "outline.h"
#include "visible.h"

static void commands_are_shown(void **state)
{
    (void)state;
    static const struct {
        const char *string, *shown;
    } rows[] = {
        {"", ""},
        {"cat.jpg", "cat.jpg"},
        {"a\x1b[2Jb", "a\\x1b[2Jb"},
        {"two\nlines\r", "two\\nlines\\x0d"},
        {"tab\t\x7f\x01", "tab\\x09\\x7f\\x01"},
        {"\xc2\x9b"
         "2J",
         "\\xc2\\x9b2J"},                         /* U+009B, which some terminals take for ESC [ */
        {"\xc2\xa0\xc3\xa9", "\xc2\xa0\xc3\xa9"}, /* U+00A0, the first that is none; e with an accent */
        {"\xe7\x8c\xab \xf0\x9f\x90\xb1", "\xe7\x8c\xab \xf0\x9f\x90\xb1"},
        {"\xff\xc3", "\\xff\\xc3"},                            /* no UTF-8; a character that its end cuts */
        {"\xc0\x9b\xed\xa0\x80", "\\xc0\\x9b\\xed\\xa0\\x80"}, /* overlong; a surrogate */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cli_text text = {0};
        cli_text_visible(&text, rows[i].string);
        cli_text_add(&text, "", 1);
        assert_string_equal(text.data, rows[i].shown);
        cli_text_free(&text);
    }
}

/* Whatever the bytes are. */
static void no_byte_is_a_command(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int round = 0; round < 2000; round++) {
        char string[33], shown[CLI_VISIBLE_MOST * sizeof string];
        for (size_t i = 0; i + 1 < sizeof string; i++)
            string[i] = (char)(1 + random_next(&random) % 255);
        string[sizeof string - 1] = '\0';
        size_t size = cli_visible(string, shown);
        assert_true(size <= CLI_VISIBLE_MOST * strlen(string));
        for (size_t i = 0; i < size; i++) {
            unsigned char byte = (unsigned char)shown[i];
            assert_true(byte >= 0x20 && byte != 0x7F);
            assert_false(byte == 0xC2 && (i + 1 == size || (unsigned char)shown[i + 1] < 0xA0));
        }
    }
}

static void an_outline_is_for_people(void **state)
{
    (void)state;
    static const char json[] = "{\"a\":\"x\\u001b\\\"y\",\"n\":null,\"list\":[1,2.5,[0.1,3]],\"words\":[\"b\",\"c\"],"
                               "\"in\":{\"yes\":true,\"tenth\":0.1},\"long\":[1,2,3,4,5,6,7,8,9,10,11,12,13]}";
    vit__json *object;
    vit_error err = {0};
    cli_text text = {0};
    assert_ok(vit__json_parse(json, sizeof json - 1, "json", &object, &err), err);
    cli_json_outline(object, &text);
    cli_text_add(&text, "", 1);
    assert_string_equal(text.data, "a                       x\\x1b\"y\n"
                                   "n                       none\n"
                                   "list                    1, 2.5, [0.1, 3]\n"
                                   "words                   b; c\n"
                                   "in\n"
                                   "  yes                   true\n"
                                   "  tenth                 0.1\n"
                                   "long                    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 ... (13 in all)\n");
    cli_text_free(&text);
    vit__json_free(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_shown),
        cmocka_unit_test(no_byte_is_a_command),
        cmocka_unit_test(an_outline_is_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
