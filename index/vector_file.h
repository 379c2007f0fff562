/* SPDX-License-Identifier: BSD-2-Clause */
/* The file beside a SQLite index ("photos.db-vectors") that holds all vectors in one piece, ready to be
 * scanned. It is a copy: the index is the truth, and the file may be deleted, be old, or be missing. Rows are only
 * ever added at its end; what is in the index and has a higher id than the last row is not in the file yet. */
#ifndef VIT_VECTOR_FILE_H
#define VIT_VECTOR_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "nearest.h"

/* Which index it belongs to. */
typedef struct vit__vector_file_key {
    uint64_t index; /* a random number of the index */
    size_t columns;
} vit__vector_file_key;

typedef struct vit__vector_file {
    vit__rows rows;  /* read as they are wanted: a mapped file that is cut short would end the process */
    int64_t last_id; /* the id of the last row; 0: there are no rows */
    double error;    /* the largest error of a row (vit__row_write) */
} vit__vector_file;

/* Opens it for reading. No rows if it is missing, damaged, or another index's. */
void vit__vector_file_open(const char *path, const vit__vector_file_key *key, vit__vector_file *file);
void vit__vector_file_close(vit__vector_file *file);

/* Adding rows. */
typedef struct vit__vector_appender vit__vector_appender;

/* afresh: the rows of the file are dropped. NULL, with errno: the file cannot be written, or another process is writing
 * it (EAGAIN). */
vit__vector_appender *vit__vector_append_start(const char *path, const vit__vector_file_key *key, bool afresh);
int64_t vit__vector_append_last_id(const vit__vector_appender *appender);
bool vit__vector_append(vit__vector_appender *appender, int64_t id, const float *vector); /* ids ascend */
/* keep: makes the rows count. Frees the appender in every case; false, with errno, if they do not count. */
bool vit__vector_append_end(vit__vector_appender *appender, bool keep);

#endif
