/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring of slots. A thread takes the next item of the stream into the next slot and reads it there, while
 * others do the same with the slots after it; whoever encodes takes the slots in order. With 4 threads and
 * a batch of 8 there are 12 slots: while the 8 items of a batch are encoded, the next 8 are read.
 */
#include "feeder.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"

#define THREADS_MAX 8 /* each may hold a decoded picture */
/* Bytes of pictures in memory that wait to be decoded; past it the stream waits. */
#define HELD_MAX ((size_t)256 << 20)

typedef struct slot {
    bool ready;
    vit__fed fed;
    void *row;
} slot;

struct vit__feeder {
    const vit_pipeline *pipeline;
    const vit_stream *stream;
    size_t row_size;

    /* One thread at a time asks the stream. Waiting for a slow stream must not keep the encoder from
     * what is ready, so the stream and the ring have a lock each. `asking` is always taken first. */
    pthread_mutex_t asking;
    size_t path;  /* the next of stream->paths; guarded by asking */
    size_t asked; /* items given out so far: item i goes to slot i % n_slots; guarded by asking */
    bool ended;   /* the stream has no more; guarded by asking */

    pthread_mutex_t lock;
    pthread_cond_t ready, taken;
    slot *slots;
    size_t n_slots;
    size_t consumed;
    size_t held;  /* bytes of pictures in memory, not yet decoded */
    size_t total; /* SIZE_MAX until the stream has ended */
    bool cancelled;

    pthread_t threads[THREADS_MAX];
    size_t n_threads; /* 0: whoever encodes reads by itself */
};

/* ------------------------------------------------------------------ one item ---- */

static void load(const vit__feeder *feeder, vit__fed *fed, void *row)
{
    vit__load(feeder->pipeline, &fed->item, row, &fed->loaded, &fed->error);
    if (feeder->stream->loaded)
        feeder->stream->loaded(feeder->stream->context, &fed->item);
}

static bool ask(vit__feeder *feeder, vit__fed *fed)
{
    *fed = (vit__fed){0};
    const vit_stream *stream = feeder->stream;
    if (stream->next)
        return stream->next(stream->context, &fed->item) != 0;
    if (feeder->path == stream->n_paths)
        return false;
    fed->item = (vit_item){.kind = VIT_ITEM_PATH, .name = stream->paths[feeder->path++]};
    return true;
}

static void drop(const vit__feeder *feeder, const vit_item *item)
{
    if (feeder->stream->drop)
        feeder->stream->drop(feeder->stream->context, item);
}

/* ------------------------------------------------------------------ threads ---- */

/* false: cancelled. What is held becomes less by itself: whoever holds bytes is decoding them. */
static bool wait_for_room(vit__feeder *feeder)
{
    pthread_mutex_lock(&feeder->lock);
    while ((feeder->asked - feeder->consumed >= feeder->n_slots || feeder->held > HELD_MAX) && !feeder->cancelled)
        pthread_cond_wait(&feeder->taken, &feeder->lock);
    bool room = !feeder->cancelled;
    pthread_mutex_unlock(&feeder->lock);
    return room;
}

static size_t bytes_of(const vit_item *item)
{
    return item->kind == VIT_ITEM_BYTES ? item->size : 0;
}

static void hold(vit__feeder *feeder, size_t bytes)
{
    pthread_mutex_lock(&feeder->lock);
    feeder->held += bytes;
    pthread_mutex_unlock(&feeder->lock);
}

static void end(vit__feeder *feeder)
{
    feeder->ended = true;
    pthread_mutex_lock(&feeder->lock);
    feeder->total = feeder->asked;
    pthread_cond_broadcast(&feeder->ready);
    pthread_mutex_unlock(&feeder->lock);
}

/* Takes the next item into its slot; NULL when there are no more. */
static slot *take_item(vit__feeder *feeder)
{
    slot *taken = NULL;
    pthread_mutex_lock(&feeder->asking);
    if (!feeder->ended) {
        slot *next = &feeder->slots[feeder->asked % feeder->n_slots];
        if (wait_for_room(feeder) && ask(feeder, &next->fed)) {
            feeder->asked++;
            taken = next;
            hold(feeder, bytes_of(&next->fed.item));
        } else {
            end(feeder);
        }
    }
    pthread_mutex_unlock(&feeder->asking);
    return taken;
}

static void *work(void *argument)
{
    vit__feeder *feeder = argument;
    slot *taken;
    while ((taken = take_item(feeder)) != NULL) {
        size_t bytes = bytes_of(&taken->fed.item);
        load(feeder, &taken->fed, taken->row);
        pthread_mutex_lock(&feeder->lock);
        taken->ready = true;
        feeder->held -= bytes;
        pthread_cond_broadcast(&feeder->ready);
        if (bytes > 0)
            pthread_cond_broadcast(&feeder->taken);
        pthread_mutex_unlock(&feeder->lock);
    }
    return NULL;
}

