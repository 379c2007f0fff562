/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of tokenizers on their own, where a whole line would not show which of them is wrong. */
#include <string.h>

#include "clean.h"
#include "fixtures.h"
#include "ftfy.h"
#include "html.h"
#include "lexicon.h"
#include "normalizer.h"
#include "python_text.h"
#include "unicode.h"

typedef void step(const char *text, size_t size, vit__buffer *out);

static void assert_step(step *run, const char *text, const char *wanted)
{
    vit__buffer out = {0};
    run(text, strlen(text), &out);
    const char *got = vit__buffer_terminate(&out);
    assert_non_null(got);
    assert_string_equal(got, wanted);
    vit__buffer_free(&out);
}

static void a_lexicon_finds_and_walks(void **state)
{
    (void)state;
    static const char *const words[] = {"b", "a", "abc", "ab", "a", "\xFF", "ad"};
    vit__lexicon lexicon = {0};
    for (uint32_t i = 0; i < sizeof words / sizeof *words; i++)
        vit__lexicon_add(&lexicon, words[i], strlen(words[i]), i);
    vit__lexicon_finish(&lexicon);
    assert_int_equal(lexicon.n, 6);
    assert_int_equal(vit__lexicon_find(&lexicon, "a", 1), 4); /* the later of the two */
    assert_int_equal(vit__lexicon_find(&lexicon, "\xFF", 1), 5);
    assert_int_equal(vit__lexicon_find(&lexicon, "ac", 2), VIT__NO_ID);
    assert_int_equal(vit__lexicon_find(&lexicon, "", 0), VIT__NO_ID);
    vit__walk walk = vit__walk_start(&lexicon);
    assert_int_equal(vit__walk_value(&lexicon, &walk), VIT__NO_ID);
    assert_true(vit__walk_feed(&lexicon, &walk, 'a'));
    assert_int_equal(vit__walk_value(&lexicon, &walk), 4);
    assert_true(vit__walk_feed(&lexicon, &walk, 'b'));
    assert_int_equal(vit__walk_value(&lexicon, &walk), 3);
    assert_true(vit__walk_feed(&lexicon, &walk, 'c'));
    assert_false(vit__walk_feed(&lexicon, &walk, 'd'));
    vit__lexicon_free(&lexicon);
}

/* Expected values: html.unescape of Python 3.11. */
static void html_is_unescaped_as_python_does(void **state)
{
    (void)state;
    /* clang-format off */
    static const char *const rows[][2] = {
        {"&amp;lt;", "&lt;"},       {"&amp", "&"},          {"&ampx", "&x"},         {"&notit;", "\xC2\xACit;"},
        {"&#150;", "\xE2\x80\x93"}, {"&#x110000;", "\xEF\xBF\xBD"}, {"&#0;", "\xEF\xBF\xBD"}, {"&#1;", ""},
        {"&#xD800;", "\xEF\xBF\xBD"}, {"&#13;", "\r"},      {"&#129;", "\xC2\x81"},  {"&#99999999999999999999;", "\xEF\xBF\xBD"},
        {"&#;", "&#;"},             {"&#x;", "&#x;"},       {"&;", "&;"},            {"&bogus;", "&bogus;"},
        {"&NotEqualTilde;", "\xE2\x89\x82\xCC\xB8"},        {"&copy 2020", "\xC2\xA9 2020"}, {"&am", "&am"},
        {"&CounterClockwiseContourIntegral;", "\xE2\x88\xB3"}, {"&#65", "A"}, {"&#x41g", "Ag"}, {"R&D", "R&D"},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_step(vit__html_unescape, rows[i][0], rows[i][1]);
}

static void fix(const char *text, size_t size, vit__buffer *out)
{
    assert_true(vit__ftfy_fix(text, size, out));
}

/* Expected values: ftfy.fix_text of ftfy 6.3.1. */
static void text_is_fixed_as_ftfy_does(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"P&EACUTE;REZ", "P\xC3\x89REZ"},
        {"BUNDESSTRA&SZLIG;E", "BUNDESSTRASSE"},
        {"&ntilde; &Ntilde; &NTILDE; &nTILDE;", "\xC3\xB1 \xC3\x91 \xC3\x91 &nTILDE;"},
        {"<b>&amp;</b>", "<b>&amp;</b>"},
        {"&amp;\n<b>&amp;\n&amp;", "&\n<b>&amp;\n&amp;"},
        {"&amp;amp;amp;", "&"},
        {"&#59; &#65; &#65", "&#59; A &#65"},
        {"\xE2\x80\x9Cit\xE2\x80\x99s\xE2\x80\x9D", "\"it's\""},
        {"o\xEF\xAC\x83"
         "ce \xC7\x84",
         "office D\xC5\xBD"},
        {"\xEF\xBC\xA1\xE3\x80\x80\xEF\xBD\xB6\xEF\xBE\x9E", "A \xE3\x82\xAC"},
        {"a\r\nb\rc\xE2\x80\xA8"
         "d",
         "a\nb\nc\nd"},
        {"\x1B[31mred\x1B[0m \x1B[x", "red "},
        {"a\x01\x07"
         "b\xEF\xBB\xBF",
         "ab"},
        {"e\xCC\x81", "\xC3\xA9"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_step(fix, rows[i][0], rows[i][1]);
}

static void case_and_space_are_pythons(void **state)
{
    (void)state;
    assert_step(vit__python_lower, "\xCE\x9F\xCE\x94\xCE\x9F\xCE\xA3 \xCE\xA3",
                "\xCE\xBF\xCE\xB4\xCE\xBF\xCF\x82 \xCF\x83");
    assert_step(vit__python_lower, "\xCE\x91\xCE\xA3'\xCE\x91", "\xCE\xB1\xCF\x83'\xCE\xB1");
    assert_step(vit__python_lower, "\xCE\x91\xCE\xA3.", "\xCE\xB1\xCF\x82.");
    assert_step(vit__python_lower, "\xC4\xB0I", "i\xCC\x87i");
    assert_step(vit__python_join_split, "\x1C a \xC2\xA0\t b\xE3\x80\x80", "a b");
    assert_step(vit__python_join_split, " \n", "");
}

static void only_sets_of_characters_are_patterns(void **state)
{
    (void)state;
    static const char *const good[] = {"\\s+", " {2,}", "[\\n\\t]", "x", "\\.", "[!\\-\\]]+", "\xE2\x96\x81"};
    static const char *const bad[] = {"",  "a*",   "ab",  "[a-z]",       "[^a]",  "\\d",   "\\p{L}",
                                      ".", "a{2}", "[",   "[a",          "\\",    "a++",   "(a)",
                                      "^", "$",    "a|b", "[[:alpha:]]", "\\x41", "a{2,}b"};
    vit__run_pattern pattern;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(vit__run_pattern_parse(good[i], strlen(good[i]), &pattern));
        vit__buffer_free(&pattern.members);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(vit__run_pattern_parse(bad[i], strlen(bad[i]), &pattern));
}

static void entities_are_sorted(void **state)
{
    (void)state;
    for (size_t i = 1; i < vit__n_entities; i++)
        assert_true(strcmp(vit__entities[i - 1].name, vit__entities[i].name) < 0);
    assert_int_equal(vit__n_entities, 2125);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lexicon_finds_and_walks),
        cmocka_unit_test(html_is_unescaped_as_python_does),
        cmocka_unit_test(text_is_fixed_as_ftfy_does),
        cmocka_unit_test(case_and_space_are_pythons),
        cmocka_unit_test(only_sets_of_characters_are_patterns),
        cmocka_unit_test(entities_are_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
