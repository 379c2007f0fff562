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

/* A name that stays in its folder and prints as it is: no slash, backslash or control character, not "", "." or "..". */
bool vit__path_is_plain_name(const char *name);

/* *path = "folder/name", which the caller frees, if something has that name, whatever it is: opening it says whether it
 * can be read. NULL: nothing has. Out of memory. */
vit_status vit__path_find(const char *folder, const char *name, char **path, vit_error *err);
/* The same, for who only wants to know. */
vit_status vit__path_exists(const char *folder, const char *name, bool *exists, vit_error *err);

/* Links are followed. */
bool vit__path_is_folder(const char *path);

#endif
