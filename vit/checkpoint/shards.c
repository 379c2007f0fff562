/* SPDX-License-Identifier: BSD-2-Clause */
#include "shards.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "path.h"
#include "torch_file.h"

#define LFS_POINTER "version https://git-lfs."

/* A clone without Git LFS has small text files in place of the weights. */
static bool is_lfs_pointer(const vit__mapped_file *file)
{
    return file->size >= sizeof LFS_POINTER - 1 && memcmp(file->data, LFS_POINTER, sizeof LFS_POINTER - 1) == 0;
}

vit_status vit__shard_open(char *path, vit__shard *shard, vit_error *err)
{
    shard->path = path;
    if (!path)
        return vit__fail_memory(err, "");
    vit_status status = vit__mapped_file_open(path, &shard->file, err);
    if (status != VIT_OK)
        return status;
    if (is_lfs_pointer(&shard->file))
        return vit__fail(err, VIT_ERR_CORRUPT, path, "a Git LFS pointer, not the weights: run `git lfs pull` there");
    bool torch = vit__torch_file_is(shard->file.data, shard->file.size) || vit__path_ends_with(path, ".bin");
    return (torch ? vit__torch_file_parse : vit__safetensors_parse)(shard->file.data, shard->file.size, path,
                                                                    &shard->content, err);
}

void vit__shard_close(vit__shard *shard)
{
    for (size_t i = 0; i < shard->n_renamed; i++)
        free((char *)(uintptr_t)shard->content.tensors[i].name);
    vit__safetensors_free(&shard->content);
    vit__mapped_file_close(&shard->file);
    free(shard->path);
    *shard = (vit__shard){0};
}

static vit_status open_single(const char *path, vit__shards *shards, vit_error *err)
{
    shards->shards = vit__alloc_zero(1, sizeof *shards->shards);
    if (!shards->shards)
        return vit__fail_memory(err, path);
    shards->n_shards = 1;
    return vit__shard_open(vit__strdup(path), &shards->shards[0], err);
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* *names = the file names of the map, sorted, each once; the caller frees the list. */
static vit_status list_names(const vit__json *map, const char *where, const char ***names, size_t *n, vit_error *err)
{
    *n = 0;
    *names = vit__alloc(vit__json_length(map), sizeof **names);
    if (!*names)
        return vit__fail_memory(err, where);
    for (void *i = vit__json_first(map); i; i = vit__json_next(map, i)) {
        const char *name = vit__json_string(vit__json_value(i));
        if (!name || !vit__path_is_plain_name(name))
            return vit__fail(err, VIT_ERR_CORRUPT, where,
                             "tensor \"%.200s\" is said to be in \"%.200s\", which is no plain file name",
                             vit__json_key(i), name ? name : "");
        (*names)[(*n)++] = name;
    }
    qsort(*names, *n, sizeof **names, by_text);
    size_t distinct = 0;
    for (size_t i = 0; i < *n; i++)
        if (i == 0 || strcmp((*names)[i], (*names)[distinct - 1]) != 0)
            (*names)[distinct++] = (*names)[i];
    *n = distinct;
    return VIT_OK;
}

static vit_status open_named(const char *folder, const char *const *names, size_t n, vit__shards *shards,
                             vit_error *err)
{
    shards->shards = vit__alloc_zero(n, sizeof *shards->shards);
    if (!shards->shards)
        return vit__fail_memory(err, folder);
    for (size_t i = 0; i < n; i++) {
        shards->n_shards++;
        vit_status status = vit__shard_open(vit__path_join(folder, names[i]), &shards->shards[i], err);
        if (status != VIT_OK)
            return status;
    }
    return VIT_OK;
}

static vit__shard *find_shard(const vit__shards *shards, const char *name)
{
    size_t low = 0, high = shards->n_shards;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(vit__path_name(shards->shards[middle].path), name);
        if (order == 0)
            return &shards->shards[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* What the index names is where it says. */
static vit_status check_named(const vit__json *map, const vit__shards *shards, const char *where, vit_error *err)
{
    for (void *i = vit__json_first(map); i; i = vit__json_next(map, i)) {
        const char *file = vit__json_string(vit__json_value(i));
        const vit__shard *shard = find_shard(shards, file);
        if (!shard || !vit__safetensors_find(&shard->content, vit__json_key(i)))
            return vit__fail(err, VIT_ERR_CORRUPT, where,
                             "\"%.200s\" has no tensor \"%.200s\", which the index puts there", file, vit__json_key(i));
    }
    return VIT_OK;
}

/* The index decides. A tensor that it does not name, or puts into another shard, is as if it were not there. */
static void keep_named(const vit__json *map, vit__shard *shard)
{
    const char *file = vit__path_name(shard->path);
    vit__safetensors *content = &shard->content;
    size_t kept = 0;
    for (size_t i = 0; i < content->n_tensors; i++) {
        const char *named = vit__json_string(vit__json_get(map, content->tensors[i].name));
        if (named && strcmp(named, file) == 0)
            content->tensors[kept++] = content->tensors[i];
    }
    content->n_tensors = kept;
}

static vit_status open_mapped_names(const vit__json *index, const char *path, vit__shards *shards, vit_error *err)
{
    const vit__json *map = vit__json_get(index, "weight_map");
    if (!vit__json_is_object(map) || vit__json_length(map) == 0)
        return vit__fail(err, VIT_ERR_CORRUPT, path,
                         "not an index of shards: no \"weight_map\" of tensor names to files");
    size_t n;
    const char **names;
    char *folder = NULL;
    vit_status status = list_names(map, path, &names, &n, err);
    if (status == VIT_OK && !(folder = vit__path_folder(path)))
        status = vit__fail_memory(err, path);
    if (status == VIT_OK)
        status = open_named(folder, names, n, shards, err);
    if (status == VIT_OK)
        status = check_named(map, shards, path, err);
    for (size_t i = 0; status == VIT_OK && i < n; i++)
        keep_named(map, &shards->shards[i]);
    free(folder);
    free(names);
    return status;
}

static vit_status open_index(const char *path, vit__shards *shards, vit_error *err)
{
    vit__json *index;
    vit_status status = vit__json_load(path, &index, err);
    if (status == VIT_OK)
        status = open_mapped_names(index, path, shards, err);
    vit__json_free(index);
    return status;
}

vit_status vit__shards_open(const char *path, vit__shards *shards, vit_error *err)
{
    *shards = (vit__shards){0};
    bool is_index = vit__path_ends_with(path, ".index.json");
    vit_status status = is_index ? open_index(path, shards, err) : open_single(path, shards, err);
    if (status != VIT_OK)
        vit__shards_free(shards);
    return status;
}

void vit__shards_free(vit__shards *shards)
{
    for (size_t i = 0; i < shards->n_shards; i++)
        vit__shard_close(&shards->shards[i]);
    free(shards->shards);
    *shards = (vit__shards){0};
}
