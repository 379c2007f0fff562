/* SPDX-License-Identifier: BSD-2-Clause */
#include "partial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "memory.h"

#define ENDING ".vit.incomplete"
#define READ_BYTES ((size_t)1 << 20)
#define FLAGS (O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

static void name_of(const char *etag, char name[VIT__ETAG_MAX + 24])
{
    snprintf(name, VIT__ETAG_MAX + 24, "%s" ENDING, etag);
}

uint64_t vit__partial_left(const vit__cache *cache, const char *etag)
{
    char name[VIT__ETAG_MAX + 24];
    struct stat info;
    name_of(etag, name);
    if (cache->blobs < 0 || fstatat(cache->blobs, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
        return 0;
    return (uint64_t)info.st_size;
}

static vit_status fail_to_write(const vit__partial *p, int number, vit_error *err)
{
    char path[512], text[128];
    snprintf(path, sizeof path, "%s/blobs/%s", p->cache->path, p->name);
    return vit__fail(err, VIT_ERR_UNWRITABLE, path,
                     "cannot be written: %s; %" PRIu64 " more bytes are needed and %" PRIu64
                     " are free. What has come stays in this file, and the next run goes on with it",
                     strerror_r(number, text, sizeof text), p->whole - p->size, vit__cache_space(p->cache));
}

/* Has this process alone a name for the file? A second name is one that somebody planted to have it written over. */
static bool is_ours(int file)
{
    struct stat info;
    return fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1;
}

static vit_status open_file(vit__partial *p, vit_error *err)
{
    char below[VIT__ETAG_MAX + 32];
    snprintf(below, sizeof below, "blobs/%s", p->name);
    p->file = openat(p->cache->blobs, p->name, FLAGS);
    if (p->file < 0 && errno == ENOENT)
        p->file = openat(p->cache->blobs, p->name, FLAGS | O_CREAT | O_EXCL, 0666);
    if (p->file < 0)
        return errno == ELOOP ? vit__cache_fail(p->cache, below, errno, err) : fail_to_write(p, errno, err);
    return is_ours(p->file) ? VIT_OK : vit__cache_fail(p->cache, below, ELOOP, err);
}

/* Reads again what is there. */
static vit_status read_again(vit__partial *p, vit_error *err)
{
    char *bytes = vit__alloc(READ_BYTES, 1);
    ssize_t n = -1;
    if (!bytes)
        return vit__fail_memory(err, p->name);
    while ((n = read(p->file, bytes, READ_BYTES)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        p->size += (uint64_t)n;
        vit__digest_add(&p->digest, bytes, (size_t)n);
    }
    free(bytes);
    return n == 0 && p->size <= p->whole ? VIT_OK : vit__partial_restart(p, err);
}

vit_status vit__partial_open(const vit__cache *cache, const char *etag, const char *digest, uint64_t whole,
                             vit__partial *partial, vit_error *err)
{
    *partial = (vit__partial){.cache = cache, .etag = etag, .file = -1, .whole = whole};
    name_of(etag, partial->name);
    vit__digest_start(&partial->digest, digest, whole);
    vit_status status = open_file(partial, err);
    if (status == VIT_OK)
        status = read_again(partial, err);
    if (status != VIT_OK)
        vit__partial_close(partial);
    return status;
}

vit_status vit__partial_restart(vit__partial *p, vit_error *err)
{
    char wanted[VIT__DIGEST_ROOM];
    memcpy(wanted, p->digest.wanted, sizeof wanted);
    p->size = 0;
    vit__digest_start(&p->digest, wanted, p->whole);
    if (ftruncate(p->file, 0) != 0 || lseek(p->file, 0, SEEK_SET) != 0)
        return fail_to_write(p, errno, err);
    return VIT_OK;
}

vit_status vit__partial_add(vit__partial *p, const void *bytes, size_t size, vit_error *err)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t n = write(p->file, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_to_write(p, errno, err);
        vit__digest_add(&p->digest, at, (size_t)n);
        p->size += (uint64_t)n;
        at += n;
        size -= (size_t)n;
    }
    return VIT_OK;
}

bool vit__partial_is_right(vit__partial *p)
{
    return p->size == p->whole && vit__digest_agrees(&p->digest);
}

vit_status vit__partial_finish(vit__partial *p, vit_error *err)
{
    if (fsync(p->file) != 0 || renameat(p->cache->blobs, p->name, p->cache->blobs, p->etag) != 0)
        return fail_to_write(p, errno, err);
    close(p->file);
    p->file = -1;
    return VIT_OK;
}

void vit__partial_close(vit__partial *p)
{
    if (p->file < 0)
        return;
    if (p->size == 0 && is_ours(p->file))
        unlinkat(p->cache->blobs, p->name, 0);
    close(p->file);
    p->file = -1;
}
