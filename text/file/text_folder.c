/* SPDX-License-Identifier: BSD-2-Clause */
#include "text_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "error.h"
#include "limit.h"
#include "memory.h"
#include "path.h"

static vit_status find_document(const char *folder, const char *name, vit__json **document, vit_error *err)
{
    char *path;
    vit_status status = vit__path_find(folder, name, &path, err);
    if (path)
        status = vit__tokenizer_json_load(path, document, err);
    free(path);
    return status;
}

static vit_status check_folder(const char *path, vit_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return vit__fail_errno(err, path, "cannot open", errno);
    if (!S_ISDIR(info.st_mode))
        return vit__fail(err, VIT_ERR_UNREADABLE, path,
                         "not a folder: a tokenizer is read from the folder of its files");
    return VIT_OK;
}

static vit_status find_files(vit__text_folder *folder, vit_error *err)
{
    const struct {
        const char *name;
        char **path;
    } files[] = {
        {"tokenizer.json", &folder->tokenizer_json}, {"vocab.json", &folder->vocab_json},
        {"merges.txt", &folder->merges_txt},         {"spiece.model", &folder->spiece_model},
        {"vocab.txt", &folder->vocab_txt},           {"sentencepiece.bpe.model", &folder->sentencepiece_model}};
    vit_status status = VIT_OK;
    for (size_t i = 0; i < sizeof files / sizeof *files && status == VIT_OK; i++)
        status = vit__path_find(folder->path, files[i].name, files[i].path, err);
    return status;
}

static vit_status find_documents(vit__text_folder *folder, vit_error *err)
{
    const struct {
        const char *name;
        vit__json **document;
    } documents[] = {{"config.json", &folder->config},
                     {"tokenizer_config.json", &folder->tokenizer_config},
                     {"special_tokens_map.json", &folder->special_tokens},
                     {"open_clip_config.json", &folder->open_clip},
                     {"sentence_bert_config.json", &folder->sentence}};
    vit_status status = VIT_OK;
    for (size_t i = 0; i < sizeof documents / sizeof *documents && status == VIT_OK; i++)
        status = find_document(folder->path, documents[i].name, documents[i].document, err);
    return status;
}

/* In the folder of modules.json: this one, or the one that it lies in. */
static vit_status find_prompts(vit__text_folder *folder, vit_error *err)
{
    bool here, above = false;
    char *parent = NULL;
    vit_status status = vit__path_exists(folder->path, "modules.json", &here, err);
    if (status == VIT_OK && !here && !(parent = vit__path_join(folder->path, "..")))
        status = vit__fail_memory(err, folder->path);
    if (parent)
        status = vit__path_exists(parent, "modules.json", &above, err);
    if (status == VIT_OK && (here || above))
        status = find_document(here ? folder->path : parent, "config_sentence_transformers.json", &folder->prompts,
                               err);
    free(parent);
    return status;
}

static vit_status find_weights(vit__text_folder *folder, vit_error *err)
{
    static const char *const names[] = {
        "open_clip_model.safetensors", "model.safetensors", "model.safetensors.index.json",
        "open_clip_pytorch_model.bin", "pytorch_model.bin", "pytorch_model.bin.index.json"};
    bool exists[6] = {false};
    vit_status status = VIT_OK;
    for (size_t i = 0; i < 6 && status == VIT_OK; i++)
        status = vit__path_exists(folder->path, names[i], &exists[i], err);
    bool code = !vit__json_is_null(vit__json_get(folder->config, "auto_map")); /* as libvit chooses (layout.c) */
    bool plain = exists[1] || exists[2], old = exists[3] && !exists[4] && !exists[5];
    folder->open_clip_weights = (exists[0] || old) && (code || !plain);
    return status;
}

