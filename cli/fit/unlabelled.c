/* SPDX-License-Identifier: BSD-2-Clause */
#include "unlabelled.h"

#include <stdbool.h>
#include <stdlib.h>

#include "folder.h"
#include "text.h"

static int compare(const void *a, const void *b)
{
    const struct cli_named_file *x = a, *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

void cli_named_files_add(cli_named_files *named, const struct stat *info)
{
    named->files = cli_grow(named->files, &named->room, named->n, sizeof *named->files);
    named->files[named->n++] = (struct cli_named_file){info->st_dev, info->st_ino};
}

void cli_named_files_free(cli_named_files *named)
{
    free(named->files);
    *named = (cli_named_files){0};
}

static bool is_named(const cli_named_files *named, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return true; /* it is no picture that could have a label */
    const struct cli_named_file wanted = {info.st_dev, info.st_ino};
    return named->n && bsearch(&wanted, named->files, named->n, sizeof wanted, compare);
}

void cli_unlabelled_find(cli_named_files *named, const char *const *folders, size_t n,
                         void (*tell)(void *data, const char *path), void *data)
{
    if (named->n)
        qsort(named->files, named->n, sizeof *named->files, compare);
    for (size_t i = 0; i < n; i++) {
        int error = 0;
        cli_folder *folder = cli_folder_open(folders[i], true);
        for (char *path; (path = cli_folder_next(folder, &error)) != NULL; free(path))
            if (!error && !is_named(named, path))
                tell(data, path);
        cli_folder_close(folder);
    }
}
