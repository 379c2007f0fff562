/* SPDX-License-Identifier: BSD-2-Clause */
/* Room for decoded pictures in the memory that all requests share: who comes first has room first. */
#include "line.h"

size_t serve_decoded_bytes(uint32_t width, uint32_t height)
{
    return (size_t)3 * width * height; /* RGB, a byte each */
}

static bool has_room(const serve_engine *engine, size_t bytes)
{
    size_t most = engine->options.memory, used = engine->memory_used;
    return engine->decoding == 0 || (used <= most && bytes <= most - used);
}

void serve_engine_enter_decoding(serve_engine *engine, size_t bytes)
{
    pthread_mutex_lock(&engine->lock);
    size_t place = engine->room_asked++;
    while (!engine->stopping && (place != engine->room_given || !has_room(engine, bytes)))
        pthread_cond_wait(&engine->room, &engine->lock);
    engine->room_given++;
    engine->decoding++;
    engine->memory_used += bytes;
    pthread_cond_broadcast(&engine->room); /* the next in order may have room, too */
    pthread_mutex_unlock(&engine->lock);
}

void serve_engine_leave_decoding(serve_engine *engine, size_t bytes)
{
    pthread_mutex_lock(&engine->lock);
    engine->decoding--;
    engine->memory_used -= bytes;
    pthread_cond_broadcast(&engine->room);
    pthread_mutex_unlock(&engine->lock);
}
