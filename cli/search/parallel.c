/* SPDX-License-Identifier: BSD-2-Clause */
#include "parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#define THREADS_MAX 256u

typedef struct work_team {
    atomic_size_t next;
    size_t n;
    void (*piece)(void *context, size_t index, unsigned thread);
    void *context;
} work_team;

typedef struct member {
    work_team *team;
    unsigned number;
    pthread_t thread;
} member;

unsigned cli_parallel_threads(unsigned asked)
{
    cpu_set_t set;
    unsigned threads = asked;
    if (threads == 0 && sched_getaffinity(0, sizeof set, &set) == 0)
        threads = (unsigned)CPU_COUNT(&set);
    if (threads == 0)
        threads = 1;
    return threads < THREADS_MAX ? threads : THREADS_MAX;
}

static void *work(void *argument)
{
    member *me = argument;
    work_team *team = me->team;
    size_t index;
    while ((index = atomic_fetch_add(&team->next, 1)) < team->n)
        team->piece(team->context, index, me->number);
    return NULL;
}

void cli_parallel(unsigned threads, size_t n, void (*piece)(void *context, size_t index, unsigned thread),
                  void *context)
{
    work_team team = {.n = n, .piece = piece, .context = context};
    member members[THREADS_MAX];
    unsigned started = 1;
    members[0] = (member){.team = &team};
    for (; started < threads && started < n; started++) {
        members[started] = (member){.team = &team, .number = started};
        if (pthread_create(&members[started].thread, NULL, work, &members[started]) != 0)
            break; /* fewer do it as well */
    }
    work(&members[0]);
    for (unsigned i = 1; i < started; i++)
        pthread_join(members[i].thread, NULL);
}
