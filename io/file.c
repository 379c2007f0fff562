/* SPDX-License-Identifier: BSD-2-Clause */
/* Files and descriptors -> bytes. Nothing here blocks on what is not a plain file, unless it is handed over open. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "byte_limit.h"
#include "vit/io.h"

#define FIRST_ROOM ((size_t)64 * 1024)

typedef struct buffer {
    uint8_t *bytes;
    size_t size, room;
} buffer;

static vit_status fail_errno(vit_error *err, const char *name, int number)
{
    char text[128];
    const char *reason = strerror_r(number, text, sizeof text); /* the GNU one: strerror is not for threads */
    vit_status status = VIT_ERR_UNREADABLE;
    if (number == ENOENT || number == ENOTDIR)
        status = VIT_ERR_NOT_FOUND;
    if (number == ENOMEM)
        status = VIT_ERR_OUT_OF_MEMORY;
    return vit__fail(err, status, name, "cannot be read: %s", reason);
}

static bool grow(buffer *b, size_t room)
{
    uint8_t *bytes = realloc(b->bytes, room);
    if (!bytes)
        return false;
    b->bytes = bytes;
    b->room = room;
    return true;
}

/* How much room to make next: one byte more than may come, so that the end is seen without growing again. */
static size_t next_room(const buffer *b, uint64_t max_bytes)
{
    const size_t most = max_bytes < SIZE_MAX ? (size_t)max_bytes + 1 : SIZE_MAX;
    return b->room < most / 2 ? b->room * 2 : most;
}

/* Reads to the end. On failure what has been read stays in *b, for the caller to free. */
static vit_status fill(int descriptor, const char *name, uint64_t max_bytes, buffer *b, vit_error *err)
{
    for (;;) {
        if (b->size == b->room && !grow(b, next_room(b, max_bytes)))
            return vit__fail_memory(err, name);
        const ssize_t got = read(descriptor, b->bytes + b->size, b->room - b->size);
        if (got == 0)
            return VIT_OK;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(err, name, errno);
        b->size += (size_t)got;
        if (b->size > max_bytes)
            return vit__fail_bytes(err, name, max_bytes);
    }
}

/* expected is what the file system says, and may be wrong: files grow, those in /proc say 0. */
static vit_status read_all(int descriptor, const char *name, uint64_t max_bytes, uint64_t expected, buffer *b,
                           vit_error *err)
{
    if (expected > max_bytes)
        return vit__fail_bytes(err, name, max_bytes);
    if (expected >= SIZE_MAX)
        return vit__fail_memory(err, name);
    if (!grow(b, expected ? (size_t)expected + 1 : FIRST_ROOM))
        return vit__fail_memory(err, name);
    return fill(descriptor, name, max_bytes, b, err);
}

/* Hands *b over, or frees it. */
static vit_status deliver(vit_status status, buffer *b, void **bytes, size_t *size)
{
    if (status != VIT_OK) {
        free(b->bytes);
        return status;
    }
    *bytes = b->bytes;
    *size = b->size;
    return VIT_OK;
}

vit_status vit_descriptor_read(int descriptor, const char *name, uint64_t max_bytes, void **bytes, size_t *size,
                               vit_error *err)
{
    buffer b = {0};
    vit_status status = vit__start_bytes(__func__, bytes, size, err);
    if (status != VIT_OK)
        return status;
    status = read_all(descriptor, name, vit__byte_limit(max_bytes), 0, &b, err);
    return deliver(status, &b, bytes, size);
}

/* ------------------------------------------------------------------ files ---- */

static vit_status check_regular(const char *path, mode_t mode, vit_error *err)
{
    if (S_ISREG(mode))
        return VIT_OK;
    const char *what = "a device";
    if (S_ISDIR(mode))
        what = "a directory";
    if (S_ISFIFO(mode))
        what = "a pipe";
    if (S_ISSOCK(mode))
        what = "a socket";
    return vit__fail(err, VIT_ERR_UNREADABLE, path, "this is %s, not a file", what);
}

/* Looks before it opens, since opening a pipe wakes up who writes to it; then looks again at what was opened, since it
 * may be another file by now (and O_NONBLOCK keeps a pipe from blocking then). */
static vit_status open_regular(const char *path, int *descriptor, uint64_t *size, vit_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return fail_errno(err, path, errno);
    vit_status status = check_regular(path, st.st_mode, err);
    if (status != VIT_OK)
        return status;
    do {
        *descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    } while (*descriptor < 0 && errno == EINTR);
    if (*descriptor < 0)
        return fail_errno(err, path, errno);
    if (fstat(*descriptor, &st) != 0)
        status = fail_errno(err, path, errno);
    else
        status = check_regular(path, st.st_mode, err);
    if (status != VIT_OK)
        close(*descriptor);
    *size = (uint64_t)st.st_size;
    return status;
}

vit_status vit_file_read(const char *path, uint64_t max_bytes, void **bytes, size_t *size, vit_error *err)
{
    int descriptor = -1;
    uint64_t expected = 0;
    vit_status status = vit__start_bytes(__func__, bytes, size, err);
    if (status == VIT_OK)
        status = path ? open_regular(path, &descriptor, &expected, err)
                      : vit__fail_null(err, __func__, "path");
    if (status != VIT_OK)
        return status;
    buffer b = {0};
    status = read_all(descriptor, path, vit__byte_limit(max_bytes), expected, &b, err);
    close(descriptor);
    return deliver(status, &b, bytes, size);
}

vit_status vit_image_load(const char *path, const vit_load_options *options, vit_image *image, vit_error *err)
{
    if (image)
        *image = (vit_image){0};
    if (!path || !image)
        return vit__fail_null(err, __func__, path ? "image" : "path");
    void *bytes;
    size_t size;
    vit_status status = vit_file_read(path, options ? options->max_bytes : 0, &bytes, &size, err);
    if (status != VIT_OK)
        return status;
    status = vit_image_decode(bytes, size, path, options, image, err);
    vit_free(bytes);
    return status;
}
