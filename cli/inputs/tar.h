/* SPDX-License-Identifier: BSD-2-Clause */
/* The images in a tar file, one by one, with the .json and .txt that belong to them, as webdataset lays samples out:
 * the files of a sample follow each other and share their name up to the first dot of its last part. The file is read
 * once, from front to back. Memory holds one sample, and at most 64 files of a sample that never ends. gzip, bzip2 and
 * zstd are undone on the way (not xz, whose header may ask for 4 GiB). This file alone calls libarchive. */
#ifndef CLI_TAR_H
#define CLI_TAR_H

#include <stdbool.h>
#include <stddef.h>

#include "inputs.h"

typedef struct cli_tar cli_tar;

/* name "-" is standard input. A file that cannot be opened shows in the first cli_tar_next. */
cli_tar *cli_tar_open(const char *name);

/* The next image, as an input of kind CLI_SOURCE_MEMBER; or what stands in its place: a member that cannot be
 * read, or the tar file itself (kind CLI_SOURCE_PATH) where it breaks off, with input->error. false: no more. */
bool cli_tar_next(cli_tar *tar, cli_input *input);

void cli_tar_close(cli_tar *tar); /* takes NULL */

/* Are these the bytes, or the first ones, of a tar file with something in it, compressed or not?
 * false also where that cannot be known (libarchive is missing). From any thread. */
bool cli_tar_is(const void *bytes, size_t size);

#endif
