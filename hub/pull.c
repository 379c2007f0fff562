/* SPDX-License-Identifier: BSD-2-Clause */
/* vit_hub_pull, step by step: the list, which files, what is there, room on the disk, the contents (blobs), the files
 * of the snapshot, the reference. A reader of the cache never meets half a snapshot, as the reference comes last. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "error.h"
#include "file.h"
#include "limit.h"
#include "local.h"
#include "memory.h"
#include "partial.h"
#include "path.h"
#include "plan.h"
#include "settings.h"
#include "snapshot.h"
#include "transfer.h"

/* A file that was chosen, and what is known and done about it. */
typedef struct work {
    char etag[VIT__ETAG_MAX + 1]; /* of its blob; "": not known before the hub is asked */
    uint64_t size;
    bool placed;  /* its snapshot has it */
    bool have;    /* the blob is there */
    bool fetched; /* it was not there; in a dry run: it is not there */
    bool fresh;   /* this run has made the blob */
} work;

typedef struct pull {
    const vit__settings *settings;
    vit__transfer transfer;
    vit__listing listing;
    bool *chosen; /* [listing.n] */
    work *works;  /* [listing.n] */
    vit__cache cache;
    bool undecided; /* which weights of a twofold repository are fetched */
    vit_error *err;
} pull;

/* ------------------------------------------------------------------ what is there ---- */

/* With --check: *right = the open file has the bytes that the digest says. Without a digest, or --check: that is taken
 * for granted, since nothing is named so before its digest was compared. */
static vit_status check(const pull *p, int file, const char *digest, uint64_t size, bool *right)
{
    *right = true;
    if (!p->settings->options.check || !vit__is_digest(digest))
        return VIT_OK;
    return vit__is_content(file, digest, size, right, p->err);
}

/* Is the content of the open file (-1: there is none) the one that is wanted? Closes it. */
static vit_status is_wanted(const pull *p, size_t i, const char *etag, int file, uint64_t size, bool *wanted)
{
    const vit__listed *listed = &p->listing.files[i];
    const char *digest = *listed->digest ? listed->digest : etag;
    *wanted = false;
    if (file < 0)
        return VIT_OK;
    vit_status status = VIT_OK;
    if (!listed->has_size || size == listed->size)
        status = check(p, file, digest, size, wanted);
    close(file);
    return status;
}

/* A broken file must go before a right one takes its place: it may be a copy, which a pull would leave as it is. */
static vit_status look_at_snapshot(pull *p, size_t i)
{
    work *w = &p->works[i];
    const char *name = p->listing.files[i].name, *digest = p->listing.files[i].digest;
    char etag[VIT__ETAG_MAX + 1];
    int file;
    vit_status status = vit__cache_open_file(&p->cache, p->listing.commit, name, etag, &file, &w->size, p->err);
    const bool there = file >= 0;
    /* a link to another content than the one that the hub lists now */
    const bool other = there && *etag && vit__is_digest(etag) && *digest && strcmp(etag, digest) != 0;
    if (status == VIT_OK)
        status = is_wanted(p, i, etag, file, w->size, &w->placed);
    w->placed = w->placed && !other;
    if (status == VIT_OK && there && !w->placed && !*etag && !p->settings->options.dry_run)
        status = vit__cache_drop_file(&p->cache, p->listing.commit, name, p->err);
    if (w->placed || (*etag && !other))
        strcpy(w->etag, etag);
    return status;
}

static vit_status look_at_blob(pull *p, size_t i)
{
    work *w = &p->works[i];
    int file;
    uint64_t size;
    if (!*w->etag)
        snprintf(w->etag, sizeof w->etag, "%s", p->listing.files[i].digest);
    if (!*w->etag)
        return VIT_OK;
    vit_status status = vit__cache_open_blob(&p->cache, w->etag, &file, &size, p->err);
    const bool there = file >= 0;
    if (status == VIT_OK)
        status = is_wanted(p, i, w->etag, file, size, &w->have);
    if (w->have)
        w->size = size;
    if (status == VIT_OK && there && !w->have && !p->settings->options.dry_run)
        status = vit__cache_drop_blob(&p->cache, w->etag, p->err);
    return status;
}

