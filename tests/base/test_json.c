/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON: what the rules of a kind of document allow, what messages say, and memory that is refused
 * at any moment. */
#include "support.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "folder.h"
#include "json.h"
#include "json_text.h"
#include "random.h"

static const vit__json_rules lenient = {
    .file = {.most = 1000, .above = "a list of more than"}, .nul_in_strings = true, .whole_as_real = true};

static char *folder;

static vit_status load(const vit__json_rules *rules, const char *text, vit__json **json, vit_error *err)
{
    *err = (vit_error){0};
    write_text(folder, "file.json", text);
    vit_status status = rules ? vit__json_load_by(rules, in_folder(folder, "file.json"), json, err)
                              : vit__json_load(in_folder(folder, "file.json"), json, err);
    assert_true((*json != NULL) == (status == VIT_OK) && err->status == status);
    return status;
}

static void rules_say_what_a_document_may_hold(void **state)
{
    (void)state;
    static const char *const texts[] = {"[\"a\\u0000b\"]", "[1000000000000000000000000000000]"};
    vit__json *json;
    vit_error err;
    size_t size;
    double number;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(load(NULL, texts[i], &json, &err), VIT_ERR_CORRUPT);
    assert_ok(load(&lenient, texts[0], &json, &err), err);
    assert_memory_equal(vit__json_bytes(vit__json_at(json, 0), &size), "a\0b", 4);
    assert_int_equal(size, 3);
    assert_false(vit__json_is(vit__json_at(json, 0), "a"));
    vit__json_free(json);
    assert_ok(load(&lenient, texts[1], &json, &err), err);
    assert_true(vit__json_number(vit__json_at(json, 0), &number) && number == 1e30);
    vit__json_free(json);
    assert_int_equal(load(&lenient, "{\"a\\u0000\":1}", &json, &err), VIT_ERR_CORRUPT);
}

static void whole_numbers_stay_whole(void **state)
{
    (void)state;
    vit__json *json;
    vit_error err;
    int64_t integer;
    assert_ok(load(&lenient, "[2147483647, 0.5, 1e30]", &json, &err), err);
    assert_true(vit__json_integer(vit__json_at(json, 0), &integer) && integer == 2147483647);
    assert_false(vit__json_integer(vit__json_at(json, 1), &integer));
    assert_false(vit__json_integer(vit__json_at(json, 2), &integer));
    vit__json_free(json);
}

static void strings_have_their_size(void **state)
{
    (void)state;
    vit__json *json;
    vit_error err;
    size_t size = 7;
    assert_ok(load(NULL, "[\"word\", 4]", &json, &err), err);
    assert_string_equal(vit__json_bytes(vit__json_at(json, 0), &size), "word");
    assert_int_equal(size, 4);
    assert_true(vit__json_is(vit__json_at(json, 0), "word"));
    assert_false(vit__json_is(vit__json_at(json, 0), "wor"));
    assert_false(vit__json_is(vit__json_at(json, 0), "words"));
    assert_null(vit__json_bytes(vit__json_at(json, 1), &size));
    assert_int_equal(size, 0);
    assert_false(vit__json_is(vit__json_at(json, 9), ""));
    vit__json_free(json);
}

static void a_limit_is_the_kinds(void **state)
{
    (void)state;
    char text[1002];
    vit__json *json;
    vit_error err;
    memset(text, ' ', sizeof text);
    memcpy(text, "[]", 2);
    text[1000] = 0;
    assert_ok(load(&lenient, text, &json, &err), err);
    vit__json_free(json);
    text[1000] = ' ';
    text[1001] = 0;
    assert_int_equal(load(&lenient, text, &json, &err), VIT_ERR_TOO_LARGE);
    assert_string_equal(err.message, "a list of more than 1000 bytes");
}

static void a_file_that_ends_too_early_is_called_so(void **state)
{
    (void)state;
    static const char *const early[] = {"",    " ",      "{",       "[",          "[1",
                                        "[1,", "{\"a\"", "{\"a\":", "{\"a\":\"x", "{\"a\":[1,2"};
    static const char *const other[] = {"[1]]", "{\"a\":1}}", "[1 2]", "{\"a\":}", "[tru]", "{\"a\":1,\"a\":2}", "]"};
    vit__json *json;
    vit_error err;
    for (size_t i = 0; i < sizeof early / sizeof *early; i++) {
        assert_int_equal(load(NULL, early[i], &json, &err), VIT_ERR_CORRUPT);
        if (!strstr(err.message, "ends too early (line 1"))
            fail_msg("%s: %s", early[i], err.message);
    }
    assert_int_equal(vit__json_parse(NULL, 0, NULL, &json, &err), VIT_ERR_CORRUPT); /* as of an empty buffer */
    if (!strstr(err.message, "ends too early"))
        fail_msg("nothing: %s", err.message);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        assert_int_equal(load(NULL, other[i], &json, &err), VIT_ERR_CORRUPT);
        if (strstr(err.message, "too early"))
            fail_msg("%s: %s", other[i], err.message);
    }
}

