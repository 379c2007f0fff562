/* SPDX-License-Identifier: BSD-2-Clause */
/* Nobody passes a barrier before all have come, over many rounds, whether they spin or sleep. */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "barrier.h"

#define MOST 5
#define ROUNDS 2000

typedef struct meeting {
    vit__barrier *barrier;
    unsigned threads;
    unsigned marks[MOST]; /* plain memory: the barrier alone makes it safe to read */
    atomic_uint early;
} meeting;

typedef struct member {
    meeting *meeting;
    unsigned index;
} member;

static void *take_part(void *argument)
{
    const member *self = argument;
    meeting *m = self->meeting;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        if (round % 500 == 0 && self->index == round / 500 % m->threads) /* long enough for the others to fall asleep */
            nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
        m->marks[self->index] = round;
        vit__barrier_wait(m->barrier);
        for (unsigned i = 0; i < m->threads; i++)
            if (m->marks[i] != round)
                atomic_fetch_add(&m->early, 1);
        vit__barrier_wait(m->barrier);
    }
    return NULL;
}

static void nobody_passes_early(void **state)
{
    (void)state;
    vit__barrier *barrier = vit__barrier_create(MOST);
    assert_non_null(barrier);
    for (unsigned threads = 1; threads <= MOST; threads++) {
        meeting m = {.barrier = barrier, .threads = threads};
        vit__barrier_expect(barrier, threads);
        pthread_t started[MOST];
        member members[MOST];
        for (unsigned i = 0; i < threads; i++) {
            members[i] = (member){&m, i};
            assert_int_equal(pthread_create(&started[i], NULL, take_part, &members[i]), 0);
        }
        for (unsigned i = 0; i < threads; i++)
            pthread_join(started[i], NULL);
        assert_int_equal(atomic_load(&m.early), 0);
    }
    vit__barrier_free(barrier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nobody_passes_early)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
