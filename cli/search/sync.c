/* SPDX-License-Identifier: BSD-2-Clause */
#include "sync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "text.h"

/* A change that needs no encoding. Strings are its own. */
struct sync_action {
    int64_t copy_from; /* 0: update of the image item.id */
    cli_item item;
    char *path, *hash;
};

bool cli_sync_start(cli_sync *sync, cli_store *store)
{
    *sync = (cli_sync){.store = store};
    pthread_mutex_init(&sync->lock, NULL);
    return cli_catalogue_load(&sync->catalogue, store);
}

static void free_action(sync_action *action)
{
    free(action->path);
    free(action->hash);
}

void cli_sync_end(cli_sync *sync)
{
    for (size_t i = 0; i < sync->n_actions; i++)
        free_action(&sync->actions[i]);
    free(sync->actions);
    cli_catalogue_free(&sync->catalogue);
    pthread_mutex_destroy(&sync->lock);
}

/* Without "./" and doubled slashes, so that a file has one name however its folder was written. */
static char *plain_path(const char *path)
{
    cli_text text = {0};
    const char *at = path;
    if (*at == '/')
        cli_text_string(&text, "/");
    while (*(at += strspn(at, "/"))) {
        size_t length = strcspn(at, "/");
        if (length != 1 || *at != '.') {
            if (text.size > 0 && text.data[text.size - 1] != '/')
                cli_text_string(&text, "/");
            cli_text_add(&text, at, length);
        }
        at += length;
    }
    if (!text.size)
        cli_text_string(&text, ".");
    return text.data;
}

/* ------------------------------------------------------------------ looking at an image ---- */

static void queue(cli_sync *sync, int64_t copy_from, const cli_item *item)
{
    sync_action action = {
        .copy_from = copy_from,
        .item = *item,
        .path = cli_duplicate(item->path),
        .hash = cli_duplicate(item->hash),
    };
    pthread_mutex_lock(&sync->lock);
    if ((sync->n_actions & (sync->n_actions - 1)) == 0)
        sync->actions = cli_reallocate(sync->actions, sync->n_actions ? 2 * sync->n_actions : 1, sizeof *sync->actions);
    sync->actions[sync->n_actions++] = action;
    pthread_mutex_unlock(&sync->lock);
}

