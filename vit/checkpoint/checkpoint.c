/* SPDX-License-Identifier: BSD-2-Clause */
#include "checkpoint_internal.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "hub_cache.h"
#include "memory.h"
#include "path.h"

/* Elements converted between two returns of source pages: 4 MB of F16. */
#define CONVERSION_STEP ((size_t)1 << 21)

static int by_name(const void *left, const void *right)
{
    const vit__named_tensor *a = left, *b = right;
    return strcmp(a->tensor->name, b->tensor->name);
}

static void list_shard(vit__checkpoint *checkpoint, const vit__shard *shard)
{
    for (size_t i = 0; i < shard->content.n_tensors; i++)
        checkpoint->tensors[checkpoint->n_tensors++].tensor = &shard->content.tensors[i];
}

/* Merges the tensors of all shards. */
static vit_status list_tensors(vit__checkpoint *checkpoint, vit_error *err)
{
    const vit__shards *shards = &checkpoint->shards;
    const vit__modules *modules = &checkpoint->layout.modules;
    size_t n = 0;
    for (size_t i = 0; i < shards->n_shards; i++)
        n += shards->shards[i].content.n_tensors;
    for (size_t i = 0; i < modules->n_shards; i++)
        n += modules->shards[i].content.n_tensors;
    checkpoint->tensors = vit__alloc_zero(n, sizeof *checkpoint->tensors);
    if (!checkpoint->tensors)
        return vit__fail_memory(err, checkpoint->layout.path);
    for (size_t i = 0; i < shards->n_shards; i++)
        list_shard(checkpoint, &shards->shards[i]);
    for (size_t i = 0; i < modules->n_shards; i++)
        list_shard(checkpoint, &modules->shards[i]);
    if (shards->n_shards + modules->n_shards > 1) /* those of one file are sorted */
        qsort(checkpoint->tensors, n, sizeof *checkpoint->tensors, by_name);
    return VIT_OK;
}

/* What a self-contained file calls its format, and which of its metadata is its configuration. */
static const struct {
    const char *format, *key;
    vit__checkpoint_kind kind;
} self_contained[] = {
    {"vit", "config", VIT__CHECKPOINT_OWN},
    {"vit-packed", "config", VIT__CHECKPOINT_PACKED},
    {"vit-head", "id2label", VIT__CHECKPOINT_HEAD},
};

/* config: {"id2label": what it was}, as the configuration of a model has its labels. */
static vit_status wrap_labels(vit__json **config, const char *path, vit_error *err)
{
    vit__json *labels = *config;
    *config = vit__json_new_object();
    return vit__json_set(*config, "id2label", labels) ? VIT_OK : vit__fail_memory(err, path);
}

/* A self-contained file brings its configuration along; others have it beside them. */
static vit_status settle_config(vit__checkpoint *checkpoint, vit_error *err)
{
    vit__layout *layout = &checkpoint->layout;
    const char *format = vit__checkpoint_metadata(checkpoint, "format");
    const size_t formats = sizeof self_contained / sizeof *self_contained;
    size_t i = 0;
    while (i < formats && !(format && strcmp(format, self_contained[i].format) == 0))
        i++;
    if (i == formats)
        return vit__layout_read_config(layout, err);
    const char *path = checkpoint->shards.shards[0].path, *key = self_contained[i].key;
    const char *text = vit__checkpoint_metadata(checkpoint, key);
    if (!text)
        return vit__fail(err, VIT_ERR_CORRUPT, path, "says \"format\": \"%s\" but has no \"%s\" in its __metadata__",
                         format, key);
    vit__json_free(layout->config);
    free(layout->config_path);
    layout->kind = self_contained[i].kind;
    layout->config = NULL;
    layout->config_path = vit__strdup(path);
    if (!layout->config_path)
        return vit__fail_memory(err, path);
    vit_status status = vit__json_parse(text, strlen(text), path, &layout->config, err);
    if (status == VIT_OK && !vit__json_is_object(layout->config))
        status = vit__fail(err, VIT_ERR_CORRUPT, path, "\"%s\" of its __metadata__ is not a JSON object", key);
    if (status == VIT_OK && layout->kind == VIT__CHECKPOINT_HEAD)
        status = wrap_labels(&layout->config, path, err);
    return status;
}

