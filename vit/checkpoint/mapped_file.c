/* SPDX-License-Identifier: BSD-2-Clause */
#include "mapped_file.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"

static vit_status map(int descriptor, const char *path, uint64_t size, vit__mapped_file *file, vit_error *err)
{
    if (size > SIZE_MAX)
        return vit__fail(err, VIT_ERR_TOO_LARGE, path, "too large for this machine's address space");
    if (size == 0)
        return VIT_OK; /* nothing to map */
    void *data = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED)
        return vit__fail_errno(err, path, "cannot map", errno);
    file->data = data;
    file->size = (size_t)size;
    return VIT_OK;
}

vit_status vit__mapped_file_open(const char *path, vit__mapped_file *file, vit_error *err)
{
    const vit__file_kind any = {0};
    int descriptor;
    uint64_t size;
    *file = (vit__mapped_file){0};
    vit_status status = vit__file_open(path, &any, &descriptor, &size, err);
    if (status != VIT_OK)
        return status;
    status = map(descriptor, path, size, file, err);
    close(descriptor);
    return status;
}

void vit__mapped_file_close(vit__mapped_file *file)
{
    if (file->data)
        munmap(file->data, file->size);
    *file = (vit__mapped_file){0};
}

void vit__mapped_file_give_back(const void *data, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)data + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)data + size) / page * page;
    if (first < end)
        madvise((void *)first, end - first, MADV_DONTNEED); /* clean pages of a file: nothing is lost */
}
