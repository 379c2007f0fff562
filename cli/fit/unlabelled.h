/* SPDX-License-Identifier: BSD-2-Clause */
/* Pictures that a table says nothing of, although they stand in the folders beside it. */
#ifndef CLI_UNLABELLED_H
#define CLI_UNLABELLED_H

#include <stddef.h>
#include <sys/stat.h>

/* The files that the table names, whatever their names: "a.jpg" and "./a.jpg" are one file. */
typedef struct cli_named_files {
    struct cli_named_file {
        dev_t device;
        ino_t number;
    } * files;
    size_t n, room;
} cli_named_files;

void cli_named_files_add(cli_named_files *named, const struct stat *info);
void cli_named_files_free(cli_named_files *named);

/* Calls tell with the path of each image below the folders that the table does not name. */
void cli_unlabelled_find(cli_named_files *named, const char *const *folders, size_t n,
                         void (*tell)(void *data, const char *path), void *data);

#endif
