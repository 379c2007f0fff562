/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tensors that do not fit the config, in every golden case: one that is missing, one too many, one of
 * another shape, one of another type. Each is refused, and the message names the tensor and, for a
 * shape, both shapes. The headers are altered in place, letter for letter, so that nothing else changes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "altered.h"
#include "golden.h"

#define TENSORS 24 /* of each case, evenly spread: every kind is among them over all cases */

static size_t refused; /* a test that tries nothing must not pass */

typedef struct trial {
    const char *case_path;
    contents file;
    char *folder;
    const char *name; /* of the weight file */
} trial;

static vit_status open_tower(const trial *t, vit_tower tower, vit_error *err)
{
    vit_model *model;
    const vit_model_options options = {.tower = tower};
    *err = (vit_error){0};
    vit_status status = vit_model_open(t->folder, &options, &model, err);
    assert_int_equal(status == VIT_OK, model != NULL);
    vit_model_free(model);
    return status;
}

/* Each tower, until one is refused: neither refuses what is wrong with the other. */
static vit_status open_altered(const trial *t, vit_error *err)
{
    vit_error of_words;
    write_bytes(t->folder, t->name, t->file.bytes, t->file.size);
    vit_status images = open_tower(t, VIT_TOWER_IMAGE, err), words = open_tower(t, VIT_TOWER_TEXT, &of_words);
    bool one = images == VIT_OK && words == VIT_ERR_UNSUPPORTED_MODEL;
    if (images == VIT_ERR_UNSUPPORTED_MODEL || (images == VIT_OK && !one)) {
        *err = of_words;
        return words;
    }
    return images;
}

static void expect_refusal(const trial *t, const char *tensor, const char *other)
{
    vit_error err;
    vit_status status = open_altered(t, &err);
    if (status != VIT_ERR_MODEL_MISMATCH || !strstr(err.message, tensor) || (other && !strstr(err.message, other)))
        fail_msg("%s: %s (%s): %s: %s", t->case_path, tensor, other ? other : "", vit_status_name(status), err.message);
    refused++;
}

/* The place of `"NAME"` in the header, behind its first quote. */
static char *find_name(const trial *t, const char *name)
{
    char quoted[256];
    snprintf(quoted, sizeof quoted, "\"%s\"", name);
    for (char *at = t->file.bytes + 8; at < t->file.bytes + t->file.size; at++)
        if (memcmp(at, quoted, strlen(quoted)) == 0)
            return at + 1;
    fail_msg("%s is not in the header", name);
    return NULL;
}

/* Under another name the tensor is missing, and there is one too many; which of the two is told first is free. */
static void try_renamed(const trial *t, const vit__tensor *tensor)
{
    char *at = find_name(t, tensor->name), other[256], first = *at;
    *at = first == 'Q' ? 'R' : 'Q';
    snprintf(other, sizeof other, "%.*s", (int)strlen(tensor->name), at);
    vit_error err;
    vit_status status = open_altered(t, &err);
    if (status != VIT_ERR_MODEL_MISMATCH || (!strstr(err.message, tensor->name) && !strstr(err.message, other)))
        fail_msg("%s: %s renamed: %s: %s", t->case_path, tensor->name, vit_status_name(status), err.message);
    refused++;
    *at = first;
}

/* [a,b] as [b,a] */
static void try_turned(const trial *t, const vit__tensor *tensor)
{
    size_t a = tensor->shape[0], b = tensor->rank == 2 ? tensor->shape[1] : a;
    char before[64], after[64], spoken[64];
    if (a == b)
        return;
    char *shape = strchr(find_name(t, tensor->name), '[');
    int length = snprintf(before, sizeof before, "[%zu,%zu]", a, b);
    snprintf(after, sizeof after, "[%zu,%zu]", b, a);
    if (strncmp(shape, before, (size_t)length) != 0)
        return; /* written with spaces */
    memcpy(shape, after, (size_t)length);
    snprintf(spoken, sizeof spoken, "[%zu, %zu]", a, b);
    expect_refusal(t, tensor->name, spoken);
    snprintf(spoken, sizeof spoken, "[%zu, %zu]", b, a);
    expect_refusal(t, tensor->name, spoken);
    memcpy(shape, before, (size_t)length);
}

