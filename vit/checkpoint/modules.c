/* SPDX-License-Identifier: BSD-2-Clause */
#include "modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "limit.h"
#include "memory.h"
#include "path.h"

#define FILE_NAME "modules.json"

/* "sentence_transformers.models.Pooling" and "sentence_transformers.sentence_transformer.modules.Pooling": Pooling */
static const char *kind_of(const vit__json *module)
{
    const char *type = vit__json_string(vit__json_get(module, "type"));
    const char *dot = type ? strrchr(type, '.') : NULL;
    return dot ? dot + 1 : type;
}

/* The folder of a module; NULL: out of memory. */
static char *folder_of(const char *root, const char *path)
{
    return *path ? vit__path_join(root, path) : vit__strdup(root);
}

/* config.json of a module, or an empty object: Normalize has no folder. */
static vit_status load_module_config(const char *root, const char *path, vit__json **config, vit_error *err)
{
    char *folder = folder_of(root, path), *file = NULL;
    *config = NULL;
    vit_status status = folder ? vit__path_find(folder, "config.json", &file, err) : vit__fail_memory(err, root);
    if (status == VIT_OK && file)
        status = vit__json_load(file, config, err);
    if (status == VIT_OK && file && !vit__json_is_object(*config))
        status = vit__fail(err, VIT_ERR_CORRUPT, file, "not a JSON object");
    if (status == VIT_OK && !*config && !(*config = vit__json_new_object()))
        status = vit__fail_memory(err, root);
    if (status != VIT_OK) {
        vit__json_free(*config);
        *config = NULL;
    }
    free(file);
    free(folder);
    return status;
}

/* One module behind the first goes into the chain with its config. The model's own is read elsewhere. */
static vit_status add_module(vit__modules *modules, const vit__json *module, const char *where, vit_error *err)
{
    const char *kind = kind_of(module), *path = vit__json_string(vit__json_get(module, "path"));
    if (!kind || !path || (*path && !vit__path_is_plain_name(path)))
        return vit__fail(err, VIT_ERR_CORRUPT, where,
                         "a module needs a \"type\", and a \"path\" that is a plain name of a folder, or empty");
    vit__json *config = NULL;
    bool first = vit__json_length(modules->chain) == 0;
    vit_status status = first ? VIT_OK : load_module_config(modules->root, path, &config, err);
    if (status != VIT_OK)
        return status;
    vit__json *object = vit__json_new_object();
    bool done = vit__json_set(object, "kind", vit__json_new_string(kind)) &&
                vit__json_set(object, "path", vit__json_new_string(path));
    done = (first || vit__json_set(object, "config", config)) && done;
    return vit__json_append(modules->chain, object) && done ? VIT_OK : vit__fail_memory(err, where);
}

static vit_status read_chain(vit__modules *modules, const vit__json *list, const char *where, vit_error *err)
{
    size_t n = vit__json_length(list);
    if (!vit__json_is_array(list) || n == 0 || n > VIT__LIMIT_MODULES)
        return vit__fail(err, VIT_ERR_CORRUPT, where, "not a list of 1 to %d modules", VIT__LIMIT_MODULES);
    modules->chain = vit__json_new_array();
    vit_status status = modules->chain ? VIT_OK : vit__fail_memory(err, where);
    for (size_t i = 0; i < n && status == VIT_OK; i++)
        status = add_module(modules, vit__json_at(list, i), where, err);
    return status;
}

static vit_status enter(const vit__modules *modules, char **inner, vit_error *err)
{
    const char *path = vit__json_string(vit__json_get(vit__json_at(modules->chain, 0), "path"));
    if (!*path)
        return VIT_OK;
    *inner = vit__path_join(modules->root, path);
    return *inner ? VIT_OK : vit__fail_memory(err, modules->root);
}

vit_status vit__modules_find(const char *folder, vit__modules *modules, char **inner, vit_error *err)
{
    char *file;
    vit__json *list = NULL;
    *modules = (vit__modules){0};
    *inner = NULL;
    vit_status status = vit__path_find(folder, FILE_NAME, &file, err);
    if (status != VIT_OK || !file)
        return status;
    modules->root = vit__strdup(folder);
    status = modules->root ? vit__json_load(file, &list, err) : vit__fail_memory(err, folder);
    if (status == VIT_OK)
        status = read_chain(modules, list, file, err);
    if (status == VIT_OK)
        status = enter(modules, inner, err);
    vit__json_free(list);
    free(file);
    if (status != VIT_OK)
        vit__modules_free(modules);
    return status;
}

/* ------------------------------------------------------------------ weights ---- */

/* Tensors of a module are told from the model's by their names. */
static vit_status rename_tensors(vit__shard *shard, size_t number, vit_error *err)
{
    for (size_t i = 0; i < shard->content.n_tensors; i++) {
        vit__tensor *tensor = &shard->content.tensors[i];
        size_t size = strlen(tensor->name) + sizeof "modules.NN.";
        char *name = vit__alloc(size, 1);
        if (!name)
            return vit__fail_memory(err, shard->path);
        snprintf(name, size, "modules.%zu.%s", number, tensor->name);
        tensor->name = name;
        shard->n_renamed++;
    }
    return VIT_OK;
}

static vit_status open_weights(vit__modules *modules, const char *path, size_t number, vit_error *err)
{
    static const char *const names[] = {"model.safetensors", "pytorch_model.bin"};
    char *folder = folder_of(modules->root, path), *file = NULL;
    vit_status status = folder ? VIT_OK : vit__fail_memory(err, modules->root);
    for (size_t i = 0; status == VIT_OK && !file && i < 2; i++)
        status = vit__path_find(folder, names[i], &file, err);
    if (status == VIT_OK && !file)
        status = vit__fail(err, VIT_ERR_NOT_FOUND, folder, "no weights there: looked for %s and %s", names[0],
                           names[1]);
    if (status == VIT_OK) {
        vit__shard *shard = &modules->shards[modules->n_shards++];
        status = vit__shard_open(file, shard, err);
        file = NULL;
        if (status == VIT_OK)
            status = rename_tensors(shard, number, err);
    }
    free(file);
    free(folder);
    return status;
}

vit_status vit__modules_open(vit__modules *modules, vit_error *err)
{
    size_t n = vit__json_length(modules->chain);
    vit_status status = VIT_OK;
    if (n == 0)
        return VIT_OK;
    modules->shards = vit__alloc_zero(n, sizeof *modules->shards);
    if (!modules->shards)
        return vit__fail_memory(err, modules->root);
    for (size_t i = 1; i < n && status == VIT_OK; i++) {
        const vit__json *module = vit__json_at(modules->chain, i);
        if (vit__json_is(vit__json_get(module, "kind"), "Dense"))
            status = open_weights(modules, vit__json_string(vit__json_get(module, "path")), i, err);
    }
    return status;
}

void vit__modules_free(vit__modules *modules)
{
    for (size_t i = 0; i < modules->n_shards; i++)
        vit__shard_close(&modules->shards[i]);
    free(modules->shards);
    vit__json_free(modules->chain);
    free(modules->root);
    *modules = (vit__modules){0};
}
