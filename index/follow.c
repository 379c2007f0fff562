/* SPDX-License-Identifier: BSD-2-Clause */
/* What must be done so that an index follows the files: which
 * images are to be encoded, which only moved, which are gone. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "catalogue.h"
#include "error.h"
#include "caption.h"
#include "file_facts.h"
#include "memory.h"
#include "names.h"

/* A change that needs no encoding. Strings are its own. */
typedef struct action {
    int64_t copy_from; /* 0: update of the image item.id */
    vit_index_item item;
    char *path, *hash;
} action;

struct vit_follow {
    vit_index *index;
    vit_index_pin pin; /* of this run */
    vit__catalogue catalogue;
    pthread_mutex_t lock; /* of the actions, and of the counts: one thread looks, another one does */
    action *actions;
    size_t n_actions, capacity;
    vit_follow_counts counts;
};

static void free_action(action *a)
{
    free(a->path);
    free(a->hash);
}

static bool copy_pin(const vit_index_pin *from, vit_index_pin *to)
{
    to->model = from->model ? vit__strdup(from->model) : NULL;
    to->preprocessor = from->preprocessor ? vit__strdup(from->preprocessor) : NULL;
    to->folder = from->folder ? vit__strdup(from->folder) : NULL;
    bool done = (to->model || !from->model) && (to->preprocessor || !from->preprocessor) &&
                (to->folder || !from->folder);
    for (size_t i = 0; i < VIT_RECIPE_KEYS && done; i++)
        done = vit_recipe_set(&to->recipe, (vit_recipe_key)i, from->recipe.values[i], NULL) == VIT_OK;
    return done;
}

vit_status vit_follow_start(vit_index *index, const vit_index_pin *pin, vit_follow **result, vit_error *err)
{
    if (result)
        *result = NULL;
    if (!index || !pin || !result)
        return vit__fail_null(err, __func__, !index ? "index" : pin ? "follow" : "pin");
    /* An index of nothing takes whatever comes first: its pin is written with the first change. */
    vit_status status = index->columns > 0 ? vit_index_write_pin(index, pin, err) : VIT_OK;
    if (status != VIT_OK)
        return status;
    vit_follow *follow = vit__alloc_zero(1, sizeof *follow);
    if (!follow)
        return vit__fail_memory(err, NULL);
    follow->index = index;
    pthread_mutex_init(&follow->lock, NULL);
    bool done = copy_pin(pin, &follow->pin) || vit__index_fail_memory(index);
    done = done && vit__catalogue_load(&follow->catalogue, index);
    status = vit__index_answer(index, done, err);
    if (status == VIT_OK)
        *result = follow;
    else
        vit_follow_free(follow);
    return status;
}

void vit_follow_free(vit_follow *follow)
{
    if (!follow)
        return;
    vit_index_rollback(follow->index, NULL);
    for (size_t i = 0; i < follow->n_actions; i++)
        free_action(&follow->actions[i]);
    free(follow->actions);
    vit__catalogue_free(&follow->catalogue);
    vit_index_pin_free(&follow->pin);
    pthread_mutex_destroy(&follow->lock);
    free(follow);
}

void vit_follow_count(vit_follow *follow, vit_follow_counts *counts)
{
    if (!follow || !counts)
        return;
    pthread_mutex_lock(&follow->lock);
    *counts = follow->counts;
    pthread_mutex_unlock(&follow->lock);
}

static void count(vit_follow *follow, size_t *number)
{
    pthread_mutex_lock(&follow->lock);
    ++*number;
    pthread_mutex_unlock(&follow->lock);
}

/* ------------------------------------------------------------------ looking at an image ---- */

