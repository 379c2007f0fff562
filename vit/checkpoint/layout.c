/* SPDX-License-Identifier: BSD-2-Clause */
#include "layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "around.h"
#include "error.h"
#include "hub_cache.h"
#include "memory.h"
#include "path.h"

#define CONFIG "config.json"
#define OPEN_CLIP_CONFIG "open_clip_config.json"
#define WEIGHTS "model.safetensors"
#define WEIGHTS_INDEX "model.safetensors.index.json"
#define OPEN_CLIP_WEIGHTS "open_clip_model.safetensors"
#define PICKLE "pytorch_model.bin"
#define PICKLE_INDEX "pytorch_model.bin.index.json"
#define OPEN_CLIP_PICKLE "open_clip_pytorch_model.bin"

#define WEIGHT_NAMES 6

/* Weights of transformers and timm first, or of open_clip first; those of torch.save where there are no others. */
static const char *const weight_names[][WEIGHT_NAMES] = {
    {WEIGHTS, WEIGHTS_INDEX, OPEN_CLIP_WEIGHTS, PICKLE, PICKLE_INDEX, OPEN_CLIP_PICKLE},
    {OPEN_CLIP_WEIGHTS, WEIGHTS, WEIGHTS_INDEX, OPEN_CLIP_PICKLE, PICKLE, PICKLE_INDEX}};

static vit_status missing_weights(const char *folder, vit_error *err)
{
    char around[4200];
    vit__look_around(folder, weight_names[0], WEIGHT_NAMES, around, sizeof around);
    if (*around) /* which says more than what was looked for */
        return vit__fail(err, VIT_ERR_NOT_FOUND, folder, "no weights there under the usual names%s", around);
    return vit__fail(err, VIT_ERR_NOT_FOUND, folder,
                     "no weights there: looked for " WEIGHTS ", " WEIGHTS_INDEX ", " OPEN_CLIP_WEIGHTS ", " PICKLE
                     ", " PICKLE_INDEX " and " OPEN_CLIP_PICKLE);
}

static vit_status choose_weights(vit__layout *layout, bool open_clip, vit_error *err)
{
    vit_status status = VIT_OK;
    for (size_t i = 0; status == VIT_OK && !layout->weights && i < WEIGHT_NAMES; i++)
        status = vit__path_find(layout->folder, weight_names[open_clip][i], &layout->weights, err);
    if (status == VIT_OK && !layout->weights)
        status = missing_weights(layout->folder, err);
    return status;
}

/* Takes over path. */
static vit_status load_config(vit__layout *layout, char *path, vit_error *err)
{
    vit__json_free(layout->config);
    free(layout->config_path);
    layout->config_path = path;
    vit_status status = vit__json_load(path, &layout->config, err);
    if (status == VIT_OK && !vit__json_is_object(layout->config))
        status = vit__fail(err, VIT_ERR_CORRUPT, path, "not a JSON object");
    return status;
}

/* The configuration of open_clip, if it is there. */
static vit_status load_open_clip(vit__layout *layout, bool *found, vit_error *err)
{
    char *path;
    vit_status status = vit__path_find(layout->folder, OPEN_CLIP_CONFIG, &path, err);
    *found = path != NULL;
    if (!path)
        return status;
    layout->kind = VIT__CHECKPOINT_OPEN_CLIP;
    return load_config(layout, path, err);
}

bool vit__layout_is_timm(const vit__json *config)
{
    const char *type = vit__json_string(vit__json_get(config, "model_type"));
    return vit__json_string(vit__json_get(config, "architecture")) && (!type || strcmp(type, "timm_wrapper") == 0);
}

/* config.json, if it is there and says whose it is. */
static vit_status load_plain(vit__layout *layout, bool *found, vit_error *err)
{
    char *path;
    *found = false;
    vit_status status = vit__path_find(layout->folder, CONFIG, &path, err);
    if (!path)
        return status;
    status = load_config(layout, path, err);
    if (status != VIT_OK)
        return status;
    layout->kind = vit__layout_is_timm(layout->config) ? VIT__CHECKPOINT_TIMM : VIT__CHECKPOINT_TRANSFORMERS;
    *found = vit__json_string(vit__json_get(layout->config, "model_type")) ||
             vit__json_string(vit__json_get(layout->config, "architecture"));
    return VIT_OK;
}

static vit_status load_first(vit__layout *layout, bool open_clip, vit_error *err)
{
    bool found = false;
    vit_status status = open_clip ? load_open_clip(layout, &found, err) : load_plain(layout, &found, err);
    if (status == VIT_OK && !found)
        status = open_clip ? load_plain(layout, &found, err) : load_open_clip(layout, &found, err);
    if (status != VIT_OK || found)
        return status;
    if (layout->config)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, layout->config_path,
                         "says neither \"model_type\" (transformers) nor \"architecture\" (timm)");
    return VIT_OK;
}

/* Does config.json ask for Python code beside it? Then its tensors may have any names. */
static vit_status needs_code(const char *folder, bool *needs, vit_error *err)
{
    char *path;
    vit__json *config = NULL;
    *needs = false;
    vit_status status = vit__path_find(folder, CONFIG, &path, err);
    if (status == VIT_OK && path)
        status = vit__json_load(path, &config, err);
    *needs = !vit__json_is_null(vit__json_get(config, "auto_map"));
    vit__json_free(config);
    free(path);
    return status;
}

/* A folder may hold one model in two layouts (timm's uploads of open_clip models do): config.json and model.safetensors
 * win where both are there, unless they need code of their own. */
