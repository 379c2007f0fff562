/* SPDX-License-Identifier: BSD-2-Clause */
/* "~" and "$NAME" in a path from the environment, where no shell has expanded them. */
#ifndef VIT_EXPAND_H
#define VIT_EXPAND_H

#include <stdbool.h>

/* As Python's os.path.expanduser and then os.path.expandvars: with HOME=/home/ann, "~/hf" and
 * "${HOME}/hf" both give "/home/ann/hf". A user or a variable that does not exist stays as it is
 * written. The caller frees the path; NULL: out of memory. */
char *vit__path_expand(const char *path);

/* *folder = $HOME; if it is not set, or empty, the home folder that the system has for this user; NULL
 * if there is none. The caller frees it. false: out of memory. */
bool vit__home_folder(char **folder);

#endif
