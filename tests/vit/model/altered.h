/* SPDX-License-Identifier: BSD-2-Clause */
/* A golden case with one file altered: a folder of links, and the altered
 * file in it. Everything here fails the test when it cannot be done. */
#ifndef VIT_TEST_ALTERED_H
#define VIT_TEST_ALTERED_H

#include "folder.h"

/* A file in memory, with a zero byte behind it. */
typedef struct contents {
    char *bytes;
    size_t size;
} contents;

contents contents_read(const char *case_path, const char *name);
void contents_free(contents *contents);

/* A folder with links to all files of the case but `name`, which the caller writes. folder_remove removes it. */
char *altered_make(const char *case_path, const char *name);

/* The case's config file, and its weight file where it is one ("model.safetensors"); NULL: it has none such. */
const char *config_name(const char *case_path);
const char *weights_name(const char *case_path);

#endif
