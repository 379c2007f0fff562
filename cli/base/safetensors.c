/* SPDX-License-Identifier: BSD-2-Clause */
#include "safetensors.h"

#include <stdlib.h>
#include <unistd.h>

#include "bytes.h"
#include "file.h"
#include "limit.h"
#include "text.h"

#define LENGTH 8 /* bytes of the number that says how long the header is */

static vit_status read_header(const char *path, cli_safetensors *file, uint64_t size, vit_error *err)
{
    unsigned char number[LENGTH] = {0};
    bool read = size >= LENGTH && vit__file_read_at(file->descriptor, 0, number, LENGTH);
    uint64_t length = vit__le(number, LENGTH);
    if (!read || length > VIT__LIMIT_SAFETENSORS_HEADER_BYTES || length > size - LENGTH)
        return vit_error_set(err, VIT_ERR_CORRUPT, path, "this is no safetensors file");
    char *text = cli_allocate(length + 1, 1);
    if (vit__file_read_at(file->descriptor, LENGTH, text, length))
        file->header = cli_json_parse(text, length);
    free(text);
    file->start = LENGTH + length;
    file->size = size - file->start;
    if (!file->header)
        return vit_error_set(err, VIT_ERR_CORRUPT, path, "the header of this safetensors file is no JSON object");
    return VIT_OK;
}

vit_status cli_safetensors_open(const char *path, cli_safetensors *file, vit_error *err)
{
    const vit__file_kind kind = {0};
    uint64_t size;
    *file = (cli_safetensors){.descriptor = -1};
    vit_status status = vit__file_open(path, &kind, &file->descriptor, &size, err);
    if (status == VIT_OK)
        status = read_header(path, file, size, err);
    if (status != VIT_OK)
        cli_safetensors_close(file);
    return status;
}

void cli_safetensors_close(cli_safetensors *file)
{
    vit__json_free(file->header);
    if (file->descriptor >= 0)
        close(file->descriptor);
    *file = (cli_safetensors){.descriptor = -1};
}

const char *cli_safetensors_metadata(const cli_safetensors *file, const char *name)
{
    return vit__json_string(vit__json_get(vit__json_get(file->header, "__metadata__"), name));
}
