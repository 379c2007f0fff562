/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the config in a file or folder, and tells by its keys whose it is. */
#include <stdlib.h>

#include "error.h"
#include "memory.h"
#include "path.h"
#include "preprocess.h"

static bool has(const vit__json *config, const char *key)
{
    return !vit__json_is_null(vit__json_get(config, key));
}

static vit_status from_transformers(const vit__json *config, const char *model_type, const char *name,
                                    vit_preprocessor *out, vit_error *err)
{
    return vit__preprocess_from_transformers_for(config, model_type, name, out, err);
}

static vit_status from_timm(const vit__json *config, const char *model_type, const char *name, vit_preprocessor *out,
                            vit_error *err)
{
    (void)model_type;
    return vit__preprocess_from_timm(config, name, out, err);
}

static vit_status from_open_clip(const vit__json *config, const char *model_type, const char *name,
                                 vit_preprocessor *out, vit_error *err)
{
    (void)model_type;
    return vit__preprocess_from_open_clip(config, name, out, err);
}

static vit_status from_own(const vit__json *config, const char *model_type, const char *name, vit_preprocessor *out,
                           vit_error *err)
{
    (void)model_type;
    return vit__preprocess_from_own(config, name, out, err);
}

/* The first key that a config has decides. */
static const struct {
    const char *key;
    vit_status (*read)(const vit__json *, const char *, const char *, vit_preprocessor *, vit_error *);
} kinds[] = {
    {"library", from_own},
    {"preprocess_cfg", from_open_clip},
    {"model_cfg", from_open_clip},
    {"resize_mode", from_open_clip},
    {"pretrained_cfg", from_timm},
    {"input_size", from_timm},
    {"architecture", from_timm},
    {"image_processor", from_transformers},
    {"image_processor_type", from_transformers},
    {"feature_extractor_type", from_transformers},
    {"image_mean", from_transformers},
    {"do_resize", from_transformers},
    {"do_normalize", from_transformers},
};

/* What says how to preprocess in a folder, best first; config.json only if it is timm's. */
static const struct {
    const char *file, *needs; /* NULL: any content will do */
} folder_files[] = {{"processor_config.json", "image_processor"},
                    {"preprocessor_config.json", NULL},
                    {"open_clip_config.json", NULL},
                    {"config.json", "pretrained_cfg"},
                    {"config.json", "architecture"}};

/* VIT_OK and no *config: the file lacks the key. */
static vit_status load_with(const char *path, const char *needs, vit__json **config, vit_error *err)
{
    vit_status status = vit__json_load(path, config, err);
    if (status == VIT_OK && needs && !has(*config, needs)) {
        vit__json_free(*config);
        *config = NULL;
    }
    return status;
}

static vit_status find_in_folder(const char *folder, char **path, vit__json **config, vit_error *err)
{
    for (size_t i = 0; i < sizeof folder_files / sizeof *folder_files; i++) {
        vit_status status = vit__path_find(folder, folder_files[i].file, path, err);
        if (*path)
            status = load_with(*path, folder_files[i].needs, config, err);
        if (status != VIT_OK || *config)
            return status;
        free(*path);
        *path = NULL;
    }
    return vit__fail(err, VIT_ERR_NOT_FOUND, folder,
                     "no preprocessor_config.json, open_clip_config.json or timm config.json in this folder");
}

/* *type = model_type of the config.json beside a file, which the caller frees; NULL if there is
 * none that can be read. Fails when out of memory alone. */
static vit_status model_type_beside(const char *path, char **type, vit_error *err)
{
    vit__json *config = NULL;
    *type = NULL;
    char *folder = vit__path_folder(path), *beside = folder ? vit__path_join(folder, "config.json") : NULL;
    vit_status status = beside ? vit__json_load(beside, &config, NULL) : VIT_ERR_OUT_OF_MEMORY;
    const char *found = vit__json_string(vit__json_get(config, "model_type"));
    if (found && !(*type = vit__strdup(found)))
        status = VIT_ERR_OUT_OF_MEMORY;
    vit__json_free(config);
    free(beside);
    free(folder);
    return status == VIT_ERR_OUT_OF_MEMORY ? vit__fail_memory(err, path) : VIT_OK;
}

static vit_status read_config(const vit__json *config, const char *path, vit_preprocessor *out, vit_error *err)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!has(config, kinds[i].key))
            continue;
        char *model_type;
        vit_status status = model_type_beside(path, &model_type, err);
        if (status == VIT_OK)
            status = kinds[i].read(config, model_type, path, out, err);
        free(model_type);
        return status;
    }
    return vit__fail(err, VIT_ERR_CORRUPT, path, "it says nothing about preprocessing");
}

vit_status vit_preprocessor_open(const char *path, vit_preprocessor **preprocessor, vit_error *err)
{
    if (preprocessor)
        *preprocessor = NULL;
    if (!path || !preprocessor)
        return vit__fail_null(err, __func__, path ? "preprocessor" : "path");
    vit__json *config = NULL;
    char *file = NULL;
    vit_preprocessor *made = vit__alloc_zero(1, sizeof *made);
    vit_status status = !made                       ? vit__fail_memory(err, path)
                        : vit__path_is_folder(path) ? find_in_folder(path, &file, &config, err)
                                                    : vit__json_load(path, &config, err);
    if (status == VIT_OK)
        status = read_config(config, file ? file : path, made, err);
    vit__json_free(config);
    free(file);
    if (status != VIT_OK) {
        free(made);
        return status;
    }
    *preprocessor = made;
    return VIT_OK;
}
