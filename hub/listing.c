/* SPDX-License-Identifier: BSD-2-Clause */
#include "listing.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "json.h"
#include "memory.h"
#include "path.h"

#define PART_MAX 255u
#define NAME_BYTES 1024u /* of a whole name */

bool vit__is_safe_name(const char *name)
{
    char part[PART_MAX + 1];
    if (strlen(name) > NAME_BYTES)
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

static vit_status read_files(const vit__json *siblings, const char *where, vit__listing *l, vit_error *err)
{
    const size_t n = vit__json_length(siblings);
    if (!vit__json_is_array(siblings))
        return vit__fail(err, VIT_ERR_CORRUPT, where, "the hub's answer lists no files");
    if (n > VIT__LISTING_FILES)
        return vit__fail(err, VIT_ERR_TOO_LARGE, where, "the hub lists more than %u files", VIT__LISTING_FILES);
    l->files = vit__alloc_zero(n, sizeof *l->files);
    if (!l->files)
        return vit__fail_memory(err, where);
    for (; l->n < n; l->n++) {
        vit_status status = read_file(vit__json_at(siblings, l->n), where, &l->files[l->n], err);
        if (status != VIT_OK)
            return status;
    }
    qsort(l->files, n, sizeof *l->files, by_name);
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
