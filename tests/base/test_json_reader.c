/* SPDX-License-Identifier: BSD-2-Clause */
/* Readers of objects inside objects: the first error in any of
 * them is the one that is told, and the one that is answered. */
#include "support.h"

#include <string.h>

#include "json_reader.h"

static const char text[] = "{\"width\": 1.5, \"flag\": 1, \"part\": {\"depth\": -1, \"inside\": {\"size\": \"x\"}}}";

/* A reader of the text above. The caller frees *config. */
static vit__reader start(vit__json **config, vit_error *err)
{
    assert_ok(vit__json_parse(text, sizeof text - 1, "config.json", config, err), *err);
    return vit__reader_start(*config, "config.json", err);
}

static void the_first_error_is_that_of_all(void **state)
{
    (void)state;
    vit__json *config;
    vit_error err = {0};
    vit__reader top = start(&config, &err);
    vit__reader part = vit__reader_inside(&top, vit__json_get(config, "part"));
    vit__reader inside = vit__reader_inside(&part, vit__json_get(part.object, "inside"));
    assert_int_equal(vit__read_size(&inside, "absent", 7), 7);
    assert_int_equal(top.status, VIT_OK);
    vit__reader_fail(&inside, VIT_ERR_UNSUPPORTED_MODEL, "the first");
    assert_int_equal(vit__read_size(&part, "depth", 7), 7);
    assert_true(vit__read_number(&top, "width", 7) == 7);
    assert_false(vit__read_flag(&top, "flag", false));
    vit__reader_fail(&top, VIT_ERR_MODEL_MISMATCH, "another");
    assert_int_equal(top.status, VIT_ERR_UNSUPPORTED_MODEL);
    assert_int_equal(err.status, VIT_ERR_UNSUPPORTED_MODEL);
    assert_string_equal(err.message, "the first");
    vit__json_free(config);
}

static void an_error_outside_is_that_of_those_inside(void **state)
{
    (void)state;
    vit__json *config;
    vit_error err = {0};
    vit__reader top = start(&config, &err);
    vit__reader part = vit__reader_inside(&top, vit__json_get(config, "part"));
    assert_false(vit__read_flag(&top, "flag", false));
    vit__reader_fail(&part, VIT_ERR_UNSUPPORTED_MODEL, "another");
    assert_int_equal(top.status, VIT_ERR_CORRUPT);
    assert_int_equal(err.status, VIT_ERR_CORRUPT);
    assert_non_null(strstr(err.message, "\"flag\""));
    vit__json_free(config);
}

/* Two objects of one config: who reads the second has to know that the first was wrong. */
static void an_error_beside_is_that_of_all(void **state)
{
    (void)state;
    vit__json *config;
    vit_error err = {0};
    vit__reader top = start(&config, &err);
    vit__reader part = vit__reader_inside(&top, vit__json_get(config, "part"));
    vit__reader other = vit__reader_inside(&top, vit__json_get(config, "part"));
    assert_false(vit__reader_failed(&other));
    assert_int_equal(vit__read_size(&part, "depth", 7), 7);
    assert_true(vit__reader_failed(&part) && vit__reader_failed(&top) && vit__reader_failed(&other));
    vit__reader_take(&other, VIT_ERR_OUT_OF_MEMORY);
    assert_int_equal(top.status, VIT_ERR_CORRUPT);
    vit__json_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_is_that_of_all),
        cmocka_unit_test(an_error_outside_is_that_of_those_inside),
        cmocka_unit_test(an_error_beside_is_that_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
