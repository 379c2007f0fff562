/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char opened[512]; /* the folder that scratch_open_folder fills */

/* Calls visit with the name of each file of a folder. */
static void each_file(const char *folder, void (*visit)(const char *folder, const char *name))
{
    DIR *entries = opendir(folder);
    if (!entries)
        abort();
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (entry->d_name[0] != '.')
            visit(folder, entry->d_name);
    closedir(entries);
}

static void remove_one(const char *folder, const char *name)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        abort();
    if (unlink(path) == 0)
        return;
    each_file(path, remove_one);
    rmdir(path);
}

static const char *scratch_folder(void);

static void remove_folder(void)
{
    scratch_clear();
    rmdir(scratch_folder());
}

/* In memory where there is such a place, since an index waits for the disk at each commit. */
static const char *scratch_folder(void)
{
    static char path[32];
    if (*path)
        return path;
    snprintf(path, sizeof path, "%s/vit-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(path) || atexit(remove_folder) != 0)
        abort();
    return path;
}

const char *scratch_path(const char *name)
{
    static char buffers[8][512];
    static unsigned next;
    char *buffer = buffers[next++ % 8];
    snprintf(buffer, sizeof buffers[0], "%s/%s", scratch_folder(), name);
    return buffer;
}

void scratch_write(const char *name, const void *bytes, size_t size)
{
    scratch_remove(name); /* it may be a link; and ext4 waits for the disk where a file is emptied and written anew */
    FILE *file = fopen(scratch_path(name), "wb");
    if (!file || (size > 0 && fwrite(bytes, 1, size, file) != size) || fclose(file) != 0)
        abort();
}

void scratch_remove(const char *name)
{
    unlink(scratch_path(name));
}

void scratch_clear(void)
{
    each_file(scratch_folder(), remove_one);
}

static void link_one(const char *folder, const char *name)
{
    char from[4096];
    snprintf(from, sizeof from, "%s/%s", folder, name);
    if (symlink(from, scratch_path(name)) != 0)
        abort();
}

void scratch_link_all(const char *folder)
{
    each_file(folder, link_one);
}

static void link_one_in(const char *folder, const char *name)
{
    char from[4096], to[4096];
    if ((size_t)snprintf(from, sizeof from, "%s/%s", folder, name) >= sizeof from ||
        (size_t)snprintf(to, sizeof to, "%s/%s", opened, name) >= sizeof to || symlink(from, to) != 0)
        abort();
}

bool scratch_open_folder(const char *name)
{
    char inner[256], from[4096];
    struct stat info;
    const char *slash = strchr(name, '/');
    if (!slash)
        return true;
    if (strchr(slash + 1, '/') || (size_t)(slash - name) >= sizeof inner)
        return false;
    snprintf(inner, sizeof inner, "%.*s", (int)(slash - name), name);
    snprintf(opened, sizeof opened, "%s", scratch_path(inner));
    if (stat(opened, &info) == 0 && !S_ISDIR(info.st_mode))
        return false;
    const ssize_t length = readlink(opened, from, sizeof from - 1);
    if (length > 0 && unlink(opened) != 0)
        abort();
    if (mkdir(opened, 0700) != 0 || length <= 0)
        return true;
    from[length] = 0;
    each_file(from, link_one_in);
    return true;
}
