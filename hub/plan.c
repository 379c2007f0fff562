/* SPDX-License-Identifier: BSD-2-Clause */
#include "plan.h"

#include <fnmatch.h>
#include <string.h>

#include "error.h"
#include "json.h"
#include "path.h"

const char *const vit__plan_files[] = {"config.json",
                                       "preprocessor_config.json",
                                       "processor_config.json",
                                       "open_clip_config.json",
                                       "tokenizer.json",
                                       "tokenizer_config.json",
                                       "special_tokens_map.json",
                                       "vocab.json",
                                       "merges.txt",
                                       "spiece.model",
                                       "LICENSE*",
                                       "README.md",
                                       NULL};

const char *const vit__plan_weights[] = {"model.safetensors", VIT__INDEX, "open_clip_model.safetensors", NULL};

#define SHARDS "model-*.safetensors"

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

/* The first of the names of weights that is listed; NULL: none is. */
static const char *weights_of(const vit__listing *listing)
{
    for (const char *const *name = vit__plan_weights; *name; name++)
        if (vit__listing_find(listing, *name))
            return *name;
    return NULL;
}

static vit_status fail_without_weights(const vit__listing *listing, const char *endpoint, const char *id,
                                       vit_error *err)
{
    for (size_t i = 0; i < listing->n; i++)
        if (matches_any(pickles, listing->files[i].name))
            return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, id,
                             "its weights are only in %.100s, a pickle, which vit does not read. Look whether a pull "
                             "request has them as safetensors (%s/%s/discussions), and name it: vit pull %s@refs/pr/N. "
                             "The hub's converter makes one: https://huggingface.co/spaces/safetensors/convert",
                             listing->files[i].name, endpoint, id, id);
    return vit__fail(err, VIT_ERR_NOT_FOUND, id,
                     "there are no weights: it has none of model.safetensors, " VIT__INDEX
                     " and open_clip_model.safetensors");
}

vit_status vit__plan_choose(const vit__listing *listing, const vit_hub_options *options, const char *endpoint,
                            const char *id, bool *chosen, vit_error *err)
{
    const char *weights = weights_of(listing);
    const bool sharded = weights && strcmp(weights, VIT__INDEX) == 0;
    size_t included = 0;
    for (size_t i = 0; i < listing->n; i++) {
        const char *name = listing->files[i].name;
        bool plain = !strchr(name, '/'), wanted = is_included(options, name);
        included += wanted;
        chosen[i] = wanted || (plain && matches_any(vit__plan_files, name)) ||
                    (weights && strcmp(name, weights) == 0) || (sharded && plain && matches(SHARDS, name));
    }
    return weights || included > 0 ? VIT_OK : fail_without_weights(listing, endpoint, id, err);
}

/* ------------------------------------------------------------------ shards ---- */

vit_status vit__index_shards(const char *index, size_t size, vit_status (*take)(void *data, const char *name),
                             void *data, vit_error *err)
{
    vit__json *json = NULL;
    vit_status status = vit__json_parse(index, size, VIT__INDEX, &json, err);
    const vit__json *map = vit__json_get(json, "weight_map");
    if (status == VIT_OK && !vit__json_is_object(map))
        status = vit__fail(err, VIT_ERR_CORRUPT, VIT__INDEX, "it has no \"weight_map\"");
    for (void *i = status == VIT_OK ? vit__json_first(map) : NULL; status == VIT_OK && i; i = vit__json_next(map, i)) {
        const char *name = vit__json_string(vit__json_value(i));
        if (!name || !vit__path_is_plain_name(name))
            status = vit__fail(err, VIT_ERR_CORRUPT, VIT__INDEX, "it names a file that is no name");
        else
            status = take(data, name);
    }
    vit__json_free(json);
    return status;
}

typedef struct choice {
    const vit__listing *listing;
    bool *chosen;
    vit_error *err;
} choice;

static vit_status choose_shard(void *data, const char *name)
{
    const choice *c = data;
    const vit__listed *file = vit__listing_find(c->listing, name);
    if (!file)
        return vit__fail(c->err, VIT_ERR_CORRUPT, VIT__INDEX, "it names %.200s, which the repository does not have",
                         name);
    c->chosen[file - c->listing->files] = true;
    return VIT_OK;
}

vit_status vit__plan_shards(const vit__listing *listing, const char *index, size_t size, bool *chosen, vit_error *err)
{
    choice c = {listing, chosen, err};
    return vit__index_shards(index, size, choose_shard, &c, err);
}