/* Each request refused in turn, alone and with all that follow: jansson itself goes on where its
 * buffer cannot grow. */
static void refused_requests_are_out_of_memory(void **state)
{
    (void)state;
    char text[900];
    snprintf(text, sizeof text, "{\"word\":\"%0400d\",\"\\u00e9\":[1,2.5,true,null,\"%0200d\"],\"o\":{\"p\":{}}}", 0,
             0);
    vit__json *json;
    vit_error err;
    write_text(folder, "file.json", text);
    const char *path = in_folder(folder, "file.json");
    allocations_watch(0, 0);
    err = (vit_error){0};
    assert_ok(vit__json_load_by(&lenient, path, &json, &err), err);
    const size_t requests = allocations_stop();
    vit__json_free(json);
    assert_true(requests > 10);
    for (size_t first = 1; first <= requests; first++)
        for (size_t refused = 1; refused <= 2; refused++) {
            err = (vit_error){0};
            allocations_watch(first, refused == 1 ? 1 : SIZE_MAX);
            assert_int_equal(vit__json_load_by(&lenient, path, &json, &err), VIT_ERR_OUT_OF_MEMORY);
            allocations_stop();
            assert_null(json);
        }
}

#define LONG 5000 /* more than VIT__JSON_LONG */

/* `format` with long strings of a's, b's and c's in the places of %s. */
static char *with_long_strings(const char *format)
{
    static char text[4 * LONG];
    char *to = text, letter = 'a';
    while (*format) {
        bool string = strncmp(format, "%s", 2) == 0;
        size_t size = string ? LONG : 1;
        memset(to, string ? letter++ : *format, size);
        to += size;
        format += string ? 2 : 1;
    }
    *to = '\0';
    return text;
}

static void assert_long(const vit__json *value, char letter, const char *end)
{
    size_t size;
    const char *bytes = vit__json_bytes(value, &size);
    assert_non_null(bytes);
    assert_int_equal(size, LONG + strlen(end));
    assert_true(bytes[0] == letter && bytes[LONG - 1] == letter);
    assert_string_equal(bytes + LONG, end);
}

static void long_strings_are_values_like_others(void **state)
{
    (void)state;
    vit__json *json;
    vit_error err;
    char *text = with_long_strings("[{\"k\":[\"%s\",\"x\"],\"%s\" : 1,\"m\":\"%s\"},2]");
    assert_ok(vit__json_parse(text, strlen(text), "x", &json, &err), err);
    const vit__json *object = vit__json_at(json, 0), *list = vit__json_get(object, "k");
    assert_long(vit__json_at(list, 0), 'a', "");
    assert_true(vit__json_is(vit__json_at(list, 1), "x"));
    assert_int_equal(strlen(vit__json_key(vit__json_next(object, vit__json_first(object)))), LONG);
    assert_long(vit__json_get(object, "m"), 'c', "");
    vit__json_free(json);
    text = with_long_strings("\"%s\"");
    assert_ok(vit__json_parse(text, strlen(text), "x", &json, &err), err);
    assert_long(json, 'a', "");
    vit__json_free(json);
    text = with_long_strings("[\"%s\\/\\n\\\\\\\"\",\"\\\\\",\"%s\\t\"]");
    assert_ok(vit__json_parse(text, strlen(text), "x", &json, &err), err);
    assert_long(vit__json_at(json, 0), 'a', "/\n\\\"");
    assert_true(vit__json_is(vit__json_at(json, 1), "\\"));
    assert_long(vit__json_at(json, 2), 'b', "\t");
    vit__json_free(json);
    text = with_long_strings("[\"%s\\\"\",\"%s\\u00e9\",\"%s\303\251\"]");
    assert_ok(vit__json_parse(text, strlen(text), "x", &json, &err), err);
    static const char *const ends[] = {"\"", "\303\251", "\303\251"};
    for (size_t i = 0; i < 3; i++)
        assert_long(vit__json_at(json, i), (char)('a' + i), ends[i]);
    vit__json_free(json);
}

