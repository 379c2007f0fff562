/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the sizes come from: shortest and longest edges, crops, padding, other image sizes, limits. The numbers are
 * Python's, worked out by the libraries' own functions. */
#include "fixtures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIT_RULES "{\"image_processor_type\":\"ViTImageProcessor\",\"size\":"
#define CLIP_RULES "{\"image_processor_type\":\"CLIPImageProcessor\",\"size\":"
#define TIMM_RULES "{\"pretrained_cfg\":{\"input_size\":[3,"
#define OPEN_RULES "{\"model_cfg\":{\"vision_cfg\":{\"image_size\":"

typedef struct shape_case {
    const char *library, *config;
    uint32_t width, height; /* of the picture */
    uint32_t resized_width, resized_height, result_width, result_height;
} shape_case;

static const shape_case shapes[] = {
    {"transformers", VIT_RULES "{\"shortest_edge\":224}}", 500, 333, 336, 224, 336, 224},
    {"transformers", VIT_RULES "{\"shortest_edge\":224}}", 333, 500, 224, 336, 224, 336},
    {"transformers", VIT_RULES "{\"shortest_edge\":7}}", 1000, 3, 2333, 7, 2333, 7},
    {"transformers", VIT_RULES "{\"shortest_edge\":32,\"longest_edge\":40}}", 60, 40, 40, 27, 40, 27},
    {"transformers", VIT_RULES "{\"max_height\":40,\"max_width\":44}}", 60, 40, 44, 29, 44, 29},
    {"transformers", VIT_RULES "[7,9]}", 60, 40, 9, 7, 9, 7},
    {"transformers", CLIP_RULES "224}", 640, 480, 298, 224, 224, 224},
    {"timm", TIMM_RULES "224,224],\"crop_pct\":0.9}}", 640, 480, 330, 248, 224, 224},
    {"timm", TIMM_RULES "224,224],\"crop_pct\":0.9,\"crop_mode\":\"border\"}}", 640, 480, 248, 186, 224, 224},
    {"timm", TIMM_RULES "224,224],\"crop_pct\":0.9,\"crop_mode\":\"squash\"}}", 640, 480, 248, 248, 224, 224},
    {"timm", TIMM_RULES "32,48],\"crop_pct\":0.9}}", 333, 500, 53, 80, 48, 32},
    {"open_clip", OPEN_RULES "40}},\"preprocess_cfg\":{\"resize_mode\":\"longest\"}}", 64, 35, 40, 22, 40, 40},
    {"open_clip", OPEN_RULES "40}},\"preprocess_cfg\":{\"resize_mode\":\"squash\"}}", 64, 35, 40, 40, 40, 40},
    {"open_clip", OPEN_RULES "40}}}", 64, 35, 73, 40, 40, 40},
};

static void shapes_of_pictures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const shape_case *s = &shapes[i];
        vit_error err = {0};
        vit__picture_plan plan;
        vit_preprocessor rules = rules_of(s->library, s->config);
        assert_ok(vit__preprocess_plan(&rules, s->width, s->height, NULL, &plan, &err), err);
        if (plan.resized_width != s->resized_width || plan.resized_height != s->resized_height ||
            plan.width != s->result_width || plan.height != s->result_height)
            fail_msg("%s: %ux%u, then %ux%u", s->config, plan.resized_width, plan.resized_height, plan.width,
                     plan.height);
    }
}

/* SigLIP 2 NaFlex: a picture, the patches, and what get_image_size_for_max_num_patches makes of them. */
static const struct {
    uint32_t width, height, patch, most, resized_width, resized_height;
} patched[] = {
    {1, 500, 16, 256, 16, 4096},
    {500, 1, 16, 256, 4096, 16},
    {1, 1, 16, 256, 112, 112},
    {640, 480, 16, 256, 288, 224},
    {4032, 3024, 16, 1024, 576, 432},
    {97, 61, 8, 48, 64, 48},
    {29, 118, 8, 48, 24, 104},
    {1, 1, 16, 1, 16, 16},
    {5000, 3, 14, 7, 98, 14},
    {333, 500, 14, 729, 308, 462},
    {8, 8, 8, 1, 8, 8},
    {9, 7, 8, 1, 8, 8},
    {10000, 10000, 16, 256, 256, 256},
    {30000, 2, 16, 4, 64, 16},
    {2, 2, 1, 64, 8, 8},
    {17, 4001, 12, 100, 12, 1200},
    {256, 256, 16, 256, 256, 256},
    {257, 256, 16, 256, 256, 256},
    {1920, 1080, 32, 196, 576, 320},
    {100, 100, 16, 65536, 4096, 4096},
};

