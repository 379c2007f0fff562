/* SPDX-License-Identifier: BSD-2-Clause */
#include "file_facts.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "sha256.h"

#define BUFFER_SIZE 65536

static int64_t nanoseconds(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

bool vit__file_stamp_of(const char *path, vit_index_stamp *stamp)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    *stamp = (vit_index_stamp){status.st_size, nanoseconds(&status)};
    return S_ISREG(status.st_mode);
}

bool vit__file_hash(const char *path, char hash[VIT__HASH_SIZE])
{
    static const vit__file_kind any_file;
    char buffer[BUFFER_SIZE];
    int descriptor;
    uint64_t size;
    if (vit__file_open(path, &any_file, &descriptor, &size, NULL) != VIT_OK)
        return false;
    vit__sha256_state state;
    vit__sha256_start(&state);
    ssize_t count;
    while ((count = read(descriptor, buffer, sizeof buffer)) > 0 || (count < 0 && errno == EINTR))
        if (count > 0)
            vit__sha256_add(&state, buffer, (size_t)count);
    close(descriptor);
    vit__sha256_finish(&state, hash);
    return count == 0;
}

bool vit__file_hash_of(const char *path, const vit_index_stamp *stamp, char hash[VIT__HASH_SIZE])
{
    vit_index_stamp now;
    return vit__file_hash(path, hash) && vit__file_stamp_of(path, &now) && now.size == stamp->size &&
           now.time == stamp->time;
}