/* U+FDD0 and a number stand for a long string while a document is parsed. */
static void nothing_is_taken_for_a_mark(void **state)
{
    (void)state;
    static const char *const marks[] = {"\357\267\2200", "\\uFDD00", "\\ufdd00"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        vit__json *json;
        vit_error err;
        char format[64];
        snprintf(format, sizeof format, "[\"%%s\",\"%s\",\"\\\\u\"]", marks[i]);
        const char *text = with_long_strings(format);
        assert_ok(vit__json_parse(text, strlen(text), "x", &json, &err), err);
        assert_long(vit__json_at(json, 0), 'a', "");
        assert_true(vit__json_is(vit__json_at(json, 1), "\357\267\2200"));
        vit__json_free(json);
    }
}

static void long_strings_hide_no_fault(void **state)
{
    (void)state;
    static const char *const bad[] = {"[\"%s\"",         "[\"%s",          "[\"%s\" 1]", "{\"%s\":1,\"a\":1,\"a\":2}",
                                      "[\"%s\"]\"%s\"",  "[\"%s\"\"%s\"]", "[\"%s\n\"]", "[\"%s\\x\"]",
                                      "[\"%s\\u0000\"]", "[\"%s\377\"]",   "%s",         "{\"%s\":\"%s\",}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        vit__json *json;
        vit_error err = {0};
        const char *text = with_long_strings(bad[i]);
        if (vit__json_parse(text, strlen(text), "x", &json, &err) != VIT_ERR_CORRUPT)
            fail_msg("%s is valid", bad[i]);
        assert_null(json);
    }
}

/* Counts how often it is asked for memory. */
static bool count_asks(void *context, size_t bytes)
{
    (void)bytes;
    ++*(int *)context;
    return true;
}

/* In each long string one character that keeps the string from being set aside. */
static void make_unplain(char *text)
{
    static const char *const starts[] = {"aaaa", "bbbb", "cccc"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        char *at = strstr(text, starts[i]);
        if (at)
            *at = '\x7F';
    }
}

/* What is said of a damaged document does not depend on whether strings were set aside, and memory is asked for
 * once. */
static void faults_beside_long_strings_have_their_place(void **state)
{
    (void)state;
    static const char *const bad[] = {"[\"%s\",\n\"%s\" 7]",
                                      "[\"%s\",\"\xC3\xA9\",\"%s\",nul]",
                                      "{\"a\":\"%s\",\n\"b\" \"%s\"}",
                                      "[\"%s\"\"%s\"]",
                                      "{\"%s\" \"%s\"}",
                                      "\n\n[\"%s\",1 2,\"%s\"]",
                                      "{\"a\":\"%s\",\"b\":1,\"b\":\"%s\"}",
                                      "[\"%s\",[\"%s\"",
                                      "\"%s\"\"%s\"",
                                      "[\"%s\",\n\"%s\",\n1e999,\"%s\"]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int asks = 0;
        const vit__json_rules rules = {.may_take = count_asks, .context = &asks};
        vit__json *json;
        vit_error set_aside = {0}, as_it_is = {0};
        char *text = with_long_strings(bad[i]);
        assert_int_equal(vit__json_parse_by(&rules, text, strlen(text), "x", &json, &set_aside), VIT_ERR_CORRUPT);
        assert_int_equal(asks, 1);
        make_unplain(text);
        assert_int_equal(vit__json_parse(text, strlen(text), "x", &json, &as_it_is), VIT_ERR_CORRUPT);
        assert_string_equal(set_aside.message, as_it_is.message);
    }
}

/* Whether it then manages without or not: never anything but the document, or no memory. */
static void long_strings_without_memory(void **state)
{
    (void)state;
    const char *text = with_long_strings("{\"a\":[\"%s\",{\"b\":\"%s\"}],\"c\":\"%s\"}");
    const size_t size = strlen(text);
    vit__json *json;
    vit_error err = {0};
    allocations_watch(0, 0);
    assert_ok(vit__json_parse(text, size, "x", &json, &err), err);
    const size_t requests = allocations_stop();
    vit__json_free(json);
    for (size_t first = 1; first <= requests; first++)
        for (size_t refused = 1; refused <= 2; refused++) {
            allocations_watch(first, refused == 1 ? 1 : SIZE_MAX);
            vit_status status = vit__json_parse(text, size, "x", &json, &err);
            allocations_stop();
            assert_true(status == VIT_ERR_OUT_OF_MEMORY || (status == VIT_OK && refused == 1));
            if (status == VIT_OK)
                assert_long(vit__json_get(json, "c"), 'c', "");
            else
                assert_null(json);
            vit__json_free(json);
        }
}

