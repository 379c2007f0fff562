/* SPDX-License-Identifier: BSD-2-Clause */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_ROOM ((size_t)64 * 1024)

vit_status vit__fail_too_large(vit_error *err, const char *name, const vit__file_kind *kind)
{
    const char *above = kind->above ? kind->above : "more than the limit of";
    return vit__fail(err, VIT_ERR_TOO_LARGE, name, "%s %" PRIu64 " bytes", above, kind->most);
}

/* ------------------------------------------------------------------ opening ---- */

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

/* Looks before it opens, since opening a pipe wakes up the program that writes to it. Then looks
 * again at what was opened, since the path may be another file by now. If a pipe is opened all the
 * same, O_NONBLOCK keeps the open from waiting. */
vit_status vit__file_open(const char *path, const vit__file_kind *kind, int *descriptor, uint64_t *size, vit_error *err)
{
    const char *not_opened = kind->not_opened ? kind->not_opened : "cannot open";
    struct stat st;
    if (stat(path, &st) != 0)
        return vit__fail_errno(err, path, not_opened, errno);
    vit_status status = check_regular(path, st.st_mode, err);
    if (status != VIT_OK)
        return status;
    do {
        *descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    } while (*descriptor < 0 && errno == EINTR);
    if (*descriptor < 0)
        return vit__fail_errno(err, path, not_opened, errno);
    if (fstat(*descriptor, &st) != 0)
        status = vit__fail_errno(err, path, not_opened, errno);
    else
        status = check_regular(path, st.st_mode, err);
    if (status != VIT_OK)
        close(*descriptor);
    *size = (uint64_t)st.st_size;
    return status;
}

/* ------------------------------------------------------------------ reading ---- */

/* How much room to make next: one byte more than may come, so that the end is seen without growing
 * again. */
static size_t next_room(const vit__buffer *b, uint64_t most_bytes)
{
    const size_t most = most_bytes < SIZE_MAX ? (size_t)most_bytes + 1 : SIZE_MAX;
    return b->capacity < most / 2 ? b->capacity * 2 : most;
}

static vit_status fill(int descriptor, const char *name, const vit__file_kind *kind, vit__buffer *b, vit_error *err)
{
    for (;;) {
        if (b->size == b->capacity && !vit__buffer_reserve(b, next_room(b, kind->most)))
            return vit__fail_memory(err, name);
        const ssize_t got = read(descriptor, b->data + b->size, b->capacity - b->size);
        if (got == 0)
            return VIT_OK;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return vit__fail_errno(err, name, "cannot be read", errno);
        b->size += (size_t)got;
        if (b->size > kind->most)
            return vit__fail_too_large(err, name, kind);
    }
}

/* expected: how many bytes there seem to be. */
static vit_status read_all(int descriptor, const char *name, const vit__file_kind *kind, uint64_t expected,
                           vit__buffer *content, vit_error *err)
{
    *content = (vit__buffer){0};
    if (expected > kind->most)
        return vit__fail_too_large(err, name, kind);
    const size_t room = expected ? (size_t)expected + 1 : FIRST_ROOM;
    vit_status status = VIT_OK;
    if (expected >= SIZE_MAX || !vit__buffer_reserve(content, room))
        status = vit__fail_memory(err, name);
    if (status == VIT_OK)
        status = fill(descriptor, name, kind, content, err);
    if (status != VIT_OK)
        vit__buffer_free(content);
    return status;
}

vit_status vit__descriptor_read(int descriptor, const char *name, const vit__file_kind *kind, vit__buffer *content,
                                vit_error *err)
{
    return read_all(descriptor, name, kind, 0, content, err);
}

bool vit__file_read_at(int descriptor, uint64_t offset, void *bytes, size_t size)
{
    errno = 0;
    for (size_t done = 0; done < size;) {
        const ssize_t got = pread(descriptor, (char *)bytes + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

vit_status vit__file_read(const char *path, const vit__file_kind *kind, vit__buffer *content, vit_error *err)
{
    int descriptor;
    uint64_t expected;
    *content = (vit__buffer){0};
    vit_status status = vit__file_open(path, kind, &descriptor, &expected, err);
    if (status != VIT_OK)
        return status;
    status = read_all(descriptor, path, kind, expected, content, err);
    close(descriptor);
    return status;
}