/* F32 as I32, F16 and BF16 as nothing of the same width in as many letters but F16 as I16 */
static void try_retyped(const trial *t, const vit__tensor *tensor)
{
    if (strcmp(tensor->dtype_name, "F32") != 0 && strcmp(tensor->dtype_name, "F16") != 0)
        return;
    char *type = strstr(find_name(t, tensor->name), tensor->dtype_name);
    *type = 'I';
    expect_refusal(t, tensor->name, *(type + 1) == '3' ? "I32" : "I16");
    *type = 'F';
}

static bool is_float(const vit__tensor *tensor)
{
    return tensor->dtype == VIT__DTYPE_F32 || tensor->dtype == VIT__DTYPE_F16 || tensor->dtype == VIT__DTYPE_BF16;
}

/* Those that a family lists as harmless may be missing, or be anything. */
static bool is_needed(const char *name)
{
    static const char *const left_over[] = {"mask_token", "decoder",      "crossattention",
                                            "itm_head",   "pooler.dense", "embed_tokens"};
    for (size_t i = 0; i < sizeof left_over / sizeof *left_over; i++)
        if (strstr(name, left_over[i]))
            return false;
    return true;
}

static void check_case(const char *case_path)
{
    trial t = {.case_path = case_path, .name = weights_name(case_path)};
    if (!t.name)
        return; /* in shards */
    t.file = contents_read(case_path, t.name);
    t.folder = altered_make(case_path, t.name);
    vit_error err = {0};
    vit__safetensors tensors;
    void *kept = malloc(t.file.size);
    assert_non_null(kept);
    memcpy(kept, t.file.bytes, t.file.size);
    assert_ok(vit__safetensors_parse(kept, t.file.size, case_path, &tensors, &err), err);
    assert_ok(open_altered(&t, &err), err); /* as it is, it opens */
    size_t step = tensors.n_tensors / TENSORS + 1;
    for (size_t i = 0; i < tensors.n_tensors; i += step) {
        const vit__tensor *tensor = &tensors.tensors[i];
        if (!is_float(tensor) || !is_needed(tensor->name))
            continue;
        try_renamed(&t, tensor);
        try_turned(&t, tensor);
        try_retyped(&t, tensor);
    }
    vit__safetensors_free(&tensors);
    free(kept);
    contents_free(&t.file);
    folder_remove(t.folder);
}

static void tensors_must_fit(void **state)
{
    (void)state;
    golden_each(check_case);
    assert_true(refused > 2000 || getenv("VIT_TEST_CASE"));
}

static void families_must_be_known(void **state)
{
    (void)state;
    vit_error err = {0};
    vit_model *model;
    char *folder = altered_make("golden/hf_vit_model", "config.json");
    write_text(folder, "config.json", "{\"model_type\": \"resnet\", \"hidden_size\": 8}");
    assert_int_equal(vit_model_open(folder, NULL, &model, &err), VIT_ERR_UNSUPPORTED_MODEL);
    assert_non_null(strstr(err.message, "resnet"));
    assert_non_null(strstr(err.message, "dinov2")); /* what there is instead */
    folder_remove(folder);
}

/* A size that the model cannot be run at is the caller's: where is the option, not a file of the
 * checkpoint. */
static void sizes_are_the_callers(void **state)
{
    (void)state;
    const uint32_t edges[] = {1, 20000, 100000};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        vit_error err = {0};
        vit_model *model;
        const vit_model_options options = {.image_height = edges[i], .image_width = edges[i]};
        assert_int_equal(vit_model_open(data_path("golden/hf_vit_classifier"), &options, &model, &err),
                         VIT_ERR_INVALID_ARGUMENT);
        assert_string_equal(err.where, "image_size");
        assert_null(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tensors_must_fit), cmocka_unit_test(families_must_be_known),
                                       cmocka_unit_test(sizes_are_the_callers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
