/* SPDX-License-Identifier: BSD-2-Clause */
#include "touch.h"

#include <string.h>

#include "limit.h"

static bool touch_tensor(const vit__tensor *tensor, const uint8_t *bytes, size_t size)
{
    const uint8_t *data = tensor->data;
    if (data < bytes || data > bytes + size || tensor->size > (size_t)(bytes + size - data))
        return false;
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < tensor->size; i++)
        sum = (uint8_t)(sum + data[i]);
    const size_t elements = vit__tensor_elements(tensor);
    float number;
    for (size_t i = 0; i < elements && tensor->dtype <= VIT__DTYPE_F64; i++)
        if (!vit__tensor_read(tensor, i, 1, &number))
            return false;
    char text[VIT__LIMIT_TENSOR_RANK * 22 + 3];
    vit__tensor_shape_text(tensor, text, sizeof text);
    return text[strlen(text) - 1] == ']' && (elements == 0) == (tensor->size == 0);
}

bool touch(const vit__safetensors *content, const uint8_t *bytes, size_t size)
{
    uint64_t header_size;
    memcpy(&header_size, bytes, sizeof header_size);
    size_t total = sizeof header_size + header_size;
    for (size_t i = 0; i < content->n_tensors; i++) {
        const vit__tensor *tensor = &content->tensors[i];
        if (!touch_tensor(tensor, bytes, size) || vit__safetensors_find(content, tensor->name) != tensor)
            return false;
        if (i > 0 && strcmp(content->tensors[i - 1].name, tensor->name) >= 0)
            return false;
        total += tensor->size;
    }
    return total == size;
}
