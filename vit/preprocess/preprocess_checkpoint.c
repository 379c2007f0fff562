/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a checkpoint keeps its preprocessing. */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "path.h"
#include "preprocess.h"

/* As transformers 5 looks: what is inside processor_config.json comes before
 * preprocessor_config.json. */
static const struct {
    const char *file, *needs;
} places[] = {{"processor_config.json", "image_processor"}, {"preprocessor_config.json", NULL}};

/* *json = NULL: it has neither. Else the caller frees *path, the file's. */
static vit_status load_transformers(const vit__checkpoint *checkpoint, char **path, vit__json **json, vit_error *err)
{
    *json = NULL;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        vit_status status = vit__path_find(vit__checkpoint_folder(checkpoint), places[i].file, path, err);
        if (*path)
            status = vit__json_load(*path, json, err);
        if (*json && (!places[i].needs || vit__json_is_object(vit__json_get(*json, places[i].needs))))
            return VIT_OK;
        vit__json_free(*json);
        *json = NULL;
        free(*path);
        *path = NULL;
        if (status != VIT_OK)
            return status;
    }
    return VIT_OK;
}

static vit_status read_transformers(const vit__checkpoint *checkpoint, vit_preprocessor **preprocessor, vit_error *err)
{
    char *path;
    vit__json *json;
    vit_status status = load_transformers(checkpoint, &path, &json, err);
    if (status != VIT_OK || !json) {
        free(*preprocessor);
        *preprocessor = NULL;
        return status;
    }
    const char *model_type = vit__json_string(vit__json_get(vit__checkpoint_config(checkpoint), "model_type"));
    status = vit__preprocess_from_transformers_for(json, model_type, path, *preprocessor, err);
    vit__json_free(json);
    free(path);
    return status;
}

static vit_status read_own(const vit__checkpoint *checkpoint, vit_preprocessor **preprocessor, vit_error *err)
{
    const char *text = vit__checkpoint_metadata(checkpoint, "preprocess"), *where = vit__checkpoint_path(checkpoint);
    if (!text) {
        free(*preprocessor);
        *preprocessor = NULL;
        return VIT_OK;
    }
    vit__json *json;
    vit_status status = vit__json_parse(text, strlen(text), where, &json, err);
    /* What vit writes, or the keys of a preprocessor_config.json (docs/own-format.md). */
    if (status == VIT_OK)
        status = vit__json_is_null(vit__json_get(json, "library"))
                     ? vit__preprocess_from_transformers(json, where, *preprocessor, err)
                     : vit__preprocess_from_own(json, where, *preprocessor, err);
    vit__json_free(json);
    return status;
}

vit_status vit__preprocess_of_checkpoint(const vit__checkpoint *checkpoint, vit_preprocessor **preprocessor,
                                         vit_error *err)
{
    const vit__json *config = vit__checkpoint_config(checkpoint);
    const char *name = vit__checkpoint_config_name(checkpoint);
    vit_status status = VIT_OK;
    *preprocessor = vit__alloc_zero(1, sizeof **preprocessor);
    if (!*preprocessor)
        return vit__fail_memory(err, name);
    switch (vit__checkpoint_kind_of(checkpoint)) {
    case VIT__CHECKPOINT_TRANSFORMERS:
        status = read_transformers(checkpoint, preprocessor, err);
        break;
    case VIT__CHECKPOINT_TIMM:
        status = vit__preprocess_from_timm(config, name, *preprocessor, err);
        break;
    case VIT__CHECKPOINT_OPEN_CLIP:
        status = vit__preprocess_from_open_clip(config, name, *preprocessor, err);
        break;
    case VIT__CHECKPOINT_OWN:
    case VIT__CHECKPOINT_PACKED:
    case VIT__CHECKPOINT_HEAD: /* has none */
        status = read_own(checkpoint, preprocessor, err);
        break;
    }
    if (status != VIT_OK) {
        vit_preprocessor_free(*preprocessor);
        *preprocessor = NULL;
    }
    return status;
}