static vit_status look_at(pull *p, size_t i)
{
    work *w = &p->works[i];
    vit_status status = look_at_snapshot(p, i);
    if (status == VIT_OK && !w->placed)
        status = look_at_blob(p, i);
    if (status == VIT_OK && !w->placed && !w->have) {
        w->fetched = true;
        w->size = p->listing.files[i].size;
        p->transfer.progress.total += w->size;
    }
    return status;
}

/* Bytes that are to come. */
static uint64_t count_needed(const pull *p)
{
    uint64_t needed = 0;
    for (size_t i = 0; i < p->listing.n; i++) {
        const work *w = &p->works[i];
        uint64_t left = p->chosen[i] && w->fetched && *w->etag ? vit__partial_left(&p->cache, w->etag) : 0;
        if (p->chosen[i] && w->fetched && left < w->size)
            needed += w->size - left;
    }
    return needed;
}

/* Is there room for all that is to come? */
static vit_status compare_space(const pull *p, uint64_t needed)
{
    const uint64_t space = vit__cache_space(&p->cache);
    if (needed <= space)
        return VIT_OK;
    return vit__fail(p->err, VIT_ERR_UNWRITABLE, p->cache.path,
                     "there is no room: %" PRIu64 " bytes are needed, and %" PRIu64
                     " are free; nothing was fetched. Make room, or name another folder with HF_HUB_CACHE",
                     needed, space);
}

/* ------------------------------------------------------------------ the contents ---- */

/* Under the lock: another program may have fetched it in the meantime. */
static vit_status fetch_locked(pull *p, size_t i, vit__remote *remote)
{
    work *w = &p->works[i];
    vit__partial partial;
    int file;
    uint64_t size;
    vit_status status = vit__cache_open_blob(&p->cache, w->etag, &file, &size, p->err);
    if (file >= 0)
        close(file);
    w->have = status == VIT_OK && file >= 0 && size == remote->size;
    if (status != VIT_OK || w->have) {
        p->transfer.progress.done += w->have ? size : 0;
        w->fetched = false;
        return status;
    }
    status = vit__partial_open(&p->cache, w->etag, remote->digest, remote->size, &partial, p->err);
    if (status != VIT_OK)
        return status;
    status = vit__transfer_fetch(&p->transfer, p->listing.commit, &p->listing.files[i], remote, &partial, p->err);
    if (status == VIT_OK)
        status = vit__partial_finish(&partial, p->err);
    vit__partial_close(&partial);
    w->have = w->fresh = status == VIT_OK;
    return status;
}

static vit_status fetch(pull *p, size_t i)
{
    work *w = &p->works[i];
    vit__remote remote;
    int lock;
    p->transfer.progress.file = p->listing.files[i].name;
    vit_status status = vit__transfer_ask(&p->transfer, p->listing.commit, &p->listing.files[i], &remote, p->err);
    if (status != VIT_OK)
        return status;
    strcpy(w->etag, remote.etag);
    w->size = remote.size;
    status = vit__cache_lock(&p->cache, w->etag, vit__transfer_go_on, &p->transfer, &lock, p->err);
    if (status == VIT_OK) {
        status = fetch_locked(p, i, &remote);
        close(lock);
    }
    free(remote.url);
    return status;
}

/* All that was chosen and is not there yet. */
static vit_status fetch_all(pull *p)
{
    vit_status status = VIT_OK;
    for (size_t i = 0; status == VIT_OK && i < p->listing.n; i++)
        if (p->chosen[i] && !p->works[i].placed && !p->works[i].have)
            status = fetch(p, i);
    return status;
}

/* ------------------------------------------------------------------ shards ---- */

/* The content of a file that is there: of its blob, or of the snapshot's copy. */
static vit_status read_content(const pull *p, size_t i, vit__buffer *text)
{
    const vit__file_kind kind = {.most = VIT__LIMIT_HUB_LISTING_BYTES};
    const work *w = &p->works[i];
    char etag[VIT__ETAG_MAX + 1];
    uint64_t size;
    int file = -1;
    vit_status status = w->placed ? vit__cache_open_file(&p->cache, p->listing.commit, p->listing.files[i].name, etag,
                                                         &file, &size, p->err)
                                  : vit__cache_open_blob(&p->cache, w->etag, &file, &size, p->err);
    *text = (vit__buffer){0};
    if (status != VIT_OK || file < 0)
        return status;
    status = vit__descriptor_read(file, p->listing.files[i].name, &kind, text, p->err);
    close(file);
    return status;
}

