/* SPDX-License-Identifier: BSD-2-Clause */
/* Configs that say the same, configs that say nonsense (refused, with the key's name), and the canonical text. */
#include "fixtures.h"

#include <stdlib.h>
#include <string.h>

#define SIGLIP2(more) "{\"image_processor_type\":\"Siglip2ImageProcessor\"" more "}"
#define VIT(more) "{\"image_processor_type\":\"ViTImageProcessor\"" more "}"
#define CLIP(more) "{\"image_processor_type\":\"CLIPImageProcessor\"" more "}"
#define CONVNEXT(more) "{\"image_processor_type\":\"ConvNextImageProcessor\"" more "}"
#define TIMM(more) "{\"pretrained_cfg\":{\"input_size\":[3,32,32]" more "}}"
#define OPEN(more) "{\"model_cfg\":{\"vision_cfg\":{\"image_size\":32}},\"preprocess_cfg\":{" more "}}"
#define OWN(more) "{\"library\":\"timm\",\"resize\":\"squash\",\"resize_size\":[8,8],\"filter\":\"box\"" more "}"

typedef struct bad_config {
    const char *library, *config;
    vit_status status;
    const char *key; /* that the message names */
} bad_config;

static const bad_config bad[] = {
    {"transformers", "{}", VIT_ERR_CORRUPT, "image_processor_type"},
    {"transformers", "[]", VIT_ERR_CORRUPT, "image_processor_type"},
    {"transformers", "3", VIT_ERR_CORRUPT, "image_processor_type"},
    {"transformers", "{\"image_processor_type\":\"SamImageProcessor\"}", VIT_ERR_UNSUPPORTED_MODEL, "SamImage"},
    {"transformers", "{\"image_processor_type\":\"FlavaImageProcessor\"}", VIT_ERR_UNSUPPORTED_MODEL, "Flava"},
    {"transformers", "{\"image_processor_type\":\"ImageProcessor\"}", VIT_ERR_UNSUPPORTED_MODEL, "ImageProcessor"},
    {"transformers", VIT(",\"size\":0"), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"size\":-1"), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"size\":1.5"), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"size\":\"224\""), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"size\":true"), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"size\":9007199254740993"), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"size\":1e300"), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"size\":100000"), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"size\":[3]"), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"size\":[3,-3]"), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"size\":{}"), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"size\":{\"height\":3}"), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"size\":{\"longest_edge\":3}"), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"size\":{\"height\":3,\"width\":0}"), VIT_ERR_CORRUPT, "width"},
    {"transformers", VIT(",\"size\":{\"height\":178956970,\"width\":2}"), VIT_ERR_CORRUPT, "size"},
    {"transformers", VIT(",\"do_resize\":1"), VIT_ERR_CORRUPT, "do_resize"},
    {"transformers", VIT(",\"resample\":6"), VIT_ERR_CORRUPT, "resample"},
    {"transformers", VIT(",\"resample\":-1"), VIT_ERR_CORRUPT, "resample"},
    {"transformers", VIT(",\"resample\":\"bicubic\""), VIT_ERR_CORRUPT, "write 3"},
    {"transformers", VIT(",\"resample\":\"PIL.Image.LANCZOS\""), VIT_ERR_CORRUPT, "write 1"},
    {"transformers", VIT(",\"resample\":\"cubic\""), VIT_ERR_CORRUPT, "3 bicubic"},
    {"transformers", VIT(",\"do_center_crop\":true"), VIT_ERR_CORRUPT, "crop_size"},
    {"transformers", CLIP(",\"crop_size\":0"), VIT_ERR_CORRUPT, "crop_size"},
    {"transformers", CLIP(",\"crop_size\":{\"shortest_edge\":3}"), VIT_ERR_CORRUPT, "crop_size"},
    {"transformers", CLIP(",\"crop_size\":{\"height\":3}"), VIT_ERR_CORRUPT, "crop_size"},
    {"transformers", CLIP(",\"crop_size\":99999"), VIT_ERR_CORRUPT, "crop_size"},
    {"transformers", VIT(",\"rescale_factor\":0"), VIT_ERR_CORRUPT, "rescale_factor"},
    {"transformers", VIT(",\"rescale_factor\":1e-40"), VIT_ERR_CORRUPT, "rescale_factor"},
    {"transformers", VIT(",\"rescale_factor\":1e39"), VIT_ERR_CORRUPT, "rescale_factor"},
    {"transformers", VIT(",\"rescale_factor\":\"1\""), VIT_ERR_CORRUPT, "rescale_factor"},
    {"transformers", VIT(",\"image_std\":[1,0,1]"), VIT_ERR_CORRUPT, "image_std"},
    {"transformers", VIT(",\"image_std\":[1,1,1e-39]"), VIT_ERR_CORRUPT, "image_std"},
    {"transformers", VIT(",\"image_std\":[1,1,1e39]"), VIT_ERR_CORRUPT, "image_std"},
    {"transformers", VIT(",\"image_std\":[1e-37,1,1],\"image_mean\":1e38"), VIT_ERR_CORRUPT, "image_std"},
    {"transformers", VIT(",\"image_std\":[1,1]"), VIT_ERR_CORRUPT, "image_std"},
    {"transformers", VIT(",\"image_std\":{}"), VIT_ERR_CORRUPT, "image_std"},
    {"transformers", VIT(",\"image_mean\":[1,1,\"1\"]"), VIT_ERR_CORRUPT, "image_mean"},
    {"transformers", VIT(",\"image_mean\":[1,1,-1e300]"), VIT_ERR_CORRUPT, "image_mean"},
    {"transformers", VIT(",\"do_pad\":true,\"pad_size\":64"), VIT_ERR_UNSUPPORTED_MODEL, "pad_size"},
    {"transformers", CONVNEXT(",\"size\":{\"height\":32,\"width\":32}"), VIT_ERR_CORRUPT, "size"},
    {"transformers", CONVNEXT(",\"crop_pct\":0"), VIT_ERR_CORRUPT, "crop_pct"},
    {"transformers", CONVNEXT(",\"size\":32,\"crop_pct\":1e-9"), VIT_ERR_CORRUPT, "size"},
    {"transformers", CONVNEXT(",\"size\":32,\"do_center_crop\":true,\"crop_size\":8"), VIT_ERR_UNSUPPORTED_MODEL,
     "do_center_crop"},
    {"transformers", SIGLIP2(",\"patch_size\":0"), VIT_ERR_CORRUPT, "patch_size"},
    {"transformers", SIGLIP2(",\"max_num_patches\":0"), VIT_ERR_CORRUPT, "max_num_patches"},
    {"transformers", SIGLIP2(",\"max_num_patches\":1.5"), VIT_ERR_CORRUPT, "max_num_patches"},
    {"transformers", SIGLIP2(",\"max_num_patches\":1000000"), VIT_ERR_CORRUPT, "max_num_patches"},
    {"transformers", SIGLIP2(",\"resample\":6"), VIT_ERR_CORRUPT, "resample"},
    {"timm", TIMM(",\"crop_pct\":-1"), VIT_ERR_CORRUPT, "crop_pct"},
    {"timm", TIMM(",\"crop_pct\":1e-7"), VIT_ERR_CORRUPT, "input_size"},
    {"timm", TIMM(",\"crop_pct\":100"), VIT_ERR_CORRUPT, "input_size"},
    {"timm", TIMM(",\"crop_mode\":\"corner\""), VIT_ERR_CORRUPT, "crop_mode"},
    {"timm", TIMM(",\"interpolation\":\"random\""), VIT_ERR_CORRUPT, "interpolation"},
    {"timm", TIMM(",\"interpolation\":3"), VIT_ERR_CORRUPT, "interpolation"},
    {"timm", TIMM(",\"std\":[0,1,1]"), VIT_ERR_CORRUPT, "std"},
    {"timm", "{\"pretrained_cfg\":{\"input_size\":[1,32,32]}}", VIT_ERR_UNSUPPORTED_MODEL, "input_size"},
    {"timm", "{\"pretrained_cfg\":{\"input_size\":[3,0,32]}}", VIT_ERR_CORRUPT, "input_size"},
    {"timm", "{\"pretrained_cfg\":{\"input_size\":32}}", VIT_ERR_CORRUPT, "input_size"},
    {"open_clip", OPEN("\"resize_mode\":\"stretch\""), VIT_ERR_CORRUPT, "resize_mode"},
    {"open_clip", OPEN("\"interpolation\":\"lanczos\""), VIT_ERR_CORRUPT, "interpolation"},
    {"open_clip", OPEN("\"fill_color\":256"), VIT_ERR_CORRUPT, "fill_color"},
    {"open_clip", OPEN("\"fill_color\":-1"), VIT_ERR_CORRUPT, "fill_color"},
    {"open_clip", OPEN("\"std\":0"), VIT_ERR_CORRUPT, "std"},
    {"open_clip", "{\"model_cfg\":{\"vision_cfg\":{\"image_size\":[1,0]}}}", VIT_ERR_CORRUPT, "image_size"},
    {"open_clip", "{\"preprocess_cfg\":{\"size\":1e6}}", VIT_ERR_CORRUPT, "size"},
    {"own", "{}", VIT_ERR_CORRUPT, "library"},
    {"own", "{\"library\":\"keras\"}", VIT_ERR_CORRUPT, "library"},
    {"own", "{\"library\":\"timm\",\"resize\":\"squash\"}", VIT_ERR_CORRUPT, "input_size"},
    {"own", "{\"library\":\"transformers\",\"resize\":\"patches\"}", VIT_ERR_CORRUPT, "max_num_patches"},
    {"own", OWN(",\"patch_size\":16"), VIT_ERR_CORRUPT, "max_num_patches"},
    {"own", OWN(",\"crop_size\":[3]"), VIT_ERR_CORRUPT, "crop_size"},
    {"own", OWN(",\"crop_size\":[3,3],\"fill\":[0,0,256]"), VIT_ERR_CORRUPT, "fill"},
    {"own", OWN(",\"crop_pct\":-1"), VIT_ERR_CORRUPT, "crop_pct"},
    {"own", OWN(",\"mean\":0,\"std\":0"), VIT_ERR_CORRUPT, "std"},
};