static vit_status make_slots(vit__feeder *feeder, size_t n, vit_error *err)
{
    feeder->slots = vit__alloc_zero(n, sizeof *feeder->slots);
    if (!feeder->slots)
        return vit__fail_memory(err, NULL);
    for (feeder->n_slots = 0; feeder->n_slots < n; feeder->n_slots++) {
        feeder->slots[feeder->n_slots].row = vit__alloc(1, feeder->row_size);
        if (!feeder->slots[feeder->n_slots].row)
            return vit__fail_memory(err, NULL);
    }
    return VIT_OK;
}

/* With one thread asked for, or none to be had, whoever encodes reads by itself. */
static vit_status start_threads(vit__feeder *feeder, vit_error *err)
{
    const vit_pipeline *pipeline = feeder->pipeline;
    size_t threads = vit_session_threads(pipeline->session);
    if (threads < 2 || pipeline->settings.model.once)
        return VIT_OK;
    threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    vit_status status = make_slots(feeder, pipeline->settings.batch + threads, err);
    while (status == VIT_OK && feeder->n_threads < threads &&
           pthread_create(&feeder->threads[feeder->n_threads], NULL, work, feeder) == 0)
        feeder->n_threads++;
    return status;
}

vit_status vit__feeder_start(const vit_pipeline *pipeline, const vit_stream *stream, vit__feeder **result,
                             vit_error *err)
{
    *result = NULL;
    vit__feeder *feeder = vit__alloc_zero(1, sizeof *feeder);
    if (!feeder)
        return vit__fail_memory(err, NULL);
    feeder->pipeline = pipeline;
    feeder->stream = stream;
    feeder->row_size = vit_pipeline_row_size(pipeline);
    feeder->total = SIZE_MAX;
    pthread_mutex_init(&feeder->asking, NULL);
    pthread_mutex_init(&feeder->lock, NULL);
    pthread_cond_init(&feeder->ready, NULL);
    pthread_cond_init(&feeder->taken, NULL);
    vit_status status = start_threads(feeder, err);
    if (status == VIT_OK)
        *result = feeder;
    else
        vit__feeder_free(feeder);
    return status;
}

/* ------------------------------------------------------------------ in order ---- */

bool vit__feeder_cancelled(vit__feeder *feeder)
{
    pthread_mutex_lock(&feeder->lock);
    bool cancelled = feeder->cancelled;
    pthread_mutex_unlock(&feeder->lock);
    return cancelled;
}

static bool load_alone(vit__feeder *feeder, vit__fed *fed, void *row)
{
    if (vit__feeder_cancelled(feeder) || !ask(feeder, fed))
        return false;
    load(feeder, fed, row);
    return true;
}

bool vit__feeder_next(vit__feeder *feeder, vit__fed *fed, void *row)
{
    if (feeder->n_threads == 0)
        return load_alone(feeder, fed, row);
    pthread_mutex_lock(&feeder->lock);
    slot *next = &feeder->slots[feeder->consumed % feeder->n_slots];
    while (!next->ready && feeder->consumed != feeder->total && !feeder->cancelled)
        pthread_cond_wait(&feeder->ready, &feeder->lock);
    bool more = next->ready && !feeder->cancelled;
    pthread_mutex_unlock(&feeder->lock);
    if (!more)
        return false;
    *fed = next->fed; /* the slot is ours until it is counted as consumed */
    if (fed->error.status == VIT_OK)
        memcpy(row, next->row, feeder->row_size);
    pthread_mutex_lock(&feeder->lock);
    next->ready = false;
    feeder->consumed++;
    pthread_cond_broadcast(&feeder->taken);
    pthread_mutex_unlock(&feeder->lock);
    return true;
}

void vit__feeder_cancel(vit__feeder *feeder)
{
    pthread_mutex_lock(&feeder->lock);
    feeder->cancelled = true;
    pthread_cond_broadcast(&feeder->taken);
    pthread_cond_broadcast(&feeder->ready);
    pthread_mutex_unlock(&feeder->lock);
}

void vit__feeder_free(vit__feeder *feeder)
{
    vit__feeder_cancel(feeder); /* nothing, if the stream has ended */
    for (size_t i = 0; i < feeder->n_threads; i++)
        pthread_join(feeder->threads[i], NULL);
    for (size_t i = feeder->consumed; feeder->n_threads && i < feeder->asked; i++)
        drop(feeder, &feeder->slots[i % feeder->n_slots].fed.item);
    for (size_t i = 0; i < feeder->n_slots; i++)
        free(feeder->slots[i].row);
    free(feeder->slots);
    pthread_mutex_destroy(&feeder->asking);
    pthread_mutex_destroy(&feeder->lock);
    pthread_cond_destroy(&feeder->ready);
    pthread_cond_destroy(&feeder->taken);
    free(feeder);
}
