/* SPDX-License-Identifier: BSD-2-Clause */
/* Every request for memory refused in turn while a model is opened and a picture, or a text, encoded: nothing leaks or
 * crashes, and it is called what it is. While it encodes, nothing asks for memory at all. */
#include <stdlib.h>
#include <string.h>

#include "allocations.h"
#include "folder.h"

#define VALUES 200000 /* more than any golden model takes or gives */
#define IDS 5

static float pixels[VALUES], result[VALUES];
static const int32_t ids[IDS] = {3, 1, 4, 1, 5};
static int once; /* how models are opened */

/* Opens the model, encodes one input. Counts the requests made while encoding. */
static vit_status use(const char *path, vit_tower tower, size_t *while_encoding, vit_error *err)
{
    vit_model *model;
    vit_session *session = NULL;
    vit_model_options options = {.precision = VIT_PRECISION_AUTO, .tower = tower, .once = once};
    vit_session_options one = {.threads = 1, .max_batch = 1};
    vit_status status = vit_model_open(path, &options, &model, err);
    assert_int_equal(status == VIT_OK, model != NULL);
    if (status == VIT_OK)
        status = vit_session_create(model, &one, &session, err);
    assert_int_equal(status == VIT_OK, session != NULL);
    if (status == VIT_OK && while_encoding)
        allocations_watch(0, 0);
    if (status == VIT_OK && tower == VIT_TOWER_TEXT)
        status = vit_encode_text(session, ids, 1, IDS, VIT_OUTPUT_EMBEDDING, result, err);
    else if (status == VIT_OK)
        status = vit_encode(session, pixels, 1, VIT_OUTPUT_EMBEDDING, result, err);
    if (while_encoding)
        *while_encoding = allocations_stop();
    vit_session_free(session);
    vit_model_free(model);
    return status;
}

static void each_request_may_be_refused(const char *path, vit_tower tower)
{
    vit_error err = {0};
    size_t while_encoding;
    assert_ok(use(path, tower, &while_encoding, &err), err);
    assert_int_equal(while_encoding, 0);
    allocations_watch(0, 0);
    assert_ok(use(path, tower, NULL, &err), err);
    const size_t requests = allocations_stop();
    size_t out_of_memory = 0;
    for (size_t first = 1; first <= requests; first++)
        for (size_t refused = 1; refused <= requests; refused += requests - 1) {
            err = (vit_error){0};
            allocations_watch(first, refused);
            vit_status status = use(path, tower, NULL, &err);
            allocations_stop();
            out_of_memory += status == VIT_ERR_OUT_OF_MEMORY;
            if ((status && status != VIT_ERR_OUT_OF_MEMORY) || err.status != status)
                fail_msg("%s: request %zu: %s: %s", path, first, vit_status_name(status), err.message);
        }
    assert_true(out_of_memory > requests); /* of twice as many */
}

static void pictures(void **state)
{
    (void)state;
    each_request_may_be_refused(data_path("golden/hf_vit_bf16"), VIT_TOWER_IMAGE);
    each_request_may_be_refused(data_path("golden/hf_vit_sharded"), VIT_TOWER_IMAGE);
    each_request_may_be_refused(data_path("golden/timm_eva02_tiny"), VIT_TOWER_IMAGE);
    each_request_may_be_refused(data_path("golden/hf_beit_classifier"), VIT_TOWER_IMAGE);
    each_request_may_be_refused(data_path("golden/hf_dinov3_vit"), VIT_TOWER_IMAGE);
    each_request_may_be_refused(data_path("golden/own_variational"), VIT_TOWER_IMAGE);
    each_request_may_be_refused(data_path("golden/hf_swinv2"), VIT_TOWER_IMAGE);
    once = 1;
    each_request_may_be_refused(data_path("golden/hf_swin"), VIT_TOWER_IMAGE);
    each_request_may_be_refused(data_path("golden/hf_vit_bf16"), VIT_TOWER_IMAGE);
    each_request_may_be_refused(data_path("golden/hf_dinov3_vit"), VIT_TOWER_IMAGE);
    once = 0;
}

static void words(void **state)
{
    (void)state;
    each_request_may_be_refused(data_path("golden/hf_siglip"), VIT_TOWER_TEXT);
    each_request_may_be_refused(data_path("golden/openclip_vit"), VIT_TOWER_TEXT);
}

/* ------------------------------------------------------------------ packed files ---- */

static char packed[4 << 20], whole[sizeof packed];
static size_t packed_size;

static int keep(void *context, const void *bytes, size_t size)
{
    (void)context;
    assert_true(size <= sizeof packed - packed_size);
    memcpy(packed + packed_size, bytes, size);
    packed_size += size;
    return 0;
}

static vit_status pack(const vit_model *model, vit_error *err)
{
    const vit_sink sink = {keep, NULL};
    packed_size = 0;
    return vit_model_pack(model, NULL, &sink, err);
}

static void packing(const char *path)
{
    vit_error err = {0};
    vit_model *model;
    vit_model_options options = {.precision = VIT_PRECISION_INT8};
    assert_ok(vit_model_open(path, &options, &model, &err), err);
    allocations_watch(0, 0);
    assert_ok(pack(model, &err), err);
    const size_t requests = allocations_stop(), size = packed_size;
    size_t out_of_memory = 0;
    memcpy(whole, packed, size);
    for (size_t first = 1; first <= requests; first++)
        for (size_t refused = 1; refused <= requests; refused += requests - 1) {
            err = (vit_error){0};
            allocations_watch(first, refused);
            vit_status status = pack(model, &err);
            allocations_stop();
            out_of_memory += status == VIT_ERR_OUT_OF_MEMORY;
            bool same = status == VIT_OK && packed_size == size && memcmp(packed, whole, size) == 0;
            if ((status != VIT_ERR_OUT_OF_MEMORY && !same) || err.status != status)
                fail_msg("%s: request %zu: %s: %s", path, first, vit_status_name(status), err.message);
        }
    assert_true(out_of_memory > requests); /* of twice as many */
    err = (vit_error){0};
    assert_ok(pack(model, &err), err);
    vit_model_free(model);
}

static void packed_files(void **state)
{
    (void)state;
    static const char *const cases[] = {"golden/hf_vit_classifier", "golden/timm_vit_siglip", "golden/hf_swin"};
    char *folder = folder_make();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        packing(data_path("%s", cases[i]));
        write_bytes(folder, "packed.safetensors", packed, packed_size);
        packed_size = 0;
        each_request_may_be_refused(in_folder(folder, "packed.safetensors"), VIT_TOWER_IMAGE);
    }
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pictures), cmocka_unit_test(words),
                                       cmocka_unit_test(packed_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
