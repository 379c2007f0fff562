/* SPDX-License-Identifier: BSD-2-Clause */
/* The pictures that a classifier is fitted to, with their labels: from folders of class folders, or from a table.
 * Nothing is read of the pictures. */
#ifndef CLI_ITEMS_H
#define CLI_ITEMS_H

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "distinct.h"
#include "text.h"

/* What a picture is for, as its folder or the table says, and later as the split does. */
typedef enum cli_side { CLI_SIDE_OPEN, CLI_SIDE_TRAIN, CLI_SIDE_VALIDATION, CLI_SIDE_TEST } cli_side;
extern const char *const cli_side_names[]; /* "", "train", "validation", "test" */

typedef struct cli_item {
    char *path;     /* as results name it */
    char *label;    /* UTF-8 */
    uint32_t class; /* once cli_items_sort has run */
    cli_side side;
} cli_item;

typedef struct cli_items {
    /* options */
    const char *table, *label_column, *path_column;
    /* at work */
    cli_item *items; /* in the order of their paths */
    size_t n, room;
    cli_distinct labels;
    size_t without_picture, without_label; /* of the table, and of the folders beside it */
} cli_items;

/* Folders of class folders, and folders with a metadata.csv. CLI_USAGE, with a message, if there is something wrong
 * with them. */
cli_exit cli_items_walk(const cli_command *command, cli_items *items, const char *const *folders, size_t n);

/* The table, whose paths are relative to it, else to one of the folders. among[n_among], sorted: the paths that there
 * are, where they are not files; NULL: they are files. */
cli_exit cli_items_read(const cli_command *command, cli_items *items, const char *const *folders, size_t n,
                        char *const *among, size_t n_among);

/* Sorts the items, drops those that are there twice, and numbers the labels. CLI_USAGE, with a message, if there are
 * fewer than two classes, or one path has two labels. */
cli_exit cli_items_sort(const cli_command *command, cli_items *items);

/* In the order of bytes, as `among` must be. */
void cli_items_sort_paths(char **paths, size_t n);

void cli_items_free(cli_items *items);

#endif
