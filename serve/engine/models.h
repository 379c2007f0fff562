/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The models that a server has, by the names that clients use. A model is one
 * checkpoint: a tower of pictures, a tower of words, or both. Its weights may leave
 * memory while nobody uses it and come back with the next request; its facts stay.
 */
#ifndef SERVE_MODELS_H
#define SERVE_MODELS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "clock.h"
#include "figures.h"
#include "vit/pipeline.h"

/* What is known of a model once it was loaded. Strings are the model's. */
typedef struct serve_facts {
    char *family, *precision, *resampler;
    const char *kernels;                /* static: "avx2" */
    char digest[65], preprocessing[65]; /* preprocessing: "" for a model of words alone */
    size_t sizes[2];                    /* floats of the embedding of a picture, of words; 0: it has no such tower */
    size_t width, height;               /* of pictures; 0: each has a size of its own */
    size_t patches;                     /* most of such a picture; else 0 */
    size_t classes;
    bool attends;       /* its blocks have attention weights that can be shown */
    size_t context;     /* tokens of a text */
    bool compares;      /* pictures with words */
    bool canonicalizes; /* words lose their case and their punctuation */
    vit_similarity similarity;
} serve_facts;

typedef struct serve_model {
    char *name, *path;
    vit_pipeline_options options;
    pthread_mutex_t lock;     /* guards what follows */
    vit_pipeline *towers[2];  /* by vit_tower; NULL: it has none, or they are not in memory */
    vit_tokenizer *tokenizer; /* that cuts no words; NULL: nobody has asked for it yet */
    size_t holders;
    double used;       /* when it was last held, in seconds of vit__seconds() */
    serve_facts facts; /* written before `known` is set, and never again */
    /* without the lock: */
    atomic_bool known, loaded;
    _Atomic double load_seconds; /* of the last time */
    atomic_size_t unloads;
    serve_model_figures figures; /* the engine's lock guards them */
} serve_model;

typedef struct serve_models serve_models;

serve_models *serve_models_create(void); /* NULL: out of memory */
void serve_models_free(serve_models *models);

/* Adds a model that is not loaded yet. name NULL: the id, or the last part of the path. The first is the default. */
vit_status serve_models_add(serve_models *models, const char *name, const char *path,
                            const vit_pipeline_options *options, vit_error *err);
/* A further name. VIT_ERR_NOT_FOUND: there is no model of the name. */
vit_status serve_models_alias(serve_models *models, const char *alias, const char *name, vit_error *err);

size_t serve_models_count(const serve_models *models);
serve_model *serve_models_at(const serve_models *models, size_t index);
/* "" or "default" is the first; also the whole path or id that
 * it was added by, and its aliases. NULL: there is none. */
serve_model *serve_models_find(const serve_models *models, const char *name);
/* "clip, dinov2": for messages. Freed with free(). NULL: out of memory. */
char *serve_models_names(const serve_models *models);

/* Keeps the model in memory until it is released, loading it if it is not there. Any number of threads may hold it. */
vit_status serve_model_hold(serve_model *model, vit_error *err);
void serve_model_release(serve_model *model);
/* How many token ids words have that are not cut: "a dog" has 4 with CLIP. Of a model that is held. */
vit_status serve_model_measure(serve_model *model, const char *words, size_t size, size_t *tokens, vit_error *err);
/* Frees the weights of a model that nobody has held for so many seconds. true: it did. */
bool serve_model_unload(serve_model *model, double idle_seconds);

#endif