static void pictures_of_any_aspect(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof patched / sizeof *patched; i++) {
        vit_error err = {0};
        vit__picture_plan plan;
        char config[200];
        snprintf(config, sizeof config,
                 "{\"image_processor_type\":\"Siglip2ImageProcessorFast\",\"patch_size\":%u,\"max_num_patches\":%u}",
                 patched[i].patch, patched[i].most);
        vit_preprocessor rules = rules_of("transformers", config);
        assert_ok(vit__preprocess_plan(&rules, patched[i].width, patched[i].height, NULL, &plan, &err), err);
        assert_int_equal(plan.width, patched[i].resized_width);
        assert_int_equal(plan.height, patched[i].resized_height);
        assert_int_equal(plan.resized_width, plan.width);
        vit__preprocess_aim(&rules, 40, 24);
        assert_ok(vit__preprocess_plan(&rules, patched[i].width, patched[i].height, NULL, &plan, &err), err);
        assert_int_equal(plan.width, 40);
        assert_int_equal(plan.height, 24);
    }
}

/* Even the least scale leaves this picture more patches in its one row. */
static void pictures_longer_than_the_patches(void **state)
{
    (void)state;
    vit_error err = {0};
    vit__picture_plan plan;
    vit_preprocessor rules = rules_of(
        "transformers", "{\"image_processor_type\":\"Siglip2ImageProcessor\",\"patch_size\":1,\"max_num_patches\":4}");
    assert_int_equal(vit__preprocess_plan(&rules, 100000000, 1, NULL, &plan, &err), VIT_ERR_TOO_LARGE);
    assert_non_null(strstr(err.message, "more than 4 patches of 1x1"));
}

typedef struct place_case {
    vit__preprocess_library library;
    vit_resampler resampler;
    uint32_t edge, crop;
    int64_t left;
} place_case;

/* A crop of a difference of 3 mod 4 tells floor from half-even; a pad of an odd one before from after. */
static const place_case places[] = {
    {VIT__LIBRARY_TRANSFORMERS, VIT_RESAMPLER_PILLOW, 39, 32, -3},
    {VIT__LIBRARY_TRANSFORMERS, VIT_RESAMPLER_TORCHVISION, 39, 32, -3},
    {VIT__LIBRARY_TIMM, VIT_RESAMPLER_PILLOW, 39, 32, -4},
    {VIT__LIBRARY_OPEN_CLIP, VIT_RESAMPLER_PILLOW13, 39, 32, -4},
    {VIT__LIBRARY_TIMM, VIT_RESAMPLER_PILLOW, 37, 32, -2},
    {VIT__LIBRARY_TRANSFORMERS, VIT_RESAMPLER_PILLOW, 24, 33, 5},
    {VIT__LIBRARY_TRANSFORMERS, VIT_RESAMPLER_TORCHVISION, 24, 33, 4},
    {VIT__LIBRARY_TIMM, VIT_RESAMPLER_PILLOW, 24, 33, 4},
};

static void places_of_crops(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const place_case *p = &places[i];
        vit_error err = {0};
        vit__picture_plan plan;
        vit_preprocessor rules = {.library = p->library, .crop = true, .crop_width = p->crop, .crop_height = p->crop};
        vit_preprocess_options options = {.resampler = p->resampler};
        assert_ok(vit__preprocess_plan(&rules, p->edge, p->crop, &options, &plan, &err), err);
        assert_int_equal(plan.left, p->left);
        assert_int_equal(plan.top, 0);
    }
}

typedef struct region_case {
    const char *library, *config;
    uint32_t width, height;
    double left, top, region_width, region_height;
} region_case;

