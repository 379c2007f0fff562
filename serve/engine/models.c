/* SPDX-License-Identifier: BSD-2-Clause */
#include "models.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "memory.h"

typedef struct alias {
    char *name;
    serve_model *model;
} alias;

struct serve_models {
    serve_model **models;
    size_t n, capacity;
    alias *aliases;
    size_t n_aliases, aliases_capacity;
};

/* ------------------------------------------------------------------ the list ---- */

serve_models *serve_models_create(void)
{
    return vit__alloc_zero(1, sizeof(serve_models));
}

static void free_towers(serve_model *model)
{
    for (int tower = 0; tower < 2; tower++) {
        vit_pipeline_free(model->towers[tower]);
        model->towers[tower] = NULL;
    }
    vit_tokenizer_free(model->tokenizer);
    model->tokenizer = NULL;
    model->loaded = false;
}

static void free_model(serve_model *model)
{
    if (!model)
        return;
    free_towers(model);
    pthread_mutex_destroy(&model->lock);
    free(model->name);
    free(model->path);
    free(model->facts.family);
    free(model->facts.precision);
    free(model->facts.resampler);
    free(model);
}

void serve_models_free(serve_models *models)
{
    for (size_t i = 0; models && i < models->n_aliases; i++)
        free(models->aliases[i].name);
    for (size_t i = 0; models && i < models->n; i++)
        free_model(models->models[i]);
    if (models) {
        free(models->aliases);
        free(models->models);
    }
    free(models);
}

/* "facebook/dinov2-small" stays; of a path the last part: "/srv/models/clip/" is "clip". */
static char *usual_name(const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    bool is_id = path[0] != '/' && path[0] != '.' && path[0] != '~';
    const char *first = memchr(path, '/', end), *last = memrchr(path, '/', end);
    if (is_id && first && first == last)
        last = NULL; /* organisation/name */
    const char *start = last ? last + 1 : path;
    char *name = vit__alloc((size_t)(path + end - start) + 1, 1);
    if (name) {
        memcpy(name, start, (size_t)(path + end - start));
        name[path + end - start] = '\0';
    }
    return name;
}

vit_status serve_models_add(serve_models *models, const char *name, const char *path,
                            const vit_pipeline_options *options, vit_error *err)
{
    serve_model *model = vit__alloc_zero(1, sizeof *model);
    void *grown = vit__grow(models->models, &models->capacity, models->n, 1, sizeof(serve_model *));
    if (grown)
        models->models = grown;
    if (model) {
        pthread_mutex_init(&model->lock, NULL);
        model->name = name ? vit__strdup(name) : usual_name(path);
        model->path = vit__strdup(path);
        model->options = *options;
    }
    if (!model || !grown || !model->name || !model->path) {
        free_model(model);
        return vit__fail_memory(err, path);
    }
    if (serve_models_find(models, model->name)) {
        vit__fail(err, VIT_ERR_INVALID_ARGUMENT, model->name, "two models have this name: write -m NAME=%s", path);
        free_model(model);
        return VIT_ERR_INVALID_ARGUMENT;
    }
    models->models[models->n++] = model;
    return VIT_OK;
}

vit_status serve_models_alias(serve_models *models, const char *name, const char *of, vit_error *err)
{
    serve_model *model = serve_models_find(models, of);
    if (!model)
        return vit__fail(err, VIT_ERR_NOT_FOUND, of, "no model has this name");
    alias *grown = vit__grow(models->aliases, &models->aliases_capacity, models->n_aliases, 1, sizeof *grown);
    char *copy = vit__strdup(name);
    if (grown)
        models->aliases = grown;
    if (!grown || !copy) {
        free(copy);
        return vit__fail_memory(err, name);
    }
    models->aliases[models->n_aliases++] = (alias){copy, model};
    return VIT_OK;
}

size_t serve_models_count(const serve_models *models)
{
    return models->n;
}

