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

/* What is known of a model once it was loaded. The strings belong to the model. */
typedef struct serve_facts {
    char *family, *precision, *resampler;
    const char *kernels;                /* static: "avx2" */
    char digest[65], preprocessing[65]; /* preprocessing: "" for a model of words alone */
    size_t sizes[2];                    /* floats of the embedding, by vit_tower; 0: the model has no such tower */
    size_t width, height;               /* of pictures, in pixels; 0: each picture has a size of its own */
    size_t patches;                     /* where each picture has a size of its own: most patches of one; else 0 */
    size_t classes;                     /* 1000; 0: the model gives embeddings alone */
    bool attends;                       /* its blocks have attention weights that can be shown */
    size_t context;                     /* tokens of a text */
    bool compares;                      /* pictures with words */
    bool canonicalizes;                 /* words lose their case and their punctuation */
    vit_similarity similarity;
} serve_facts;

typedef struct serve_model {
    char *name, *path;
    vit_pipeline_options options;
    pthread_mutex_t lock;     /* guards the members from here to `facts` */
    vit_pipeline *towers[2];  /* by vit_tower; NULL: the model has no such tower, or its weights are not in memory */
    vit_tokenizer *tokenizer; /* a tokenizer that cuts no words; NULL: nobody has needed it yet */
    size_t holders;           /* requests that have called serve_model_hold and not yet serve_model_release */
    double used;              /* when the model was last held, in seconds of vit__seconds() */
    serve_facts facts;        /* written before `known` is set, and never again */
    /* These are read without the lock: */
    atomic_bool known, loaded;   /* facts are there; weights are in memory */
    _Atomic double load_seconds; /* how long the last loading took */
    atomic_size_t unloads;       /* how often the weights have left memory */
    /* The engine's lock guards these: */
    serve_model_figures figures;
    double alone[2],
        together[2]; /* recent seconds of a batch of one and of one of several, by vit_tower; 0: none yet */
} serve_model;

typedef struct serve_models serve_models;

serve_models *serve_models_create(void); /* NULL: out of memory */
void serve_models_free(serve_models *models);

/* Adds a model, whose weights are not loaded yet. name NULL: the name is the id, or the last part of the path,
 * "clip" of "/srv/models/clip". The first model is the default one. To be called before the server answers. */
vit_status serve_models_add(serve_models *models, const char *name, const char *path,
                            const vit_pipeline_options *options, vit_error *err);
/* A further name. VIT_ERR_NOT_FOUND: there is no model of the name. */
vit_status serve_models_alias(serve_models *models, const char *alias, const char *name, vit_error *err);

size_t serve_models_count(const serve_models *models);
serve_model *serve_models_at(const serve_models *models, size_t index);
/* The model that a client names: by its name, an alias, the path or the id that it was added by, or the last part of
 * these. "" and "default" name the first. NULL: there is no such model. */
serve_model *serve_models_find(const serve_models *models, const char *name);
/* "clip, dinov2": for messages. Freed with free(). NULL: out of memory. */
char *serve_models_names(const serve_models *models);

/* Loads the weights if they are not in memory, and keeps them there until serve_model_release. Any number of
 * threads may hold a model. One that loads lets the others wait. */
vit_status serve_model_hold(serve_model *model, vit_error *err);
void serve_model_release(serve_model *model);
/* How many token ids the words have if nothing is cut: "a dog" has 4 with CLIP. The caller holds the model. */
vit_status serve_model_measure(serve_model *model, const char *words, size_t size, size_t *tokens, vit_error *err);
/* Frees the weights if nobody has held the model for so many seconds. true: the weights were freed. */
bool serve_model_unload(serve_model *model, double idle_seconds);

#endif
