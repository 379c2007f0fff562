/* SPDX-License-Identifier: BSD-2-Clause */
#include "text_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "error.h"

#define LONGEST_CONTEXT 1000000 /* more means "no limit": 1e30 is what people write */

static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/* *path = that of the file, or NULL if it is not there. */
static vit_status find_file(const char *folder, const char *name, char **path, vit_error *err)
{
    struct stat info;
    *path = join(folder, name);
    if (!*path)
        return vit__fail_memory(err, folder);
    if (stat(*path, &info) != 0) {
        free(*path);
        *path = NULL;
    }
    return VIT_OK;
}

static vit_status find_document(const char *folder, const char *name, vit__document **document, vit_error *err)
{
    char *path;
    vit_status status = find_file(folder, name, &path, err);
    if (status == VIT_OK && path)
        status = vit__document_load(path, document, err);
    free(path);
    return status;
}

static bool has_file(const char *folder, const char *name)
{
    vit_error ignored = {0};
    char *path;
    bool found = find_file(folder, name, &path, &ignored) == VIT_OK && path;
    free(path);
    return found;
}

static vit_status check_folder(const char *path, vit_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return vit__fail_errno(err, path, "cannot open", errno);
    if (!S_ISDIR(info.st_mode))
        return vit__fail(err, VIT_ERR_UNREADABLE, path, "not a folder: a tokenizer is read from the folder of its files");
    return VIT_OK;
}

vit_status vit__text_folder_open(const char *path, vit__text_folder *folder, vit_error *err)
{
    *folder = (vit__text_folder){0};
    vit_status status = check_folder(path, err);
    if (status != VIT_OK)
        return status;
    folder->path = strdup(path);
    if (!folder->path)
        return vit__fail_memory(err, path);
    const struct {
        const char *name;
        char **path;
    } files[] = {{"tokenizer.json", &folder->tokenizer_json},
                 {"vocab.json", &folder->vocab_json},
                 {"merges.txt", &folder->merges_txt},
                 {"spiece.model", &folder->spiece_model}};
    const struct {
        const char *name;
        vit__document **document;
    } documents[] = {{"config.json", &folder->config},
                     {"tokenizer_config.json", &folder->tokenizer_config},
                     {"special_tokens_map.json", &folder->special_tokens},
                     {"open_clip_config.json", &folder->open_clip}};
    for (size_t i = 0; i < sizeof files / sizeof *files && status == VIT_OK; i++)
        status = find_file(path, files[i].name, files[i].path, err);
    for (size_t i = 0; i < sizeof documents / sizeof *documents && status == VIT_OK; i++)
        status = find_document(path, documents[i].name, documents[i].document, err);
    folder->open_clip_weights = has_file(path, "open_clip_model.safetensors") && !has_file(path, "model.safetensors") &&
                                !has_file(path, "model.safetensors.index.json");
    return status;
}

void vit__text_folder_close(vit__text_folder *folder)
{
    free(folder->path);
    free(folder->tokenizer_json);
    free(folder->vocab_json);
    free(folder->merges_txt);
    free(folder->spiece_model);
    vit__document_free(folder->config);
    vit__document_free(folder->tokenizer_config);
    vit__document_free(folder->special_tokens);
    vit__document_free(folder->open_clip);
    *folder = (vit__text_folder){0};
}

static const char *string_at(const vit__document *document, const char *key)
{
    size_t size;
    const char *string = vit__document_string(vit__document_get(document, key), &size);
    return string ? string : "";
}

const char *vit__text_folder_model_type(const vit__text_folder *folder)
{
    return string_at(folder->config, "model_type");
}

const char *vit__text_folder_class(const vit__text_folder *folder)
{
    return string_at(folder->tokenizer_config, "tokenizer_class");
}

const vit__document *vit__text_folder_open_clip(const vit__text_folder *folder)
{
    return vit__document_get(vit__document_get(folder->open_clip, "model_cfg"), "text_cfg");
}

static uint32_t length_at(const vit__document *document, const char *key)
{
    uint32_t length;
    bool sane = vit__document_id(vit__document_get(document, key), &length) && length <= LONGEST_CONTEXT;
    return sane ? length : 0;
}

/* A model with two towers has the text's numbers in text_config, a text tower alone at the top. */
uint32_t vit__text_folder_positions(const vit__text_folder *folder)
{
    const vit__document *text = vit__document_get(folder->config, "text_config");
    return length_at(vit__document_is_null(text) ? folder->config : text, "max_position_embeddings");
}

uint32_t vit__text_folder_max_length(const vit__text_folder *folder)
{
    return length_at(folder->tokenizer_config, "model_max_length");
}

const char *vit__text_folder_token(const vit__text_folder *folder, const char *key, const char *fallback)
{
    const vit__document *places[] = {folder->tokenizer_config, folder->special_tokens};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const vit__document *token = vit__document_get(places[i], key);
        const char *text = vit__document_is_object(token) ? string_at(token, "content") : string_at(places[i], key);
        if (*text)
            return text;
    }
    return fallback;
}

bool vit__text_folder_pads_left(const vit__text_folder *folder, bool fallback)
{
    const char *side = string_at(folder->tokenizer_config, "padding_side");
    return *side ? strcmp(side, "left") == 0 : fallback;
}
