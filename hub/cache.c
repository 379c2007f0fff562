/* SPDX-License-Identifier: BSD-2-Clause */
#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "digest.h"
#include "error.h"
#include "hub_cache.h"
#include "limit.h"
#include "memory.h"
#include "path.h"

#define TAG "CACHEDIR.TAG"
#define TAG_TEXT                                                                                                       \
    "Signature: 8a477f597d28d172789f06886806bc55\n"                                                                    \
    "# This file is a cache directory tag created by libvithub.\n"                                                     \
    "# For information about cache directory tags, see: https://bford.info/cachedir/\n"
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define WAIT_NANOSECONDS 50000000 /* between two looks at a lock */
#define COPY_BYTES ((size_t)1 << 20)
#define TEMPORARY ".vit.incomplete" /* what such a name in blobs/ ends with is ours */

vit_status vit__cache_fail(const vit__cache *cache, const char *name, int number, vit_error *err)
{
    char path[512], text[128];
    snprintf(path, sizeof path, "%s%s%s", cache->path, *name ? "/" : "", name);
    if (number == ENOMEM)
        return vit__fail_memory(err, path);
    if (number == ELOOP || number == ENOTDIR)
        return vit__fail(
            err, VIT_ERR_CORRUPT, path,
            "a link, or a file, stands where a folder of the cache should: nobody who knows the cache puts "
            "it there; look at it, and remove it");
    if (number == EISDIR)
        return vit__fail(err, VIT_ERR_CORRUPT, path,
                         "a folder stands where the cache has a file: look at it, and remove it");
    return vit__fail(err, VIT_ERR_UNWRITABLE, path,
                     "cannot be written: %s; %" PRIu64 " bytes are needed and %" PRIu64 " are free",
                     strerror_r(number, text, sizeof text), cache->needed, vit__cache_space(cache));
}

static vit_status fail_planted(const vit__cache *cache, const char *name, vit_error *err)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", cache->path, name);
    return vit__fail(err, VIT_ERR_CORRUPT, path,
                     "this is not the link, or the file, that the cache has there: look at it, and remove it");
}

bool vit__is_etag(const char *text)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = strlen(text);
    return length >= 1 && length <= VIT__ETAG_MAX && strspn(text, alphabet) == length;
}

/* ------------------------------------------------------------------ folders ---- */

/* The folder `name` in `parent`, never through a link. make: makes it where it is missing. -1: errno says why. */
static int enter(int parent, const char *name, bool make)
{
    if (make && mkdirat(parent, name, 0777) != 0 && errno != EEXIST)
        return -1;
    return openat(parent, name, FOLDER_FLAGS | O_NOFOLLOW);
}

/* The folder that holds the last part of `path`, a safe name such as "snapshots/COMMIT/a/FILE", below `parent`. *last
 * = its last part. -1: errno says why. */
static int enter_path(int parent, const char *path, bool make, const char **last)
{
    char part[NAME_MAX + 1];
    int at = fcntl(parent, F_DUPFD_CLOEXEC, 0);
    for (size_t length; at >= 0 && path[length = strcspn(path, "/")]; path += length + 1) {
        snprintf(part, sizeof part, "%.*s", (int)length, path);
        int next = enter(at, part, make), number = errno;
        close(at);
        errno = number;
        at = next;
    }
    *last = path;
    return at;
}

/* All folders of the path, as mkdir -p; these may be links. */
static bool make_folders(const char *path)
{
    char *copy = vit__strdup(path);
    if (!copy) {
        errno = ENOMEM;
        return false;
    }
    for (char *at = copy + 1; *copy && *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        mkdir(copy, 0777); /* what is not made now shows at the end */
        *at = '/';
    }
    bool made = mkdir(copy, 0777) == 0 || errno == EEXIST;
    free(copy);
    return made;
}