static const region_case regions[] = {
    {"transformers", VIT_RULES "224}", 640, 480, 0, 0, 640, 480},
    {"transformers", CLIP_RULES "256,\"crop_size\":224}", 640, 480, 58 * 640.0 / 341, 30, 224 * 640.0 / 341, 420},
    {"transformers", CLIP_RULES "256,\"crop_size\":224}", 256, 512, 16, 144, 224, 224},
    {"timm", TIMM_RULES "224,224],\"crop_pct\":0.9,\"crop_mode\":\"squash\"}}", 480, 480, 24 * 480.0 / 496,
     24 * 480.0 / 496, 224 * 480.0 / 248, 224 * 480.0 / 248},
    {"open_clip", OPEN_RULES "40}},\"preprocess_cfg\":{\"resize_mode\":\"longest\"}}", 80, 44, 0, -18, 80, 80},
};

static void regions_of_pictures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++) {
        const region_case *r = &regions[i];
        vit_error err = {0};
        vit_region found;
        vit_preprocessor rules = rules_of(r->library, r->config);
        assert_ok(vit_preprocess_region(&rules, r->width, r->height, NULL, &found, &err), err);
        assert_float_equal(found.left, r->left, 1e-9);
        assert_float_equal(found.top, r->top, 1e-9);
        assert_float_equal(found.width, r->region_width, 1e-9);
        assert_float_equal(found.height, r->region_height, 1e-9);
    }
}

typedef struct aim_case {
    const char *library, *config;
    uint32_t image_width, image_height, resized_width, resized_height;
} aim_case;

/* Of a picture of 640x480. */
static const aim_case aims[] = {
    {"transformers", VIT_RULES "224}", 384, 384, 384, 384},
    {"transformers", VIT_RULES "224}", 48, 32, 48, 32},
    {"transformers", CLIP_RULES "224}", 336, 336, 448, 336},
    {"transformers", CLIP_RULES "256,\"crop_size\":224}", 448, 448, 682, 512},
    {"timm", TIMM_RULES "224,224],\"crop_pct\":0.9}}", 384, 384, 568, 426},
    {"timm", TIMM_RULES "224,224],\"crop_pct\":0.95,\"crop_mode\":\"squash\"}}", 448, 384, 471, 404},
    {"open_clip", OPEN_RULES "224}}}", 336, 336, 448, 336},
    {"open_clip", OPEN_RULES "224}},\"preprocess_cfg\":{\"resize_mode\":\"squash\"}}", 336, 280, 336, 280},
    {"transformers", "{\"image_processor_type\":\"ConvNextImageProcessor\",\"size\":224}", 384, 384, 384, 384},
    {"transformers", "{\"image_processor_type\":\"ConvNextImageProcessor\",\"size\":384}", 224, 224, 341, 256},
};

static void other_image_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof aims / sizeof *aims; i++) {
        const aim_case *a = &aims[i];
        vit_error err = {0};
        vit__picture_plan plan;
        vit_preprocessor rules = rules_of(a->library, a->config);
        vit_preprocess_options options = {.image_width = a->image_width, .image_height = a->image_height};
        assert_ok(vit__preprocess_plan(&rules, 640, 480, &options, &plan, &err), err);
        if (plan.resized_width != a->resized_width || plan.resized_height != a->resized_height ||
            plan.width != a->image_width || plan.height != a->image_height)
            fail_msg("%s: %ux%u, then %ux%u", a->config, plan.resized_width, plan.resized_height, plan.width,
                     plan.height);
    }
}

/* The configured size, asked for by name, changes nothing. */
static void same_size_asked_for(void **state)
{
    (void)state;
    static const char *const configs[][2] = {
        {"transformers", CLIP_RULES "45,\"crop_size\":40}"},
        {"timm", TIMM_RULES "40,40],\"crop_pct\":0.9,\"crop_mode\":\"border\"}}"},
        {"open_clip", OPEN_RULES "40}},\"preprocess_cfg\":{\"resize_mode\":\"longest\",\"fill_color\":9}}"},
    };
    vit_image image = make_noise(61, 97);
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        vit_preprocessor rules = rules_of(configs[i][0], configs[i][1]);
        vit_preprocess_options options = {.image_width = 40, .image_height = 40};
        size_t n, m;
        float *plain = preprocess_image(&rules, &image, NULL, &n);
        float *asked = preprocess_image(&rules, &image, &options, &m);
        assert_int_equal(n, m);
        assert_memory_equal(plain, asked, n * sizeof *plain);
        free(plain);
        free(asked);
    }
    vit_image_free(&image);
}

