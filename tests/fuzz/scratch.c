/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
    (void)folder;
    scratch_remove(name);
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
