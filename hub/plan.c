/* SPDX-License-Identifier: BSD-2-Clause */
#include "plan.h"

#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "json.h"
#include "path.h"

/* Files beside the weights, by name or pattern. */
static const char *const files[] = {VIT__PLAN_CONFIG,
                                    "preprocessor_config.json",
                                    "processor_config.json",
                                    VIT__PLAN_OPEN_CLIP_CONFIG,
                                    VIT__PLAN_MODULES,
                                    "sentence_bert_config.json",
                                    "config_sentence_transformers.json",
                                    "tokenizer.json",
                                    "tokenizer_config.json",
                                    "special_tokens_map.json",
                                    "vocab.json",
                                    "merges.txt",
                                    "vocab.txt",
                                    "spiece.model",
                                    "*.bpe.model",
                                    "sentencepiece.*.model",
                                    "tokenizer.model",
                                    "LICENSE*",
                                    "README.md",
                                    NULL};

/* What the weights of a folder may be in. Those of torch.save come last. */
typedef struct container {
    const char *name;
    const char *shards; /* the usual names of the files that an index names; NULL: it is no index */
} container;
enum { CONTAINERS = 6 };
static const container plain[CONTAINERS] = {
    {"model.safetensors", NULL},
    {"model.safetensors.index.json", "model-*.safetensors"},
    {"open_clip_model.safetensors", NULL},
    {"pytorch_model.bin", NULL},
    {"pytorch_model.bin.index.json", "pytorch_model-*.bin"},
    {"open_clip_pytorch_model.bin", NULL},
};
/* Into plain: where the configuration is open_clip's, its weights come first (vit/checkpoint/layout.c). */
static const unsigned char orders[2][CONTAINERS] = {{0, 1, 2, 3, 4, 5}, {2, 0, 1, 5, 3, 4}};

/* What --all leaves out: pickles, and what other frameworks have as weights. */
static const char *const others[] = {"*.bin",         "*.pt",     "*.pth",       "*.ckpt",    "*.pkl",  "*.pickle",
                                     "*.joblib",      "*.h5",     "*.keras",     "*.msgpack", "*.onnx", "*.onnx_data",
                                     "*.ot",          "*.tflite", "*.pb",        "*.gguf",    "*.ggml", "*.mlmodel",
                                     "*.mlpackage/*", "*.engine", "*.npz",       "*.tar",     "*.zip",  "onnx/*",
                                     "openvino/*",    "coreml/*", "flax_model*", "tf_model*", NULL};

static const char *const pickles[] = {"*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle", NULL};

/* As Python's fnmatch: '*' stands for any text, '/' too. */
static bool matches(const char *pattern, const char *name)
{
    return fnmatch(pattern, name, 0) == 0;
}

static bool matches_any(const char *const *patterns, const char *name)
{
    for (; *patterns; patterns++)
        if (matches(*patterns, name))
            return true;
    return false;
}

/* A pattern that ends with a slash is all that is in that folder. */
static bool is_included(const vit_hub_options *options, const char *name)
{
    for (size_t i = 0; i < options->n_include; i++) {
        const char *pattern = options->include[i];
        const bool folder = vit__path_ends_with(pattern, "/");
        if (matches(pattern, name) || (folder && strncmp(pattern, name, strlen(pattern)) == 0))
            return true;
    }
    return options->all && !matches_any(others, name);
}

/* ------------------------------------------------------------------ folders ---- */

#define ELSEWHERE SIZE_MAX

/* How long the part of the name is that says the folder: 0 for "config.json", 12 for "0_CLIPModel/config.json", which a
 * module has. ELSEWHERE: it is in another folder. */
static size_t folder_of(const char *name)
{
    const char *slash = strchr(name, '/');
    const size_t digits = strspn(name, "0123456789");
    if (!slash)
        return 0;
    return digits > 0 && name[digits] == '_' && !strchr(slash + 1, '/') ? (size_t)(slash + 1 - name) : ELSEWHERE;
}

/* folder[length] and name together. NULL: it is not listed. */
static const vit__listed *find_in(const vit__listing *listing, const char *folder, size_t length, const char *name)
{
    char path[1024];
    int size = snprintf(path, sizeof path, "%.*s%s", (int)length, folder, name);
    return size > 0 && (size_t)size < sizeof path ? vit__listing_find(listing, path) : NULL;
}

/* What the weights of a folder are in; NULL: there are none. */
static const container *container_of(const vit__listing *listing, const char *folder, size_t length, bool open_clip)
{
    for (size_t i = 0; i < CONTAINERS; i++)
        if (find_in(listing, folder, length, plain[orders[open_clip][i]].name))
            return &plain[orders[open_clip][i]];
    return NULL;
}

static bool is_of(const container *weights, const char *name)
{
    return weights && (strcmp(name, weights->name) == 0 || (weights->shards && matches(weights->shards, name)));
}

bool vit__plan_is_twofold(const vit__listing *listing)
{
    return vit__listing_find(listing, VIT__PLAN_CONFIG) && vit__listing_find(listing, VIT__PLAN_OPEN_CLIP_CONFIG) &&
           vit__listing_find(listing, plain[orders[true][0]].name) &&
           (vit__listing_find(listing, plain[0].name) || vit__listing_find(listing, plain[1].name));
}

bool vit__plan_has_weights(const vit__listing *listing, const char *folder)
{
    char path[1024];
    int size = snprintf(path, sizeof path, "%s/", folder);
    return size > 0 && (size_t)size < sizeof path && container_of(listing, path, (size_t)size, false);
}

/* ------------------------------------------------------------------ which files ---- */

