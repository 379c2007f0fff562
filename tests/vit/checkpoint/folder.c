/* SPDX-License-Identifier: BSD-2-Clause */
#include "folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 1024

char *folder_make(void)
{
    const char *parent = getenv("TMPDIR");
    char *folder = malloc(PATH_BYTES);
    assert_non_null(folder);
    snprintf(folder, PATH_BYTES, "%s/vit-test-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

void folder_remove(char *folder)
{
    assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(folder);
}

const char *in_folder(const char *folder, const char *name)
{
    static char buffers[8][PATH_BYTES];
    static unsigned next;
    char *buffer = buffers[next++ % 8];
    snprintf(buffer, PATH_BYTES, "%s/%s", folder, name);
    return buffer;
}

static void make_parents(const char *path)
{
    char parent[PATH_BYTES];
    snprintf(parent, sizeof parent, "%s", path);
    for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(parent, 0700);
        *slash = '/';
    }
}

void write_bytes(const char *folder, const char *name, const void *bytes, size_t size)
{
    const char *path = in_folder(folder, name);
    make_parents(path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void write_text(const char *folder, const char *name, const char *text)
{
    write_bytes(folder, name, text, strlen(text));
}