static vit_status choose_parts(vit__layout *layout, vit_error *err)
{
    bool plain_config, open_clip_config, weights, index = false, open_clip_weights = false, code = false;
    bool pickle = false, pickle_index = false;
    vit_status status = vit__path_exists(layout->folder, CONFIG, &plain_config, err);
    if (status == VIT_OK)
        status = vit__path_exists(layout->folder, OPEN_CLIP_CONFIG, &open_clip_config, err);
    if (status == VIT_OK)
        status = vit__path_exists(layout->folder, WEIGHTS, &weights, err);
    if (status == VIT_OK)
        status = vit__path_exists(layout->folder, WEIGHTS_INDEX, &index, err);
    if (status != VIT_OK)
        return status;
    if (open_clip_config && plain_config)
        status = vit__path_exists(layout->folder, OPEN_CLIP_WEIGHTS, &open_clip_weights, err);
    if (status == VIT_OK && !open_clip_weights)
        status = vit__path_exists(layout->folder, PICKLE, &pickle, err);
    if (status == VIT_OK && !open_clip_weights)
        status = vit__path_exists(layout->folder, PICKLE_INDEX, &pickle_index, err);
    bool both = plain_config && (weights || index || pickle || pickle_index);
    if (status == VIT_OK && open_clip_weights)
        status = needs_code(layout->folder, &code, err);
    if (status != VIT_OK)
        return status;
    bool open_clip = open_clip_config && (!both || code);
    status = choose_weights(layout, open_clip, err);
    return status == VIT_OK ? load_first(layout, open_clip, err) : status;
}

/* layout->path and *is_folder. */
static vit_status resolve(const char *path, vit__layout *layout, bool *is_folder, vit_error *err)
{
    struct stat info;
    vit__hub_name name;
    *is_folder = true;
    if (stat(path, &info) == 0) {
        *is_folder = S_ISDIR(info.st_mode);
        if (!*is_folder && !S_ISREG(info.st_mode))
            return vit__fail(err, VIT_ERR_UNREADABLE, path, "neither a folder nor a regular file");
        layout->path = vit__strdup(path);
        return layout->path ? VIT_OK : vit__fail_memory(err, path);
    }
    if (errno != ENOENT && errno != ENOTDIR)
        return vit__fail_errno(err, path, "cannot open", errno);
    if (vit__hub_name_read(path, &name))
        return vit__hub_find(path, &name, NULL, &layout->path, err);
    return vit__fail(
        err, VIT_ERR_NOT_FOUND, path,
        "no such folder or file, and not a hub id (\"organisation/name\" or \"organisation/name@revision\") "
        "either");
}

/* A folder of sentence-transformers may keep the model in one below. Who names a file in the model's own folder means
 * the model with its modules too. */
static vit_status find_modules(vit__layout *layout, bool is_folder, vit_error *err)
{
    char *inner;
    vit_status status = vit__modules_find(layout->folder, &layout->modules, &inner, err);
    if (inner && is_folder) {
        free(layout->folder);
        layout->folder = inner;
    } else if (inner) {
        free(inner);
        vit__modules_free(&layout->modules);
    }
    return status;
}

/* layout->path, layout->folder and *is_folder. */
static vit_status find_folder(const char *path, vit__layout *layout, bool *is_folder, vit_error *err)
{
    vit_status status = resolve(path, layout, is_folder, err);
    if (status != VIT_OK)
        return status;
    layout->folder = *is_folder ? vit__strdup(layout->path) : vit__path_folder(layout->path);
    return layout->folder ? find_modules(layout, *is_folder, err) : vit__fail_memory(err, path);
}

vit_status vit_model_folder(const char *path, char **folder, vit_error *err)
{
    vit__layout layout = {0};
    bool is_folder;
    if (folder)
        *folder = NULL;
    if (!path || !folder)
        return vit__fail_null(err, __func__, path ? "folder" : "path");
    vit_status status = find_folder(path, &layout, &is_folder, err);
    if (status == VIT_OK) {
        *folder = layout.folder;
        layout.folder = NULL;
    }
    vit__layout_free(&layout);
    return status;
}

static vit_status find_parts(const char *path, vit__layout *layout, vit_error *err)
{
    bool is_folder;
    vit_status status = find_folder(path, layout, &is_folder, err);
    if (status != VIT_OK)
        return status;
    if (is_folder)
        return choose_parts(layout, err);
    layout->weights = vit__strdup(layout->path);
    return layout->weights ? VIT_OK : vit__fail_memory(err, path);
}

vit_status vit__layout_find(const char *path, vit__layout *layout, vit_error *err)
{
    *layout = (vit__layout){0};
    vit_status status = find_parts(path, layout, err);
    if (status != VIT_OK)
        vit__layout_free(layout);
    return status;
}

void vit__layout_free(vit__layout *layout)
{
    vit__json_free(layout->config);
    vit__modules_free(&layout->modules);
    free(layout->config_path);
    free(layout->weights);
    free(layout->folder);
    free(layout->path);
    *layout = (vit__layout){0};
}

vit_status vit__layout_read_config(vit__layout *layout, vit_error *err)
{
    if (layout->config)
        return VIT_OK;
    const char *name = vit__path_name(layout->weights);
    bool open_clip = strcmp(name, OPEN_CLIP_WEIGHTS) == 0 || strcmp(name, OPEN_CLIP_PICKLE) == 0;
    vit_status status = load_first(layout, open_clip, err);
    if (status == VIT_OK && !layout->config)
        status = vit__fail(err, VIT_ERR_NOT_FOUND, layout->folder,
                           "no configuration there: looked for " CONFIG " and " OPEN_CLIP_CONFIG);
    return status;
}
