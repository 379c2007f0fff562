/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of the engine. Every job that is being done has a line, on the stack of the thread that waits for the job.
 * One lock guards all lines. The loaders and the encoder do their work without the lock: `busy` keeps a line whose
 * inputs they have.
 *
 *     a job of 5 inputs:   0 is done   1, 2 in a batch   3 ready   4 loading      next 5, n_ready 4, n_taken 3, done
 * 1 */
#ifndef SERVE_LINE_H
#define SERVE_LINE_H

#include "engine.h"
#include "text_cache.h"

/* An input on its way: waiting -> loading -> ready -> in a batch -> done. */
typedef struct serve_row {
    void *values;           /* pixels or token ids; NULL: the input is not loaded, or is encoded already */
    size_t length;          /* ids of a text */
    uint32_t width, height; /* of pixels */
    double ready_at;        /* seconds of vit__seconds() */
} serve_row;

typedef struct serve_line serve_line;
struct serve_line {
    serve_job *job;
    serve_row *rows;         /* [n] */
    size_t *ready;           /* [n]: inputs that are loaded, in the order they were */
    size_t n_ready, n_taken; /* of ready: how many there are, how many the encoder has taken */
    size_t next;             /* the first input that no loader has taken */
    size_t waits;            /* inputs that are not in a batch yet */
    size_t done;             /* inputs that came out of the encoder, or whose vector was known */
    size_t good;             /* of the inputs that are done, those with a result */
    size_t busy;             /* inputs that a loader or the encoder works on */
    size_t size;             /* floats of a result */
    size_t row_bytes;        /* of the pixels or token ids of an input */
    bool ended;              /* nothing more is begun; outcome and error say why */
    serve_outcome outcome;
    vit_error error;
    double start;               /* when it entered */
    double had_turn;            /* when an input of it was last taken by a batch, or came out of one; 0: never */
    pthread_cond_t change;      /* for the thread that waits for the job */
    serve_line *before, *after; /* a ring */
};

struct serve_engine {
    serve_engine_options options;
    pthread_mutex_t lock;
    pthread_cond_t to_load, to_encode, room;
    serve_line *ring; /* the line whose turn is next to be loaded; NULL: there are no lines */
    size_t pending;   /* rows that are loading or ready; they count as memory, too, until they are encoded */
    size_t waiting;   /* inputs that are not in a batch yet */
    size_t coming;    /* requests that are admitted and whose inputs are not known yet */
    size_t memory_used;
    size_t decoding;               /* pictures that are being decoded */
    size_t room_asked, room_given; /* how many pictures have asked for room, and how many have got it, in this order */
    double pace;                   /* recent seconds of an input, for Retry-After */
    bool stopping;
    serve_text_cache *cache;
    serve_engine_figures figures;
    pthread_t encoder, *loaders;
    unsigned n_loaders;
    bool encoder_runs;
};

/* The caller of these has the lock. */
void serve_line_enter(serve_engine *engine, serve_line *line);
void serve_line_leave(serve_engine *engine, serve_line *line);
/* Ends the line for this reason, unless the line has ended before. A row that somebody works on is freed by them. */
void serve_line_end(serve_engine *engine, serve_line *line, serve_outcome outcome);

/* So many more inputs of the line wait; so many fewer. */
void serve_line_wait(serve_engine *engine, serve_line *line, size_t inputs);
void serve_line_wait_less(serve_engine *engine, serve_line *line, size_t inputs);
/* An input of the line has no row any more. */
void serve_line_drop_row(serve_engine *engine, serve_line *line, size_t index);
void serve_line_stage(serve_model *model, serve_stage stage, double seconds);

/* The threads. */
void *serve_loader_main(void *engine);
void *serve_encoder_main(void *engine);

/* Puts values, unit vectors if the job asks for them, in the place of the input's result. */
void serve_line_put(serve_line *line, size_t index, const float *values);

#endif
