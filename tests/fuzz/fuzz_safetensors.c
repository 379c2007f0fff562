/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a weight file. */
#include <stdlib.h>

#include "fuzz.h"
#include "touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    vit__safetensors content;
    vit_error err = {0};
    const vit_status status = vit__safetensors_parse(bytes, size, "fuzz", &content, &err);
    const bool refused = status == VIT_ERR_CORRUPT || status == VIT_ERR_TRUNCATED;
    if (err.status != status || (status == VIT_OK ? !touch(&content, bytes, size) : !refused || content.tensors))
        abort();
    vit__safetensors_free(&content);
    return 0;
}
