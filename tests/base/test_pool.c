/* SPDX-License-Identifier: BSD-2-Clause */
/* Every task runs exactly once, on any number of threads, over many rounds (sleeping and spinning workers). */
#include "support.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "pool.h"

#define TASKS 257

typedef struct counts {
    atomic_uint runs[TASKS];
    atomic_uint bad_thread;
    unsigned threads;
} counts;

static void count(void *context, size_t index, unsigned thread)
{
    counts *c = context;
    atomic_fetch_add(&c->runs[index], 1);
    if (thread >= c->threads)
        atomic_fetch_add(&c->bad_thread, 1);
}

static void every_task_runs_once(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 5; threads++) {
        vit_error err = {0};
        vit__pool *pool;
        assert_ok(vit__pool_create(threads, &pool, &err), err);
        assert_int_equal(vit__pool_threads(pool), threads);
        counts c = {.threads = threads};
        for (unsigned round = 0; round < 300; round++) {
            if (round % 100 == 99) /* long enough for the workers to fall asleep */
                nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
            vit__pool_run(pool, TASKS - round % 3, count, &c);
        }
        for (size_t i = 0; i < TASKS - 2; i++)
            assert_int_equal(atomic_load(&c.runs[i]), 300);
        assert_int_equal(atomic_load(&c.runs[TASKS - 2]), 200);
        assert_int_equal(atomic_load(&c.runs[TASKS - 1]), 100);
        assert_int_equal(atomic_load(&c.bad_thread), 0);
        vit__pool_run(pool, 0, count, &c);
        vit__pool_free(pool);
    }
}

static void free_takes_null(void **state)
{
    (void)state;
    vit__pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_task_runs_once), cmocka_unit_test(free_takes_null)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