vit_status vit__text_folder_open(const char *path, vit__text_folder *folder, vit_error *err)
{
    *folder = (vit__text_folder){0};
    vit_status status = check_folder(path, err);
    if (status != VIT_OK)
        return status;
    folder->path = vit__strdup(path);
    if (!folder->path)
        return vit__fail_memory(err, path);
    status = find_files(folder, err);
    if (status == VIT_OK)
        status = find_documents(folder, err);
    if (status == VIT_OK)
        status = find_prompts(folder, err);
    return status == VIT_OK ? find_weights(folder, err) : status;
}

void vit__text_folder_close(vit__text_folder *folder)
{
    free(folder->path);
    free(folder->tokenizer_json);
    free(folder->vocab_json);
    free(folder->merges_txt);
    free(folder->spiece_model);
    free(folder->vocab_txt);
    free(folder->sentencepiece_model);
    vit__json_free(folder->sentence);
    vit__json_free(folder->prompts);
    vit__json_free(folder->config);
    vit__json_free(folder->tokenizer_config);
    vit__json_free(folder->special_tokens);
    vit__json_free(folder->open_clip);
    *folder = (vit__text_folder){0};
}

static const char *string_at(const vit__json *document, const char *key)
{
    const char *string = vit__json_string(vit__json_get(document, key));
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

const vit__json *vit__text_folder_open_clip(const vit__text_folder *folder)
{
    return vit__json_get(vit__json_get(folder->open_clip, "model_cfg"), "text_cfg");
}

static uint32_t length_at(const vit__json *document, const char *key)
{
    uint32_t length;
    bool sane = vit__token_id(vit__json_get(document, key), &length) && length <= VIT__LIMIT_TEXT_TOKENS;
    return sane ? length : 0;
}

static const vit__json *text_config(const vit__text_folder *folder)
{
    const vit__json *text = vit__json_get(folder->config, "text_config");
    return vit__json_is_null(text) ? folder->config : text;
}

/* A model with two towers has the text's numbers in text_config, a text tower alone at the top. */
uint32_t vit__text_folder_positions(const vit__text_folder *folder)
{
    const vit__json *text = text_config(folder);
    uint32_t positions = length_at(text, "max_position_embeddings");
    return positions ? positions : length_at(text, "n_positions");
}

uint32_t vit__text_folder_first_position(const vit__text_folder *folder)
{
    static const char *const counted[] = {"roberta", "xlm-roberta", "camembert", "altclip_text_model"};
    const char *type = string_at(text_config(folder), "model_type");
    uint32_t pad = 1;
    vit__token_id(vit__json_get(text_config(folder), "pad_token_id"), &pad);
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        if (strcmp(type, counted[i]) == 0)
            return pad + 1;
    if (strcmp(vit__text_folder_model_type(folder), "altclip") == 0)
        return pad + 1;
    return strcmp(type, "mpnet") == 0 ? 2 : 0; /* whatever the config says */
}

uint32_t vit__text_folder_sentence_length(const vit__text_folder *folder)
{
    return length_at(folder->sentence, "max_seq_length");
}

bool vit__text_folder_sentence_lower(const vit__text_folder *folder)
{
    bool lower = false;
    vit__json_boolean(vit__json_get(folder->sentence, "do_lower_case"), &lower);
    return lower;
}

const char *vit__text_folder_prompt(const vit__text_folder *folder)
{
    const char *name = vit__json_string(vit__json_get(folder->prompts, "default_prompt_name"));
    return name ? string_at(vit__json_get(folder->prompts, "prompts"), name) : "";
}

uint32_t vit__text_folder_max_length(const vit__text_folder *folder)
{
    return length_at(folder->tokenizer_config, "model_max_length");
}

const char *vit__text_folder_token(const vit__text_folder *folder, const char *key, const char *fallback)
{
    const vit__json *places[] = {folder->tokenizer_config, folder->special_tokens};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const vit__json *token = vit__json_get(places[i], key);
        const char *text = vit__json_is_object(token) ? string_at(token, "content") : string_at(places[i], key);
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