/* Chooses more files, by the text of the i-th: an index of shards, or config.json of a twofold repository. Looks at
 * those that were not chosen before. */
static vit_status choose_more(pull *p, size_t i, const vit__buffer *text)
{
    const char *name = p->listing.files[i].name;
    bool *before = vit__alloc(p->listing.n, sizeof *before);
    if (!before)
        return vit__fail_memory(p->err, p->settings->text);
    memcpy(before, p->chosen, p->listing.n * sizeof *before);
    vit_status status = VIT_OK;
    if (vit__plan_is_index(name))
        status = vit__plan_shards(&p->listing, name, text, p->chosen, p->err);
    else
        vit__plan_twofold(&p->listing, text, p->chosen);
    for (size_t j = 0; status == VIT_OK && j < p->listing.n; j++)
        if (p->chosen[j] && !before[j])
            status = look_at(p, j);
    free(before);
    return status;
}

/* The shards that the indexes name, if they have other names than usual. */
static vit_status choose_shards(pull *p)
{
    vit_status status = VIT_OK;
    for (size_t i = 0; status == VIT_OK && i < p->listing.n; i++) {
        vit__buffer text;
        if (!p->chosen[i] || !vit__plan_is_index(p->listing.files[i].name))
            continue;
        status = read_content(p, i, &text);
        if (status == VIT_OK && text.size > 0)
            status = choose_more(p, i, &text);
        vit__buffer_free(&text);
    }
    return status;
}

/* ------------------------------------------------------------------ two layouts ---- */

/* By config.json, as soon as it is there. A dry run does not fetch it, and tells the usual case. */
static vit_status settle_layout(pull *p)
{
    vit__buffer config = {0};
    if (!p->undecided)
        return VIT_OK;
    const size_t i = (size_t)(vit__listing_find(&p->listing, VIT__PLAN_CONFIG) - p->listing.files);
    if (!p->works[i].have && !p->works[i].placed && !p->settings->options.dry_run)
        return VIT_OK;
    vit_status status = read_content(p, i, &config);
    p->undecided = false;
    if (status == VIT_OK)
        status = choose_more(p, i, &config);
    vit__buffer_free(&config);
    return status;
}

/* ------------------------------------------------------------------ the snapshot ---- */

static vit_status place(pull *p, size_t i)
{
    const work *w = &p->works[i];
    const vit__blob blob = {w->etag, w->fresh};
    int lock;
    vit_status status = vit__cache_lock(&p->cache, w->etag, vit__transfer_go_on, &p->transfer, &lock, p->err);
    if (status != VIT_OK)
        return status;
    status = vit__cache_place(&p->cache, p->listing.commit, p->listing.files[i].name, &blob, p->err);
    close(lock);
    return status;
}

static vit_status place_all(pull *p)
{
    vit_status status = VIT_OK;
    for (size_t i = 0; status == VIT_OK && i < p->listing.n; i++)
        if (p->chosen[i] && !p->works[i].placed)
            status = place(p, i);
    return status;
}

static vit_status refer(pull *p)
{
    const char *revision = p->settings->name.revision, *commit = p->listing.commit;
    int lock;
    if (vit__cache_refers(&p->cache, revision, commit))
        return VIT_OK;
    vit_status status = vit__cache_lock(&p->cache, commit, vit__transfer_go_on, &p->transfer, &lock, p->err);
    if (status != VIT_OK)
        return status;
    status = vit__cache_refer(&p->cache, revision, commit, p->err);
    close(lock);
    return status;
}

