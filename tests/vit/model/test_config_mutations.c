/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configs with something wrong in them: of every golden case many, each with one to three random alterations of its
 * text. Whatever comes of it, nothing crashes, hangs or leaks, and a model that opens encodes (or says that it
 * cannot). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "altered.h"
#include "golden.h"

#define MUTATIONS 40         /* of each case */
#define PIXELS_MOST 3000000u /* larger pictures are not worth the time */

/* clang-format off */
static const char *const values[] = {
    "0",    "-1",   "1",     "2",     "7",    "1e308", "1e999",      "-0.0", "0.5",  "4294967297", "9223372036854775808",
    "true", "false", "null", "\"\"",  "\"x\"", "[]",   "{}",         "[1,2]", "\"gelu\"", "1e-300", "65536", "[0,0]",
};
/* clang-format on */

/* Is this the start of a value: a digit, a sign, a letter of true, false or null, a quote behind a colon? */
static bool starts_value(const char *text, size_t at)
{
    size_t before = at;
    while (before > 0 && isspace((unsigned char)text[before - 1]))
        before--;
    return before > 0 && strchr(":[,", text[before - 1]) && !isspace((unsigned char)text[at]);
}

static size_t value_length(const char *text)
{
    if (*text == '"')
        return strcspn(text + 1, "\"") + 2;
    if (*text == '{' || *text == '[')
        return 1; /* which breaks the document: that is a mutation too */
    return strcspn(text, ",]}\n");
}

/* A copy with one value replaced, or a few bytes removed. */
static char *mutate(const char *text, uint64_t *state)
{
    size_t size = strlen(text), at = random_next(state) % size, cut;
    const char *with = "";
    if (random_next(state) % 8 == 0) {
        cut = 1 + random_next(state) % 9;
    } else {
        while (at < size && !starts_value(text, at))
            at++;
        cut = value_length(text + at);
        with = values[random_next(state) % (sizeof values / sizeof *values)];
    }
    cut = at + cut <= size ? cut : size - at;
    char *copy = malloc(size + strlen(with) + 1);
    assert_non_null(copy);
    sprintf(copy, "%.*s%s%s", (int)at, text, with, text + at + cut);
    return copy;
}

static void use(const vit_model *model)
{
    size_t n = vit_model_pixels_size(model);
    vit_error err = {0};
    vit_session *session;
    vit_session_options options = {.threads = 1};
    if (n > PIXELS_MOST || vit_session_create(model, &options, &session, &err) != VIT_OK)
        return;
    float *pixels = calloc(n, sizeof *pixels);
    float *vector = calloc(vit_output_size(model, VIT_OUTPUT_EMBEDDING, 0), sizeof *vector);
    assert_non_null(pixels);
    assert_non_null(vector);
    const vit_pixels picture = whole_picture(model, pixels);
    const vit_request request = {.output = VIT_OUTPUT_EMBEDDING, .result = vector};
    vit_status status = vit_encode_pictures(session, &picture, 1, &request, 1, &err);
    assert_true(status == VIT_OK || status == VIT_ERR_NON_FINITE);
    free(vector);
    free(pixels);
    vit_session_free(session);
}

static size_t refused, opened;

static void check_mutation(const char *folder, const char *name, const char *text)
{
    vit_error err = {0};
    vit_model *model;
    write_text(folder, name, text);
    vit_status status = vit_model_open(folder, NULL, &model, &err);
    if (status != VIT_OK) {
        assert_null(model);
        assert_int_equal(err.status, status);
        if (!*err.message || status == VIT_ERR_INTERNAL)
            fail_msg("%s: %s for\n%s", vit_status_name(status), err.message, text);
        refused++;
        return;
    }
    char *description = vit_model_describe(model);
    assert_non_null(description);
    vit_free(description);
    use(model);
    vit_model_free(model);
    opened++;
}

static void check_case(const char *case_path)
{
    const char *name = config_name(case_path);
    if (!name)
        return; /* in the project's own format: see tests of it */
    contents config = contents_read(case_path, name);
    char *folder = altered_make(case_path, name);
    uint64_t state = 88172645463325252u + config.size;
    for (int i = 0; i < MUTATIONS; i++) {
        char *text = mutate(config.bytes, &state);
        for (int more = i % 3; more > 0; more--) {
            char *next = mutate(text, &state);
            free(text);
            text = next;
        }
        check_mutation(folder, name, text);
        free(text);
    }
    folder_remove(folder);
    contents_free(&config);
}

static void configs_may_hold_anything(void **state)
{
    (void)state;
    golden_each(check_case);
    print_message("%zu refused, %zu opened\n", refused, opened);
    assert_true(refused > 200 || getenv("VIT_TEST_CASE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(configs_may_hold_anything)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
