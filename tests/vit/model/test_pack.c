/* SPDX-License-Identifier: BSD-2-Clause */
/* Packed files give the bits of what they were made from, whatever the family, tower, precision and
 * picture size; they are as small as they should be; and what does not fit is refused by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "packed_file.h"

static char *folder;
static size_t compared; /* models */

static vit_status open_packed(const contents *packed, const vit_model_options *options, vit_model **model,
                              vit_error *err)
{
    write_bytes(folder, "packed.safetensors", packed->bytes, packed->size);
    return vit_model_open(in_folder(folder, "packed.safetensors"), options, model, err);
}

static void same_text(const char *a, const char *b)
{
    assert_true((a == NULL) == (b == NULL));
    if (a)
        assert_string_equal(a, b);
}

static void check_facts(const vit_model *source, const vit_model *packed)
{
    vit_error err = {0};
    char a[65] = "", b[65] = "";
    assert_string_equal(vit_model_family(source), vit_model_family(packed));
    assert_int_equal(vit_model_multi_label(source), vit_model_multi_label(packed));
    assert_int_equal(vit_model_classes(source), vit_model_classes(packed));
    for (size_t i = 0; i < vit_model_classes(source); i++)
        same_text(vit_model_label(source, i), vit_model_label(packed, i));
    assert_true((vit_model_preprocessor(source) == NULL) == (vit_model_preprocessor(packed) == NULL));
    if (vit_model_preprocessor(source)) {
        assert_ok(vit_preprocessor_digest(vit_model_preprocessor(source), a, &err), err);
        assert_ok(vit_preprocessor_digest(vit_model_preprocessor(packed), b, &err), err);
        assert_string_equal(a, b);
    }
    vit_similarity left = {0}, right = {0};
    assert_int_equal(vit_model_similarity(source, &left, NULL), vit_model_similarity(packed, &right, NULL));
    assert_memory_equal(&left.scale, &right.scale, sizeof left.scale);
    assert_memory_equal(&left.bias, &right.bias, sizeof left.bias);
    assert_int_equal(left.sigmoid, right.sigmoid);
}

static void check_same(const vit_model *source, const vit_model *packed, const char *what)
{
    size_t n, n_packed;
    float *want = all_outputs(source, &n), *got = all_outputs(packed, &n_packed);
    assert_int_equal(n, n_packed);
    assert_non_null(want);
    assert_non_null(got);
    if (memcmp(want, got, n * sizeof *want) != 0)
        fail_msg("%s: other bits packed, precision %d, error %g", what, (int)vit_model_precision(source),
                 relative_error(got, want, n));
    free(want);
    free(got);
    check_facts(source, packed);
    compared++;
}

static void check_tower(const char *case_path, const contents *packed, vit_model_options options)
{
    vit_error err = {0};
    vit_model *source, *model;
    vit_model_options stored = options;
    stored.precision = VIT_PRECISION_AUTO;
    vit_status status = vit_model_open(data_path("%s", case_path), &options, &source, &err);
    if (status == VIT_ERR_UNSUPPORTED_MODEL) {
        assert_int_equal(open_packed(packed, &stored, &model, NULL), status);
        return;
    }
    assert_ok(status, err);
    assert_ok(open_packed(packed, &stored, &model, &err), err);
    assert_int_equal(vit_model_precision(model), options.precision);
    check_same(source, model, case_path);
    vit_model_free(model);
    vit_model_free(source);
}

static void check_case(const char *case_path)
{
    for (int precision = VIT_PRECISION_F32; precision <= VIT_PRECISION_INT8; precision++) {
        contents packed = packed_make(data_path("%s", case_path), (vit_precision)precision);
        for (int tower = VIT_TOWER_IMAGE; tower <= VIT_TOWER_TEXT; tower++)
            check_tower(case_path, &packed,
                        (vit_model_options){.precision = (vit_precision)precision, .tower = (vit_tower)tower});
        contents_free(&packed);
    }
}

