/* SPDX-License-Identifier: BSD-2-Clause */
#include "hub.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "mapped_file.h"
#include "memory.h"
#include "path.h"

/* Where huggingface_hub keeps its cache: a folder from the environment, and what comes below it. */
static const struct place {
    const char *variable, *below;
} places[] = {
    {"HF_HUB_CACHE", ""}, {"HUGGINGFACE_HUB_CACHE", ""}, /* its former name */
    {"HF_HOME", "hub"},   {"XDG_CACHE_HOME", "huggingface/hub"}, {"HOME", ".cache/huggingface/hub"},
};

#define REVISION_MAX 128

/* Length of the name at the start of the text; 0: it is none. */
static size_t name_length(const char *text)
{
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || (text[length] && strchr("-_.", text[length])))
        length++;
    return *text == '.' ? 0 : length;
}

int vit__hub_is_id(const char *text)
{
    size_t organisation = name_length(text);
    if (organisation == 0 || text[organisation] != '/')
        return 0;
    size_t name = name_length(text + organisation + 1);
    return name > 0 && text[organisation + 1 + name] == 0;
}

/* "models--ORG--NAME", which the caller frees. */
static char *repository_name(const char *id)
{
    const char *slash = strchr(id, '/');
    size_t size = sizeof "models----" + strlen(id);
    char *name = vit__alloc(size, 1);
    if (name)
        snprintf(name, size, "models--%.*s--%s", (int)(slash - id), id, slash + 1);
    return name;
}

/* The commit that the file names; empty: there is no such file, or it names none. */
static vit_status read_revision(const char *path, char revision[REVISION_MAX], vit_error *err)
{
    vit__mapped_file file;
    *revision = 0;
    vit_status status = vit__mapped_file_open(path, &file, NULL);
    if (status == VIT_ERR_OUT_OF_MEMORY)
        return vit__fail_memory(err, path);
    size_t length = file.size < REVISION_MAX ? file.size : 0;
    if (length > 0)
        memcpy(revision, file.data, length);
    while (length > 0 && isspace((unsigned char)revision[length - 1]))
        length--;
    revision[length] = 0;
    if (strlen(revision) != length || !vit__path_is_plain_name(revision))
        *revision = 0;
    vit__mapped_file_close(&file);
    return VIT_OK;
}

/* *folder = the snapshot of main in this repository of the cache; NULL: it is not there. */
static vit_status find_snapshot(const char *repository, char **folder, vit_error *err)
{
    char revision[REVISION_MAX] = "";
    *folder = NULL;
    char *reference = vit__path_join(repository, "refs/main");
    char *snapshots = vit__path_join(repository, "snapshots");
    vit_status status = reference && snapshots ? read_revision(reference, revision, err)
                                               : vit__fail_memory(err, repository);
    if (*revision && !(*folder = vit__path_join(snapshots, revision)))
        status = vit__fail_memory(err, repository);
    free(reference);
    free(snapshots);
    if (*folder && !vit__path_is_folder(*folder)) {
        free(*folder);
        *folder = NULL;
    }
    return status;
}

static vit_status look_in(const struct place *place, const char *root, const char *name, char **folder, vit_error *err)
{
    *folder = NULL;
    char *cache = *place->below ? vit__path_join(root, place->below) : vit__strdup(root);
    char *repository = cache ? vit__path_join(cache, name) : NULL;
    vit_status status = repository ? find_snapshot(repository, folder, err) : vit__fail_memory(err, name);
    free(repository);
    free(cache);
    return status;
}

/* Appends what still fits. */
static void append_place(char *list, size_t size, const struct place *place, const char *root)
{
    size_t used = strlen(list);
    snprintf(list + used, size - used, "%s%s%s%s", used ? ", " : "", root, *place->below ? "/" : "", place->below);
}

vit_status vit__hub_find(const char *id, char **folder, vit_error *err)
{
    char looked_in[256] = "";
    *folder = NULL;
    char *name = repository_name(id);
    if (!name)
        return vit__fail_memory(err, id);
    vit_status status = VIT_OK;
    for (size_t i = 0; status == VIT_OK && !*folder && i < sizeof places / sizeof *places; i++) {
        const char *root = getenv(places[i].variable);
        if (!root || !*root)
            continue;
        append_place(looked_in, sizeof looked_in, &places[i], root);
        status = look_in(&places[i], root, name, folder, err);
    }
    free(name);
    if (status != VIT_OK || *folder)
        return status;
    return vit__fail(err, VIT_ERR_NOT_FOUND, id,
                     "no such folder or file, and not in the local Hugging Face cache (looked in %s); get it with: "
                     "hf download %s",
                     *looked_in ? looked_in : "no place: HOME is not set", id);
}