static void refuses_nonsense(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        vit_error err = {0};
        vit__json *config;
        vit_preprocessor rules;
        assert_ok(vit__json_parse(bad[i].config, strlen(bad[i].config), "", &config, &err), err);
        vit_status status = read_rules(bad[i].library, config, &rules, &err);
        if (status != bad[i].status || !strstr(err.message, bad[i].key) || strcmp(err.where, "config") != 0)
            fail_msg("%s: %s, \"%s\"", bad[i].config, vit_status_name(status), err.message);
        vit__json_free(config);
    }
}

static char *digest_of(const char *library, const char *config, char hex[65])
{
    vit_error err = {0};
    vit_preprocessor rules = rules_of(library, config);
    assert_ok(vit_preprocessor_digest(&rules, hex, &err), err);
    return hex;
}

/* Pairs that mean the same. */
static void same_meaning(void **state)
{
    (void)state;
    static const char *const pairs[][3] = {
        {"transformers", VIT(""), VIT(",\"size\":{\"height\":224,\"width\":224},\"resample\":2,\"do_rescale\":true")},
        {"transformers", VIT(",\"size\":32"), "{\"feature_extractor_type\":\"ViTFeatureExtractor\",\"size\":[32,32]}"},
        {"transformers", VIT(",\"size\":32"), "{\"image_processor\":" VIT(",\"size\":32") ",\"a\":\"b\"}"},
        {"transformers", VIT(""), "{\"image_processor_type\":\"ViTFeatureExtractor\"}"},
        {"transformers", CLIP(""), "{\"image_processor_type\":\"CLIPImageProcessorPil\",\"size\":224}"},
        {"transformers", CLIP(""), "{\"image_processor_type\":\"CLIPImageProcessorFast\",\"default_to_square\":false}"},
        {"transformers", VIT(",\"crop_size\":0,\"do_center_crop\":false"), VIT(",\"do_center_crop\":null")},
        {"transformers", VIT(",\"do_resize\":false,\"size\":7"), VIT(",\"do_resize\":false,\"size\":8")},
        {"timm", TIMM(",\"crop_pct\":0"), TIMM(",\"crop_pct\":0.875,\"interpolation\":\"bicubic\",\"crop_mode\":null")},
        {"timm", TIMM(""), "{\"architecture\":\"x\",\"input_size\":[3,32,32]}"},
        {"open_clip", OPEN(""), OPEN("\"resize_mode\":\"shortest\",\"interpolation\":\"random\",\"size\":99")},
        {"open_clip", OPEN(""), "{\"preprocess_cfg\":{\"size\":[32,32]}}"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char first[65], second[65];
        if (strcmp(digest_of(pairs[i][0], pairs[i][1], first), digest_of(pairs[i][0], pairs[i][2], second)) != 0)
            fail_msg("%s and %s mean something else", pairs[i][1], pairs[i][2]);
        assert_int_equal(strlen(first), 64);
    }
    char vit[65], clip[65];
    assert_string_not_equal(digest_of("transformers", VIT(""), vit), digest_of("transformers", CLIP(""), clip));
}

static size_t round_trips;

/* What vit__preprocess_json writes, vit__preprocess_from_own reads, to the last bit. */
static void visit(const vit__json *row)
{
    vit_error err = {0};
    vit_preprocessor rules;
    const char *library = vit__json_string(vit__json_get(row, "library"));
    assert_ok(read_rules(library, vit__json_get(row, "config"), &rules, &err), err);
    char *text = vit_preprocessor_describe(&rules);
    assert_non_null(text);
    vit_preprocessor again = rules_of("own", text);
    char *same = vit_preprocessor_describe(&again);
    assert_string_equal(text, same);
    assert_true(rules.rescale == again.rescale && rules.normalise == again.normalise);
    if (rules.normalise) {
        assert_memory_equal(rules.mean, again.mean, sizeof rules.mean);
        assert_memory_equal(rules.std, again.std, sizeof rules.std);
    }
    if (rules.rescale)
        assert_memory_equal(&rules.factor, &again.factor, sizeof rules.factor);
    assert_true(rules.crop == again.crop && rules.resize == again.resize && rules.filter == again.filter);
    vit_free(text);
    vit_free(same);
    round_trips++;
}

static void own_format(void **state)
{
    (void)state;
    each_case("preprocess", visit);
    assert_true(round_trips > 80);
    assert_null(vit_preprocessor_describe(NULL));
}

/* A config that names no class goes by the model. */
static void class_of_the_model(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"clip", CLIP("")}, {"vit_mae", VIT("")}, {"aimv2", CLIP("")}};
    vit_error err = {0};
    vit__json *empty;
    assert_ok(vit__json_parse("{}", 2, "", &empty, &err), err);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char first[65], second[65];
        vit_preprocessor rules;
        assert_ok(vit__preprocess_from_transformers_for(empty, pairs[i][0], "config", &rules, &err), err);
        assert_ok(vit_preprocessor_digest(&rules, first, &err), err);
        assert_string_equal(first, digest_of("transformers", pairs[i][1], second));
    }
    vit_preprocessor rules;
    assert_int_equal(vit__preprocess_from_transformers_for(empty, "bert", "config", &rules, NULL), VIT_ERR_CORRUPT);
    vit__json_free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refuses_nonsense), cmocka_unit_test(same_meaning),
                                       cmocka_unit_test(own_format), cmocka_unit_test(class_of_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