static bool is_gone(const char *path)
{
    struct stat status;
    return stat(path, &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* Did this file become the one with the hash? */
static bool became(void *hash, const cli_known *known)
{
    return !known->moved && strcmp(known->item.hash, hash) == 0 && is_gone(known->item.path);
}

/* Is this file still there and the same, with the hash? */
static bool is_same(void *hash, const cli_known *known)
{
    cli_file_stamp stamp;
    return !known->moved && strcmp(known->item.hash, hash) == 0 && cli_file_stamp_of(known->item.path, &stamp) &&
           stamp.size == known->item.size && stamp.time == known->item.time;
}

static bool any(void *context, const cli_known *known)
{
    (void)context, (void)known;
    return true;
}

/* The file is known under another path, or was only touched: no need to encode it. */
static bool reuse(cli_sync *sync, const cli_known *known, const cli_item *now)
{
    char hash[CLI_DIGEST_HEX];
    const cli_file_stamp stamp = {now->size, now->time};
    if (!cli_catalogue_find_size(&sync->catalogue, now->size, any, NULL) || !cli_file_hash_of(now->path, &stamp, hash))
        return false;
    cli_item item = *now;
    item.hash = hash;
    int64_t copy_from = 0;
    const cli_known *like = known;
    cli_known *moved = NULL;
    if (known && strcmp(known->item.hash, hash) == 0) {
        item.id = known->item.id;
        sync->unchanged++;
    } else if ((like = moved = cli_catalogue_find_size(&sync->catalogue, now->size, became, hash)) != NULL) {
        item.id = moved->item.id;
        moved->moved = true;
        sync->moved++;
    } else if ((like = cli_catalogue_find_size(&sync->catalogue, now->size, is_same, hash)) != NULL) {
        copy_from = like->item.id;
        sync->copied++;
    } else {
        return false;
    }
    item.width = like->item.width;
    item.height = like->item.height;
    queue(sync, copy_from, &item);
    return true;
}

static bool is_unchanged(cli_sync *sync, const cli_known *known, const cli_item *now)
{
    if (known->item.size != now->size || known->item.time != now->time || !*known->item.hash)
        return false;
    sync->unchanged++;
    if (known->item.caption_time != now->caption_time) {
        cli_item item = known->item;
        item.caption_time = now->caption_time;
        queue(sync, 0, &item);
    }
    return true;
}

bool cli_sync_pass_over(void *context, cli_input *input)
{
    cli_sync *sync = context;
    if (input->error.status != VIT_OK || input->kind != CLI_SOURCE_PATH)
        return false;
    char *path = plain_path(input->path);
    free(input->path);
    input->path = path;
    cli_known *known = cli_catalogue_find(&sync->catalogue, path);
    if (!cli_file_stamp_of(path, &input->stamp))
        return false; /* loading it says why */
    if (known && known->seen)
        return true; /* named twice */
    if (known)
        known->seen = true;
    const cli_item now = {
        .path = path,
        .size = input->stamp.size,
        .time = input->stamp.time,
        .caption_time = cli_caption_time(path),
    };
    return (known && is_unchanged(sync, known, &now)) || reuse(sync, known, &now);
}

/* ------------------------------------------------------------------ doing it ---- */

static bool open_transaction(cli_sync *sync, bool *begun)
{
    if (!*begun)
        *begun = sync->store->kind->begin(sync->store);
    return *begun;
}

static bool apply(cli_sync *sync, sync_action *action)
{
    const cli_store_kind *kind = sync->store->kind;
    char *caption = action->item.caption_time ? cli_caption_read(action->path) : NULL;
    action->item.path = action->path;
    action->item.hash = action->hash;
    action->item.caption = caption;
    bool done = action->copy_from ? kind->copy(sync->store, action->copy_from, &action->item)
                                  : kind->update(sync->store, &action->item);
    free(caption);
    return done;
}

bool cli_sync_apply(cli_sync *sync, bool *begun)
{
    pthread_mutex_lock(&sync->lock);
    sync_action *actions = sync->actions;
    size_t n = sync->n_actions;
    sync->actions = NULL;
    sync->n_actions = 0;
    pthread_mutex_unlock(&sync->lock);
    bool done = n == 0 || open_transaction(sync, begun);
    for (size_t i = 0; i < n; i++) {
        done = done && apply(sync, &actions[i]);
        free_action(&actions[i]);
    }
    free(actions);
    return done;
}

static bool forget(cli_sync *sync, const cli_known *known, bool *begun)
{
    if (known->seen || known->moved || !is_gone(known->item.path))
        return true;
    sync->removed++;
    return open_transaction(sync, begun) && sync->store->kind->remove(sync->store, known->item.path);
}

/* What the images below a folder have in front; "": all relative paths. */
static char *folder_prefix(const char *folder)
{
    char *plain = plain_path(folder);
    char *prefix = strcmp(plain, ".") == 0 ? cli_duplicate("") : cli_join(plain, "");
    free(plain);
    return prefix;
}

static bool forget_below(cli_sync *sync, const char *folder, bool *begun)
{
    struct stat status;
    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return true; /* a disk that is not mounted takes nothing with it */
    char *prefix = folder_prefix(folder);
    size_t length = strlen(prefix);
    const cli_catalogue *catalogue = &sync->catalogue;
    bool done = true;
    for (size_t i = cli_catalogue_position(catalogue, prefix); i < catalogue->n && done; i++) {
        const cli_known *known = &catalogue->known[i];
        if (strncmp(known->item.path, prefix, length) != 0)
            break;
        if (length > 0 || known->item.path[0] != '/')
            done = forget(sync, known, begun);
    }
    free(prefix);
    return done;
}

bool cli_sync_forget(cli_sync *sync, const cli_inputs *inputs, bool everywhere, bool *begun)
{
    bool done = true;
    for (size_t i = 0; everywhere && i < sync->catalogue.n && done; i++)
        done = forget(sync, &sync->catalogue.known[i], begun);
    for (size_t i = 0; !everywhere && i < inputs->n && done; i++)
        if (inputs->sources[i].kind == CLI_SOURCE_PATH)
            done = forget_below(sync, inputs->sources[i].value, begun);
    return done;
}