static void every_family_gives_the_same_bits(void **state)
{
    (void)state;
    golden_each(check_case);
    print_message("%zu models\n", compared);
    assert_true(compared > golden_share(200) || getenv("VIT_TEST_CASE"));
}

static void other_picture_sizes_too(void **state)
{
    (void)state;
    static const char *const cases[] = {"golden/hf_dinov2_model", "golden/hf_beit_classifier", "golden/timm_dinov3"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        contents packed = packed_make(data_path("%s", cases[i]), VIT_PRECISION_INT8);
        check_tower(cases[i], &packed,
                    (vit_model_options){.precision = VIT_PRECISION_INT8, .image_height = 96, .image_width = 80});
        contents_free(&packed);
    }
}

/* A packed file is as good a source as any. */
static void packing_again_changes_no_weight(void **state)
{
    (void)state;
    contents packed = packed_make(data_path("golden/timm_vit_siglip"), VIT_PRECISION_BF16);
    write_bytes(folder, "packed.safetensors", packed.bytes, packed.size);
    contents again = packed_make(in_folder(folder, "packed.safetensors"), VIT_PRECISION_BF16);
    assert_int_equal(packed.size, again.size);
    char *header = packed_header(&packed);
    size_t start = 8 + strlen(header);
    assert_memory_equal(packed.bytes + start, again.bytes + start, packed.size - start);
    free(header);
    contents_free(&again);
    contents_free(&packed);
}

static void int8_is_a_quarter(void **state)
{
    (void)state;
    contents f32 = packed_make(VIT_DEFAULT_MODEL, VIT_PRECISION_F32);
    contents bf16 = packed_make(VIT_DEFAULT_MODEL, VIT_PRECISION_BF16);
    contents int8 = packed_make(VIT_DEFAULT_MODEL, VIT_PRECISION_INT8);
    print_message("f32 %zu bytes, bf16 %zu, int8 %zu\n", f32.size, bf16.size, int8.size);
    assert_true((double)int8.size < 0.30 * (double)f32.size); /* biases, scales and tables stay as wide as they are */
    assert_true((double)bf16.size < 0.54 * (double)f32.size);
    contents_free(&f32);
    contents_free(&bf16);
    contents_free(&int8);
}

static void layers_lie_where_kernels_read_them(void **state)
{
    (void)state;
    contents packed = packed_make(data_path("golden/hf_vit_classifier"), VIT_PRECISION_INT8);
    vit__safetensors parsed;
    vit_error err = {0};
    size_t layers = 0;
    assert_ok(vit__safetensors_parse(packed.bytes, packed.size, "packed", &parsed, &err), err);
    for (size_t i = 0; i < parsed.n_tensors; i++) {
        const vit__tensor *tensor = &parsed.tensors[i];
        layers += tensor->dtype == VIT__DTYPE_U8;
        if (tensor->dtype == VIT__DTYPE_U8)
            assert_int_equal(((const char *)tensor->data - packed.bytes) % 64, 0);
    }
    assert_true(layers > 4);
    vit__safetensors_free(&parsed);
    contents_free(&packed);
}

/* What other programs write may start anywhere. */
static void layers_that_lie_askew_are_copied(void **state)
{
    (void)state;
    contents packed = packed_make(data_path("golden/hf_vit_classifier"), VIT_PRECISION_INT8);
    vit_error err = {0};
    vit_model *straight, *askew;
    vit_model_options options = {.precision = VIT_PRECISION_INT8};
    contents shifted = {malloc(packed.size + 9), packed.size + 8};
    size_t length = 0;
    for (size_t i = 0; i < 8; i++)
        length |= (size_t)(unsigned char)packed.bytes[i] << (8 * i);
    for (size_t i = 0; i < 8; i++)
        shifted.bytes[i] = (char)((length + 8) >> (8 * i));
    memcpy(shifted.bytes + 8, packed.bytes + 8, length);
    memset(shifted.bytes + 8 + length, ' ', 8);
    memcpy(shifted.bytes + 16 + length, packed.bytes + 8 + length, packed.size - 8 - length);
    assert_ok(vit_model_open(data_path("golden/hf_vit_classifier"), &options, &straight, &err), err);
    assert_ok(open_packed(&shifted, NULL, &askew, &err), err);
    check_same(straight, askew, "askew");
    vit_model_free(straight);
    vit_model_free(askew);
    contents_free(&shifted);
    contents_free(&packed);
}

