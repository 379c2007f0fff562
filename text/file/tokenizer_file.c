/* SPDX-License-Identifier: BSD-2-Clause */
#include "tokenizer_file.h"

vit_status vit__file_read_pipeline(const vit__tokenizer_json *source, vit__pipeline *pipeline, vit_error *err)
{
    bool bytes;
    vit_status status = vit__file_read_normalizer(source, &pipeline->normalizer, err);
    if (status == VIT_OK)
        status = vit__file_read_splitter(source, &pipeline->splitter, &bytes, err);
    if (status == VIT_OK)
        status = vit__file_read_tokens(source, pipeline, err);
    return status == VIT_OK ? vit__file_read_model(source, bytes, &pipeline->model, err) : status;
}
