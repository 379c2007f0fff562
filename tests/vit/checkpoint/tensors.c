/* SPDX-License-Identifier: BSD-2-Clause */
#include "tensors.h"

#include <stdlib.h>
#include <string.h>

#include "folder.h"

uint8_t *safetensors_make(const char *header, size_t data_size, size_t *size)
{
    const uint64_t header_size = strlen(header);
    *size = sizeof header_size + header_size + data_size;
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    memcpy(bytes, &header_size, sizeof header_size);
    memcpy(bytes + sizeof header_size, header, header_size);
    for (size_t i = 0; i < data_size; i++)
        bytes[sizeof header_size + header_size + i] = (uint8_t)(7 * i + 1);
    return bytes;
}

void safetensors_write(const char *folder, const char *name, const char *header, size_t data_size)
{
    size_t size;
    uint8_t *bytes = safetensors_make(header, data_size, &size);
    write_bytes(folder, name, bytes, size);
    free(bytes);
}
