/* SPDX-License-Identifier: BSD-2-Clause */
/* Every request for memory refused in turn, alone and with all that follow: nothing leaks (which the leak checker
 * sees), nothing crashes, and it either does not matter (stdio goes on without a buffer) or is called what it is. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allocations.h"
#include "checkpoint.h"
#include "folder.h"
#include "labels.h"
#include "tensors.h"

/* Opens a checkpoint and asks for every tensor and label. */
static vit_status use(const char *path, vit_error *err)
{
    vit__checkpoint *checkpoint;
    char **labels = NULL;
    vit_status status = vit__checkpoint_open(path, &checkpoint, err);
    assert_int_equal(status == VIT_OK, checkpoint != NULL);
    for (size_t i = 0; status == VIT_OK && i < vit__checkpoint_tensors(checkpoint); i++) {
        const float *floats;
        status = vit__checkpoint_floats(checkpoint, vit__checkpoint_tensor(checkpoint, i), &floats, err);
    }
    if (status == VIT_OK)
        status = vit__labels_load(vit__checkpoint_config(checkpoint), 3, &labels, err);
    vit__labels_free(labels, 3);
    vit__checkpoint_free(checkpoint);
    return status;
}

static void each_request_may_be_refused(const char *path)
{
    vit_error err = {0};
    allocations_watch(0, 0);
    vit_status status = use(path, &err);
    const size_t requests = allocations_stop();
    assert_ok(status, err);
    size_t out_of_memory = 0;
    for (size_t first = 1; first <= requests; first++)
        for (size_t refused = 1; refused <= requests; refused += requests - 1) {
            err = (vit_error){0};
            allocations_watch(first, refused);
            status = use(path, &err);
            allocations_stop();
            out_of_memory += status == VIT_ERR_OUT_OF_MEMORY;
            if ((status && status != VIT_ERR_OUT_OF_MEMORY) || err.status != status || (status && !*err.message))
                fail_msg("%s: request %zu: %s: %s", path, first, vit_status_name(status), err.message);
        }
    assert_true(out_of_memory > requests); /* of twice as many */
}

static void folders(void **state)
{
    (void)state;
    each_request_may_be_refused(data_path("golden/hf_vit_sharded"));
    each_request_may_be_refused(data_path("golden/hf_vit_bf16"));
    each_request_may_be_refused(data_path("golden/timm_vit"));
    each_request_may_be_refused(data_path("golden/hf_vit_model/model.safetensors"));
}

static void own_file(void **state)
{
    (void)state;
    char *folder = folder_make();
    safetensors_write(folder, "own.safetensors",
                      "{\"__metadata__\":{\"format\":\"vit\",\"config\":\"{\\\"id2label\\\":{\\\"0\\\":5}}\"},"
                      "\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
                      4);
    each_request_may_be_refused(in_folder(folder, "own.safetensors"));
    folder_remove(folder);
}

static void hub_cache(void **state)
{
    (void)state;
    char *folder = folder_make();
    unsetenv("HF_HUB_CACHE");
    unsetenv("HUGGINGFACE_HUB_CACHE");
    setenv("HOME", folder, 1);
    setenv("HF_HOME", "~/$NO_SUCH_VARIABLE/..", 1);
    write_text(folder, "$NO_SUCH_VARIABLE/x", "");
    write_text(folder, "hub/models--a--b/refs/main", "r");
    write_text(folder, "hub/models--a--b/snapshots/r/config.json", "{\"model_type\":\"vit\"}");
    safetensors_write(folder, "hub/models--a--b/snapshots/r/model.safetensors",
                      "{\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4);
    each_request_may_be_refused("a/b");
    folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(folders), cmocka_unit_test(own_file),
                                       cmocka_unit_test(hub_cache)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