serve_model *serve_models_at(const serve_models *models, size_t index)
{
    return index < models->n ? models->models[index] : NULL;
}

/* A model's own names go before aliases; an alias or a name before the paths. */
serve_model *serve_models_find(const serve_models *models, const char *name)
{
    if (!name || !*name || strcmp(name, "default") == 0)
        return serve_models_at(models, 0);
    for (size_t i = 0; i < models->n; i++)
        if (strcmp(models->models[i]->name, name) == 0)
            return models->models[i];
    for (size_t i = 0; i < models->n_aliases; i++)
        if (strcmp(models->aliases[i].name, name) == 0)
            return models->aliases[i].model;
    for (size_t i = 0; i < models->n; i++) {
        char *usual = usual_name(models->models[i]->path);
        bool same = strcmp(models->models[i]->path, name) == 0 || (usual && strcmp(usual, name) == 0);
        free(usual);
        if (same)
            return models->models[i];
    }
    return NULL;
}

char *serve_models_names(const serve_models *models)
{
    size_t size = 1;
    for (size_t i = 0; i < models->n; i++)
        size += strlen(models->models[i]->name) + 2;
    char *names = vit__alloc_zero(size, 1);
    for (size_t i = 0; names && i < models->n; i++) {
        if (i)
            strcat(names, ", ");
        strcat(names, models->models[i]->name);
    }
    return names;
}

/* ------------------------------------------------------------------ in memory ---- */

static vit_status open_tower(serve_model *model, vit_tower tower, vit_error *err)
{
    vit_pipeline_options options = model->options;
    options.model.tower = tower;
    options.output = VIT_OUTPUT_EMBEDDING;
    vit_status status = vit_pipeline_open(model->path, &options, &model->towers[tower], err);
    if (status == VIT_OK && tower == VIT_TOWER_TEXT)
        status = vit_pipeline_start_words(model->towers[tower], err);
    if (status == VIT_OK)
        status = vit_pipeline_start(model->towers[tower], err);
    if (status != VIT_OK) {
        vit_pipeline_free(model->towers[tower]);
        model->towers[tower] = NULL;
    }
    return status;
}

/* A tower of words that cannot be read (no tokenizer) is no reason to refuse the pictures. */
static vit_status open_towers(serve_model *model, vit_error *err)
{
    vit_error pictures = {0}, words = {0};
    open_tower(model, VIT_TOWER_IMAGE, &pictures);
    bool lacking = pictures.status == VIT_OK || pictures.status == VIT_ERR_UNSUPPORTED_MODEL ||
                   pictures.status == VIT_ERR_UNSUPPORTED_OUTPUT;
    if (lacking)
        open_tower(model, VIT_TOWER_TEXT, &words);
    if (words.status == VIT_ERR_OUT_OF_MEMORY || words.status == VIT_ERR_UNREADABLE)
        return vit__fail(err, words.status, words.where, "%s", words.message);
    if (model->towers[VIT_TOWER_IMAGE] || model->towers[VIT_TOWER_TEXT])
        return VIT_OK;
    return vit__fail(err, pictures.status, pictures.where, "%s", pictures.message);
}

/* Does its tokenizer drop case and punctuation? Then ".A!" is "a" to it. */
static bool canonicalizes(const vit_pipeline *words)
{
    static const vit_item items[] = {{.kind = VIT_ITEM_TEXT, .name = "a", .data = "a", .size = 1},
                                     {.kind = VIT_ITEM_TEXT, .name = ".A!", .data = ".A!", .size = 3}};
    size_t size = vit_pipeline_row_size(words);
    vit_loaded loaded[2] = {{0}, {0}};
    char *rows = vit__alloc_zero(2, size);
    bool same = words && rows;
    for (size_t i = 0; i < 2 && same; i++)
        same = vit_pipeline_load(words, &items[i], rows + i * size, &loaded[i], NULL) == VIT_OK;
    same = same && loaded[0].length == loaded[1].length && memcmp(rows, rows + size, size) == 0;
    free(rows);
    return same;
}

