/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a classifier alone, such as `vit fit --head-only` writes, in the place of the one of the model in
 * FUZZ_CASE; and as a file that names the folder "model" as that model. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "try_model.h"
#include "vit/vit.h"

#define CLASSES_MOST 4096

static void classify(const vit_model *model)
{
    const size_t n = vit_model_classes(model);
    const vit_session_options options = {.threads = 1};
    vit_session *session = NULL;
    if (n > CLASSES_MOST || vit_session_create(model, &options, &session, NULL) != VIT_OK)
        return;
    float *logits = calloc(n + 1, sizeof *logits), *pixels = calloc(vit_model_pixels_size(model), sizeof *pixels);
    if (!logits || !pixels)
        abort();
    const vit_pixels picture = {pixels, vit_model_image_width(model), vit_model_image_height(model)};
    const vit_request request = {.output = VIT_OUTPUT_LOGITS, .result = logits};
    vit_error err = {0};
    const vit_status status = vit_encode_pictures(session, &picture, 1, &request, 1, &err);
    if (err.status != status || status == VIT_ERR_INTERNAL)
        abort();
    free(pixels);
    free(logits);
    vit_session_free(session);
}

static void try_head(const char *path, const char *head)
{
    const vit_model_options options = {.head = head};
    vit_model *model = try_open(path, &options, NULL);
    if (model)
        classify(model);
    vit_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static int linked;
    if (!linked && symlink(FUZZ_CASE, scratch_path("model")) != 0)
        abort();
    linked = 1;
    scratch_write("head.safetensors", bytes, size);
    const int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (here < 0 || chdir(scratch_path("")) != 0) /* where the file finds "model" */
        abort();
    try_head("model", "head.safetensors");
    try_head("head.safetensors", NULL);
    if (fchdir(here) != 0)
        abort();
    close(here);
    return 0;
}
