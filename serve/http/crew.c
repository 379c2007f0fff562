/* SPDX-License-Identifier: BSD-2-Clause */
#include "crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "memory.h"
#include "sigbus.h"

#define STACK ((size_t)512 << 10)

struct serve_crew {
    pthread_mutex_t lock;
    pthread_cond_t more;
    serve_task *first, **last;
    void (*work)(serve_task *task);
    pthread_t *threads; /* [most] */
    size_t most, n, idle, waiting;
    bool ending;
};

static void *run(void *argument)
{
    serve_crew *crew = argument;
    pthread_mutex_lock(&crew->lock);
    for (;;) {
        while (!crew->first && !crew->ending) {
            crew->idle++;
            pthread_cond_wait(&crew->more, &crew->lock);
            crew->idle--;
        }
        serve_task *task = crew->first;
        if (!task)
            break;
        crew->first = task->next;
        if (!crew->first)
            crew->last = &crew->first;
        crew->waiting--;
        pthread_mutex_unlock(&crew->lock);
        crew->work(task);
        pthread_mutex_lock(&crew->lock);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

serve_crew *serve_crew_create(size_t most, void (*work)(serve_task *task))
{
    serve_crew *crew = vit__alloc_zero(1, sizeof *crew);
    if (!crew)
        return NULL;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->more, NULL);
    crew->last = &crew->first;
    crew->work = work;
    crew->most = most;
    crew->threads = vit__alloc(most, sizeof *crew->threads);
    if (crew->threads)
        return crew;
    serve_crew_free(crew);
    return NULL;
}

/* Signals are for the thread that waits for them. */
static bool start_thread(serve_crew *crew)
{
    pthread_attr_t attributes;
    sigset_t before;
    vit__signals_block(&before);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    bool started = pthread_create(&crew->threads[crew->n], &attributes, run, crew) == 0;
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    crew->n += started;
    return started;
}

bool serve_crew_hand(serve_crew *crew, serve_task *task)
{
    pthread_mutex_lock(&crew->lock);
    if (crew->idle <= crew->waiting && crew->n < crew->most)
        start_thread(crew);
    bool can = crew->n > 0;
    if (can) {
        task->next = NULL;
        *crew->last = task;
        crew->last = &task->next;
        crew->waiting++;
        pthread_cond_signal(&crew->more);
    }
    pthread_mutex_unlock(&crew->lock);
    return can;
}

void serve_crew_free(serve_crew *crew)
{
    if (!crew)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->ending = true;
    pthread_cond_broadcast(&crew->more);
    pthread_mutex_unlock(&crew->lock);
    for (size_t i = 0; i < crew->n; i++)
        pthread_join(crew->threads[i], NULL);
    pthread_cond_destroy(&crew->more);
    pthread_mutex_destroy(&crew->lock);
    free(crew->threads);
    free(crew);
}
