/* SPDX-License-Identifier: BSD-2-Clause */
/* File paths as text, and whether something stands there. */
#ifndef VIT_PATH_H
#define VIT_PATH_H

#include <stdbool.h>

#include "vit/error.h"

/* "folder/name", which the caller frees; NULL: out of memory. */
char *vit__path_join(const char *folder, const char *name);

/* The part after the last slash. */
const char *vit__path_name(const char *path);

/* The part before the last slash ("." without one, "/" for the root's), which the caller frees; NULL: out of memory. */
char *vit__path_folder(const char *path);

bool vit__path_ends_with(const char *path, const char *ending);

/* Is this a name that stays in its folder and prints as it is? It has no slash, no backslash and no control character,
 * and is not "", "." or "..". */
bool vit__path_is_plain_name(const char *name);

/* *path = "folder/name", which the caller frees, if something has that path. It may be anything:
 * who opens it learns whether it is a file that can be read. *path = NULL: nothing has that path.
 * The one error is out of memory. */
vit_status vit__path_find(const char *folder, const char *name, char **path, vit_error *err);
/* Whether vit__path_find would find it. */
vit_status vit__path_exists(const char *folder, const char *name, bool *exists, vit_error *err);

/* *real: the absolute path without links; NULL: nothing has that path. The caller frees it. false: out of
 * memory. */
bool vit__path_real(const char *path, char **real);

/* *folder: the one that the process is in; NULL: it is gone, and relative paths mean nothing. The caller frees it.
 * false: out of memory. */
bool vit__path_current(char **folder);

/* Links are followed. */
bool vit__path_is_folder(const char *path);

#endif
