/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configs of the manifest, damaged at random: each is refused with an error, or makes rules that can be carried out on
 * a small picture within the limits. Worth most under a sanitizer. Seeded, so that a failure comes back.
 */
#include "fixtures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 60 /* for each config */
#define PIXELS 40000

static uint64_t random_state = 362436069u;
static size_t accepted, refused;

static size_t below(size_t n)
{
    return (size_t)(random_next(&random_state) % n);
}

/* Values that look for trouble, put where a value was. */
static const char *const values[] = {"0",    "-1",      "1e308",      "1e-320",    "null", "true",  "[]", "{}",
                                     "\"\"", "[1,2,3]", "4294967296", "178956971", "0.5",  "[0,0]", "3",  "[[]]"};

static void damage_value(char *text, size_t room)
{
    char *colons[256], copy[4096];
    size_t n = 0;
    for (char *c = text; *c && n < 256; c++)
        if (*c == ':')
            colons[n++] = c;
    if (n == 0)
        return;
    char *start = colons[below(n)] + 1, *end = start;
    for (int depth = 0; *end && !(depth == 0 && (*end == ',' || *end == '}')); end++)
        depth += (*end == '[' || *end == '{') - (*end == ']' || *end == '}');
    snprintf(copy, sizeof copy, "%s", end);
    snprintf(start, room - (size_t)(start - text), "%s%s", values[below(sizeof values / sizeof *values)], copy);
}

static void damage_byte(char *text)
{
    size_t length = strlen(text);
    if (length > 0)
        text[below(length)] = (char)(1 + below(255));
}

static void carry_out(const vit_preprocessor *rules)
{
    vit_image image = make_noise((uint32_t)(1 + below(40)), (uint32_t)(1 + below(40)));
    vit_preprocess_options options = {.resampler = (vit_resampler)below(3), .max_pixels = PIXELS};
    static float pixels[3 * PIXELS];
    vit_error err = {0};
    vit_status status = vit_preprocess(rules, &image, &options, pixels, &err);
    assert_true(status == VIT_OK || (status == VIT_ERR_TOO_LARGE && err.message[0] != '\0'));
    vit_image_free(&image);
}

static void try_text(const char *library, const char *text)
{
    vit_error err = {0};
    vit__json *config;
    vit_preprocessor rules;
    if (vit__json_parse(text, strlen(text), "config", &config, &err) != VIT_OK)
        return;
    vit_status status = read_rules(library, config, &rules, &err);
    if (status == VIT_OK) {
        accepted++;
        carry_out(&rules);
    } else {
        refused++;
        assert_true(err.message[0] != '\0');
        assert_true(status == VIT_ERR_CORRUPT || status == VIT_ERR_UNSUPPORTED_MODEL);
    }
    vit__json_free(config);
}

static void visit(const vit__json *row)
{
    const char *library = vit__json_string(vit__json_get(row, "library"));
    vit_error err = {0};
    vit_preprocessor rules;
    assert_ok(read_rules(library, vit__json_get(row, "config"), &rules, &err), err);
    char *texts[2] = {vit__json_text(vit__json_get(row, "config"), 0), vit_preprocessor_describe(&rules)}, text[4096];
    for (size_t round = 0; round < ROUNDS; round++) {
        snprintf(text, sizeof text, "%s", texts[round % 2]);
        for (size_t n = 1 + below(3); n > 0; n--) {
            if (below(4) == 0)
                damage_byte(text);
            else
                damage_value(text, sizeof text);
        }
        try_text(round % 2 ? "own" : library, text);
    }
    free(texts[0]);
    vit_free(texts[1]);
}

static void damaged_configs(void **state)
{
    (void)state;
    each_case("preprocess", visit);
    assert_true(accepted > 500 && refused > 500); /* or the damage is too small, or too great, to tell anything */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_configs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
