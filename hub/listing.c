/* SPDX-License-Identifier: BSD-2-Clause */
#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "json.h"
#include "limit.h"
#include "memory.h"
#include "path.h"

#define PART_MAX 255u

bool vit__is_safe_name(const char *name)
{
    char part[PART_MAX + 1];
    if (strlen(name) > VIT__LIMIT_HUB_FILE_NAME)
        return false;
    for (;;) {
        size_t length = strcspn(name, "/");
        if (length > PART_MAX)
            return false;
        memcpy(part, name, length);
        part[length] = 0;
        if (!vit__path_is_plain_name(part))
            return false;
        if (!name[length])
            return true;
        name += length + 1;
    }
}

/* A size that is absent is no error. false: it is there and is none. */
static bool read_size(const vit__json *value, vit__listed *file)
{
    int64_t size;
    if (vit__json_is_null(value))
        return true;
    if (!vit__json_integer(value, &size) || size < 0 || (file->has_size && file->size != (uint64_t)size))
        return false;
    file->has_size = true;
    file->size = (uint64_t)size;
    return true;
}

/* A digest that is absent is no error. The first one counts. */
static bool read_digest(const vit__json *value, size_t digits, vit__listed *file)
{
    const char *text = vit__json_string(value);
    if (vit__json_is_null(value))
        return true;
    if (!text || !vit__is_hex(text, digits))
        return false;
    if (!*file->digest)
        strcpy(file->digest, text);
    return true;
}

static vit_status read_file(const vit__json *sibling, const char *where, vit__listed *file, vit_error *err)
{
    const vit__json *lfs = vit__json_get(sibling, "lfs");
    const char *name = vit__json_string(vit__json_get(sibling, "rfilename"));
    if (!name || !vit__is_safe_name(name))
        return vit__fail(err, VIT_ERR_CORRUPT, where, "the hub lists a file of an impossible name: %.200s",
                         name ? name : "(none)");
    if (!read_size(vit__json_get(sibling, "size"), file) || !read_size(vit__json_get(lfs, "size"), file))
        return vit__fail(err, VIT_ERR_CORRUPT, where, "the hub gives no right size of %.200s", name);
    if (!read_digest(vit__json_get(lfs, "sha256"), VIT__SHA256_DIGITS, file) ||
        !read_digest(vit__json_get(sibling, "blobId"), VIT__GIT_DIGITS, file))
        return vit__fail(err, VIT_ERR_CORRUPT, where, "the hub gives no right digest of %.200s", name);
    file->name = vit__strdup(name);
    return file->name ? VIT_OK : vit__fail_memory(err, where);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const vit__listed *)a)->name, ((const vit__listed *)b)->name);
}

static int name_to_file(const void *name, const void *file)
{
    return strcmp(name, ((const vit__listed *)file)->name);
}

static void sort(vit__listing *l)
{
    if (l->n > 0)
        qsort(l->files, l->n, sizeof *l->files, by_name);
}

static vit_status read_files(const vit__json *siblings, const char *where, vit__listing *l, vit_error *err)
{
    const size_t n = vit__json_length(siblings);
    if (!vit__json_is_array(siblings))
        return vit__fail(err, VIT_ERR_CORRUPT, where, "the hub's answer lists no files");
    if (n > VIT__LIMIT_HUB_FILES)
        return vit__fail(err, VIT_ERR_TOO_LARGE, where, "the hub lists more than %u files", VIT__LIMIT_HUB_FILES);
    l->files = vit__alloc_zero(n, sizeof *l->files);
    if (!l->files)
        return vit__fail_memory(err, where);
    for (; l->n < n; l->n++) {
        vit_status status = read_file(vit__json_at(siblings, l->n), where, &l->files[l->n], err);
        if (status != VIT_OK)
            return status;
    }
    sort(l);
    for (size_t i = 1; i < n; i++)
        if (strcmp(l->files[i - 1].name, l->files[i].name) == 0)
            return vit__fail(err, VIT_ERR_CORRUPT, where, "the hub lists %.200s twice", l->files[i].name);
    return VIT_OK;
}

static vit_status read_all(const vit__json *json, const char *where, vit__listing *l, vit_error *err)
{
    const char *commit = vit__json_string(vit__json_get(json, "sha"));
    if (!commit || !vit__is_hex(commit, VIT__HUB_COMMIT))
        return vit__fail(err, VIT_ERR_CORRUPT, where, "the hub's answer names no commit of %d hexadecimal digits",
                         VIT__HUB_COMMIT);
    strcpy(l->commit, commit);
    return read_files(vit__json_get(json, "siblings"), where, l, err);
}

vit_status vit__listing_read(const char *text, size_t size, const char *where, vit__listing *listing, vit_error *err)
{
    vit__json *json = NULL;
    *listing = (vit__listing){0};
    vit_status status = vit__json_parse(text, size, where, &json, err);
    if (status == VIT_OK)
        status = read_all(json, where, listing, err);
    vit__json_free(json);
    if (status != VIT_OK)
        vit__listing_free(listing);
    return status;
}

/* ------------------------------------------------------------------ folders ---- */

static vit_status add_name(vit__listing *l, const char *name, size_t *room, const char *where, vit_error *err)
{
    if (l->n == VIT__LIMIT_HUB_FILES)
        return vit__fail(err, VIT_ERR_TOO_LARGE, where, "more than %u files are there", VIT__LIMIT_HUB_FILES);
    vit__listed *grown = vit__grow(l->files, room, l->n, 1, sizeof *grown);
    if (!grown)
        return vit__fail_memory(err, where);
    l->files = grown;
    l->files[l->n] = (vit__listed){.name = vit__strdup(name)};
    if (!l->files[l->n].name)
        return vit__fail_memory(err, where);
    l->n++;
    return VIT_OK;
}

/* prefix: "", or the name of the folder that `at` is, with a slash. */
static vit_status add_entries(vit__listing *l, int at, const char *prefix, size_t *room, const char *where,
                              vit_error *err)
{
    vit_status status = VIT_OK;
    DIR *folder = fdopendir(at);
    if (!folder) {
        close(at);
        return vit__fail_errno(err, where, "cannot be read", errno);
    }
    for (struct dirent *entry; status == VIT_OK && (entry = readdir(folder));) {
        char name[2 * PART_MAX + 3];
        int below = -1;
        if (!vit__path_is_plain_name(entry->d_name) || faccessat(dirfd(folder), entry->d_name, F_OK, 0) != 0)
            continue;
        snprintf(name, sizeof name, "%s%s", prefix, entry->d_name);
        if (!*prefix)
            below = openat(dirfd(folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0) {
            strcat(name, "/");
            status = add_entries(l, below, name, room, where, err);
        } else {
            status = add_name(l, name, room, where, err);
        }
    }
    closedir(folder);
    return status;
}

vit_status vit__listing_of_folder(const char *folder, vit__listing *listing, vit_error *err)
{
    size_t room = 0;
    *listing = (vit__listing){0};
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return vit__fail_errno(err, folder, "cannot be read", errno);
    vit_status status = add_entries(listing, at, "", &room, folder, err);
    if (status == VIT_OK)
        sort(listing);
    else
        vit__listing_free(listing);
    return status;
}

void vit__listing_free(vit__listing *listing)
{
    for (size_t i = 0; i < listing->n; i++)
        free(listing->files[i].name);
    free(listing->files);
    *listing = (vit__listing){0};
}

const vit__listed *vit__listing_find(const vit__listing *listing, const char *name)
{
    return listing->n ? bsearch(name, listing->files, listing->n, sizeof *listing->files, name_to_file) : NULL;
}
