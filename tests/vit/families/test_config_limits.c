/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vit__config_finish refuses: sizes out of range, sizes that do not go together, and a few bytes of a config
 * that ask for gigabytes of tables or minutes to fill them. Each row changes one thing of a config that is accepted.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "position.h"
#include "support.h"

static vit_config small(void)
{
    return (vit_config){.image_height = 224,
                        .image_width = 224,
                        .patch_height = 16,
                        .patch_width = 16,
                        .channels = 3,
                        .width = 192,
                        .depth = 2,
                        .heads = 3,
                        .mlp_width = 768,
                        .class_token = true,
                        .position = VIT__POSITION_SINCOS,
                        .position_height = 14,
                        .position_width = 14,
                        .norm_eps = 1e-6,
                        .pooling = VIT__POOL_CLASS,
                        .rotary.theta = 100};
}

/* clang-format off */
static void no_width(vit_config *c) { c->width = 0; }
static void wide(vit_config *c) { c->width = 65537; }
static void no_heads(vit_config *c) { c->heads = 0; }
static void uneven_heads(vit_config *c) { c->heads = 5; }
static void deep(vit_config *c) { c->depth = 1025; }
static void large_patch(vit_config *c) { c->patch_height = 225; }
static void gray(vit_config *c) { c->channels = 1; }
static void nan_eps(vit_config *c) { c->norm_eps = (double)NAN; }
static void negative_eps(vit_config *c) { c->norm_eps = -1e-6; }
static void no_theta(vit_config *c) { c->rotary.kind = VIT__ROTARY_DINOV3; c->rotary.theta = 0; }
static void odd_rotary(vit_config *c) { c->rotary.kind = VIT__ROTARY_AXIAL; c->heads = 32; } /* 6 a head */
static void classless(vit_config *c) { c->class_token = false; }
static void odd_sincos(vit_config *c) { c->position = VIT__POSITION_SINCOS_2D; c->width = 6; }
static void resized(vit_config *c) { c->position = VIT__POSITION_LEARNED_ALL; c->image_width = 448; }

static void picture(vit_config *c, size_t edge, size_t patch)
{
    c->image_height = c->image_width = edge;
    c->patch_height = c->patch_width = patch;
    c->position_height = c->position_width = edge / patch;
}

static void many_tokens(vit_config *c) { picture(c, 65536, 16); }
static void large_sincos(vit_config *c) { picture(c, 16000, 16); c->width = 768; }
static void large_relative(vit_config *c) { picture(c, 16 * 130, 16); c->relative_bias = VIT__RELATIVE_SHARED; }
static void large_mixed(vit_config *c)
{
    picture(c, 8192, 16);
    c->position = VIT__POSITION_NONE;
    c->rotary.kind = VIT__ROTARY_MIXED;
    c->depth = 12;
}

static void words(vit_config *c) { c->input = VIT__INPUT_TOKENS; c->vocabulary = 0; c->context = 77; }

/* Swin on 56x56 patches: windows of 7x7 on maps of 56x56 and 28x28. */
static void staged(vit_config *c)
{
    picture(c, 224, 4);
    c->class_token = false;
    c->pooling = VIT__POOL_MEAN_ALL;
    c->position = VIT__POSITION_NONE;
    c->relative_bias = VIT__RELATIVE_WINDOW;
    c->depth = 4;
    c->stages = (vit__stages){.n = 2, .fit = VIT__WINDOWS_SMALLER_SIDE, .norm_eps = 1e-5, .strangers = -100};
    c->stages.stage[0] = (vit__stage){2, 96, 3, 32, 384, 7, 7, 0, 0};
    c->stages.stage[1] = (vit__stage){2, 192, 3, 64, 768, 7, 7, 0, 0};
}
static void many_stages(vit_config *c) { staged(c); c->stages.n = 9; }
static void empty_stage(vit_config *c) { staged(c); c->stages.stage[0].depth = 0; }
static void narrow_stage(vit_config *c) { staged(c); c->stages.stage[0].width = 90; }
static void windowless(vit_config *c) { staged(c); c->stages.stage[1].window_width = 0; }
static void other_heads(vit_config *c) { staged(c); c->heads = 6; }
static void class_in_stages(vit_config *c) { staged(c); c->class_token = true; }
static void tiny_map(vit_config *c) { staged(c); picture(c, 48, 4); } /* 6x6 tokens in the second stage */
static void large_window(vit_config *c)
{
    staged(c);
    c->stages.fit = VIT__WINDOWS_ALWAYS;
    c->stages.stage[0].window_height = c->stages.stage[0].window_width = 200;
}
static void large_map(vit_config *c) { staged(c); picture(c, 8192, 4); }
static void stranger(vit_config *c) { staged(c); c->stages.strangers = (double)NAN; }
/* clang-format on */

