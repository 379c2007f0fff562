/* SPDX-License-Identifier: BSD-2-Clause */
#include "hub_cache.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "expand.h"
#include "file.h"
#include "limit.h"
#include "memory.h"
#include "path.h"

#define MAIN "main"

/* A folder from the environment, and what comes below it. The first row that is set counts. */
typedef struct hub_place {
    const char *variable, *below;
} hub_place;

static const hub_place homes[] = {
    {"HF_HOME", ""}, {"XDG_CACHE_HOME", "huggingface"}, {NULL, ".cache/huggingface"}, {0}};
static const hub_place caches[] = {{"HF_HUB_CACHE", ""}, {"HUGGINGFACE_HUB_CACHE", ""}, {0}};

/* ------------------------------------------------------------------ where the cache is ---- */

/* *folder = the row's, or NULL: it is not set. false: out of memory. */
static bool folder_of_place(const hub_place *place, char **folder)
{
    const char *value = place->variable ? getenv(place->variable) : NULL;
    char *root = NULL;
    *folder = NULL;
    if (place->variable && (!value || !*value))
        return true;
    if (place->variable && !(root = vit__path_expand(value)))
        return false;
    if (!place->variable && !vit__home_folder(&root))
        return false;
    *folder = root && *place->below ? vit__path_join(root, place->below) : root;
    bool done = !root || *folder;
    if (*folder != root)
        free(root);
    return done;
}

static vit_status first_that_is_set(const hub_place *places, char **folder, vit_error *err)
{
    *folder = NULL;
    for (const hub_place *at = places; !*folder && at->below; at++)
        if (!folder_of_place(at, folder))
            return vit__fail_memory(err, "the Hugging Face cache");
    return VIT_OK;
}

vit_status vit__hub_home(char **folder, vit_error *err)
{
    return first_that_is_set(homes, folder, err);
}

vit_status vit__hub_cache_folder(char **folder, vit_error *err)
{
    char *home = NULL;
    vit_status status = first_that_is_set(caches, folder, err);
    if (status != VIT_OK || *folder)
        return status;
    status = vit__hub_home(&home, err);
    if (home && !(*folder = vit__path_join(home, "hub")))
        status = vit__fail_memory(err, home);
    free(home);
    return status;
}

char *vit__hub_repository(const char *id)
{
    const char *slash = strchr(id, '/');
    size_t size = sizeof "models----" + strlen(id);
    char *name = vit__alloc(size, 1);
    if (name)
        snprintf(name, size, "models--%.*s--%s", (int)(slash - id), id, slash + 1);
    return name;
}

/* ------------------------------------------------------------------ which snapshot ---- */

/* A repository of the cache, while a snapshot is looked for. */
typedef struct repository {
    char *path, *references, *snapshots;
    bool has_main;           /* there is a refs/main, right or wrong */
    char only[NAME_MAX + 1]; /* the name of a snapshot */
    size_t n;                /* snapshots */
    char names[256];         /* of them, for messages: "a, b" */
} repository;

