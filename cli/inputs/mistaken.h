/* SPDX-License-Identifier: BSD-2-Clause */
/* What was given as a picture and is none, but what another option of the command takes: a tar
 * file, a list, an array. */
#ifndef CLI_MISTAKEN_H
#define CLI_MISTAKEN_H

#include <stddef.h>

#include "vit/vit.h"

/* So many bytes of a file are enough to tell: a block of bzip2, which gives nothing before it is
 * whole, is at most 900,000. */
#define CLI_MISTAKEN_BYTES ((size_t)1 << 20)

/* Where the bytes, which may be the start of a file alone, are such a thing, *err says so in place
 * of what it says: "this is a tar file, not a picture; --tar takes the pictures in it". place is
 * the path, or "-" for standard input. Any thread. */
void cli_mistaken(const void *bytes, size_t size, const char *place, vit_error *err);

#endif