static bool write_all(int file, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(file, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

static void add_tag(int root)
{
    int tag = openat(root, TAG, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (tag < 0)
        return; /* it is there; or it cannot be written, which does no harm */
    if (!write_all(tag, TAG_TEXT, sizeof TAG_TEXT - 1))
        unlinkat(root, TAG, 0); /* the next run makes a whole one */
    close(tag);
}

/* The folder of the repository may itself be a link: people move large ones to another disk. */
static bool open_folders(const char *path, bool make, vit__cache *c)
{
    if (make && !make_folders(path))
        return false;
    c->root = open(path, FOLDER_FLAGS);
    if (c->root < 0)
        return !make && errno == ENOENT;
    if (make)
        add_tag(c->root);
    if (make && mkdirat(c->root, c->name, 0777) != 0 && errno != EEXIST)
        return false;
    c->folder = openat(c->root, c->name, FOLDER_FLAGS);
    if (c->folder < 0)
        return !make && errno == ENOENT;
    if (make && mkdirat(c->folder, "snapshots", 0777) != 0 && errno != EEXIST) /* huggingface_hub misses it otherwise */
        return false;
    c->blobs = enter(c->folder, "blobs", make);
    return c->blobs >= 0 || (!make && errno == ENOENT);
}

vit_status vit__cache_open(const char *path, const char *id, bool links, uint64_t needed, vit__cache *cache,
                           vit_error *err)
{
    *cache = (vit__cache){.root = -1, .folder = -1, .blobs = -1, .links = links, .needed = needed};
    cache->name = vit__hub_repository(id);
    cache->path = cache->name ? vit__path_join(path, cache->name) : NULL;
    vit_status status = cache->path ? VIT_OK : vit__fail_memory(err, path);
    if (status == VIT_OK && !open_folders(path, needed > 0, cache))
        status = vit__cache_fail(cache, "", errno, err);
    if (status != VIT_OK)
        vit__cache_close(cache);
    return status;
}

static void close_folder(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

void vit__cache_close(vit__cache *cache)
{
    close_folder(&cache->blobs);
    close_folder(&cache->folder);
    close_folder(&cache->root);
    free(cache->path);
    free(cache->name);
    cache->path = cache->name = NULL;
}

uint64_t vit__cache_space(const vit__cache *cache)
{
    struct statvfs info;
    char *place = vit__strdup(cache->path);
    bool known = false;
    while (place && !known && *place) {
        known = statvfs(place, &info) == 0;
        char *slash = strrchr(place, '/');
        *(slash ? slash : place) = 0;
    }
    if (!known)
        known = statvfs(cache->path[0] == '/' ? "/" : ".", &info) == 0;
    free(place);
    if (!known)
        return UINT64_MAX;
    return (uint64_t)info.f_bavail * (info.f_frsize ? info.f_frsize : info.f_bsize);
}

/* ------------------------------------------------------------------ reading ---- */

/* A regular file for reading. -1 with errno 0: there is none; else errno says why. */
static int open_regular(int folder, const char *name, uint64_t *size)
{
    struct stat info;
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    *size = 0;
    if (file < 0) {
        errno = errno == ENOENT ? 0 : errno;
        return -1;
    }
    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode)) {
        *size = (uint64_t)info.st_size;
        return file;
    }
    close(file);
    errno = ELOOP;
    return -1;
}

/* What the link says; "": it is no link. false: there is nothing of that name. */
static bool read_link(int folder, const char *name, char target[PATH_MAX])
{
    ssize_t length = readlinkat(folder, name, target, PATH_MAX - 1);
    target[length > 0 ? length : 0] = 0;
    return length > 0 || errno != ENOENT;
}

/* "../../blobs/XX/HASH", in the folder blobs/ of a repository: a file of the shared store. */
static vit_status open_shared(const vit__cache *cache, const char *etag, const char *target, int *descriptor,
                              uint64_t *size, vit_error *err)
{
    static const char above[] = "../../";
    static const char store[] = "blobs/";
    const char *below = target + sizeof above - 1, *last;
    const char *hash = below + sizeof store - 1 + 3;
    bool right = strncmp(target, above, sizeof above - 1) == 0 && strncmp(below, store, sizeof store - 1) == 0 &&
                 strlen(below) == sizeof store - 1 + 3 + VIT__SHA256_DIGITS && hash[-1] == '/' &&
                 vit__is_hex(hash, VIT__SHA256_DIGITS) && hash[-2] == hash[1] && hash[-3] == hash[0];
    if (!right)
        return fail_planted(cache, etag, err);
    int folder = enter_path(cache->root, below, false, &last);
    if (folder < 0 && errno == ENOENT)
        return VIT_OK;
    if (folder >= 0)
        *descriptor = open_regular(folder, last, size);
    int number = *descriptor < 0 ? errno : 0;
    if (folder >= 0)
        close(folder);
    return number ? fail_planted(cache, etag, err) : VIT_OK;
}

vit_status vit__cache_open_blob(const vit__cache *cache, const char *etag, int *descriptor, uint64_t *size,
                                vit_error *err)
{
    char target[PATH_MAX], name[VIT__ETAG_MAX + 8];
    snprintf(name, sizeof name, "blobs/%s", etag);
    *descriptor = -1;
    *size = 0;
    if (cache->blobs < 0 || !read_link(cache->blobs, etag, target))
        return VIT_OK;
    if (*target)
        return open_shared(cache, name, target, descriptor, size, err);
    *descriptor = open_regular(cache->blobs, etag, size);
    if (*descriptor >= 0 || errno == 0)
        return VIT_OK;
    return errno == EACCES ? vit__fail(err, VIT_ERR_UNREADABLE, cache->path, "%s: permission denied", name)
                           : fail_planted(cache, name, err);
}

/* "snapshots/COMMIT/FILE", which the caller frees. */
static char *snapshot_path(const char *commit, const char *file)
{
    size_t size = sizeof "snapshots//" + strlen(commit) + strlen(file);
    char *path = vit__alloc(size, 1);
    if (path)
        snprintf(path, size, "snapshots/%s/%s", commit, file);
    return path;
}

/* What the link at `path`, below the repository's folder, says where it is right: "../../blobs/ETAG", and one "../"
 * more for each folder in the snapshot. false: it does not fit. */
static bool link_target(const char *path, const char *etag, char target[PATH_MAX])
{
    size_t used = 0;
    for (const char *slash = path; (slash = strchr(slash, '/')) != NULL; slash++) {
        if (used + 4 >= PATH_MAX)
            return false;
        memcpy(target + used, "../", 4);
        used += 3;
    }
    return snprintf(target + used, PATH_MAX - used, "blobs/%s", etag) < (int)(PATH_MAX - used);
}

/* Through the entry `last` of the open folder. */
static vit_status open_entry(const vit__cache *cache, int folder, const char *path, const char *last, char *etag,
                             int *descriptor, uint64_t *size, vit_error *err)
{
    char target[PATH_MAX], right[PATH_MAX];
    if (!read_link(folder, last, target))
        return VIT_OK;
    if (*target) {
        const char *name = vit__path_name(target);
        if (!vit__is_etag(name) || !link_target(path, name, right) || strcmp(target, right) != 0)
            return fail_planted(cache, path, err);
        strcpy(etag, name);
        return vit__cache_open_blob(cache, etag, descriptor, size, err);
    }
    *descriptor = open_regular(folder, last, size);
    return *descriptor < 0 && errno != 0 ? fail_planted(cache, path, err) : VIT_OK;
}

vit_status vit__cache_open_file(const vit__cache *cache, const char *commit, const char *file, char *etag,
                                int *descriptor, uint64_t *size, vit_error *err)
{
    const char *last;
    *etag = 0;
    *descriptor = -1;
    *size = 0;
    if (cache->folder < 0)
        return VIT_OK;
    char *path = snapshot_path(commit, file);
    if (!path)
        return vit__fail_memory(err, cache->path);
    vit_status status = VIT_OK;
    int folder = enter_path(cache->folder, path, false, &last);
    if (folder >= 0)
        status = open_entry(cache, folder, path, last, etag, descriptor, size, err);
    else if (errno != ENOENT)
        status = vit__cache_fail(cache, path, errno, err);
    if (folder >= 0)
        close(folder);
    free(path);
    return status;
}

/* ------------------------------------------------------------------ locks ---- */

static vit_status open_lock(const vit__cache *cache, const char *name, int *lock, vit_error *err)
{
    char path[NAME_MAX + VIT__ETAG_MAX + 32];
    const char *last;
    snprintf(path, sizeof path, ".locks/%s/%s.lock", cache->name, name);
    int folder = enter_path(cache->root, path, true, &last);
    *lock = folder < 0 ? -1 : openat(folder, last, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0664);
    int number = *lock < 0 ? errno : 0;
    if (folder >= 0)
        close(folder);
    if (number == 0) {
        fchmod(*lock, 0664); /* whatever the umask: others of the group may lock it. Not ours: as its owner has it */
        return VIT_OK;
    }
    return vit__cache_fail(cache, "", number, err);
}

vit_status vit__cache_lock(const vit__cache *cache, const char *name, bool (*go_on)(void *), void *data, int *lock,
                           vit_error *err)
{
    vit_status status = open_lock(cache, name, lock, err);
    while (status == VIT_OK && flock(*lock, LOCK_EX | LOCK_NB) != 0) {
        const struct timespec moment = {.tv_nsec = WAIT_NANOSECONDS};
        if (errno != EWOULDBLOCK && errno != EINTR)
            return VIT_OK; /* a file system without locks: the rename and the digest keep it right */
        if (go_on && !go_on(data))
            status = vit__fail(err, VIT_ERR_CANCELLED, name, "ended by its caller");
        else
            nanosleep(&moment, NULL);
    }
    if (status != VIT_OK && *lock >= 0)
        close(*lock);
    return status;
}

/* ------------------------------------------------------------------ writing ---- */

static bool copy_content(int from, int to)
{
    char *bytes = vit__alloc(COPY_BYTES, 1);
    ssize_t n = -1;
    if (!bytes)
        errno = ENOMEM;
    while (bytes && (n = read(from, bytes, COPY_BYTES)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || !write_all(to, bytes, (size_t)n))
            break;
    }
    int number = errno;
    free(bytes);
    errno = number;
    return n == 0;
}

/* The entry becomes a link, by a rename where something else stands there. errno says why not. */
static bool place_link(const vit__cache *cache, int folder, const char *last, const char *path, const char *etag)
{
    char target[PATH_MAX], there[PATH_MAX], temporary[VIT__ETAG_MAX + 32];
    errno = ENAMETOOLONG;
    if (!link_target(path, etag, target))
        return false;
    if (symlinkat(target, folder, last) == 0)
        return true;
    if (errno != EEXIST)
        return false;
    if (read_link(folder, last, there) && strcmp(there, target) == 0)
        return true;
    snprintf(temporary, sizeof temporary, "%s.link" TEMPORARY, etag);
    unlinkat(cache->blobs, temporary, 0);
    return symlinkat(target, cache->blobs, temporary) == 0 && renameat(cache->blobs, temporary, folder, last) == 0;
}

/* A new file beside the blobs, for writing; what a run before left under its name goes. Below 0: errno says why. */
static int open_temporary(const vit__cache *cache, const char *temporary)
{
    unlinkat(cache->blobs, temporary, 0);
    return openat(cache->blobs, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
}

/* Closes it and gives it its name in the folder, if all of it was written; else it goes, and errno says why. */
static bool name_temporary(const vit__cache *cache, const char *temporary, int file, bool written, int folder,
                           const char *last)
{
    bool done = written && fsync(file) == 0 && renameat(cache->blobs, temporary, folder, last) == 0;
    int number = errno;
    if (file >= 0)
        close(file);
    if (!done)
        unlinkat(cache->blobs, temporary, 0);
    errno = number;
    return done;
}

/* The entry gets the content of the blob, by a rename. */
static bool place_copy(const vit__cache *cache, int folder, const char *last, int blob, const char *etag)
{
    char temporary[VIT__ETAG_MAX + 32];
    snprintf(temporary, sizeof temporary, "%s.copy" TEMPORARY, etag);
    int file = open_temporary(cache, temporary);
    return name_temporary(cache, temporary, file, file >= 0 && copy_content(blob, file), folder, last);
}

/* A blob that was made just now, and no other snapshot has, is moved rather than copied, as huggingface_hub does. */
static bool place(const vit__cache *cache, int folder, const char *last, const char *path, const vit__blob *blob,
                  int file)
{
    if (cache->links && place_link(cache, folder, last, path, blob->etag))
        return true;
    if (cache->links && errno != EPERM && errno != EOPNOTSUPP) /* a file system without links */
        return false;
    if (blob->fresh)
        return renameat(cache->blobs, blob->etag, folder, last) == 0;
    return place_copy(cache, folder, last, file, blob->etag);
}

vit_status vit__cache_place(const vit__cache *cache, const char *commit, const char *file, const vit__blob *blob,
                            vit_error *err)
{
    const char *last;
    int content = -1;
    uint64_t size;
    char *path = snapshot_path(commit, file);
    if (!path)
        return vit__fail_memory(err, cache->path);
    vit_status status = vit__cache_open_blob(cache, blob->etag, &content, &size, err);
    if (status == VIT_OK && content < 0)
        status = vit__fail(err, VIT_ERR_UNAVAILABLE, cache->path, "another program has removed blobs/%s: run it again",
                           blob->etag);
    int folder = status == VIT_OK ? enter_path(cache->folder, path, true, &last) : -1;
    if (status == VIT_OK && (folder < 0 || !place(cache, folder, last, path, blob, content)))
        status = vit__cache_fail(cache, path, errno, err);
    if (folder >= 0)
        close(folder);
    if (content >= 0)
        close(content);
    free(path);
    return status;
}

vit_status vit__cache_drop_blob(const vit__cache *cache, const char *etag, vit_error *err)
{
    if (unlinkat(cache->blobs, etag, 0) == 0 || errno == ENOENT)
        return VIT_OK;
    return vit__cache_fail(cache, "blobs", errno, err);
}

vit_status vit__cache_drop_file(const vit__cache *cache, const char *commit, const char *file, vit_error *err)
{
    const char *last;
    char *path = snapshot_path(commit, file);
    if (!path)
        return vit__fail_memory(err, cache->path);
    int folder = enter_path(cache->folder, path, false, &last);
    bool done = folder >= 0 && (unlinkat(folder, last, 0) == 0 || errno == ENOENT);
    vit_status status = done ? VIT_OK : vit__cache_fail(cache, path, errno, err);
    if (folder >= 0)
        close(folder);
    free(path);
    return status;
}

/* ------------------------------------------------------------------ references ---- */

static void reference_path(const char *revision, char path[VIT__LIMIT_HUB_REVISION + 8])
{
    snprintf(path, VIT__LIMIT_HUB_REVISION + 8, "refs/%s", revision);
}

bool vit__cache_refers(const vit__cache *cache, const char *revision, const char *commit)
{
    char path[VIT__LIMIT_HUB_REVISION + 8], text[VIT__HUB_COMMIT + 2] = "";
    const char *last;
    uint64_t size;
    if (strcmp(revision, commit) == 0)
        return true;
    reference_path(revision, path);
    int folder = cache->folder < 0 ? -1 : enter_path(cache->folder, path, false, &last);
    int file = folder < 0 ? -1 : open_regular(folder, last, &size);
    ssize_t n = file < 0 ? 0 : read(file, text, sizeof text);
    if (file >= 0)
        close(file);
    if (folder >= 0)
        close(folder);
    return n == VIT__HUB_COMMIT && memcmp(text, commit, VIT__HUB_COMMIT) == 0;
}

/* The text is complete before it has its name. */
static bool write_reference(const vit__cache *cache, int folder, const char *last, const char *commit)
{
    char temporary[VIT__HUB_COMMIT + 32];
    snprintf(temporary, sizeof temporary, "%s.ref" TEMPORARY, commit);
    int file = open_temporary(cache, temporary);
    return name_temporary(cache, temporary, file, file >= 0 && write_all(file, commit, VIT__HUB_COMMIT), folder, last);
}

vit_status vit__cache_refer(const vit__cache *cache, const char *revision, const char *commit, vit_error *err)
{
    char path[VIT__LIMIT_HUB_REVISION + 8];
    const char *last;
    if (vit__cache_refers(cache, revision, commit))
        return VIT_OK;
    reference_path(revision, path);
    int folder = enter_path(cache->folder, path, true, &last);
    bool done = folder >= 0 && write_reference(cache, folder, last, commit);
    vit_status status = done ? VIT_OK : vit__cache_fail(cache, path, errno, err);
    if (folder >= 0)
        close(folder);
    return status;
}
