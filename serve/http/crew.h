/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that do what is handed to them, in order. A new one is started
 * where all are busy, up to a number: they mostly wait for the encoder. */
#ifndef SERVE_CREW_H
#define SERVE_CREW_H

#include <stdbool.h>
#include <stddef.h>

/* What is handed over starts with this. */
typedef struct serve_task {
    struct serve_task *next;
} serve_task;

typedef struct serve_crew serve_crew;

serve_crew *serve_crew_create(size_t most, void (*work)(serve_task *task)); /* NULL: out of memory */
/* false: there is no thread to do it, and none can be started. */
bool serve_crew_hand(serve_crew *crew, serve_task *task);
/* Waits until all that was handed over is done. */
void serve_crew_free(serve_crew *crew);

#endif
