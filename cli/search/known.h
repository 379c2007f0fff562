/* SPDX-License-Identifier: BSD-2-Clause */
/* Pictures whose vectors are there already, in memory: those of an index, or of an .npy file of `vit embed` with what
 * stands beside it (the paths in FILE.jsonl, what made the vectors in FILE.meta.json). */
#ifndef CLI_KNOWN_H
#define CLI_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "place.h"

typedef struct cli_known_picture {
    char *path;      /* as the index or the list of rows has it */
    char *file;      /* where it can be opened from here; NULL: nowhere, as a member of a tar file */
    char *caption;   /* NULL: none */
    char digest[65]; /* SHA-256 of the file; "": not known (cli_known_has_content) */
    int64_t order;   /* the earlier of two pictures has the smaller number */
    int64_t size;    /* bytes of the file, if `looked` is set; below 0: there is no file */
    bool looked;
} cli_known_picture;

/* Starts all zero; freed with cli_known_free. */
typedef struct cli_known {
    char *place;       /* for messages: without a password */
    vit_index_pin pin; /* what made the vectors */
    bool has_captions; /* the place can hold captions */
    size_t columns, n, picture_room, vector_room;
    cli_known_picture *pictures; /* [n] as they were read, which is in no order */
    float *vectors;              /* [n][columns], each of length 1 */
} cli_known;

/* Reads all pictures. CLI_USAGE or CLI_OUTPUT, with a message, if that cannot be done. */
cli_exit cli_known_read(const cli_command *command, const char *option, const cli_place *place, cli_known *known);
void cli_known_free(cli_known *known);

/* *has: 1 or 0, whether the picture's file has these bytes, by their digest and number. If the digest of the file is
 * not known, a file of the same size is read. No file at all has other bytes. A file that cannot be read is an
 * error. */
vit_status cli_known_has_content(cli_known_picture *picture, const char *digest, size_t size, unsigned char *has,
                                 vit_error *err);

#endif