static int make_folder(void **state)
{
    (void)state;
    folder = folder_make();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

/* A request without a body has no bytes at all. Numbers that nobody reads may be of any size, where rules say so. */
static void json_in_memory(void **state)
{
    (void)state;
    static const vit__json_rules large = {.whole_as_real = true};
    static const char text[] = "{\"a\":24,\"b\":123456789012345678901234567890}";
    vit__json *json = NULL;
    int64_t whole = 0;
    assert_int_equal(vit__json_parse(NULL, 0, "x", &json, NULL), VIT_ERR_CORRUPT);
    assert_int_equal(vit__json_parse(text, strlen(text), "x", &json, NULL), VIT_ERR_CORRUPT);
    assert_int_equal(vit__json_parse_by(&large, text, strlen(text), "x", &json, NULL), VIT_OK);
    assert_true(vit__json_integer(vit__json_get(json, "a"), &whole) && whole == 24);
    vit__json_free(json);
}

/* Bytes that the rules are asked for, and whether they may be had. */
typedef struct asked {
    size_t bytes;
    bool may;
} asked;

static bool ask(void *context, size_t bytes)
{
    asked *a = context;
    a->bytes = bytes;
    return a->may;
}

/* A document of so many times the same, between a first and a last part. */
static char *repeated(const char *first, const char *part, size_t n, const char *last)
{
    size_t size = strlen(part);
    char *text = malloc(strlen(first) + n * size + strlen(last) + 1), *at = text + strlen(first);
    assert_non_null(text);
    strcpy(text, first);
    for (size_t i = 0; i < n; i++, at += size)
        memcpy(at, part, size);
    strcpy(at, last);
    return text;
}

static size_t bytes_in_use(void)
{
    struct mallinfo2 now = mallinfo2();
    return now.uordblks + now.hblkhd;
}

/* What is asked for is no less than what the tree takes, and is near to it for what people send. */
static void memory_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *first, *part, *last;
        bool usual;
    } cases[] = {
        {"[", "[],", "0]", false},          {"[", "{},", "0]", false},
        {"[", "1.25,", "0]", true},         {"[", "\"ab\",", "0]", true},
        {"[", "{\"a\":1},", "0]", true},    {"[", "[1,2,3],", "0]", true},
        {"[\"", "0123456789", "\"]", true}, {"[\"", "01234\\/6789", "\"]", false},
        {"[\"", "\xC3\xA9", "\"]", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asked a = {.may = true};
        const vit__json_rules rules = {.whole_as_real = true, .may_take = ask, .context = &a};
        char *text = repeated(cases[i].first, cases[i].part, 50000, cases[i].last);
        size_t before = bytes_in_use();
        vit__json *json = NULL;
        assert_int_equal(vit__json_parse_by(&rules, text, strlen(text), "x", &json, NULL), VIT_OK);
        size_t taken = bytes_in_use() - before;
        assert_in_range(a.bytes, taken, cases[i].usual && taken > 0 ? 2 * taken : SIZE_MAX);
        vit__json_free(json);
        a.may = false;
        assert_int_equal(vit__json_parse_by(&rules, text, strlen(text), "x", &json, NULL), VIT_ERR_TOO_LARGE);
        assert_null(json);
        free(text);
    }
}

/* {"a":1,"a":[2]}: a key that stands twice is refused, unless the rules allow it. */
static void keys_may_stand_twice_by_the_rules(void **state)
{
    (void)state;
    static const vit__json_rules any = {.duplicate_keys = true};
    static const char twice[] = "{\"a\":1,\"a\":[2]}", once[] = "{\"a\":[2]}", other[] = "{\"a\":[3]}";
    vit__json *json = NULL, *same = NULL, *different = NULL;
    assert_int_equal(vit__json_parse(twice, strlen(twice), "x", &json, NULL), VIT_ERR_CORRUPT);
    assert_int_equal(vit__json_parse_by(&any, twice, strlen(twice), "x", &json, NULL), VIT_OK);
    assert_int_equal(vit__json_parse(once, strlen(once), "x", &same, NULL), VIT_OK);
    assert_int_equal(vit__json_parse(other, strlen(other), "x", &different, NULL), VIT_OK);
    assert_true(vit__json_equal(json, same));
    assert_false(vit__json_equal(json, different));
    assert_false(vit__json_equal(json, NULL));
    vit__json_free(json);
    vit__json_free(same);
    vit__json_free(different);
}

static void text_has_the_spaces_asked_for(void **state)
{
    (void)state;
    static const char document[] = "{\"a\":[1,2],\"b\":\"c d\"}";
    vit__json *json = NULL;
    assert_int_equal(vit__json_parse(document, strlen(document), "x", &json, NULL), VIT_OK);
    char *compact = vit__json_text(json, VIT__JSON_COMPACT), *line = vit__json_text(json, 0);
    assert_string_equal(compact, document);
    assert_string_equal(line, "{\"a\": [1, 2], \"b\": \"c d\"}");
    free(compact);
    free(line);
    vit__json_free(json);
}

