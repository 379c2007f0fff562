/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be known about an image's file without decoding it: size, time, content, and the caption beside it. */
#ifndef CLI_FILE_FACTS_H
#define CLI_FILE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "digest.h"

typedef struct cli_file_stamp {
    int64_t size, time; /* bytes; nanoseconds since 1970 */
} cli_file_stamp;

/* false, with errno: there is no such regular file. */
bool cli_file_stamp_of(const char *path, cli_file_stamp *stamp);

/* SHA-256 of the content; false, with errno. */
bool cli_file_hash(const char *path, char hash[CLI_DIGEST_HEX]);
/* Likewise; false also if the file is no longer, or not for the whole time, what the stamp says. */
bool cli_file_hash_of(const char *path, const cli_file_stamp *stamp, char hash[CLI_DIGEST_HEX]);

/* When the caption beside an image changed last; 0: there is none. It is NAME.txt, or in NAME.json the member
 * "caption", "text", "description" or "title"; NAME is that of the image with or without its extension. */
int64_t cli_caption_time(const char *image);
/* The caption in UTF-8, on one line; NULL: none. Freed with free(). */
char *cli_caption_read(const char *image);

#endif
