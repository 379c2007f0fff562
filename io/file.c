/* SPDX-License-Identifier: BSD-2-Clause */
/* Files and descriptors -> bytes, and files -> pictures. */
#include "byte_limit.h"
#include "vit/io.h"

/* Hands over what was read. */
static vit_status deliver(vit_status status, const vit__buffer *content, void **bytes, size_t *size)
{
    if (status == VIT_OK) {
        *bytes = content->data;
        *size = content->size;
    }
    return status;
}

vit_status vit_descriptor_read(int descriptor, const char *name, uint64_t max_bytes, void **bytes, size_t *size,
                               vit_error *err)
{
    const vit__file_kind kind = vit__picture_kind(max_bytes);
    vit__buffer content = {0};
    vit_status status = vit__start_bytes(__func__, bytes, size, err);
    if (status == VIT_OK)
        status = vit__descriptor_read(descriptor, name, &kind, &content, err);
    return deliver(status, &content, bytes, size);
}

vit_status vit_file_read(const char *path, uint64_t max_bytes, void **bytes, size_t *size, vit_error *err)
{
    const vit__file_kind kind = vit__picture_kind(max_bytes);
    vit__buffer content = {0};
    vit_status status = vit__start_bytes(__func__, bytes, size, err);
    if (status == VIT_OK)
        status = path ? vit__file_read(path, &kind, &content, err) : vit__fail_null(err, __func__, "path");
    return deliver(status, &content, bytes, size);
}

vit_status vit_image_load(const char *path, const vit_load_options *options, vit_image *image, vit_error *err)
{
    if (image)
        *image = (vit_image){0};
    if (!path || !image)
        return vit__fail_null(err, __func__, path ? "image" : "path");
    vit_picture picture;
    vit_status status = vit_picture_load(path, options, &picture, err);
    *image = picture.image;
    return status;
}

vit_status vit_picture_load(const char *path, const vit_load_options *options, vit_picture *picture, vit_error *err)
{
    if (picture)
        *picture = (vit_picture){0};
    if (!path || !picture)
        return vit__fail_null(err, __func__, path ? "picture" : "path");
    void *bytes;
    size_t size;
    vit_status status = vit_file_read(path, options ? options->max_bytes : 0, &bytes, &size, err);
    if (status != VIT_OK)
        return status;
    status = vit_picture_decode(bytes, size, path, options, picture, err);
    vit_free(bytes);
    return status;
}