bool vit__plan_mark(const vit__listing *listing, const vit_hub_options *options, bool *chosen)
{
    const bool modules = vit__listing_find(listing, VIT__PLAN_MODULES), twofold = vit__plan_is_twofold(listing);
    const bool open_clip = vit__listing_find(listing, VIT__PLAN_OPEN_CLIP_CONFIG) &&
                           !vit__listing_find(listing, VIT__PLAN_CONFIG);
    bool weights = twofold;
    for (size_t i = 0; i < listing->n; i++) {
        const char *name = listing->files[i].name;
        const size_t folder = folder_of(name);
        chosen[i] = is_included(options, name);
        if (folder == ELSEWHERE || (folder > 0 && !modules))
            continue;
        const container *in = folder == 0 && twofold ? NULL
                                                     : container_of(listing, name, folder, folder == 0 && open_clip);
        chosen[i] = chosen[i] || matches_any(files, name + folder) || is_of(in, name + folder);
        weights = weights || (in && (folder == 0 || strncmp(name, "0_", 2) == 0)); /* the model's, no later module's */
    }
    return weights;
}

/* Has config.json "auto_map"? Then tensors beside it may have any names. */
static bool needs_code(const vit__buffer *config)
{
    vit__json *json = NULL;
    if (config->size == 0 || vit__json_parse(config->data, config->size, VIT__PLAN_CONFIG, &json, NULL) != VIT_OK)
        return false; /* who opens the model says what is wrong */
    bool needs = !vit__json_is_null(vit__json_get(json, "auto_map"));
    vit__json_free(json);
    return needs;
}

void vit__plan_twofold(const vit__listing *listing, const vit__buffer *config, bool *chosen)
{
    const container *in = container_of(listing, "", 0, needs_code(config));
    for (size_t i = 0; i < listing->n; i++)
        chosen[i] = chosen[i] || is_of(in, listing->files[i].name);
}

static vit_status fail_without_weights(const vit__listing *listing, const char *endpoint, const char *id,
                                       vit_error *err)
{
    for (size_t i = 0; i < listing->n; i++)
        if (matches_any(pickles, listing->files[i].name))
            return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, id,
                             "its weights are only in %.100s. Of files of torch.save vit reads pytorch_model.bin, its "
                             "shards, and open_clip_pytorch_model.bin. Look whether a pull request has the weights as "
                             "safetensors (%s/%s/discussions), and name it: vit pull %s@refs/pr/N. The hub's converter "
                             "makes one: https://huggingface.co/spaces/safetensors/convert",
                             listing->files[i].name, endpoint, id, id);
    return vit__fail(err, VIT_ERR_NOT_FOUND, id,
                     "there are no weights: it has none of model.safetensors, model.safetensors.index.json, "
                     "open_clip_model.safetensors, pytorch_model.bin, pytorch_model.bin.index.json and "
                     "open_clip_pytorch_model.bin");
}

vit_status vit__plan_choose(const vit__listing *listing, const vit_hub_options *options, const char *endpoint,
                            const char *id, bool *chosen, vit_error *err)
{
    bool weights = vit__plan_mark(listing, options, chosen), included = false;
    for (size_t i = 0; i < listing->n; i++)
        included = included || is_included(options, listing->files[i].name);
    return weights || included ? VIT_OK : fail_without_weights(listing, endpoint, id, err);
}

/* ------------------------------------------------------------------ shards ---- */

bool vit__plan_is_index(const char *name)
{
    for (size_t i = 0; i < CONTAINERS; i++)
        if (plain[i].shards && strcmp(vit__path_name(name), plain[i].name) == 0)
            return true;
    return false;
}

/* The shard stands in the folder of the index. */
static vit_status take_shard(const char *index, const char *shard, vit_status (*take)(void *data, const char *name),
                             void *data, vit_error *err)
{
    char path[1024];
    int folder = (int)(vit__path_name(index) - index);
    int size = snprintf(path, sizeof path, "%.*s%s", folder, index, shard);
    if (size < 0 || (size_t)size >= sizeof path)
        return vit__fail(err, VIT_ERR_CORRUPT, index, "it names a file whose name is too long");
    return take(data, path);
}

vit_status vit__index_shards(const char *index, const vit__buffer *text,
                             vit_status (*take)(void *data, const char *name), void *data, vit_error *err)
{
    vit__json *json = NULL;
    vit_status status = vit__json_parse(text->data ? text->data : "", text->size, index, &json, err);
    const vit__json *map = vit__json_get(json, "weight_map");
    if (status == VIT_OK && !vit__json_is_object(map))
        status = vit__fail(err, VIT_ERR_CORRUPT, index, "it has no \"weight_map\"");
    for (void *i = status == VIT_OK ? vit__json_first(map) : NULL; status == VIT_OK && i; i = vit__json_next(map, i)) {
        const char *name = vit__json_string(vit__json_value(i));
        if (!name || !vit__path_is_plain_name(name))
            status = vit__fail(err, VIT_ERR_CORRUPT, index, "it names a file that is no name");
        else
            status = take_shard(index, name, take, data, err);
    }
    vit__json_free(json);
    return status;
}

typedef struct choice {
    const vit__listing *listing;
    const char *index;
    bool *chosen;
    vit_error *err;
} choice;

static vit_status choose_shard(void *data, const char *name)
{
    const choice *c = data;
    const vit__listed *file = vit__listing_find(c->listing, name);
    if (!file)
        return vit__fail(c->err, VIT_ERR_CORRUPT, c->index, "it names %.200s, which the repository does not have",
                         name);
    c->chosen[file - c->listing->files] = true;
    return VIT_OK;
}

vit_status vit__plan_shards(const vit__listing *listing, const char *index, const vit__buffer *text, bool *chosen,
                            vit_error *err)
{
    choice c = {listing, index, chosen, err};
    return vit__index_shards(index, text, choose_shard, &c, err);
}