/* The commit that the reference holds, a plain name; "": there is no such reference, or it holds none. */
static vit_status read_reference(const char *folder, const char *name, char commit[VIT__LIMIT_HUB_REFERENCE_BYTES + 1],
                                 vit_error *err)
{
    const vit__file_kind kind = {.most = VIT__LIMIT_HUB_REFERENCE_BYTES};
    vit__buffer text = {0};
    *commit = 0;
    char *path = vit__path_join(folder, name);
    vit_status status = path ? vit__file_read(path, &kind, &text, NULL) : VIT_ERR_OUT_OF_MEMORY;
    size_t length = text.size;
    while (length > 0 && isspace((unsigned char)text.data[length - 1]))
        length--;
    if (length > 0)
        memcpy(commit, text.data, length);
    commit[length] = 0;
    if (strlen(commit) != length || !vit__path_is_plain_name(commit))
        *commit = 0;
    free(path);
    vit__buffer_free(&text);
    return status == VIT_ERR_OUT_OF_MEMORY ? vit__fail_memory(err, folder) : VIT_OK;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_snapshot(repository *r, const char *name)
{
    size_t used = strlen(r->names);
    if (*name == '.')
        return;
    snprintf(r->names + used, sizeof r->names - used, "%s%.*s", used ? ", " : "", VIT__HUB_COMMIT, name);
    snprintf(r->only, sizeof r->only, "%s", name);
    r->n++;
}

/* Which snapshots there are. false: out of memory. */
static bool look_around(repository *r)
{
    struct dirent **entries;
    int n = scandir(r->snapshots, &entries, NULL, by_name);
    for (int i = 0; i < n; i++) {
        add_snapshot(r, entries[i]->d_name);
        free(entries[i]);
    }
    if (n < 0)
        return errno != ENOMEM;
    free(entries);
    return true;
}

static vit_status open_repository(const char *cache, const char *id, repository *r, vit_error *err)
{
    *r = (repository){0};
    char *name = vit__hub_repository(id);
    r->path = name ? vit__path_join(cache, name) : NULL;
    free(name);
    if (r->path) {
        r->references = vit__path_join(r->path, "refs");
        r->snapshots = vit__path_join(r->path, "snapshots");
    }
    if (!r->references || !r->snapshots || !look_around(r))
        return vit__fail_memory(err, id);
    return vit__path_exists(r->references, MAIN, &r->has_main, err);
}

static void close_repository(repository *r)
{
    free(r->path);
    free(r->references);
    free(r->snapshots);
}

/* *folder = the snapshot of the revision ("": none was named); NULL: it is not there. */
static vit_status find_snapshot(const repository *r, const char *revision, char **folder, vit_error *err)
{
    char commit[NAME_MAX + 1];
    vit_status status = read_reference(r->references, *revision ? revision : MAIN, commit, err);
    if (!*commit && vit__is_hex(revision, VIT__HUB_COMMIT))
        snprintf(commit, sizeof commit, "%s", revision);
    if (!*commit && !*revision && !r->has_main && r->n == 1)
        snprintf(commit, sizeof commit, "%s", r->only);
    if (status == VIT_OK && *commit && !(*folder = vit__path_join(r->snapshots, commit)))
        status = vit__fail_memory(err, r->path);
    if (*folder && !vit__path_is_folder(*folder)) {
        free(*folder);
        *folder = NULL;
    }
    return status;
}

/* ------------------------------------------------------------------ what is not there ---- */

static vit_status fail_without_revision(const char *text, const vit__hub_name *name, const repository *r,
                                        vit_error *err)
{
    const char *revision = *name->revision ? name->revision : MAIN;
    const char *wrong = vit__is_hex(revision, VIT__HUB_COMMIT) ? "no such snapshot"
                                                               : "no right reference to a snapshot";
    return vit__fail(err, VIT_ERR_NOT_FOUND, text,
                     "it is in the local Hugging Face cache (%s), but there is %s for the revision %s; it has the "
                     "snapshots %s: name one, as in %s@%s, or get it with: vit pull %s (or hf download)",
                     r->path, wrong, revision, r->names, name->id, r->only, text);
}

static vit_status fail_absent(const char *text, const vit__hub_name *name, const char *cache, vit_error *err)
{
    return vit__fail(err, VIT_ERR_NOT_FOUND, text,
                     "no such folder or file, and not in the local Hugging Face cache (looked in %s); get it with: "
                     "vit pull %s, or hf download %s",
                     cache ? cache : "no place: HOME is not set", text, name->id);
}

static vit_status find_in(const char *text, const vit__hub_name *name, const char *cache, char **folder, vit_error *err)
{
    repository r;
    vit_status status = open_repository(cache, name->id, &r, err);
    if (status == VIT_OK)
        status = find_snapshot(&r, name->revision, folder, err);
    if (status == VIT_OK && !*folder)
        status = r.n > 0 ? fail_without_revision(text, name, &r, err) : fail_absent(text, name, cache, err);
    close_repository(&r);
    return status;
}

vit_status vit__hub_find(const char *text, const vit__hub_name *name, const char *cache, char **folder, vit_error *err)
{
    char *usual = NULL;
    *folder = NULL;
    vit_status status = cache ? VIT_OK : vit__hub_cache_folder(&usual, err);
    if (status == VIT_OK && !cache && !usual)
        return fail_absent(text, name, NULL, err);
    if (status == VIT_OK)
        status = find_in(text, name, cache ? cache : usual, folder, err);
    free(usual);
    return status;
}
