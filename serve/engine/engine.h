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
 * a batch to be full. What is the last input of its request is not held up by others of long requests. The result for
 * an input is the same bits whatever shares its batch (vit_encode).
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

/* One input of a request. The caller owns data, which stays until the job is done. A JPEG of 40 kB is
 * {.kind = SERVE_PICTURE, .data = bytes, .size = 40000}; the words "a dog" are {.kind = SERVE_WORDS, .data = "a dog",
 * .size = 5}. */
typedef struct serve_input {
    serve_kind kind;
    const void *data;
    size_t size;                          /* bytes of a file or of words; numbers of pixels or ids */
    uint32_t pixels_width, pixels_height; /* of SERVE_PIXELS; 0: the model's own */
    /* The engine fills these when it has loaded the input: */
    uint32_t width, height;               /* pixels of the picture, upright */
    uint32_t stored_width, stored_height; /* pixels as the file has them, before EXIF turned the picture upright */
    size_t tokens;                        /* tokens that go through the encoder: 197 for a ViT-S/16 at 224x224 */
} serve_input;

/* A request's place in the queue. A request is admitted once, before its body is read. */
typedef enum serve_place {
    SERVE_PLACE_NONE, /* the request has not been admitted */
    SERVE_PLACE_KEPT, /* the request is admitted. It counts as one waiting input until its inputs are known */
    SERVE_PLACE_TAKEN /* the inputs of the request have entered, and count themselves */
} serve_place;

/* What a request wants of one tower: one output of each of its inputs. A request with words and pictures has two
 * jobs. */
typedef struct serve_job {
    serve_model *model; /* held by the caller */
    vit_tower tower;
    vit_output output;
    size_t layer;
    bool normalize; /* each result is divided by its length */
    serve_input *inputs;
    const size_t *numbers; /* [n]: the numbers of the inputs in errors ("input[3]"); NULL: 0, 1, 2, ... */
    size_t n;
    serve_place *place;          /* of the request that the job is part of */
    double deadline;             /* seconds of vit__seconds() after which the job is given up */
    bool (*gone)(void *context); /* has the client left? Called with the engine's lock: must not wait. NULL: never */
    void *context;
    /* serve_engine_run fills these: */
    float *results;                 /* [n][rows * columns]; the caller frees with free(), whatever the outcome */
    size_t rows, columns;           /* 1 and 384 for the embedding of a ViT-S, 197 and 384 for its tokens */
    size_t failed;                  /* SERVE_FAILED: the place of the input that err is about; n: err is about all */
    double queued, loaded, encoded; /* seconds: until the first input was encoded, of loading, of the job's batches */
} serve_job;

typedef enum serve_outcome {
    SERVE_DONE,
    SERVE_FAILED,     /* an input failed, or the job as a whole: err says why */
    SERVE_OVERLOADED, /* too many inputs wait, or the job is past its deadline */
    SERVE_GONE,       /* the client has left */
    SERVE_STOPPING    /* the engine stops */
} serve_outcome;

typedef struct serve_engine_options {
    size_t batch;       /* inputs encoded together, at least 1 */
    double batch_delay; /* seconds that the first input waits for others to share its batch; 0: none */
    size_t queue;       /* a request is admitted while fewer inputs wait, of all requests together */
    size_t memory;      /* bytes that all requests share; serve_engine_take counts them */
    unsigned loaders;   /* threads that decode, at least 1 */
    size_t text_cache;  /* vectors of words that are kept; 0: none */
} serve_engine_options;

typedef struct serve_engine serve_engine;

/* Starts the threads. *engine is NULL on failure; serve_engine_free ends the engine. */
vit_status serve_engine_create(const serve_engine_options *options, serve_engine **engine, vit_error *err);
/* All jobs that wait end with SERVE_STOPPING, and so do those that come later. */
void serve_engine_stop(serve_engine *engine);
/* Nobody may be in serve_engine_run any more. engine may be NULL. */
void serve_engine_free(serve_engine *engine);

/*
 * All functions from here on may be called by any number of threads.
 */

/* Admits a request: gives the request a place if fewer than options.queue inputs wait. Of one request at most half
 * of options.queue is counted: with a queue of 256 and one request of 1,000 texts, 128 inputs are counted, and 128
 * single requests are admitted beside that one. A request that is admitted may bring as many inputs as it likes.
 * false: the request is to be refused. */
bool serve_engine_admit(serve_engine *engine, serve_place *place);
/* The request ends: a place that the request kept is free again. */
void serve_engine_dismiss(serve_engine *engine, serve_place *place);

/* Does the job, and returns when the job is done or given up. The calling thread waits meanwhile. err is filled where
 * the outcome is SERVE_FAILED. */
serve_outcome serve_engine_run(serve_engine *engine, serve_job *job, vit_error *err);

/* Takes bytes from the memory that all requests share. false: that many are not free now, and none were taken. */
bool serve_engine_take(serve_engine *engine, size_t bytes);
void serve_engine_give(serve_engine *engine, size_t bytes);
/* The caller gives `before` bytes back and takes `after` bytes that are in use already. So this never fails, and the
 * bytes in use may then be more than options.memory: 1,500 kB of a request become the 11 kB of its answer. */
void serve_engine_exchange(serve_engine *engine, size_t before, size_t after);

/* Bytes of a picture once it is decoded: 36,578,304 for 4032 x 3024 pixels. */
size_t serve_decoded_bytes(uint32_t width, uint32_t height);
/* To be called around the decoding of a picture that takes so many bytes. Waits until there is room in the memory that
 * all requests share; who has waited longest has room first. One picture always has room: requests that wait for a
 * picture may have all the memory. So more than options.memory is used by one picture at most. */
void serve_engine_enter_decoding(serve_engine *engine, size_t bytes);
void serve_engine_leave_decoding(serve_engine *engine, size_t bytes);

/* Seconds after which a client that was refused may come again, from 1 to 60: 20 inputs that wait at 0.2 s each are
 * 4. */
unsigned serve_engine_retry_after(serve_engine *engine);

/* Figures of all models together. */
typedef struct serve_engine_figures {
    size_t waiting;             /* inputs that wait now */
    size_t memory_used, memory; /* bytes that requests use now, and may use */
    size_t beats;               /* batches since the start. While inputs wait, a number that stands still is a fault */
} serve_engine_figures;
void serve_engine_read(serve_engine *engine, serve_engine_figures *figures);
/* Figures of one model. */
void serve_engine_read_model(serve_engine *engine, const serve_model *model, serve_model_figures *figures);
/* Counts a stage that is none of the engine's own: parsing, writing. */
void serve_engine_count_stage(serve_engine *engine, serve_model *model, serve_stage stage, double seconds);

#endif