static vit_status learn_facts(serve_model *model, vit_error *err)
{
    serve_facts *f = &model->facts;
    vit_pipeline *pictures = model->towers[VIT_TOWER_IMAGE], *words = model->towers[VIT_TOWER_TEXT];
    const vit_model *any = vit_pipeline_model(pictures ? pictures : words), *image = vit_pipeline_model(pictures);
    const vit_preprocessor *rules = vit_model_preprocessor(image);
    size_t shape[2];
    f->family = vit__strdup(vit_model_family(any));
    f->precision = vit__strdup(vit_precision_name(vit_model_precision(any)));
    f->resampler = vit__strdup(vit_resampler_name(model->options.resampler));
    f->kernels = vit_session_kernels(vit_pipeline_session(pictures ? pictures : words));
    f->sizes[VIT_TOWER_IMAGE] = vit_pipeline_size(pictures);
    f->sizes[VIT_TOWER_TEXT] = vit_pipeline_size(words);
    f->width = vit_model_image_width(image);
    f->height = vit_model_image_height(image);
    f->patches = vit_model_patches(image);
    f->classes = vit_model_classes(image);
    f->attends = image && vit_output_shape(image, VIT_OUTPUT_ATTENTION, 0, shape, NULL) == VIT_OK;
    f->context = vit_pipeline_text_length(words);
    f->compares = words && image && vit_model_similarity(image, &f->similarity, NULL) == VIT_OK;
    f->canonicalizes = canonicalizes(words);
    if (!f->family || !f->precision || !f->resampler)
        return vit__fail_memory(err, model->path);
    vit_status status = vit_model_digest(any, f->digest, err);
    return status == VIT_OK && rules ? vit_preprocessor_digest(rules, f->preprocessing, err) : status;
}

static vit_status load(serve_model *model, vit_error *err)
{
    double start = vit__seconds();
    vit_status status = open_towers(model, err);
    if (status == VIT_OK && !model->known)
        status = learn_facts(model, err);
    if (status != VIT_OK) {
        free_towers(model);
        return status;
    }
    model->load_seconds = vit__seconds() - start;
    model->known = model->loaded = true;
    return VIT_OK;
}

vit_status serve_model_hold(serve_model *model, vit_error *err)
{
    pthread_mutex_lock(&model->lock);
    vit_status status = model->loaded ? VIT_OK : load(model, err);
    model->holders += status == VIT_OK;
    model->used = vit__seconds();
    pthread_mutex_unlock(&model->lock);
    return status;
}

void serve_model_release(serve_model *model)
{
    pthread_mutex_lock(&model->lock);
    model->holders--;
    model->used = vit__seconds();
    pthread_mutex_unlock(&model->lock);
}

#define UNCUT ((size_t)1 << 17) /* token ids: more than words of a request can have */

vit_status serve_model_measure(serve_model *model, const char *words, size_t size, size_t *tokens, vit_error *err)
{
    const vit_tokenizer_options options = {.context = UNCUT};
    vit_status status = VIT_OK;
    pthread_mutex_lock(&model->lock);
    if (!model->tokenizer)
        status = vit_tokenizer_open(model->path, &options, &model->tokenizer, err);
    pthread_mutex_unlock(&model->lock);
    int32_t *ids = vit__alloc(UNCUT, sizeof *ids);
    if (status == VIT_OK)
        status = ids ? vit_tokenizer_encode(model->tokenizer, words, size, ids, UNCUT, tokens, err)
                     : vit__fail_memory(err, model->path);
    free(ids);
    return status;
}

bool serve_model_unload(serve_model *model, double idle_seconds)
{
    pthread_mutex_lock(&model->lock);
    bool idle = model->loaded && model->holders == 0 && vit__seconds() - model->used >= idle_seconds;
    if (idle) {
        free_towers(model);
        model->unloads++;
    }
    pthread_mutex_unlock(&model->lock);
    return idle;
}
