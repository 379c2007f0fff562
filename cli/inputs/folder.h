/* SPDX-License-Identifier: BSD-2-Clause */
/* The images in a folder and in the folders below it, in the byte order of their paths. Memory holds the names of one
 * folder for each level. Links to folders are not followed, so no loop can trap the walk; a note says which were left
 * out. */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

#include <stdbool.h>

typedef struct cli_folder cli_folder;

cli_folder *cli_folder_open(const char *path, bool silent);

/* The next image, or, with *error set to an errno, a folder that cannot be read. NULL: no more. The caller frees it. */
char *cli_folder_next(cli_folder *folder, int *error);

/* Does the name end as those of images do, in any case? */
bool cli_is_image_name(const char *name);

void cli_folder_close(cli_folder *folder); /* takes NULL */

#endif
