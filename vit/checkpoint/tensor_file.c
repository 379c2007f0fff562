/* SPDX-License-Identifier: BSD-2-Clause */
/* The public way to the tensors of a file that is no checkpoint. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mapped_file.h"
#include "memory.h"
#include "safetensors.h"
#include "vit/tensors.h"

struct vit_tensor_file {
    char *path;
    vit__mapped_file mapped;
    vit__safetensors tensors;
};

vit_status vit_tensor_file_open(const char *path, vit_tensor_file **result, vit_error *err)
{
    if (result)
        *result = NULL;
    if (!path || !result)
        return vit__fail_null(err, __func__, path ? "file" : "path");
    vit_tensor_file *file = vit__alloc_zero(1, sizeof *file);
    char *copy = file ? strdup(path) : NULL;
    if (!copy) {
        free(file);
        return vit__fail_memory(err, path);
    }
    file->path = copy;
    vit_status status = vit__mapped_file_open(path, &file->mapped, err);
    if (status == VIT_OK)
        status = vit__safetensors_parse(file->mapped.data, file->mapped.size, file->path, &file->tensors, err);
    if (status == VIT_OK)
        *result = file;
    else
        vit_tensor_file_free(file);
    return status;
}

void vit_tensor_file_free(vit_tensor_file *file)
{
    if (!file)
        return;
    vit__safetensors_free(&file->tensors);
    vit__mapped_file_close(&file->mapped);
    free(file->path);
    free(file);
}

static int give(const vit__tensor *from, vit_tensor *to)
{
    if (!to)
        return 0;
    *to = (vit_tensor){0};
    if (!from)
        return 0;
    *to = (vit_tensor){from->name, from->dtype_name, from->shape, from->rank, vit__tensor_elements(from)};
    return 1;
}

int vit_tensor_file_get(const vit_tensor_file *file, size_t index, vit_tensor *tensor)
{
    bool there = file && index < file->tensors.n_tensors;
    return give(there ? &file->tensors.tensors[index] : NULL, tensor);
}

int vit_tensor_file_find(const vit_tensor_file *file, const char *name, vit_tensor *tensor)
{
    return give(file && name ? vit__safetensors_find(&file->tensors, name) : NULL, tensor);
}

/* The tensor that `function` was asked for, and room for its values. */
static vit_status find(const char *function, const vit_tensor_file *file, const char *name, const void *values,
                       const vit__tensor **tensor, vit_error *err)
{
    if (!file || !name || !values)
        return vit__fail_null(err, function, !file ? "file" : !name ? "name" : "values");
    *tensor = vit__safetensors_find(&file->tensors, name);
    return *tensor ? vit__mapped_file_check(&file->mapped, file->path, err)
                   : vit__fail(err, VIT_ERR_NOT_FOUND, file->path, "there is no tensor %s", name);
}

vit_status vit_tensor_file_floats(const vit_tensor_file *file, const char *name, float *values, vit_error *err)
{
    const vit__tensor *tensor = NULL;
    vit_status status = find(__func__, file, name, values, &tensor, err);
    if (status == VIT_OK && !vit__tensor_read(tensor, 0, vit__tensor_elements(tensor), values))
        status = vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, file->path,
                           "tensor %s holds %s, not floating-point numbers", name, tensor->dtype_name);
    return status == VIT_OK ? vit__mapped_file_check(&file->mapped, file->path, err) : status;
}

vit_status vit_tensor_file_integers(const vit_tensor_file *file, const char *name, int32_t *values, vit_error *err)
{
    const vit__tensor *tensor = NULL;
    vit_status status = find(__func__, file, name, values, &tensor, err);
    if (status != VIT_OK)
        return status;
    bool wide = tensor->dtype == VIT__DTYPE_I64;
    if (!wide && tensor->dtype != VIT__DTYPE_I32)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, file->path, "tensor %s holds %s, not I32 or I64", name,
                         tensor->dtype_name);
    for (size_t i = 0; i < vit__tensor_elements(tensor); i++) {
        int64_t value;
        int32_t narrow;
        if (wide) {
            memcpy(&value, (const char *)tensor->data + i * sizeof value, sizeof value);
        } else {
            memcpy(&narrow, (const char *)tensor->data + i * sizeof narrow, sizeof narrow);
            value = narrow;
        }
        if (value < INT32_MIN || value > INT32_MAX)
            return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, file->path, "tensor %s holds numbers past 32 bits", name);
        values[i] = (int32_t)value;
    }
    return vit__mapped_file_check(&file->mapped, file->path, err);
}
