/* SPDX-License-Identifier: BSD-2-Clause */
#include "path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"

char *vit__path_join(const char *folder, const char *name)
{
    size_t folder_length = strlen(folder), name_length = strlen(name);
    bool slash = folder_length > 0 && folder[folder_length - 1] != '/';
    char *path = vit__alloc(folder_length + name_length + 2, 1);
    if (!path)
        return NULL;
    memcpy(path, folder, folder_length);
    if (slash)
        path[folder_length++] = '/';
    memcpy(path + folder_length, name, name_length + 1);
    return path;
}

const char *vit__path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *vit__path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return vit__strdup(".");
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    char *folder = vit__alloc(length + 1, 1);
    if (!folder)
        return NULL;
    memcpy(folder, path, length);
    folder[length] = 0;
    return folder;
}

bool vit__path_ends_with(const char *path, const char *ending)
{
    size_t path_length = strlen(path), length = strlen(ending);
    return path_length >= length && memcmp(path + path_length - length, ending, length) == 0;
}

bool vit__path_is_plain_name(const char *name)
{
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (const char *c = name; *c; c++)
        if (*c == '/' || *c == '\\' || (unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    return true;
}

vit_status vit__path_find(const char *folder, const char *name, char **path, vit_error *err)
{
    struct stat info;
    *path = vit__path_join(folder, name);
    if (!*path)
        return vit__fail_memory(err, folder);
    if (stat(*path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        free(*path);
        *path = NULL;
    }
    return VIT_OK;
}

vit_status vit__path_exists(const char *folder, const char *name, bool *exists, vit_error *err)
{
    char *path;
    vit_status status = vit__path_find(folder, name, &path, err);
    *exists = path != NULL;
    free(path);
    return status;
}

bool vit__path_real(const char *path, char **real)
{
    *real = realpath(path, NULL);
    return *real || errno != ENOMEM;
}

bool vit__path_current(char **folder)
{
    *folder = getcwd(NULL, 0);
    return *folder || errno != ENOMEM;
}

bool vit__path_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}
