/* SPDX-License-Identifier: BSD-2-Clause */
/* docs/limits.md has the limits that vit_limit_at gives, and JSON is as deep as the table says. VIT_LIMITS is that
 * page. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "support.h"
#include "vit/limits.h"

static const char *document;

/* 1073741824 as "1,073,741,824". */
static void with_commas(uint64_t value, char *text)
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, value);
    for (int i = 0; i < n; i++) {
        *text++ = digits[i];
        if (i + 1 < n && (n - 1 - i) % 3 == 0)
            *text++ = ',';
    }
    *text = 0;
}

/* The next row of a table of limits: "| `name` | value unit | set by | what | ..." */
static bool next_row(FILE *file, char *line, size_t size)
{
    while (fgets(line, (int)size, file))
        if (strncmp(line, "| `", 3) == 0)
            return true;
    return false;
}

static void documented(void **state)
{
    (void)state;
    static char line[2048];
    FILE *file = fopen(document, "r");
    assert_non_null(file);
    const vit_limit *limit;
    for (size_t i = 0; (limit = vit_limit_at(i)); i++) {
        char value[64], start[512], what[512];
        with_commas(limit->value, value);
        snprintf(start, sizeof start, "| `%s` | %s%s%s | ", limit->name, value, *limit->unit ? " " : "", limit->unit);
        snprintf(what, sizeof what, " | %s | ", limit->what);
        if (!next_row(file, line, sizeof line))
            fail_msg("%s is not in %s", limit->name, document);
        if (strncmp(line, start, strlen(start)) != 0 || !strstr(line, what))
            fail_msg("%s has\n%s, and the code\n%s...%s", document, line, start, what);
        char set_by[256];
        snprintf(set_by, sizeof set_by, "%s", limit->set_by ? limit->set_by : "");
        for (char *word = strtok(set_by, ", "); word; word = strtok(NULL, ", "))
            assert_non_null(strstr(line, word));
    }
    assert_false(next_row(file, line, sizeof line));
    fclose(file);
}

static void named_once(void **state)
{
    (void)state;
    for (size_t i = 0; vit_limit_at(i); i++) {
        assert_true(vit_limit_at(i)->value > 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(vit_limit_at(i)->name, vit_limit_at(j)->name);
    }
    assert_null(vit_limit_at(SIZE_MAX));
}

/* Arrays in arrays. */
static vit_status parse_depth(size_t depth, vit_error *err)
{
    vit__json *json;
    char *text = malloc(2 * depth);
    assert_non_null(text);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    vit_status status = vit__json_parse(text, 2 * depth, "deep", &json, err);
    vit__json_free(json);
    free(text);
    return status;
}

static void depth_of_json(void **state)
{
    (void)state;
    vit_error err = {0};
    assert_ok(parse_depth(VIT__LIMIT_JSON_DEPTH, &err), err);
    assert_int_equal(parse_depth(VIT__LIMIT_JSON_DEPTH + 1, &err), VIT_ERR_CORRUPT);
    assert_non_null(strstr(err.message, "depth"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(documented), cmocka_unit_test(named_once),
                                       cmocka_unit_test(depth_of_json)};
    document = getenv("VIT_LIMITS");
    return document ? cmocka_run_group_tests(tests, NULL, NULL) : 2;
}
