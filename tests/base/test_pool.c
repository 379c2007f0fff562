/* SPDX-License-Identifier: BSD-2-Clause */
/* Every task runs exactly once, on any number of threads, over many rounds (sleeping and spinning workers). */
#include "support.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
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

/* A thread's stack takes 8 MB of address space: 1,000 of them do not fit into 2 GB. */
static void threads_that_are_welcome_may_be_missing(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* these keep address space of their own, and end the process without it */
#else
    struct rlimit before, limit;
    vit__pool *pool;
    vit_error err = {0};
    assert_ok(vit__pool_create_if_possible(3, &pool, &err), err);
    assert_int_equal(vit__pool_threads(pool), 3);
    vit__pool_free(pool);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limit = (struct rlimit){.rlim_cur = (rlim_t)2 << 30, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    struct rlimit kept = {0};
    assert_int_equal(getrlimit(RLIMIT_AS, &kept), 0);
    if (kept.rlim_cur != limit.rlim_cur) {
        print_message("skipped: no limit of memory is kept here, as under qemu-user\n");
        skip();
    }
    vit_status refused = vit__pool_create(1000, &pool, NULL);
    vit_status status = vit__pool_create_if_possible(1000, &pool, &err);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(refused, VIT_ERR_OUT_OF_MEMORY);
    assert_ok(status, err);
    assert_int_equal(vit__pool_threads(pool), 1);
    counts c = {.threads = 1};
    vit__pool_run(pool, TASKS, count, &c);
    assert_int_equal(atomic_load(&c.runs[TASKS - 1]), 1);
    vit__pool_free(pool);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once),
        cmocka_unit_test(free_takes_null),
        cmocka_unit_test(threads_that_are_welcome_may_be_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
