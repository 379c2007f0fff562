/* SPDX-License-Identifier: BSD-2-Clause */
#include "mapped_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

static vit_status map(int descriptor, const char *path, vit__mapped_file *file, vit_error *err)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return vit__fail(err, VIT_ERR_UNREADABLE, path, "cannot read: %s", strerror(errno));
    if (!S_ISREG(info.st_mode))
        return vit__fail(err, VIT_ERR_UNREADABLE, path, "not a regular file");
    if ((uintmax_t)info.st_size > SIZE_MAX)
        return vit__fail(err, VIT_ERR_TOO_LARGE, path, "too large for this machine's address space");
    if (info.st_size == 0)
        return VIT_OK; /* nothing to map */
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED && errno == ENOMEM)
        return vit__fail_memory(err, path);
    if (data == MAP_FAILED)
        return vit__fail(err, VIT_ERR_UNREADABLE, path, "cannot map: %s", strerror(errno));
    file->data = data;
    file->size = (size_t)info.st_size;
    return VIT_OK;
}

vit_status vit__mapped_file_open(const char *path, vit__mapped_file *file, vit_error *err)
{
    *file = (vit__mapped_file){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a named pipe must not block */
    if (descriptor < 0) {
        bool absent = errno == ENOENT || errno == ENOTDIR;
        return vit__fail(err, absent ? VIT_ERR_NOT_FOUND : VIT_ERR_UNREADABLE, path, "cannot open: %s",
                         strerror(errno));
    }
    vit_status status = map(descriptor, path, file, err);
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
