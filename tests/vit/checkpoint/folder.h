/* SPDX-License-Identifier: BSD-2-Clause */
/* A temporary folder, and files in it. Everything here fails the test when it cannot be done. */
#ifndef VIT_TEST_FOLDER_H
#define VIT_TEST_FOLDER_H

#include "support.h"

/* A fresh folder; its path, which folder_remove frees. */
char *folder_make(void);
void folder_remove(char *folder); /* with all that is in it */

/* FOLDER/NAME; the buffer is static and reused after eight calls. */
const char *in_folder(const char *folder, const char *name);

/* Folders on the way to the file are made. */
void write_bytes(const char *folder, const char *name, const void *bytes, size_t size);
void write_text(const char *folder, const char *name, const char *text);

#endif
