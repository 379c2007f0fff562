/* SPDX-License-Identifier: BSD-2-Clause */
#include "local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"
#include "error.h"
#include "file.h"
#include "hub_cache.h"
#include "json.h"
#include "limit.h"
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
    vit__listing listing; /* of the snapshot */
    vit_hub_snapshot *snapshot;
    const char *missing; /* what of it is not there */
    vit_error *err;
} look;

static bool is_known(const look *l, const char *name)
{
    for (size_t i = 0; i < l->snapshot->n_files; i++)
        if (strcmp(l->snapshot->files[i].name, name) == 0)
            return true;
    return false;
}

static void miss(look *l, const char *what)
{
    l->missing = l->missing ? l->missing : what;
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
    if (status == VIT_OK && !there)
        miss(l, "a shard of its weights");
    return status;
}

/* The text of a file of the snapshot; of one that is not there, no text. */
static vit_status read_text(const look *l, const char *name, vit__buffer *text)
{
    const vit__file_kind kind = {.most = VIT__LIMIT_HUB_LISTING_BYTES};
    *text = (vit__buffer){0};
    if (!vit__listing_find(&l->listing, name))
        return VIT_OK;
    char *path = vit__path_join(l->snapshot->folder, name);
    vit_status status = path ? vit__file_read(path, &kind, text, l->err) : vit__fail_memory(l->err, name);
    free(path);
    return status;
}

static vit_status add_shards(look *l, const char *index)
{
    vit__buffer text;
    vit_status status = read_text(l, index, &text);
    if (status == VIT_OK)
        status = vit__index_shards(index, &text, add_shard, l, l->err);
    vit__buffer_free(&text);
    return status;
}

/* ------------------------------------------------------------------ modules ---- */

/* A module of sentence-transformers has a folder with its config.json in it, and a dense layer has weights there too.
 * The model itself may stand in the snapshot's own folder, and Normalize needs no folder. */
static void look_at_module(look *l, const vit__json *module)
{
    const char *path = vit__json_string(vit__json_get(module, "path"));
    const char *type = vit__json_string(vit__json_get(module, "type")), *dot = type ? strrchr(type, '.') : NULL;
    const char *kind = dot ? dot + 1 : type;
    char name[512];
    if (!path || !*path || !kind || strcmp(kind, "Normalize") == 0)
        return;
    snprintf(name, sizeof name, "%.255s/" VIT__PLAN_CONFIG, path);
    if (!is_known(l, name) || (strcmp(kind, "Dense") == 0 && !vit__plan_has_weights(&l->listing, path)))
        miss(l, "a module of sentence-transformers");
}

/* *inside: the model has a folder of its own, and its configuration is in it. */
static vit_status look_at_modules(look *l, bool *inside)
{
    vit__buffer text;
    vit__json *modules = NULL;
    vit_status status = read_text(l, VIT__PLAN_MODULES, &text);
    if (status == VIT_OK && text.size > 0)
        status = vit__json_parse(text.data, text.size, VIT__PLAN_MODULES, &modules, l->err);
    const char *first = vit__json_string(vit__json_get(vit__json_at(modules, 0), "path"));
    *inside = first && *first;
    for (size_t i = 0; i < vit__json_length(modules); i++)
        look_at_module(l, vit__json_at(modules, i));
    vit__json_free(modules);
    vit__buffer_free(&text);
    return status;
}

/* ------------------------------------------------------------------ all of it ---- */

/* As a pull would choose of them. */
static vit_status choose(look *l, bool *chosen)
{
    static const vit_hub_options usual = {0};
    vit__buffer config = {0};
    vit_status status = VIT_OK;
    if (!vit__plan_mark(&l->listing, &usual, chosen))
        miss(l, "its weights");
    if (vit__plan_is_twofold(&l->listing)) {
        status = read_text(l, VIT__PLAN_CONFIG, &config);
        vit__plan_twofold(&l->listing, &config, chosen);
    }
    vit__buffer_free(&config);
    return status;
}

static vit_status add_chosen(look *l, const bool *chosen)
{
    vit_status status = VIT_OK;
    for (size_t i = 0; status == VIT_OK && i < l->listing.n; i++) {
        const char *name = l->listing.files[i].name;
        bool there;
        if (!chosen[i])
            continue;
        status = add_file(l, name, &there);
        if (status == VIT_OK && there && vit__plan_is_index(name))
            status = add_shards(l, name);
    }
    return status;
}

static vit_status add_files(look *l)
{
    bool inside = false;
    vit_status status = vit__listing_of_folder(l->snapshot->folder, &l->listing, l->err);
    bool *chosen = vit__alloc_zero(l->listing.n + 1, sizeof *chosen);
    if (status == VIT_OK)
        status = chosen ? choose(l, chosen) : vit__fail_memory(l->err, l->settings->text);
    if (status == VIT_OK)
        status = add_chosen(l, chosen);
    if (status == VIT_OK)
        status = look_at_modules(l, &inside);
    if (status == VIT_OK && !inside && !is_known(l, VIT__PLAN_CONFIG) && !is_known(l, VIT__PLAN_OPEN_CLIP_CONFIG))
        miss(l, "its configuration");
    free(chosen);
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
    vit__listing_free(&l.listing);
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