/* ------------------------------------------------------------------ refusals ---- */

static void refuse(const contents *packed, const vit_model_options *options, vit_status want, const char *saying)
{
    vit_error err = {0};
    vit_model *model;
    vit_status status = open_packed(packed, options, &model, &err);
    assert_null(model);
    if (status != want || !strstr(err.message, saying))
        fail_msg("%s: %s, not %s: ...%s...", vit_status_name(status), err.message, vit_status_name(want), saying);
}

static void other_precisions(void **state)
{
    (void)state;
    contents packed = packed_make(data_path("golden/hf_vit_model"), VIT_PRECISION_INT8);
    refuse(&packed, &(vit_model_options){.precision = VIT_PRECISION_F32}, VIT_ERR_INVALID_ARGUMENT, "packed in int8");
    refuse(&packed, &(vit_model_options){.precision = VIT_PRECISION_BF16}, VIT_ERR_INVALID_ARGUMENT, "run in bf16");
    contents_free(&packed);
}

/* The header with its first `from` replaced. */
static contents replaced(const contents *packed, const char *from, const char *to)
{
    char *header = packed_header(packed), *at = strstr(header, from);
    char *changed = malloc(strlen(header) + strlen(to) + 1);
    assert_non_null(changed);
    if (!at)
        fail_msg("no %s in %s", from, header);
    sprintf(changed, "%.*s%s%s", (int)(at - header), header, to, at + strlen(from));
    contents file = packed_with_header(packed, changed);
    free(changed);
    free(header);
    return file;
}

static void headers_that_do_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        vit_status status;
        const char *saying;
    } cases[] = {
        {"\\\"version\\\": 1", "\\\"version\\\": 2", VIT_ERR_UNSUPPORTED_MODEL, "a newer vit"},
        {"\\\"version\\\": 1", "\\\"virsion\\\": 1", VIT_ERR_UNSUPPORTED_MODEL, "a newer vit"},
        {"\\\"precision\\\": \\\"int8\\\"", "\\\"precision\\\": \\\"int4\\\"", VIT_ERR_UNSUPPORTED_MODEL, "int4"},
        {"\\\"precision\\\": \\\"int8\\\"", "\\\"precision\\\": \\\"bf16\\\"", VIT_ERR_MODEL_MISMATCH,
         "image.blocks.0.0.qkv"},
        {"\\\"pooling\\\": ", "\\\"peeling\\\": ", VIT_ERR_UNSUPPORTED_MODEL, "peeling"},
        {"\\\"pooling\\\": \\\"class\\\"", "\\\"pooling\\\": \\\"last\\\"", VIT_ERR_CORRUPT, "contradicts itself"},
        {"\\\"channels\\\": 3", "\\\"channels\\\": 4", VIT_ERR_UNSUPPORTED_MODEL, "channels"},
        {"\\\"image\\\": ", "\\\"imago\\\": ", VIT_ERR_MODEL_MISMATCH, "has no place for it"},
        {"\"image.blocks.0.0.fc1\"", "\"image.blocks.0.0.fc3\"", VIT_ERR_MODEL_MISMATCH, "image.blocks.0.0.fc1"},
        {"\"image.patch\"", "\"image.petch\"", VIT_ERR_MODEL_MISMATCH, "image.patch"},
        {"\"image.patch\": {\"dtype\": \"U8\"", "\"image.patch\": {\"dtype\": \"I8\"", VIT_ERR_MODEL_MISMATCH,
         "image.patch"},
    };
    contents packed = packed_make(data_path("golden/hf_vit_classifier"), VIT_PRECISION_INT8);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        contents changed = replaced(&packed, cases[i].from, cases[i].to);
        refuse(&changed, NULL, cases[i].status, cases[i].saying);
        contents_free(&changed);
    }
    contents_free(&packed);
}

