/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be known about an image's file without decoding it: size, time, content. */
#ifndef VIT_FILE_FACTS_H
#define VIT_FILE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "vit/index.h"

#define VIT__HASH_SIZE 65 /* 64 lower-case digits and a NUL */

/* false: there is no such regular file. */
bool vit__file_stamp_of(const char *path, vit_index_stamp *stamp);

/* SHA-256 of the content of a regular file; false: it cannot be read. */
bool vit__file_hash(const char *path, char hash[VIT__HASH_SIZE]);
/* The same. false too if the file did not fit the stamp when reading began or when it ended. */
bool vit__file_hash_of(const char *path, const vit_index_stamp *stamp, char hash[VIT__HASH_SIZE]);

#endif