static const struct {
    void (*change)(vit_config *config);
    vit_status status;
    const char *told;
} rows[] = {
    {no_width, VIT_ERR_CORRUPT, "width"},
    {wide, VIT_ERR_CORRUPT, "65537"},
    {no_heads, VIT_ERR_CORRUPT, "heads"},
    {uneven_heads, VIT_ERR_CORRUPT, "5 heads"},
    {deep, VIT_ERR_CORRUPT, "1025"},
    {large_patch, VIT_ERR_CORRUPT, "225"},
    {gray, VIT_ERR_UNSUPPORTED_MODEL, "RGB"},
    {nan_eps, VIT_ERR_CORRUPT, "eps"},
    {negative_eps, VIT_ERR_CORRUPT, "eps"},
    {no_theta, VIT_ERR_CORRUPT, "theta"},
    {odd_rotary, VIT_ERR_CORRUPT, "multiple of 4"},
    {classless, VIT_ERR_CORRUPT, "class token"},
    {odd_sincos, VIT_ERR_CORRUPT, "multiple of 4"},
    {resized, VIT_ERR_UNSUPPORTED_MODEL, "interpolation"},
    {many_tokens, VIT_ERR_TOO_LARGE, "tokens"},
    {large_sincos, VIT_ERR_TOO_LARGE, "MiB"},
    {large_relative, VIT_ERR_TOO_LARGE, "MiB"},
    {large_mixed, VIT_ERR_TOO_LARGE, "MiB"},
    {words, VIT_ERR_CORRUPT, "vocabulary"},
    {many_stages, VIT_ERR_CORRUPT, "stages"},
    {empty_stage, VIT_ERR_CORRUPT, "blocks of stage 0"},
    {narrow_stage, VIT_ERR_CORRUPT, "twice as wide"},
    {windowless, VIT_ERR_CORRUPT, "windows' width of stage 1"},
    {other_heads, VIT_ERR_CORRUPT, "contradicts"},
    {class_in_stages, VIT_ERR_CORRUPT, "contradicts"},
    {tiny_map, VIT_ERR_UNSUPPORTED_MODEL, "6x6"},
    {large_window, VIT_ERR_TOO_LARGE, "windows"},
    {large_map, VIT_ERR_TOO_LARGE, "tokens"},
    {stranger, VIT_ERR_CORRUPT, "mask"},
};

static void limits_hold(void **state)
{
    (void)state;
    vit_error err = {0};
    vit_config c = small();
    assert_ok(vit__config_finish(&c, "test", &err), err);
    staged(&c);
    assert_ok(vit__config_finish(&c, "test", &err), err);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        c = small();
        rows[i].change(&c);
        err = (vit_error){0};
        vit_status status = vit__config_finish(&c, "test", &err);
        if (status != rows[i].status || !strstr(err.message, rows[i].told))
            fail_msg("row %zu (%s): %s: %s", i, rows[i].told, vit_status_name(status), err.message);
    }
}

/* BEiT's index by its definition: rows of queries, columns of keys, the three last entries for the class token. */
static void relative_index(void **state)
{
    (void)state;
    vit_config c = small();
    c.image_height = 3 * 16;
    c.image_width = 2 * 16;
    size_t h = 3, w = 2, tokens = 7;
    uint32_t *index = calloc(tokens * tokens, sizeof *index), entries = (2 * 3 - 1) * (2 * 2 - 1) + 3;
    assert_non_null(index);
    vit__position_relative_index(&c, index);
    for (size_t i = 0; i < tokens; i++)
        for (size_t j = 0; j < tokens; j++) {
            uint32_t want = i && j ? (uint32_t)((((i - 1) / w + h - 1 - (j - 1) / w) * (2 * w - 1)) + (i - 1) % w + w -
                                                1 - (j - 1) % w)
                            : i    ? entries - 2
                            : j    ? entries - 3
                                   : entries - 1;
            assert_int_equal(index[i * tokens + j], want);
        }
    free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(limits_hold), cmocka_unit_test(relative_index)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
