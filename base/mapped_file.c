/* SPDX-License-Identifier: BSD-2-Clause */
#include "mapped_file.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "sigbus.h"

static vit_status map(const char *path, uint64_t size, vit__mapped_file *file, vit_error *err)
{
    struct stat st;
    if (size > SIZE_MAX)
        return vit__fail(err, VIT_ERR_TOO_LARGE, path, "too large for this machine's address space");
    if (fstat(file->descriptor, &st) != 0)
        return vit__fail_errno(err, path, "cannot map", errno);
    void *data = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, file->descriptor, 0);
    if (data == MAP_FAILED)
        return vit__fail_errno(err, path, "cannot map", errno);
    file->data = data;
    file->size = (size_t)size;
    file->changed = st.st_mtim;
    file->guarded = vit__guard(data, file->size);
    return file->guarded ? VIT_OK : vit__fail_memory(err, path);
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
    if (size == 0) { /* nothing to map */
        close(descriptor);
        return VIT_OK;
    }
    file->descriptor = descriptor;
    status = map(path, size, file, err);
    if (status == VIT_OK)
        return VIT_OK;
    if (file->data)
        munmap(file->data, file->size);
    close(descriptor);
    *file = (vit__mapped_file){0};
    return status;
}

void vit__mapped_file_close(vit__mapped_file *file)
{
    if (file->data) {
        vit__unguard(file->guarded);
        munmap(file->data, file->size);
        close(file->descriptor);
    }
    *file = (vit__mapped_file){0};
}

vit_status vit__mapped_file_check(const vit__mapped_file *file, const char *path, vit_error *err)
{
    struct stat st;
    if (!file->data)
        return VIT_OK;
    if (fstat(file->descriptor, &st) != 0)
        return vit__fail_errno(err, path, "cannot be looked at", errno);
    if (vit__guarded_torn(file->guarded) || (uint64_t)st.st_size < file->size)
        return vit__fail(err, VIT_ERR_TRUNCATED, path,
                         "the file was cut short while it was in use, or its disk fails; put the whole file in its "
                         "place by renaming, and start again");
    if (st.st_mtim.tv_sec == file->changed.tv_sec && st.st_mtim.tv_nsec == file->changed.tv_nsec)
        return VIT_OK;
    return vit__fail(err, VIT_ERR_CORRUPT, path,
                     "the file was written into while it was in use, and what was computed from it may be wrong; "
                     "replace files by renaming, and start again");
}

void vit__mapped_file_give_back(const void *data, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)data + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)data + size) / page * page;
    if (first < end)
        madvise((void *)first, end - first, MADV_DONTNEED); /* clean pages of a file: nothing is lost */
}
