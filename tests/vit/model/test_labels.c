/* SPDX-License-Identifier: BSD-2-Clause */
/* Class names as transformers and timm write them. */
#include "labels.h"

#include <string.h>

#include "support.h"

#define CLASSES 3

typedef struct names {
    const char *config;
    const char *wanted[CLASSES]; /* all NULL: the checkpoint names none */
} names;

static const names cases[] = {
    /* transformers */
    {"{\"id2label\":{\"0\":\"cat\",\"1\":\"dog\",\"2\":\"car\"}}", {"cat", "dog", "car"}},
    {"{\"id2label\":{\"2\":\"car\",\"0\":\"cat\",\"7\":\"far\"}}", {"cat", NULL, "car"}},
    {"{\"id2label\":{\"0\":\"LABEL_0\",\"1\":\"LABEL_1\",\"2\":\"LABEL_2\"}}", {"LABEL_0", "LABEL_1", "LABEL_2"}},
    {"{\"id2label\":{\"0\":0,\"1\":null,\"2\":[\"x\"]}}", {"0", NULL, NULL}},
    {"{\"id2label\":{\"0\":\"\",\"1\":\"\\u00e9\"}}", {"", "\xc3\xa9", NULL}},
    {"{\"id2label\":{\"-1\":\"a\",\"00\":\"b\",\"3\":\"c\"}}", {NULL}},
    {"{\"id2label\":5}", {NULL}},
    {"{\"id2label\":{}}", {NULL}},
    /* timm */
    {"{\"label_names\":[\"cat\",\"dog\",\"car\"]}", {"cat", "dog", "car"}},
    {"{\"label_names\":[\"cat\"]}", {"cat", NULL, NULL}},
    {"{\"label_names\":[\"cat\",\"dog\",\"car\",\"far\"]}", {"cat", "dog", "car"}},
    {"{\"label_names\":{\"1\":\"dog\"}}", {NULL, "dog", NULL}},
    {"{\"pretrained_cfg\":{\"label_names\":[\"cat\",\"dog\",\"car\"]}}", {"cat", "dog", "car"}},
    {"{\"pretrained_cfg\":{\"label_names\":[\"n1\",\"n2\",\"n3\"],\"label_descriptions\":{\"n2\":\"dog\"}}}",
     {"n1", "dog", "n3"}},
    {"{\"label_names\":[\"n1\",\"n2\",\"n3\"],\"label_descriptions\":{\"n1\":\"tench, Tinca tinca\",\"n3\":5}}",
     {"tench, Tinca tinca", "n2", "n3"}},
    {"{\"label_names\":[\"n1\"],\"pretrained_cfg\":{\"label_names\":[\"x\"]}}", {"n1", NULL, NULL}},
    {"{\"labels\":[\"cat\",\"dog\",\"car\"]}", {"cat", "dog", "car"}},
    {"{\"label_names\":[]}", {NULL}},
    {"{}", {NULL}},
    {"[]", {NULL}},
};

static void names_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vit__json *config;
        vit_error err = {0};
        char **labels;
        assert_ok(vit__json_parse(cases[i].config, strlen(cases[i].config), "case", &config, &err), err);
        assert_ok(vit__labels_load(config, CLASSES, &labels, &err), err);
        const bool any = cases[i].wanted[0] || cases[i].wanted[1] || cases[i].wanted[2];
        if (any != (labels != NULL))
            fail_msg("%s: %s", cases[i].config, labels ? "has names" : "has no names");
        for (size_t k = 0; labels && k < CLASSES; k++) {
            const char *wanted = cases[i].wanted[k];
            if (!wanted != !labels[k] || (wanted && strcmp(wanted, labels[k]) != 0))
                fail_msg("%s: class %zu is %s", cases[i].config, k, labels[k] ? labels[k] : "(null)");
        }
        vit__labels_free(labels, CLASSES);
        vit__json_free(config);
    }
}

/* With so many classes, the name of the second; NULL: none has one. */
static const struct {
    const char *config;
    size_t classes;
    const char *second;
} numbers[] = {
    {"{\"architecture\":\"vit_tiny_patch16_224\"}", 1000, "goldfish, Carassius auratus"},
    {"{\"architecture\":\"vit_tiny_patch16_224\",\"model_type\":\"timm_wrapper\",\"label_names\":null}", 1000,
     "goldfish, Carassius auratus"},
    {"{\"architecture\":\"vit_tiny_patch16_224\"}", 999, NULL},
    {"{\"architecture\":\"vit_tiny_patch16_224\",\"label_names\":[]}", 1000, NULL},
    {"{\"architecture\":\"vit_tiny_patch16_224\",\"label_names\":[\"cat\",\"dog\"]}", 1000, "dog"},
    {"{\"architecture\":\"vit_tiny_patch16_224\",\"pretrained_cfg\":{\"label_names\":[\"cat\",\"dog\"]}}", 1000, "dog"},
    {"{\"architectures\":[\"ViTForImageClassification\"],\"model_type\":\"vit\"}", 1000, NULL},
    {"{\"architecture\":\"x\",\"model_type\":\"vit\"}", 1000, NULL},
};

static void a_thousand_classes_of_timm_are_imagenet(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        vit__json *config;
        vit_error err = {0};
        char **labels;
        assert_ok(vit__json_parse(numbers[i].config, strlen(numbers[i].config), "case", &config, &err), err);
        assert_ok(vit__labels_load(config, numbers[i].classes, &labels, &err), err);
        const char *second = labels ? labels[1] : NULL;
        if (!second != !numbers[i].second || (second && strcmp(second, numbers[i].second) != 0))
            fail_msg("%s: the second is %s", numbers[i].config, second ? second : "(null)");
        if (second && second[0] == 'g') {
            assert_string_equal(labels[281], "tabby, tabby cat");
            assert_string_equal(labels[999], "toilet tissue, toilet paper, bathroom tissue");
        }
        vit__labels_free(labels, numbers[i].classes);
        vit__json_free(config);
    }
}

static void without_classes_there_are_no_names(void **state)
{
    (void)state;
    vit__json *config;
    vit_error err = {0};
    char **labels;
    assert_ok(vit__json_parse("{\"id2label\":{\"0\":\"a\"}}", 22, "case", &config, &err), err);
    assert_ok(vit__labels_load(config, 0, &labels, &err), err);
    assert_null(labels);
    assert_ok(vit__labels_load(NULL, 1, &labels, &err), err);
    assert_null(labels);
    vit__json_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_found),
                                       cmocka_unit_test(a_thousand_classes_of_timm_are_imagenet),
                                       cmocka_unit_test(without_classes_there_are_no_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
