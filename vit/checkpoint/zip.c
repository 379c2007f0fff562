/* SPDX-License-Identifier: BSD-2-Clause */
#include "zip.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "error.h"
#include "limit.h"
#include "memory.h"

#define END_SIZE 22u     /* of the record that ends an archive, without its comment */
#define END64_SIZE 56u   /* of its 64-bit form */
#define LOCATOR_SIZE 20u /* which stands behind that one */
#define ENTRY_SIZE 46u   /* of an entry of the directory, without its texts */
#define LOCAL_SIZE 30u   /* of what stands ahead of a member, likewise */
#define COMMENT_MOST 65535u

typedef struct archive {
    const unsigned char *bytes;
    size_t size;
    const char *where;
    vit_error *err;
} archive;

static bool is(const archive *a, uint64_t at, uint64_t size, uint32_t signature)
{
    return at <= a->size && size <= a->size - at && vit__le(a->bytes + at, 4) == signature;
}

static vit_status broken(const archive *a, const char *what)
{
    return vit__fail(a->err, VIT_ERR_CORRUPT, a->where, "not a zip archive of torch.save: %s", what);
}

/* Where the directory is and how many entries it has. */
typedef struct directory {
    uint64_t entries, offset, size;
} directory;

static vit_status find_directory(const archive *a, directory *d)
{
    uint64_t at = a->size;
    bool found = false;
    while (!found && at >= END_SIZE && a->size - at <= COMMENT_MOST) {
        found = is(a, at - END_SIZE, END_SIZE, 0x06054b50);
        at -= found ? END_SIZE : 1;
    }
    if (!found)
        return broken(a, "it has no end of its directory");
    *d = (directory){vit__le(a->bytes + at + 10, 2), vit__le(a->bytes + at + 16, 4), vit__le(a->bytes + at + 12, 4)};
    if (at >= LOCATOR_SIZE && is(a, at - LOCATOR_SIZE, LOCATOR_SIZE, 0x07064b50)) {
        uint64_t long_end = vit__le(a->bytes + at - LOCATOR_SIZE + 8, 8);
        if (!is(a, long_end, END64_SIZE, 0x06064b50))
            return broken(a, "its 64-bit directory is not where it should be");
        const unsigned char *end = a->bytes + long_end;
        *d = (directory){vit__le(end + 32, 8), vit__le(end + 48, 8), vit__le(end + 40, 8)};
    }
    if (d->entries > VIT__LIMIT_ZIP_MEMBERS || d->offset > a->size || d->size > a->size - d->offset ||
        d->entries > d->size / ENTRY_SIZE)
        return broken(a, "its directory does not fit into the file");
    return VIT_OK;
}

/* Sizes and places of 64 bits stand in an extra field, in this order, each if its short form is all ones. */
static bool read_long(const unsigned char *extra, size_t size, uint64_t *values[3])
{
    while (size >= 4) {
        uint64_t kind = vit__le(extra, 2), length = vit__le(extra + 2, 2);
        if (length > size - 4)
            return false;
        const unsigned char *at = extra + 4, *end = at + length;
        for (size_t i = 0; kind == 1 && i < 3; i++) {
            if (*values[i] != UINT32_MAX)
                continue;
            if (end - at < 8)
                return false;
            *values[i] = vit__le(at, 8);
            at += 8;
        }
        extra += 4 + length;
        size -= 4 + length;
    }
    return true;
}

/* One entry at *at, which moves past it. */
static vit_status read_entry(const archive *a, uint64_t *at, uint64_t end, vit__zip_member *member)
{
    if (end - *at < ENTRY_SIZE || !is(a, *at, ENTRY_SIZE, 0x02014b50))
        return broken(a, "an entry of its directory is malformed");
    const unsigned char *entry = a->bytes + *at;
    uint64_t flags = vit__le(entry + 8, 2), method = vit__le(entry + 10, 2);
    uint64_t packed = vit__le(entry + 20, 4), plain = vit__le(entry + 24, 4), local = vit__le(entry + 42, 4);
    size_t name = vit__le(entry + 28, 2), extra = vit__le(entry + 30, 2), comment = vit__le(entry + 32, 2);
    uint64_t *values[] = {&plain, &packed, &local};
    if (name + extra + comment > end - *at - ENTRY_SIZE || !read_long(entry + ENTRY_SIZE + name, extra, values))
        return broken(a, "an entry of its directory is malformed");
    *at += ENTRY_SIZE + name + extra + comment;
    if (method != 0 || packed != plain || flags & 1)
        return vit__fail(a->err, VIT_ERR_UNSUPPORTED_MODEL, a->where,
                         "its member %.*s is compressed or encrypted, which torch.save does not do",
                         (int)(name < 200 ? name : 200), (const char *)entry + ENTRY_SIZE);
    if (!is(a, local, LOCAL_SIZE, 0x04034b50))
        return broken(a, "a member is not where its directory says");
    uint64_t data = local + LOCAL_SIZE + vit__le(a->bytes + local + 26, 2) + vit__le(a->bytes + local + 28, 2);
    if (data > a->size || plain > a->size - data)
        return vit__fail(a->err, VIT_ERR_TRUNCATED, a->where, "its member %.*s goes past the end of the file",
                         (int)(name < 200 ? name : 200), (const char *)entry + ENTRY_SIZE);
    *member = (vit__zip_member){(const char *)entry + ENTRY_SIZE, name, (const char *)a->bytes + data, plain};
    return VIT_OK;
}

static int compare_names(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static int by_name(const void *left, const void *right)
{
    const vit__zip_member *a = left, *b = right;
    return compare_names(a->name, a->name_size, b->name, b->name_size);
}

vit_status vit__zip_open(const void *bytes, size_t size, const char *where, vit__zip *zip, vit_error *err)
{
    const archive a = {bytes, size, where, err};
    directory d = {0};
    *zip = (vit__zip){0};
    vit_status status = find_directory(&a, &d);
    if (status != VIT_OK)
        return status;
    zip->members = vit__alloc_zero((size_t)d.entries + 1, sizeof *zip->members);
    if (!zip->members)
        return vit__fail_memory(err, where);
    uint64_t at = d.offset;
    for (uint64_t i = 0; i < d.entries && status == VIT_OK; i++)
        status = read_entry(&a, &at, d.offset + d.size, &zip->members[zip->n++]);
    if (status != VIT_OK) {
        vit__zip_free(zip);
        return status;
    }
    qsort(zip->members, zip->n, sizeof *zip->members, by_name);
    return VIT_OK;
}

void vit__zip_free(vit__zip *zip)
{
    free(zip->members);
    *zip = (vit__zip){0};
}

const vit__zip_member *vit__zip_find(const vit__zip *zip, const char *name, size_t size)
{
    const vit__zip_member key = {.name = name, .name_size = size};
    return zip->n ? bsearch(&key, zip->members, zip->n, sizeof key, by_name) : NULL;
}
