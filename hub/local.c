/* SPDX-License-Identifier: BSD-2-Clause */
#include "local.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "error.h"
#include "file.h"
#include "hub_cache.h"
#include "memory.h"
#include "path.h"
#include "plan.h"
#include "snapshot.h"

#define READ_BYTES ((size_t)1 << 20)

vit_status vit__is_content(int file, const char *digest, uint64_t size, bool *right, vit_error *err)
{
    vit__digest state;
    char *bytes = vit__alloc(READ_BYTES, 1);
    ssize_t n = -1;
    *right = false;
    if (!bytes)
        return vit__fail_memory(err, digest);
    vit__digest_start(&state, digest, size);
    while ((n = read(file, bytes, READ_BYTES)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break; /* a disk that cannot be read any more: it is not right */
        vit__digest_add(&state, bytes, (size_t)n);
    }
    *right = n == 0 && vit__digest_agrees(&state);
    free(bytes);
    return VIT_OK;
}

/* A snapshot that is looked through. */
typedef struct look {
    const vit__settings *settings;
    vit__cache cache;
    const char *commit;
    vit_hub_snapshot *snapshot;
    const char *missing; /* the name of a shard that is not there */
    vit_error *err;
} look;

static bool is_known(const look *l, const char *name)
{
    for (size_t i = 0; i < l->snapshot->n_files; i++)
        if (strcmp(l->snapshot->files[i].name, name) == 0)
            return true;
    return false;
}

static vit_status check_content(look *l, const vit_hub_file *file, int descriptor)
{
    bool right = true;
    if (!l->settings->options.check || !*file->digest)
        return VIT_OK;
    vit_status status = vit__is_content(descriptor, file->digest, file->size, &right, l->err);
    if (status == VIT_OK && !right)
        status = vit__fail(l->err, VIT_ERR_CORRUPT, l->snapshot->folder,
                           "%s is not what it was, and cannot be fetched anew offline", file->name);
    return status;
}

/* Adds the file to the result if it is there. */
static vit_status add_file(look *l, const char *name, bool *there)
{
    char etag[VIT__ETAG_MAX + 1];
    int descriptor;
    vit_hub_file file = {.name = (char *)name};
    *there = is_known(l, name);
    if (*there)
        return VIT_OK;
    vit_status status = vit__cache_open_file(&l->cache, l->commit, name, etag, &descriptor, &file.size, l->err);
    if (status != VIT_OK || descriptor < 0)
        return status;
    *there = true;
    if (vit__is_digest(etag))
        strcpy(file.digest, etag);
    status = check_content(l, &file, descriptor);
    close(descriptor);
    if (status == VIT_OK && !vit__snapshot_add(l->snapshot, &file))
        status = vit__fail_memory(l->err, name);
    return status;
}

static vit_status add_shard(void *data, const char *name)
{
    look *l = data;
    bool there;
    vit_status status = add_file(l, name, &there);
    if (status == VIT_OK && !there && !l->missing)
        l->missing = "a shard of its weights";
    return status;
}

static vit_status add_shards(look *l)
{
    const vit__file_kind kind = {.most = VIT__LISTING_BYTES};
    vit__buffer text = {0};
    char *path = vit__path_join(l->snapshot->folder, VIT__INDEX);
    vit_status status = path ? vit__file_read(path, &kind, &text, l->err) : vit__fail_memory(l->err, VIT__INDEX);
    if (status == VIT_OK)
        status = vit__index_shards(text.data ? text.data : "", text.size, add_shard, l, l->err);
    vit__buffer_free(&text);
    free(path);
    return status;
}

static vit_status add_weights(look *l)
{
    bool there = false;
    const char *const *name = vit__plan_weights;
    vit_status status = VIT_OK;
    for (; status == VIT_OK && *name; name++) {
        status = add_file(l, *name, &there);
        if (there)
            break;
    }
    if (status == VIT_OK && !there)
        l->missing = "its weights";
    if (status == VIT_OK && there && strcmp(*name, VIT__INDEX) == 0)
        status = add_shards(l);
    return status;
}

static vit_status add_files(look *l)
{
    static const char *const licences[] = {"LICENSE", "LICENSE.txt", "LICENSE.md", NULL};
    static const char *const configurations[] = {"config.json", "open_clip_config.json"};
    bool there, configured = false;
    vit_status status = VIT_OK;
    for (const char *const *name = vit__plan_files; status == VIT_OK && *name; name++) {
        if (strchr(*name, '*'))
            continue;
        status = add_file(l, *name, &there);
    }
    for (size_t i = 0; i < sizeof configurations / sizeof *configurations; i++)
        configured = configured || is_known(l, configurations[i]);
    for (const char *const *name = licences; status == VIT_OK && *name; name++)
        status = add_file(l, *name, &there);
    if (status == VIT_OK)
        status = add_weights(l);
    if (status == VIT_OK && !configured && !l->missing)
        l->missing = "its configuration";
    return status;
}

static vit_status look_through(const vit__settings *s, const char *folder, vit_hub_snapshot **snapshot, vit_error *err)
{
    look l = {.settings = s, .commit = vit__path_name(folder), .err = err};
    vit_status status = vit__cache_open(s->cache, s->name.id, s->links, 0, &l.cache, err);
    if (status != VIT_OK)
        return status;
    l.snapshot = vit__snapshot_create(s, folder, l.commit, err);
    status = l.snapshot ? add_files(&l) : VIT_ERR_OUT_OF_MEMORY;
    if (status == VIT_OK && l.missing)
        status = vit__fail(err, VIT_ERR_NOT_FOUND, s->text,
                           "it is not complete in the cache: %s is not in %s; get the rest with: vit pull %s",
                           l.missing, folder, s->text);
    if (status == VIT_OK)
        *snapshot = l.snapshot;
    else
        vit_hub_snapshot_free(l.snapshot);
    vit__cache_close(&l.cache);
    return status;
}

vit_status vit__local_find(const vit__settings *s, vit_hub_snapshot **snapshot, vit_error *err)
{
    char *folder;
    vit__hub_name name = s->name;
    *snapshot = NULL;
    if (!s->named_revision)
        *name.revision = 0;
    vit_status status = vit__hub_find(s->text, &name, s->cache, &folder, err);
    if (status == VIT_OK)
        status = look_through(s, folder, snapshot, err);
    free(folder);
    return status;
}