static vit_status report(const pull *p, vit_hub_snapshot **snapshot)
{
    size_t size = strlen(p->cache.path) + sizeof "/snapshots/" + VIT__HUB_COMMIT;
    char *folder = vit__alloc(size, 1);
    if (!folder)
        return vit__fail_memory(p->err, p->settings->text);
    snprintf(folder, size, "%s/snapshots/%s", p->cache.path, p->listing.commit);
    *snapshot = vit__snapshot_create(p->settings, folder, p->listing.commit, p->err);
    free(folder);
    for (size_t i = 0; *snapshot && i < p->listing.n; i++) {
        const work *w = &p->works[i];
        vit_hub_file file = {.name = p->listing.files[i].name, .size = w->size, .fetched = w->fetched};
        const char *digest = *p->listing.files[i].digest ? p->listing.files[i].digest : w->etag;
        if (vit__is_digest(digest))
            strcpy(file.digest, digest);
        if (p->chosen[i] && !vit__snapshot_add(*snapshot, &file)) {
            vit_hub_snapshot_free(*snapshot);
            *snapshot = NULL;
            vit__fail_memory(p->err, p->settings->text);
        }
    }
    return *snapshot ? VIT_OK : VIT_ERR_OUT_OF_MEMORY;
}

/* ------------------------------------------------------------------ all of it ---- */

static vit_status read_listing(pull *p)
{
    vit__buffer json;
    const char *asked = p->settings->name.revision;
    vit_status status = vit__transfer_list(&p->transfer, &json, p->err);
    if (status != VIT_OK)
        return status;
    status = vit__listing_read(json.data ? json.data : "", json.size, p->settings->text, &p->listing, p->err);
    vit__buffer_free(&json);
    if (status == VIT_OK && vit__is_hex(asked, VIT__HUB_COMMIT) && strcmp(asked, p->listing.commit) != 0)
        status = vit__fail(p->err, VIT_ERR_CORRUPT, p->settings->text, "the hub answers with another commit: %s",
                           p->listing.commit);
    return status;
}

static vit_status make_plan(pull *p)
{
    const vit__settings *s = p->settings;
    p->chosen = vit__alloc_zero(p->listing.n, sizeof *p->chosen);
    p->works = vit__alloc_zero(p->listing.n, sizeof *p->works);
    if (!p->chosen || !p->works)
        return vit__fail_memory(p->err, s->text);
    p->undecided = vit__plan_is_twofold(&p->listing);
    return vit__plan_choose(&p->listing, &s->options, s->endpoint, s->name.id, p->chosen, p->err);
}

static vit_status look_at_all(pull *p)
{
    vit_status status = VIT_OK;
    for (size_t i = 0; status == VIT_OK && i < p->listing.n; i++)
        if (p->chosen[i])
            status = look_at(p, i);
    return status;
}

/* Is it all there, so that nothing is to be written? Then the cache may be one that cannot be written. */
static bool is_done(const pull *p)
{
    for (size_t i = 0; i < p->listing.n; i++)
        if (p->chosen[i] && !p->works[i].placed)
            return false;
    return vit__cache_refers(&p->cache, p->settings->name.revision, p->listing.commit);
}

/* Folders that are missing are made now, and not before it is known that there is room. */
static vit_status make_folders(pull *p)
{
    const vit__settings *s = p->settings;
    const uint64_t needed = count_needed(p);
    vit_status status = compare_space(p, needed);
    if (status != VIT_OK)
        return status;
    vit__cache_close(&p->cache);
    return vit__cache_open(s->cache, s->name.id, s->links, needed ? needed : 1, &p->cache, p->err);
}

/* What more files there are to fetch, as far as the files that are there say. */
static vit_status choose_rest(pull *p)
{
    vit_status status = settle_layout(p);
    return status == VIT_OK ? choose_shards(p) : status;
}

/* config.json comes before the weights that it decides about. */
static vit_status fetch_config(pull *p)
{
    const size_t i = (size_t)(vit__listing_find(&p->listing, VIT__PLAN_CONFIG) - p->listing.files);
    vit_status status = fetch(p, i);
    if (status == VIT_OK)
        status = settle_layout(p);
    return status == VIT_OK ? compare_space(p, count_needed(p)) : status;
}

