/* SPDX-License-Identifier: BSD-2-Clause */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "talk.h"
#include "text.h"

/* Formats that this build does not read are listed too, raw files of cameras among them: such a file is reported, not
 * passed over in silence. */
static const char *const extensions[] = {
    "jpg",  "jpeg", "jpe", "jfif",  "mpo",   "png",  "apng", "ppm", "pgm",  "pbm", "pnm", "pam",  "pfm",
    "webp", "gif",  "bmp", "dib",   "tif",   "tiff", "ico",  "cur", "icns", "psd", "psb", "avif", "avifs",
    "heic", "heif", "hif", "heics", "heifs", "jxl",  "jxr",  "wdp", "jp2",  "j2k", "j2c", "jpc",  "jpf",
    "jpx",  "jpm",  "tga", "svg",   "svgz",  "exr",  "hdr",  "qoi", "dds",  "pcx", "xcf", "dng",  "nef",
    "nrw",  "cr2",  "cr3", "crw",   "arw",   "srf",  "sr2",  "raf", "orf",  "rw2", "rwl", "pef",  "srw",
    "x3f",  "3fr",  "iiq", "dcr",   "kdc",   "mrw",  "erf",  "mef", "gpr",  NULL};

/* One folder on the way down. Names of folders end with '/': sorted so, a depth-first walk meets the files in the byte
 * order of their whole paths ("a.jpg" before "a/b.jpg"). */
typedef struct level {
    char *path;
    char **names;
    size_t n, next;
} level;

struct cli_folder {
    level *levels;
    size_t depth;
    size_t found;
    bool silent;
    char *failed; /* a folder that could not be read, to be given out next */
    int error;
};

bool cli_is_image_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && extensions[i]; i++)
        if (strcasecmp(dot + 1, extensions[i]) == 0)
            return true;
    return false;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_name(level *to, const char *name, const char *suffix)
{
    cli_text text = {0};
    cli_text_format(&text, "%s%s", name, suffix);
    to->names = cli_reallocate(to->names, to->n + 1, sizeof *to->names);
    to->names[to->n++] = text.data;
}

/* A folder is taken, a picture by its name or its first bytes is taken, a link to a folder is named and left. Hidden
 * names are passed over, as in tar files: thumbnails, and what a Mac writes beside each file (._IMG_1.jpg). */
static void consider(const cli_folder *folder, int directory, const struct dirent *entry, level *to)
{
    struct stat status = {0};
    const char *name = entry->d_name;
    if (name[0] == '.')
        return;
    bool link = entry->d_type == DT_LNK;
    bool is_folder = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN && fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        link = S_ISLNK(status.st_mode);
        is_folder = S_ISDIR(status.st_mode);
    }
    if (link && fstatat(directory, name, &status, 0) == 0 && S_ISDIR(status.st_mode)) {
        if (!folder->silent)
            cli_note("%s/%s: a link to a folder is not followed; name it to include it", to->path, name);
    } else if (is_folder) {
        add_name(to, name, "/");
    } else if (cli_is_image_name(name)) {
        add_name(to, name, "");
    }
}

static void fail(cli_folder *folder, const char *path, int error)
{
    folder->failed = cli_duplicate(path);
    folder->error = error;
}

/* Reads a folder's names into a new level; takes over path. */
static void descend(cli_folder *folder, char *path)
{
    DIR *directory = opendir(path);
    if (!directory && errno == ENOMEM)
        cli_out_of_memory();
    if (!directory) {
        fail(folder, path, errno);
        free(path);
        return;
    }
    level to = {.path = path};
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(directory)) != NULL)
        consider(folder, dirfd(directory), entry, &to);
    if (errno)
        fail(folder, path, errno);
    closedir(directory);
    if (to.n > 0)
        qsort(to.names, to.n, sizeof *to.names, compare_names);
    folder->levels = cli_reallocate(folder->levels, folder->depth + 1, sizeof *folder->levels);
    folder->levels[folder->depth++] = to;
}

cli_folder *cli_folder_open(const char *path, bool silent)
{
    cli_folder *folder = cli_allocate(1, sizeof *folder);
    folder->silent = silent;
    descend(folder, cli_duplicate(path));
    return folder;
}

static void ascend(cli_folder *folder)
{
    level *top = &folder->levels[--folder->depth];
    if (folder->depth == 0 && folder->found == 0 && !folder->silent)
        cli_note("%s: no images in this folder", top->path);
    while (top->n > 0)
        free(top->names[--top->n]);
    free(top->names);
    free(top->path);
}

char *cli_folder_next(cli_folder *folder, int *error)
{
    for (;;) {
        if (folder->failed) {
            char *path = folder->failed;
            *error = folder->error;
            folder->failed = NULL;
            folder->found++;
            return path;
        }
        if (folder->depth == 0)
            return NULL;
        level *top = &folder->levels[folder->depth - 1];
        if (top->next == top->n) {
            ascend(folder);
            continue;
        }
        char *name = top->names[top->next++];
        char *path = cli_join(top->path, name);
        size_t length = strlen(path);
        if (path[length - 1] != '/') {
            folder->found++;
            return path;
        }
        path[length - 1] = '\0';
        descend(folder, path);
    }
}

void cli_folder_close(cli_folder *folder)
{
    if (!folder)
        return;
    folder->found = 1; /* cut short: nothing to say about what was found */
    while (folder->depth > 0)
        ascend(folder);
    free(folder->failed);
    free(folder->levels);
    free(folder);
}
