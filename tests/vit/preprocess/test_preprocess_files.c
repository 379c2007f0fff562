/* SPDX-License-Identifier: BSD-2-Clause */
/* vit_preprocessor_open: which file of a folder, whose config it is, what is refused; and memory that runs out. */
#include "fixtures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allocations.h"

static char folder[] = "/tmp/vit-preprocess-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static const char *const names[] = {"processor_config.json", "preprocessor_config.json", "open_clip_config.json",
                                    "config.json", "rules.json"};

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int clear_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(path_of(names[i]));
    return 0;
}

static int remove_folder(void **state)
{
    clear_folder(state);
    return rmdir(folder);
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void expect(const char *path, const char *words)
{
    vit_error err = {0};
    vit_preprocessor *rules;
    assert_ok(vit_preprocessor_open(path, &rules, &err), err);
    char *text = vit_preprocessor_describe(rules);
    if (!strstr(text, words))
        fail_msg("%s: %s without %s", path, text, words);
    vit_free(text);
    vit_preprocessor_free(rules);
}

#define VIT_RULES "{\"image_processor_type\":\"ViTImageProcessor\",\"size\":33}"

/* Written from the least wanted to the most; each takes over. */
static void best_file_of_a_folder(void **state)
{
    (void)state;
    put("config.json", "{\"architecture\":\"vit\",\"pretrained_cfg\":{\"input_size\":[3,31,31]}}");
    expect(folder, "\"crop_size\": [31, 31]");
    put("open_clip_config.json", "{\"model_cfg\":{\"vision_cfg\":{\"image_size\":32}},\"preprocess_cfg\":{}}");
    expect(folder, "\"library\": \"open_clip\"");
    put("preprocessor_config.json", VIT_RULES);
    expect(folder, "\"resize_size\": [33, 33]");
    put("processor_config.json", "{\"processor_class\":\"CLIPProcessor\"}");
    expect(folder, "\"resize_size\": [33, 33]");
    put("processor_config.json", "{\"image_processor\":{\"image_processor_type\":\"ViTImageProcessor\",\"size\":34}}");
    expect(folder, "\"resize_size\": [34, 34]");
}

static void files_by_content(void **state)
{
    (void)state;
    static const char *const files[][2] = {
        {VIT_RULES, "\"library\": \"transformers\""},
        {"{\"architecture\":\"vit_tiny\",\"input_size\":[3,32,32]}", "\"library\": \"timm\""},
        {"{\"preprocess_cfg\":{\"size\":32}}", "\"library\": \"open_clip\""},
        {"{\"library\":\"timm\",\"resize\":\"none\"}", "{\"library\": \"timm\", \"resize\": \"none\"}"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        put("rules.json", files[i][0]);
        expect(path_of("rules.json"), files[i][1]);
    }
    /* a file of before 2021 names no class: its model does */
    put("preprocessor_config.json", "{\"do_resize\":true,\"size\":30}");
    put("config.json", "{\"model_type\":\"clip\"}");
    expect(folder, "\"crop_size\": [224, 224]");
    expect(path_of("preprocessor_config.json"), "\"resize\": \"shortest\"");
}

static void refuse(const char *path, vit_status want)
{
    vit_error err = {0};
    vit_preprocessor *rules = (void *)&err;
    vit_status status = vit_preprocessor_open(path, &rules, &err);
    if (status != want)
        fail_msg("%s: %s, not %s", path, vit_status_name(status), vit_status_name(want));
    assert_null(rules);
    assert_true(err.message[0] != '\0');
}

static void refuses_what_says_nothing(void **state)
{
    (void)state;
    refuse(folder, VIT_ERR_NOT_FOUND);
    refuse(path_of("absent.json"), VIT_ERR_NOT_FOUND);
    refuse("/dev/null", VIT_ERR_UNREADABLE);
    put("config.json", "{\"model_type\":\"vit\",\"image_size\":224}");
    refuse(folder, VIT_ERR_NOT_FOUND);
    refuse(path_of("config.json"), VIT_ERR_CORRUPT);
    put("rules.json", "{\"image_std\":[NaN,1,1]}");
    refuse(path_of("rules.json"), VIT_ERR_CORRUPT);
    put("rules.json", "{\"image_processor_type\":\"ViTImageProcessor\",\"image_std\":[1e999,1,1]}");
    refuse(path_of("rules.json"), VIT_ERR_CORRUPT);
    put("rules.json", "");
    refuse(path_of("rules.json"), VIT_ERR_CORRUPT);
    put("rules.json", "\"image_processor_type\"");
    refuse(path_of("rules.json"), VIT_ERR_CORRUPT);
    assert_int_equal(vit_preprocessor_open(NULL, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    vit_preprocessor *rules;
    assert_int_equal(vit_preprocessor_open(NULL, &rules, NULL), VIT_ERR_INVALID_ARGUMENT);
    vit_preprocessor_free(NULL);
}

/* All of an image's way with one request refused, each in turn. */
static vit_status whole_way(const char *path, const vit_image *image)
{
    vit_error err = {0};
    vit_preprocessor *rules = NULL;
    vit_image resized = {0};
    char digest[65];
    static float pixels[3 * 224 * 224];
    vit_preprocessor_open(path, &rules, &err);
    vit_preprocess(rules, image, NULL, pixels, &err);
    vit_preprocess_resized(rules, image, NULL, &resized, &err);
    vit_preprocessor_digest(rules, digest, &err);
    vit_image_free(&resized);
    vit_preprocessor_free(rules);
    return err.status;
}

static void survives_refused_memory(void **state)
{
    (void)state;
    vit_image image = make_noise(300, 200);
    put("preprocessor_config.json", "{\"image_processor_type\":\"DINOv3ViTImageProcessor\"}");
    size_t refused = 1, most = 1000;
    for (; refused < most; refused++) {
        allocations_watch(refused, 1);
        vit_status status = whole_way(path_of("preprocessor_config.json"), &image);
        if (allocations_stop() < refused) {
            assert_int_equal(status, VIT_OK);
            break;
        }
        /* a refused request that libc can do without may still end well */
        assert_true(status == VIT_OK || status == VIT_ERR_OUT_OF_MEMORY || status == VIT_ERR_UNREADABLE ||
                    status == VIT_ERR_CORRUPT);
    }
    assert_in_range(refused, 20, most - 1);
    vit_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(best_file_of_a_folder, NULL, clear_folder),
        cmocka_unit_test_setup_teardown(files_by_content, NULL, clear_folder),
        cmocka_unit_test_setup_teardown(refuses_what_says_nothing, NULL, clear_folder),
        cmocka_unit_test_setup_teardown(survives_refused_memory, NULL, clear_folder),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