static vit_status check_shards(const vit__shard *shards, size_t n, vit_error *err)
{
    vit_status status = VIT_OK;
    for (size_t i = 0; i < n && status == VIT_OK; i++)
        status = vit__mapped_file_check(&shards[i].file, shards[i].path, err);
    return status;
}

vit_status vit__checkpoint_check(const vit__checkpoint *checkpoint, vit_error *err)
{
    const vit__shards *shards = &checkpoint->shards;
    const vit__modules *modules = &checkpoint->layout.modules;
    vit_status status = check_shards(shards->shards, shards->n_shards, err);
    return status == VIT_OK ? check_shards(modules->shards, modules->n_shards, err) : status;
}

vit_status vit__checkpoint_open(const char *path, vit__checkpoint **checkpoint, vit_error *err)
{
    *checkpoint = NULL;
    if (!path || !*path)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, "", "no model is named");
    vit__checkpoint *opened = vit__alloc_zero(1, sizeof *opened);
    if (!opened)
        return vit__fail_memory(err, path);
    vit_status status = vit__layout_find(path, &opened->layout, err);
    if (status == VIT_OK)
        status = vit__shards_open(opened->layout.weights, &opened->shards, err);
    if (status == VIT_OK)
        status = vit__modules_open(&opened->layout.modules, err);
    if (status == VIT_OK)
        status = settle_config(opened, err);
    if (status == VIT_OK)
        status = list_tensors(opened, err);
    if (status == VIT_OK)
        *checkpoint = opened;
    else
        vit__checkpoint_free(opened);
    return status;
}

void vit__checkpoint_free(vit__checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    for (size_t i = 0; i < checkpoint->n_kept; i++)
        free(checkpoint->kept[i]);
    free(checkpoint->kept);
    free(checkpoint->tensors);
    vit__shards_free(&checkpoint->shards);
    vit__layout_free(&checkpoint->layout);
    free(checkpoint);
}

vit__checkpoint_kind vit__checkpoint_kind_of(const vit__checkpoint *checkpoint)
{
    return checkpoint->layout.kind;
}

const char *vit__checkpoint_path(const vit__checkpoint *checkpoint)
{
    return checkpoint->layout.path;
}

const char *vit__checkpoint_folder(const vit__checkpoint *checkpoint)
{
    return checkpoint->layout.folder;
}

const char *vit__checkpoint_file(const vit__checkpoint *checkpoint, size_t index)
{
    const vit__shards *shards = &checkpoint->shards;
    if (index < shards->n_shards)
        return shards->shards[index].path;
    return index == shards->n_shards ? checkpoint->layout.config_path : NULL;
}

const vit__json *vit__checkpoint_config(const vit__checkpoint *checkpoint)
{
    return checkpoint->layout.config;
}

const char *vit__checkpoint_config_name(const vit__checkpoint *checkpoint)
{
    return checkpoint->layout.config_path;
}

vit_status vit__checkpoint_other_config(const char *name, vit__json **config, vit_error *err)
{
    char *folder = NULL, *path = NULL;
    vit__hub_name id;
    *config = NULL;
    if (!vit__hub_name_read(name, &id))
        return VIT_OK;
    vit_error here = {0};
    vit_status status = vit__hub_find(name, &id, NULL, &folder, &here);
    if (status == VIT_ERR_NOT_FOUND)
        return VIT_OK;
    if (status != VIT_OK)
        return vit__fail(err, status, here.where, "%s", here.message);
    if (status == VIT_OK)
        status = vit__path_find(folder, "config.json", &path, err);
    if (status == VIT_OK && path)
        status = vit__json_load(path, config, err);
    free(path);
    free(folder);
    return status;
}

const vit__json *vit__checkpoint_modules(const vit__checkpoint *checkpoint)
{
    return checkpoint->layout.modules.chain;
}

const char *vit__checkpoint_metadata(const vit__checkpoint *checkpoint, const char *key)
{
    const vit__json *header = checkpoint->shards.shards[0].content.header;
    return vit__json_string(vit__json_get(vit__json_get(header, "__metadata__"), key));
}

size_t vit__checkpoint_tensors(const vit__checkpoint *checkpoint)
{
    return checkpoint->n_tensors;
}