/* The steps that write. */
static vit_status bring(pull *p)
{
    vit_status status = choose_rest(p);
    if (status != VIT_OK || (!p->undecided && is_done(p)))
        return status;
    status = make_folders(p);
    if (status == VIT_OK && p->undecided)
        status = fetch_config(p);
    if (status == VIT_OK)
        status = fetch_all(p);
    if (status == VIT_OK)
        status = choose_shards(p);
    if (status == VIT_OK)
        status = fetch_all(p);
    if (status == VIT_OK)
        status = place_all(p);
    return status == VIT_OK ? refer(p) : status;
}

static vit_status run_online(pull *p, vit_hub_snapshot **snapshot)
{
    const vit__settings *s = p->settings;
    vit_status status = vit__transfer_open(s, &p->transfer, p->err);
    if (status == VIT_OK)
        status = read_listing(p);
    if (status == VIT_OK)
        status = make_plan(p);
    if (status == VIT_OK)
        status = vit__cache_open(s->cache, s->name.id, s->links, 0, &p->cache, p->err);
    if (status == VIT_OK)
        status = look_at_all(p);
    if (status == VIT_OK && s->options.dry_run)
        status = choose_rest(p);
    else if (status == VIT_OK)
        status = bring(p);
    return status == VIT_OK ? report(p, snapshot) : status;
}

static vit_status run_offline(const vit__settings *s, vit_hub_snapshot **snapshot, vit_error *err)
{
    vit_error why = {0};
    vit_status status = vit__local_find(s, snapshot, &why);
    if (status == VIT_ERR_NOT_FOUND)
        return vit__fail(err, VIT_ERR_UNAVAILABLE, why.where,
                         "HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set, so that nothing is fetched, and %s",
                         why.message);
    return status == VIT_OK ? VIT_OK : vit__fail(err, status, why.where, "%s", why.message);
}

/* A server that is told a token could have it printed, in the name of a file or in a piece of JSON. */
static void hide_token(const vit__settings *s, char *text)
{
    for (char *at = text; s->token && (at = strstr(at, s->token)) != NULL;)
        memset(at, '*', strlen(s->token));
}

static vit_status run(const vit__settings *s, vit_hub_snapshot **snapshot, vit_error *err)
{
    vit_error why = {0};
    pull p = {.settings = s, .cache = {.root = -1, .folder = -1, .blobs = -1}, .err = &why};
    vit_status status = s->offline ? run_offline(s, snapshot, &why) : run_online(&p, snapshot);
    vit__cache_close(&p.cache);
    free(p.works);
    free(p.chosen);
    vit__listing_free(&p.listing);
    vit__transfer_close(&p.transfer);
    hide_token(s, why.message);
    hide_token(s, why.where);
    return status == VIT_OK ? VIT_OK : vit__fail(err, status, why.where, "%s", why.message);
}

static vit_status check_arguments(const char *function, const char *name, const vit_hub_options *options,
                                  vit_hub_snapshot **snapshot, vit_error *err)
{
    if (snapshot)
        *snapshot = NULL;
    if (!name)
        return vit__fail_null(err, function, "name");
    if (options && options->n_include > 0 && !options->include)
        return vit__fail_null(err, function, "options->include");
    if (!snapshot)
        return vit__fail_null(err, function, "snapshot");
    return options ? VIT__CHECK_RESERVED(err, function, options) : VIT_OK;
}

vit_status vit_hub_pull(const char *name, const vit_hub_options *options, vit_hub_snapshot **snapshot, vit_error *err)
{
    vit__settings settings;
    vit_status status = check_arguments(__func__, name, options, snapshot, err);
    if (status == VIT_OK)
        status = vit__settings_read(name, options, false, &settings, err);
    if (status != VIT_OK)
        return status;
    status = run(&settings, snapshot, err);
    vit__settings_free(&settings);
    return status;
}

vit_status vit_hub_find(const char *name, const vit_hub_options *options, vit_hub_snapshot **snapshot, vit_error *err)
{
    vit__settings settings;
    vit_status status = check_arguments(__func__, name, options, snapshot, err);
    if (status == VIT_OK)
        status = vit__settings_read(name, options, true, &settings, err);
    if (status != VIT_OK)
        return status;
    status = vit__local_find(&settings, snapshot, err);
    vit__settings_free(&settings);
    return status;
}
