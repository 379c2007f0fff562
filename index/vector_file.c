/* SPDX-License-Identifier: BSD-2-Clause */
#include "vector_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buffer.h"
#include "file.h"
#include "memory.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "vectors are stored as they lie in memory");

#define MAGIC 0x3163657674697600u /* "\0vitvec1" */
#define HEADER_SIZE 4096u
#define BUFFER_SIZE (1u << 20)

/* At the start of the file; written in one piece when rows have reached the disk. */
typedef struct file_header {
    uint64_t magic, index, columns, rows;
    int64_t last_id;
    double error;
    uint64_t check; /* of the above */
} file_header;

static uint64_t check_of(const file_header *header)
{
    const unsigned char *bytes = (const void *)header;
    uint64_t sum = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < offsetof(file_header, check); i++)
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    return sum;
}

/* false: there is no such file, or it is not ours. */
static bool read_header(int descriptor, const vit__vector_file_key *key, file_header *header)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) ||
        !vit__file_read_at(descriptor, 0, header, sizeof *header))
        return false;
    if (header->magic != MAGIC || header->check != check_of(header) || header->index != key->index ||
        header->columns != key->columns)
        return false;
    uint64_t size = (uint64_t)status.st_size;
    uint64_t held = size < HEADER_SIZE ? 0 : (size - HEADER_SIZE) / vit__row_size(key->columns);
    return header->rows <= held;
}

void vit__vector_file_open(const char *path, const vit__vector_file_key *key, vit__vector_file *file)
{
    file_header header;
    *file = (vit__vector_file){.rows = {.columns = key->columns, .row_size = vit__row_size(key->columns)}};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return;
    if (!read_header(descriptor, key, &header) || header.rows == 0) {
        close(descriptor);
        return;
    }
    file->rows.n = (size_t)header.rows;
    file->rows.descriptor = descriptor;
    file->rows.start = HEADER_SIZE;
    file->last_id = header.last_id;
    file->error = header.error;
}

void vit__vector_file_close(vit__vector_file *file)
{
    if (file->rows.n)
        close(file->rows.descriptor);
    *file = (vit__vector_file){0};
}

/* ------------------------------------------------------------------ adding ---- */

struct vit__vector_appender {
    int descriptor;
    file_header header;
    char *path, *fresh_path; /* afresh: a new file takes the place of the old one; else NULL */
    unsigned char *buffer;
    size_t filled, row_size;
    off_t at;
    int error;
};

/* -1, with errno: it cannot be written, or another process holds it (EAGAIN). */
static int open_locked(const char *path, bool empty)
{
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0 || (flock(descriptor, LOCK_EX | LOCK_NB) == 0 && (!empty || ftruncate(descriptor, 0) == 0)))
        return descriptor;
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
}

static void appender_free(vit__vector_appender *appender)
{
    close(appender->descriptor);
    free(appender->path);
    free(appender->fresh_path);
    free(appender->buffer);
    free(appender);
}

/* Takes the descriptor in every case. NULL, with errno. */
static vit__vector_appender *appender_create(const char *path, const vit__vector_file_key *key, int descriptor)
{
    vit__vector_appender *appender = vit__alloc_zero(1, sizeof *appender);
    if (appender) {
        appender->descriptor = descriptor;
        appender->path = vit__strdup(path);
        appender->row_size = vit__row_size(key->columns);
        appender->buffer = vit__alloc(BUFFER_SIZE + appender->row_size, 1);
    }
    if (appender && appender->path && appender->buffer)
        return appender;
    if (appender)
        appender_free(appender);
    else
        close(descriptor);
    errno = ENOMEM;
    return NULL;
}

/* A new file, so that whoever reads the old one goes on. */
static vit__vector_appender *start_afresh(const char *path, const vit__vector_file_key *key)
{
    vit__buffer fresh = {0};
    vit__buffer_format(&fresh, "%s.new", path);
    const char *fresh_path = vit__buffer_terminate(&fresh);
    int descriptor = fresh_path ? open_locked(fresh_path, true) : -1, error = fresh_path ? errno : ENOMEM;
    vit__vector_appender *appender = descriptor < 0 ? NULL : appender_create(path, key, descriptor);
    if (!appender) {
        error = descriptor < 0 ? error : errno;
        vit__buffer_free(&fresh);
        errno = error;
        return NULL;
    }
    appender->fresh_path = fresh.data;
    appender->header = (file_header){.magic = MAGIC, .index = key->index, .columns = key->columns};
    appender->at = HEADER_SIZE;
    return appender;
}

vit__vector_appender *vit__vector_append_start(const char *path, const vit__vector_file_key *key, bool afresh)
{
    if (afresh)
        return start_afresh(path, key);
    int descriptor = open_locked(path, false);
    if (descriptor < 0)
        return NULL;
    file_header header;
    if (!read_header(descriptor, key, &header)) {
        close(descriptor);
        return start_afresh(path, key);
    }
    vit__vector_appender *appender = appender_create(path, key, descriptor);
    if (!appender)
        return NULL;
    appender->header = header;
    appender->at = (off_t)(HEADER_SIZE + header.rows * appender->row_size);
    return appender;
}

int64_t vit__vector_append_last_id(const vit__vector_appender *appender)
{
    return appender->header.last_id;
}

static bool write_at(vit__vector_appender *appender, const void *bytes, size_t size, off_t at)
{
    const char *from = bytes;
    while (size > 0 && !appender->error) {
        ssize_t written = pwrite(appender->descriptor, from, size, at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            appender->error = written < 0 ? errno : EIO;
            break;
        }
        from += written;
        at += written;
        size -= (size_t)written;
    }
    return !appender->error;
}

static bool flush(vit__vector_appender *appender)
{
    bool written = write_at(appender, appender->buffer, appender->filled, appender->at);
    appender->at += (off_t)appender->filled;
    appender->filled = 0;
    return written;
}

bool vit__vector_append(vit__vector_appender *appender, int64_t id, const float *vector)
{
    file_header *header = &appender->header;
    double error = vit__row_write(appender->buffer + appender->filled, id, vector, (size_t)header->columns);
    header->error = error > header->error ? error : header->error;
    header->last_id = id;
    header->rows++;
    appender->filled += appender->row_size;
    return appender->filled < BUFFER_SIZE || flush(appender);
}

/* The header last, when what it counts is on the disk. */
static bool seal(vit__vector_appender *appender)
{
    appender->header.check = check_of(&appender->header);
    if (!flush(appender))
        return false;
    if (fsync(appender->descriptor) != 0 || !write_at(appender, &appender->header, sizeof appender->header, 0) ||
        (appender->fresh_path && rename(appender->fresh_path, appender->path) != 0)) {
        appender->error = appender->error ? appender->error : errno;
        return false;
    }
    return true;
}

bool vit__vector_append_end(vit__vector_appender *appender, bool keep)
{
    if (keep)
        keep = seal(appender);
    if (!keep && appender->fresh_path)
        unlink(appender->fresh_path);
    int error = appender->error;
    appender_free(appender);
    errno = error;
    return keep;
}