const vit__tensor *vit__checkpoint_tensor(const vit__checkpoint *checkpoint, size_t index)
{
    return checkpoint->tensors[index].tensor;
}

static vit__named_tensor *find(const vit__checkpoint *checkpoint, const char *name)
{
    const vit__tensor wanted = {.name = name};
    const vit__named_tensor key = {.tensor = &wanted};
    if (checkpoint->n_tensors == 0)
        return NULL;
    return bsearch(&key, checkpoint->tensors, checkpoint->n_tensors, sizeof key, by_name);
}

const vit__tensor *vit__checkpoint_find(const vit__checkpoint *checkpoint, const char *name)
{
    const vit__named_tensor *found = find(checkpoint, name);
    return found ? found->tensor : NULL;
}

/* The source's pages go back step by step, so that a large tensor is never in memory twice. */
static bool convert(const vit__tensor *tensor, size_t elements, float *floats)
{
    size_t width = elements ? tensor->size / elements : 0;
    for (size_t done = 0; done < elements; done += CONVERSION_STEP) {
        size_t n = elements - done < CONVERSION_STEP ? elements - done : CONVERSION_STEP;
        if (!vit__tensor_read(tensor, done, n, floats + done))
            return false;
        vit__mapped_file_give_back((const char *)tensor->data + done * width, n * width);
    }
    return true;
}

vit_status vit__checkpoint_floats(vit__checkpoint *checkpoint, const vit__tensor *tensor, const float **floats,
                                  vit_error *err)
{
    vit__named_tensor *named = find(checkpoint, tensor->name);
    if (!named || named->tensor != tensor)
        return vit__fail(err, VIT_ERR_INTERNAL, tensor->name, "a tensor of another checkpoint");
    *floats = named->floats ? named->floats : vit__tensor_view(tensor);
    if (*floats)
        return VIT_OK;
    float nothing;
    if (!vit__tensor_read(tensor, 0, 0, &nothing))
        return vit__fail(err, VIT_ERR_MODEL_MISMATCH, checkpoint->layout.path,
                         "tensor \"%.200s\" is %s; weights are F32, F16, BF16 or F64", tensor->name,
                         tensor->dtype_name);
    size_t elements = vit__tensor_elements(tensor);
    float *copy = vit__alloc_aligned(elements, sizeof *copy);
    if (!copy)
        return vit__fail_memory(err, tensor->name);
    if (!convert(tensor, elements, copy)) {
        free(copy);
        return vit__fail(err, VIT_ERR_INTERNAL, tensor->name, "cannot convert this tensor");
    }
    vit_status status = vit__checkpoint_keep(checkpoint, copy, err);
    if (status == VIT_OK)
        *floats = named->floats = copy;
    return status;
}

bool vit__checkpoint_maps(const vit__checkpoint *checkpoint, const float *floats)
{
    for (size_t i = 0; i < checkpoint->shards.n_shards; i++) {
        const vit__mapped_file *file = &checkpoint->shards.shards[i].file;
        if ((uintptr_t)floats - (uintptr_t)file->data < file->size)
            return true;
    }
    return false;
}

void vit__checkpoint_let_go(vit__checkpoint *checkpoint, const float *floats, size_t n)
{
    size_t i = checkpoint->n_kept;
    while (i > 0 && checkpoint->kept[i - 1] != floats)
        i--;
    if (i == 0) { /* a view */
        vit__mapped_file_give_back(floats, n * sizeof *floats);
        return;
    }
    free(checkpoint->kept[i - 1]);
    checkpoint->kept[i - 1] = checkpoint->kept[--checkpoint->n_kept];
    for (size_t t = 0; t < checkpoint->n_tensors; t++)
        if (checkpoint->tensors[t].floats == floats)
            checkpoint->tensors[t].floats = NULL;
}

vit_status vit__checkpoint_keep(vit__checkpoint *checkpoint, void *memory, vit_error *err)
{
    void **grown = vit__grow(checkpoint->kept, &checkpoint->kept_room, checkpoint->n_kept, 1, sizeof *grown);
    if (!grown) {
        free(memory);
        return vit__fail_memory(err, checkpoint->layout.path);
    }
    checkpoint->kept = grown;
    checkpoint->kept[checkpoint->n_kept++] = memory;
    return VIT_OK;
}