static vit_status plan_of(const char *library, const char *config, uint32_t width, uint32_t height,
                          vit_preprocess_options options)
{
    vit_error err = {0};
    vit__picture_plan plan;
    vit_preprocessor rules = rules_of(library, config);
    vit_status status = vit__preprocess_plan(&rules, width, height, &options, &plan, &err);
    assert_true((status == VIT_OK) == (err.message[0] == '\0'));
    return status;
}

static void limits(void **state)
{
    (void)state;
    vit_preprocess_options none = {0}, small = {.max_pixels = 50000}, too_small = {.max_pixels = 50175};
    vit_preprocess_options enough = {.max_pixels = 84000}, half_size = {.image_width = 3};
    vit_preprocess_options huge = {.image_width = 100000, .image_height = 100000};
    vit_preprocess_options odd = {.resampler = (vit_resampler)7};
    /* 224x224 = 50176; between the passes of 500x375 there are 224x375 = 84000 */
    assert_int_equal(plan_of("transformers", VIT_RULES "224}", 100, 100, small), VIT_ERR_TOO_LARGE);
    assert_int_equal(plan_of("transformers", VIT_RULES "224}", 100, 100, too_small), VIT_ERR_TOO_LARGE);
    assert_int_equal(plan_of("transformers", VIT_RULES "224}", 500, 375, enough), VIT_OK);
    enough.max_pixels--;
    assert_int_equal(plan_of("transformers", VIT_RULES "224}", 500, 375, enough), VIT_ERR_TOO_LARGE);
    /* 300x1000: 224x1000 between the passes, or 300x224 where Pillow 13 goes down first */
    assert_int_equal(plan_of("transformers", VIT_RULES "224}", 300, 1000, enough), VIT_ERR_TOO_LARGE);
    enough.resampler = VIT_RESAMPLER_PILLOW13;
    assert_int_equal(plan_of("transformers", VIT_RULES "224}", 300, 1000, enough), VIT_OK);
    assert_int_equal(plan_of("transformers", CLIP_RULES "224}", 100000, 1, none), VIT_ERR_TOO_LARGE);
    assert_int_equal(plan_of("transformers", CLIP_RULES "224}", 4294967295u, 1, none), VIT_ERR_TOO_LARGE);
    assert_int_equal(plan_of("transformers", VIT_RULES "224}", 4294967295u, 4294967295u, none), VIT_ERR_TOO_LARGE);
    assert_int_equal(plan_of("transformers", VIT_RULES "224}", 65535, 1, none), VIT_OK);
    assert_int_equal(plan_of("transformers", VIT_RULES "224}", 0, 1, none), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(plan_of("transformers", VIT_RULES "224}", 10, 10, half_size), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(plan_of("transformers", VIT_RULES "224}", 10, 10, huge), VIT_ERR_TOO_LARGE);
    assert_int_equal(plan_of("transformers", VIT_RULES "224}", 10, 10, odd), VIT_ERR_INVALID_ARGUMENT);
    /* a side that rounds to nothing */
    assert_int_equal(plan_of("timm", TIMM_RULES "32,32],\"crop_mode\":\"border\"}}", 1000, 2, none), VIT_ERR_TOO_LARGE);
    vit_preprocess_options aimed = {.image_width = 9, .image_height = 9};
    assert_int_equal(plan_of("transformers", VIT_RULES "9,\"do_resize\":false}", 10, 10, aimed),
                     VIT_ERR_INVALID_ARGUMENT);
}

static void refuses_nonsense(void **state)
{
    (void)state;
    vit_preprocessor rules = rules_of("transformers", VIT_RULES "8}");
    vit_image image = make_noise(9, 7), none = {0}, out;
    float pixels[3 * 8 * 8];
    uint32_t width, height;
    vit_error err = {0};
    assert_int_equal(vit_preprocess(NULL, &image, NULL, pixels, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_preprocess(&rules, NULL, NULL, pixels, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_preprocess(&rules, &none, NULL, pixels, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_preprocess(&rules, &image, NULL, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_preprocess_resized(&rules, &none, NULL, &out, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_null(out.pixels);
    assert_int_equal(vit_preprocess_resized(&rules, &image, NULL, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_preprocess_shape(NULL, 1, 1, NULL, &width, &height, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_preprocess_shape(&rules, 1, 1, NULL, NULL, &height, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_preprocess(&rules, &image, NULL, pixels, &err), VIT_OK);
    assert_int_equal(err.status, VIT_OK);
    vit_image_free(&image);
}

static void targets(void **state)
{
    (void)state;
    static const struct {
        const char *library, *config;
        uint32_t aim, want[2]; /* aim 0: as configured */
    } rows[] = {
        {"transformers", VIT_RULES "17}", 0, {17, 17}},
        {"transformers", VIT_RULES "{\"height\":30,\"width\":20}}", 0, {20, 30}},
        {"transformers", VIT_RULES "17}", 40, {40, 40}},
        {"transformers", CLIP_RULES "20,\"crop_size\":16}", 0, {20, 20}},
        {"transformers", CLIP_RULES "20,\"crop_size\":16}", 32, {40, 40}},
        {"transformers", CLIP_RULES "20,\"crop_size\":16,\"do_resize\":false}", 0, {UINT32_MAX, UINT32_MAX}},
        {"timm", TIMM_RULES "18,27],\"crop_pct\":0.9}}", 0, {30, 20}},
        {"open_clip", OPEN_RULES "17}}}", 0, {17, 17}},
    };
    uint32_t width, height;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        vit_preprocessor rules = rules_of(rows[i].library, rows[i].config);
        const vit_preprocess_options options = {.image_height = rows[i].aim, .image_width = rows[i].aim};
        vit_error err = {0};
        assert_ok(vit_preprocess_target(&rules, &options, &width, &height, &err), err);
        if (width != rows[i].want[0] || height != rows[i].want[1])
            fail_msg("row %zu: %ux%u", i, width, height);
    }
    vit_preprocessor rules = rules_of("transformers", VIT_RULES "8}");
    const vit_preprocess_options half = {.image_height = 8};
    assert_int_equal(vit_preprocess_target(NULL, NULL, &width, &height, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_preprocess_target(&rules, NULL, NULL, &height, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_preprocess_target(&rules, &half, &width, &height, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_preprocess_target(&rules, NULL, &width, &height, NULL), VIT_OK);
    assert_int_equal(width, 8);
}

/* From 1x1 to lines, through every kind of rule: finite values everywhere. */
static void tiny_pictures(void **state)
{
    (void)state;
    static const char *const configs[][2] = {
        {"transformers", VIT_RULES "17}"},
        {"transformers", CLIP_RULES "20,\"crop_size\":33}"},
        {"transformers", "{\"image_processor_type\":\"DINOv3ViTImageProcessor\",\"size\":17}"},
        {"timm", TIMM_RULES "17,19],\"crop_pct\":0.9,\"crop_mode\":\"squash\"}}"},
        {"open_clip", OPEN_RULES "17}}}"},
    };
    static const uint32_t sizes[][2] = {{1, 1}, {1, 2}, {2, 1}, {1, 300}, {300, 1}, {17, 17}, {3, 5}};
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        vit_preprocessor rules = rules_of(configs[i][0], configs[i][1]);
        for (size_t j = 0; j < 3 * sizeof sizes / sizeof *sizes; j++) {
            vit_preprocess_options options = {.resampler = (vit_resampler)(j % 3)};
            vit_image image = make_noise(sizes[j / 3][0], sizes[j / 3][1]);
            size_t n;
            float *pixels = preprocess_image(&rules, &image, &options, &n);
            for (size_t k = 0; k < n; k++)
                assert_true(pixels[k] - pixels[k] == 0.0f);
            free(pixels);
            vit_image_free(&image);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_of_pictures),
        cmocka_unit_test(pictures_of_any_aspect),
        cmocka_unit_test(pictures_longer_than_the_patches),
        cmocka_unit_test(pictures_of_any_aspect),
        cmocka_unit_test(pictures_longer_than_the_patches),
        cmocka_unit_test(places_of_crops),
        cmocka_unit_test(other_image_sizes),
        cmocka_unit_test(same_size_asked_for),
        cmocka_unit_test(limits),
        cmocka_unit_test(refuses_nonsense),
        cmocka_unit_test(regions_of_pictures),
        cmocka_unit_test(tiny_pictures),
        cmocka_unit_test(targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
