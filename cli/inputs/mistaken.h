/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that were given as pictures, but are something that another option of the command takes: a tar file, a list, an
 * array. */
#ifndef CLI_MISTAKEN_H
#define CLI_MISTAKEN_H

#include <stddef.h>

#include "vit/vit.h"

/* So many bytes of a file are enough to tell: a block of bzip2, which gives nothing before it is
 * whole, is at most 900,000. */
#define CLI_MISTAKEN_BYTES ((size_t)1 << 20)

/* Looks at the bytes of a file, or at its first bytes. If the file is such a thing, the message of *err is replaced:
 * "this is a tar file, not a picture; --tar takes the pictures in it". place is the path, or "-" for standard input.
 * Any thread may call it. */
void cli_mistaken(const void *bytes, size_t size, const char *place, vit_error *err);

#endif