/* Every scale of a layer, then every sum: what none of our packing writes there. */
static void columns_that_make_no_sense(void **state)
{
    (void)state;
    static const uint32_t wrong[] = {0x7fc00000u /* NaN */, 0x7f800000u /* infinity */, 0xbf800000u /* -1 */};
    contents packed = packed_make(data_path("golden/hf_vit_classifier"), VIT_PRECISION_INT8);
    vit__safetensors parsed;
    vit_error err = {0};
    assert_ok(vit__safetensors_parse(packed.bytes, packed.size, "packed", &parsed, &err), err);
    const vit__tensor *layer = vit__safetensors_find(&parsed, "image.blocks.0.0.projection");
    assert_non_null(layer);
    size_t columns = 64 * ((vit__safetensors_find(&parsed, "image.class_token")->shape[2] + 63) / 64);
    size_t sums = (size_t)((const char *)layer->data - packed.bytes) + layer->size - columns * 4,
           scales = sums - columns * 4;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (int where = 0; where < 2; where++) {
            uint32_t kept, value = where ? 0x7fffffffu - (uint32_t)i : wrong[i];
            char *at = packed.bytes + (where ? sums : scales) + 4 * i;
            memcpy(&kept, at, sizeof kept);
            memcpy(at, &value, sizeof value);
            refuse(&packed, NULL, VIT_ERR_CORRUPT, "scales or sums");
            memcpy(at, &kept, sizeof kept);
        }
    vit__safetensors_free(&parsed);
    contents_free(&packed);
}

static void calls_that_make_no_sense(void **state)
{
    (void)state;
    vit_error err = {0};
    vit_model *model;
    const vit_sink nowhere = {NULL, NULL};
    assert_ok(vit_model_open(data_path("golden/hf_clip"), NULL, &model, &err), err);
    assert_int_equal(vit_model_pack(NULL, NULL, &nowhere, &err), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_model_pack(model, NULL, NULL, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_model_pack(model, NULL, &nowhere, NULL), VIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(vit_model_pack(NULL, model, &nowhere, NULL), VIT_ERR_INVALID_ARGUMENT);
    vit_model_free(model);
}

static int fail_late(void *context, const void *bytes, size_t size)
{
    int *calls = context;
    (void)bytes;
    (void)size;
    return --*calls < 0;
}

static void writes_that_fail(void **state)
{
    (void)state;
    vit_model *model;
    vit_error opening = {0};
    assert_ok(vit_model_open(data_path("golden/hf_vit_model"), NULL, &model, &opening), opening);
    for (int calls = 0; calls < 5; calls++) {
        vit_error err = {0};
        int left = calls;
        const vit_sink sink = {fail_late, &left};
        assert_int_equal(vit_model_pack(model, NULL, &sink, &err), VIT_ERR_UNWRITABLE);
        assert_int_equal(left, -1);
    }
    vit_model_free(model);
}

static int start(void **state)
{
    (void)state;
    folder = folder_make();
    return 0;
}

static int end(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_gives_the_same_bits),
        cmocka_unit_test(other_picture_sizes_too),
        cmocka_unit_test(packing_again_changes_no_weight),
        cmocka_unit_test(int8_is_a_quarter),
        cmocka_unit_test(layers_lie_where_kernels_read_them),
        cmocka_unit_test(layers_that_lie_askew_are_copied),
        cmocka_unit_test(other_precisions),
        cmocka_unit_test(headers_that_do_not_fit),
        cmocka_unit_test(columns_that_make_no_sense),
        cmocka_unit_test(calls_that_make_no_sense),
        cmocka_unit_test(writes_that_fail),
    };
    return cmocka_run_group_tests(tests, start, end);
}