/* A byte that is no UTF-8 is replaced, or kept as Python's surrogateescape reads it; both documents are well formed. */
static void strings_are_quoted(void **state)
{
    (void)state;
    static const struct {
        const char *string, *replaced, *kept;
    } cases[] = {
        {NULL, "null", "null"},
        {"", "\"\"", "\"\""},
        {"a \"b\" \\ \n\x01", "\"a \\\"b\\\" \\\\ \\n\\u0001\"", "\"a \\\"b\\\" \\\\ \\n\\u0001\""},
        {"caf\xC3\xA9", "\"caf\xC3\xA9\"", "\"caf\xC3\xA9\""},
        {"caf\xE9.jpg", "\"caf\\ufffd.jpg\"", "\"caf\\udce9.jpg\""},
        {"\xC3", "\"\\ufffd\"", "\"\\udcc3\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vit__buffer replaced = {0}, kept = {0};
        vit__json_put_string(&replaced, cases[i].string);
        vit__json_put_name(&kept, cases[i].string);
        assert_string_equal(vit__buffer_terminate(&replaced), cases[i].replaced);
        assert_string_equal(vit__buffer_terminate(&kept), cases[i].kept);
        vit__buffer_free(&replaced);
        vit__buffer_free(&kept);
    }
}

static void floats_come_back(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *nine, *fewest;
    } cases[] = {
        {0.1f, "0.100000001", "0.1"},
        {1, "1", "1"},
        {-2.5e-9f, "-2.49999998e-09", "-2.5e-09"},
        {16777216, "16777216", "16777216"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vit__buffer nine = {0}, fewest = {0};
        vit__json_put_float(&nine, cases[i].value);
        vit__json_put_short_float(&fewest, cases[i].value);
        assert_string_equal(vit__buffer_terminate(&nine), cases[i].nine);
        assert_string_equal(vit__buffer_terminate(&fewest), cases[i].fewest);
        assert_true(strtof(nine.data, NULL) == cases[i].value && strtof(fewest.data, NULL) == cases[i].value);
        vit__buffer_free(&nine);
        vit__buffer_free(&fewest);
    }
}

/* Numbers are written as printf writes them: those of all sizes, of the usual ones, near powers of ten, and halves of
 * the last digit. */
static void floats_are_those_of_printf(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 300000; i++) {
        uint32_t bits = (uint32_t)(random_next(&seed) >> 32);
        float value;
        char want[32];
        vit__buffer text = {0};
        memcpy(&value, &bits, sizeof value);
        if (i % 4 == 1)
            value = (float)(bits >> 8) / 16777216 - 0.5f; /* as in a vector of length 1 */
        else if (i % 4 == 2)
            value = (float)pow(10, (int)(bits % 16) - 5) * (1 + (float)((int)(bits >> 28) - 8) / 16777216);
        else if (i % 4 == 3)
            value = (float)(bits >> 7) / (float)(1u << (bits % 32)); /* few digits behind the point, the last one a 5 */
        if (!isfinite(value))
            continue;
        snprintf(want, sizeof want, "%.9g", (double)value);
        vit__json_put_float(&text, value);
        assert_string_equal(vit__buffer_terminate(&text), want);
        vit__buffer_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_in_memory),
        cmocka_unit_test(memory_is_asked_for),
        cmocka_unit_test(keys_may_stand_twice_by_the_rules),
        cmocka_unit_test(text_has_the_spaces_asked_for),
        cmocka_unit_test(strings_are_quoted),
        cmocka_unit_test(floats_come_back),
        cmocka_unit_test(floats_are_those_of_printf),
        cmocka_unit_test(rules_say_what_a_document_may_hold),
        cmocka_unit_test(whole_numbers_stay_whole),
        cmocka_unit_test(strings_have_their_size),
        cmocka_unit_test(a_limit_is_the_kinds),
        cmocka_unit_test(a_file_that_ends_too_early_is_called_so),
        cmocka_unit_test(refused_requests_are_out_of_memory),
        cmocka_unit_test(long_strings_are_values_like_others),
        cmocka_unit_test(nothing_is_taken_for_a_mark),
        cmocka_unit_test(long_strings_hide_no_fault),
        cmocka_unit_test(faults_beside_long_strings_have_their_place),
        cmocka_unit_test(long_strings_without_memory),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
