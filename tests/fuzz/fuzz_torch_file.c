/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a weight file of torch.save. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "torch_file.h"

static void touch(const vit__safetensors *content)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < content->n_tensors; i++) {
        const vit__tensor *tensor = &content->tensors[i];
        for (size_t k = 0; k < tensor->size; k++)
            sum = (uint8_t)(sum + ((const uint8_t *)tensor->data)[k]);
        if (i > 0 && strcmp(content->tensors[i - 1].name, tensor->name) >= 0)
            abort();
        if ((vit__tensor_elements(tensor) == 0) != (tensor->size == 0))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    vit__safetensors content;
    vit_error err = {0};
    const vit_status status = vit__torch_file_parse(bytes, size, "fuzz", &content, &err);
    const bool refused = status == VIT_ERR_CORRUPT || status == VIT_ERR_TRUNCATED ||
                         status == VIT_ERR_UNSUPPORTED_MODEL;
    if (err.status != status || (status == VIT_OK ? content.n_tensors == 0 : !refused || content.tensors))
        abort();
    touch(&content);
    vit__safetensors_free(&content);
    return 0;
}
