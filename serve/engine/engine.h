/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What encodes for all requests. A request brings a job of one or many inputs and waits
 * for it. Loaders read, decode and preprocess inputs; one thread encodes them in batches:
 *
 *     request A: a1 a2 a3 a4 ...  \                              batch 1: a1 b1 c1 a2
 *     request B: b1                 >-- loaders --> ready rows -->
 *     request C: c1 c2            /                              batch 2: a3 c2 a4 a5
 *
 * Loaders and the encoder take one input of each request in turn, so that a request of a thousand inputs
 * does not hold up a request of one (turn.h). A batch is what is ready when the encoder is free: nothing waits for
 * a batch to be full. The result for an input is the same bits whatever shares its batch (vit_encode).
 */
#ifndef SERVE_ENGINE_H
#define SERVE_ENGINE_H

#include "clock.h"
#include "models.h"

typedef enum serve_kind {
    SERVE_PICTURE, /* data[size]: a picture's file */
    SERVE_WORDS,   /* data[size]: UTF-8 */
    SERVE_PIXELS,  /* data: floats [size] as the model takes them */
    SERVE_IDS      /* data: int32_t token ids [size] */
} serve_kind;

typedef struct serve_input {
    serve_kind kind;
    const void *data;
    size_t size;
    uint32_t pixels_width, pixels_height; /* of SERVE_PIXELS; 0: the model's own */
    /* Filled when it was loaded: */
    uint32_t width, height;               /* of a picture, upright */
    uint32_t stored_width, stored_height; /* of its file, before it was turned upright */
    size_t tokens;                        /* that go through the encoder */
} serve_input;

/* A request's place in the queue: a request is admitted once, before its body is read. */
typedef enum serve_place {
    SERVE_PLACE_NONE, /* it has not been admitted */
    SERVE_PLACE_KEPT, /* it is admitted, and counts as one input that waits until its inputs are known */
    SERVE_PLACE_TAKEN /* its inputs have entered: they count themselves */
} serve_place;

/* One output for some inputs of one tower. */
typedef struct serve_job {
    serve_model *model; /* held by the caller */
    vit_tower tower;
    vit_output output;
    size_t layer;
    bool normalize; /* each result divided by its length */
    serve_input *inputs;
    const size_t *numbers; /* [n]: what the inputs are called in errors; NULL: by their place */
    size_t n;
    serve_place *place;          /* of the request that the job is part of */
    double deadline;             /* in seconds of vit__seconds() */
    bool (*gone)(void *context); /* nobody waits for the answer any more; may be NULL */
    void *context;
    /* Filled by serve_engine_run: */
    float *results; /* [n][rows * columns]; freed with free() by the caller, whatever the outcome */
    size_t rows, columns;
    size_t failed;                  /* the number of the input that err is about, where the outcome is SERVE_FAILED */
    double queued, loaded, encoded; /* seconds: until the first was encoded, of loading, of batches it was in */
} serve_job;

typedef enum serve_outcome {
    SERVE_DONE,
    SERVE_FAILED,     /* an input, or the job as a whole (failed is n): err says why */
    SERVE_OVERLOADED, /* too many inputs wait, or this job waited too long */
    SERVE_GONE,       /* the client has left */
    SERVE_STOPPING    /* the engine stops */
} serve_outcome;

typedef struct serve_engine_options {
    size_t batch;       /* inputs encoded together, at least 1 */
    double batch_delay; /* seconds that the first waits for others; 0: none */
    size_t queue;       /* a request is admitted while fewer inputs wait, of all requests */
    size_t memory;      /* bytes of bodies, decoded pictures and rows */
    unsigned loaders;   /* threads that decode */
    size_t text_cache;  /* vectors of words that are kept; 0: none */
} serve_engine_options;

typedef struct serve_engine serve_engine;

vit_status serve_engine_create(const serve_engine_options *options, serve_engine **engine, vit_error *err);
/* Ends what is waiting with SERVE_STOPPING. Nobody may be in serve_engine_run when it is freed. */
void serve_engine_stop(serve_engine *engine);
void serve_engine_free(serve_engine *engine);

/* Admits a request: gives it a place, if fewer than options.queue inputs wait, of which at most
 * half are counted for one request. It may then bring as many inputs as it
 * likes. false: it is to be refused. */
bool serve_engine_admit(serve_engine *engine, serve_place *place);
/* The request ends: a place that it kept is free again. */
void serve_engine_dismiss(serve_engine *engine, serve_place *place);

/* Does the job and returns when it is done or given up. Any number of threads. err is filled where SERVE_FAILED. */
serve_outcome serve_engine_run(serve_engine *engine, serve_job *job, vit_error *err);

/* Takes bytes from the memory that all requests share. false: they do not fit now. */
bool serve_engine_take(serve_engine *engine, size_t bytes);
void serve_engine_give(serve_engine *engine, size_t bytes);
/* So many bytes become so many others, which are there already: more than there is room for, too. */
void serve_engine_exchange(serve_engine *engine, size_t before, size_t after);

/* Seconds after which a client that was refused may come again: 1 to 60. */
unsigned serve_engine_retry_after(serve_engine *engine);

/* Figures of all models together. */
typedef struct serve_engine_figures {
    size_t waiting, memory_used, memory; /* inputs, bytes, bytes: now */
    size_t beats;                        /* moves whenever the encoder does something, or finds nothing to do */
} serve_engine_figures;
void serve_engine_read(serve_engine *engine, serve_engine_figures *figures);
/* Figures of one model. */
void serve_engine_read_model(serve_engine *engine, const serve_model *model, serve_model_figures *figures);
/* Counts a stage that is none of the engine's own: parsing, writing. */
void serve_engine_count_stage(serve_engine *engine, serve_model *model, serve_stage stage, double seconds);

#endif