/* false: out of memory. */
static bool queue(vit_follow *follow, int64_t copy_from, const vit_index_item *item)
{
    action a = {
        .copy_from = copy_from,
        .item = *item,
        .path = vit__strdup(item->path),
        .hash = vit__strdup(item->hash),
    };
    pthread_mutex_lock(&follow->lock);
    action *grown = a.path && a.hash
                        ? vit__grow(follow->actions, &follow->capacity, follow->n_actions, 1, sizeof *grown)
                        : NULL;
    if (grown) {
        follow->actions = grown;
        grown[follow->n_actions++] = a;
    }
    pthread_mutex_unlock(&follow->lock);
    if (!grown)
        free_action(&a);
    return grown != NULL;
}

/* Without memory to find the file, it is as if it were there, and nothing is forgotten. */
static bool is_gone(const vit_index *index, const char *name)
{
    struct stat status;
    char *file = vit__file_of(index, name);
    bool gone = file && stat(file, &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
    free(file);
    return gone;
}

/* A search among images whose files have one size. */
typedef struct sought {
    const vit_index *index;
    const char *hash;
} sought;

/* Did this file become the one with the hash? */
static bool became(void *context, const vit__known *known)
{
    const sought *s = context;
    return !known->moved && strcmp(known->item.hash, s->hash) == 0 && is_gone(s->index, known->item.path);
}

/* Is this file still there and the same, with the hash? */
static bool is_same(void *context, const vit__known *known)
{
    const sought *s = context;
    vit_index_stamp stamp;
    if (known->moved || strcmp(known->item.hash, s->hash) != 0)
        return false;
    char *file = vit__file_of(s->index, known->item.path);
    bool same = file && vit__file_stamp_of(file, &stamp) && stamp.size == known->item.size &&
                stamp.time == known->item.time;
    free(file);
    return same;
}

static bool any(void *context, const vit__known *known)
{
    (void)context, (void)known;
    return true;
}

typedef enum outcome { TO_ENCODE, KNOWN, NO_MEMORY } outcome;

static outcome queued(vit_follow *follow, int64_t copy_from, const vit_index_item *item)
{
    return queue(follow, copy_from, item) ? KNOWN : NO_MEMORY;
}

/* The file is known under another path, or was only touched: no need to encode it. */
static outcome reuse(vit_follow *follow, const vit__known *known, const vit_index_item *now, const char *file)
{
    char hash[VIT__HASH_SIZE];
    const vit__catalogue *catalogue = &follow->catalogue;
    const vit_index_stamp stamp = {now->size, now->time};
    sought wanted = {follow->index, hash};
    if (!vit__catalogue_find_size(catalogue, now->size, any, NULL) || !vit__file_hash_of(file, &stamp, hash))
        return TO_ENCODE;
    vit_index_item item = *now;
    item.hash = hash;
    int64_t copy_from = 0;
    const vit__known *like = known;
    vit__known *moved = NULL;
    if (known && strcmp(known->item.hash, hash) == 0) {
        item.id = known->item.id;
        count(follow, &follow->counts.unchanged);
    } else if ((like = moved = vit__catalogue_find_size(catalogue, now->size, became, &wanted)) != NULL) {
        item.id = moved->item.id;
        moved->moved = true;
        count(follow, &follow->counts.moved);
    } else if ((like = vit__catalogue_find_size(catalogue, now->size, is_same, &wanted)) != NULL) {
        copy_from = like->item.id;
        count(follow, &follow->counts.copied);
    } else {
        return TO_ENCODE;
    }
    item.width = like->item.width;
    item.height = like->item.height;
    return queued(follow, copy_from, &item);
}

static outcome compare(vit_follow *follow, const vit__known *known, const vit_index_item *now, const char *file)
{
    bool same = known && known->item.size == now->size && known->item.time == now->time && *known->item.hash;
    if (!same)
        return reuse(follow, known, now, file);
    count(follow, &follow->counts.unchanged);
    if (known->item.caption_time == now->caption_time)
        return KNOWN;
    vit_index_item item = known->item;
    item.caption_time = now->caption_time;
    return queued(follow, 0, &item);
}

/* The name of a file in the index, that under which the index knows it, if it does. Freed with free(). */
static char *name_of(const vit_follow *follow, const char *path)
{
    char *name = vit__name_of(follow->index, path);
    char *other = name && !vit__catalogue_find(&follow->catalogue, name) ? vit__other_name(follow->index, name) : NULL;
    if (!other || !vit__catalogue_find(&follow->catalogue, other)) {
        free(other);
        return name;
    }
    free(name);
    return other;
}

static outcome look_at(vit_follow *follow, const char *path, const char *name, vit_index_stamp *stamp)
{
    vit__known *known = vit__catalogue_find(&follow->catalogue, name);
    if (!vit__file_stamp_of(path, stamp))
        return TO_ENCODE; /* loading it says why */
    if (known && known->seen)
        return KNOWN; /* named twice */
    if (known)
        known->seen = true;
    vit_index_item now = {.path = name, .size = stamp->size, .time = stamp->time};
    return vit__caption_time(path, &now.caption_time) ? compare(follow, known, &now, path) : NO_MEMORY;
}

static outcome look(vit_follow *follow, const char *path, vit_index_stamp *stamp)
{
    char *name = name_of(follow, path);
    outcome seen = name ? look_at(follow, path, name, stamp) : NO_MEMORY;
    free(name);
    return seen;
}

vit_status vit_follow_look(vit_follow *follow, const char *path, char **plain, vit_index_stamp *stamp, int *encode,
                           vit_error *err)
{
    if (!follow || !path || !plain || !stamp || !encode)
        return vit__fail_null(err, __func__,
                              !follow  ? "follow"
                              : !path  ? "path"
                              : !plain ? "plain"
                              : stamp  ? "encode"
                                       : "stamp");
    *stamp = (vit_index_stamp){0};
    *plain = vit__plain_path(path);
    outcome seen = *plain ? look(follow, *plain, stamp) : NO_MEMORY;
    *encode = seen == TO_ENCODE;
    if (seen != NO_MEMORY)
        return VIT_OK;
    free(*plain);
    *plain = NULL;
    return vit__fail_memory(err, path);
}

/* ------------------------------------------------------------------ doing it ---- */

/* Another process may have brought a pin meanwhile. */
static bool begin(vit_follow *follow)
{
    vit_index *index = follow->index;
    return index->begun || (vit__index_claim(index, &follow->pin) && vit__index_begin(index));
}

static bool put(vit_follow *follow, vit_index_item *item, const char *path, const float *vector)
{
    vit_index *index = follow->index;
    char *caption = NULL, *name = name_of(follow, path);
    bool done = name && vit__caption_time(path, &item->caption_time) &&
                (item->caption_time == 0 || vit__caption_read(path, &caption));
    item->caption = caption;
    item->path = name;
    done = done ? begin(follow) && vit_index_put(index, item, vector, &index->said) == VIT_OK
                : vit__index_fail_memory(index);
    free(caption);
    free(name);
    return done;
}

vit_status vit_follow_put(vit_follow *follow, const char *path, const vit_index_stamp *stamp, uint32_t width,
                          uint32_t height, const float *vector, vit_error *err)
{
    char hash[VIT__HASH_SIZE];
    if (!follow || !path || !stamp || !vector)
        return vit__fail_null(err, __func__, !follow ? "follow" : !path ? "path" : stamp ? "vector" : "stamp");
    /* Changed while it was read: without a hash the next run encodes it again. */
    if (!vit__file_hash_of(path, stamp, hash))
        hash[0] = '\0';
    vit_index_item item = {.size = stamp->size, .time = stamp->time, .hash = hash, .width = width, .height = height};
    vit_status status = vit__index_answer(follow->index, put(follow, &item, path, vector), err);
    if (status == VIT_OK)
        count(follow, &follow->counts.encoded);
    return status;
}

/* Is the file no picture any more, or gone? One that merely cannot be read now is neither. */
static bool is_no_picture(vit_status why)
{
    switch (why) {
    case VIT_ERR_NOT_FOUND:
    case VIT_ERR_UNSUPPORTED_FORMAT:
    case VIT_ERR_CORRUPT:
    case VIT_ERR_TRUNCATED:
    case VIT_ERR_TOO_LARGE:
    case VIT_ERR_NON_FINITE:
        return true;
    default:
        return false;
    }
}

static bool remove_known(vit_follow *follow, const char *path)
{
    count(follow, &follow->counts.removed);
    return begin(follow) && follow->index->kind->remove(follow->index, path);
}

vit_status vit_follow_drop(vit_follow *follow, const char *path, vit_status why, vit_error *err)
{
    if (!follow || !path)
        return vit__fail_null(err, __func__, follow ? "path" : "follow");
    if (!is_no_picture(why))
        return VIT_OK;
    char *name = name_of(follow, path);
    bool known = name && vit__catalogue_find(&follow->catalogue, name);
    bool done = name ? !known || remove_known(follow, name) : vit__index_fail_memory(follow->index);
    free(name);
    return vit__index_answer(follow->index, done, err);
}

static bool apply(vit_follow *follow, action *a)
{
    vit_index *index = follow->index;
    char *caption = NULL, *file = a->item.caption_time ? vit__file_of(index, a->path) : NULL;
    bool read = !a->item.caption_time || (file && vit__caption_read(file, &caption));
    free(file);
    if (!read)
        return vit__index_fail_memory(index);
    a->item.path = a->path;
    a->item.hash = a->hash;
    a->item.caption = caption;
    bool done = a->copy_from ? index->kind->copy(index, a->copy_from, &a->item) : index->kind->update(index, &a->item);
    free(caption);
    return done;
}

/* Carries out all actions so far: changes of the index that need no encoding. */
static bool apply_all(vit_follow *follow)
{
    pthread_mutex_lock(&follow->lock);
    action *actions = follow->actions;
    size_t n = follow->n_actions;
    follow->actions = NULL;
    follow->n_actions = follow->capacity = 0;
    pthread_mutex_unlock(&follow->lock);
    bool done = n == 0 || begin(follow);
    for (size_t i = 0; i < n; i++) {
        done = done && apply(follow, &actions[i]);
        free_action(&actions[i]);
    }
    free(actions);
    return done;
}

vit_status vit_follow_commit(vit_follow *follow, vit_error *err)
{
    if (!follow)
        return vit__fail_null(err, __func__, "follow");
    return vit__index_answer(follow->index, apply_all(follow) && vit__index_commit(follow->index), err);
}

/* ------------------------------------------------------------------ what is gone ---- */

static bool forget(vit_follow *follow, const vit__known *known)
{
    return known->seen || known->moved || !is_gone(follow->index, known->item.path) ||
           remove_known(follow, known->item.path);
}

/* folder NULL: all. false: the index failed. */
static bool forget_of(vit_follow *follow, const char *folder)
{
    size_t length = folder ? strlen(folder) : 0;
    bool done = true, root = length == 1;
    for (size_t i = 0; i < follow->catalogue.n && done; i++) {
        const vit__known *known = &follow->catalogue.known[i];
        char *path = folder ? vit__absolute_name(follow->index, known->item.path) : NULL;
        bool below = !folder || root || (path && strncmp(path, folder, length) == 0 && path[length] == '/');
        done = folder && !path ? vit__index_fail_memory(follow->index) : !below || forget(follow, known);
        free(path);
    }
    return done;
}

static bool forget_below(vit_follow *follow, const char *folder)
{
    struct stat status;
    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return true; /* a disk that is not mounted takes nothing with it */
    char *whole = vit__absolute_path(follow->index, folder);
    bool done = whole ? forget_of(follow, whole) : vit__index_fail_memory(follow->index);
    free(whole);
    return done;
}

vit_status vit_follow_forget(vit_follow *follow, const char *folder, vit_error *err)
{
    if (!follow)
        return vit__fail_null(err, __func__, "follow");
    /* What moved must have moved before its old path is forgotten. */
    bool done = apply_all(follow) && (folder ? forget_below(follow, folder) : forget_of(follow, NULL));
    return vit__index_answer(follow->index, done, err);
}
