/* SPDX-License-Identifier: BSD-2-Clause */
/* Room for decoded pictures: an engine without threads, whose memory is 100 bytes. */
#include <sched.h>
#include <stdatomic.h>

#include "line.h"
#include "support.h"

typedef struct fixture {
    serve_engine engine;
    atomic_size_t entered; /* pictures that have room, in all */
} fixture;

/* A picture that is decoded on a thread of its own. */
typedef struct picture {
    fixture *f;
    size_t bytes;
    pthread_t thread;
} picture;

static void make_fixture(fixture *f)
{
    *f = (fixture){.engine = {.options = {.memory = 100}}};
    pthread_mutex_init(&f->engine.lock, NULL);
    pthread_cond_init(&f->engine.room, NULL);
    pthread_cond_init(&f->engine.to_load, NULL);
    pthread_cond_init(&f->engine.to_encode, NULL);
}

static size_t used(fixture *f)
{
    serve_engine_figures figures;
    serve_engine_read(&f->engine, &figures);
    return figures.memory_used;
}

static size_t asked(fixture *f)
{
    pthread_mutex_lock(&f->engine.lock);
    size_t n = f->engine.room_asked;
    pthread_mutex_unlock(&f->engine.lock);
    return n;
}

static void *decode(void *argument)
{
    picture *p = argument;
    serve_engine_enter_decoding(&p->f->engine, p->bytes);
    atomic_fetch_add(&p->f->entered, 1);
    return NULL;
}

/* Starts a picture, and waits until it has asked for room. */
static void start(fixture *f, picture *p, size_t bytes)
{
    size_t before = asked(f);
    *p = (picture){.f = f, .bytes = bytes};
    assert_int_equal(pthread_create(&p->thread, NULL, decode, p), 0);
    while (asked(f) == before)
        sched_yield();
}

/* What does not fit waits, and what comes later waits behind it, although it would fit. */
static void test_waits_in_order(void **state)
{
    (void)state;
    fixture f;
    picture large, small;
    make_fixture(&f);
    serve_engine_enter_decoding(&f.engine, 60);
    start(&f, &large, 60);
    start(&f, &small, 10);
    for (int i = 0; i < 1000; i++)
        sched_yield();
    assert_int_equal(atomic_load(&f.entered), 0);
    assert_int_equal(used(&f), 60);
    serve_engine_leave_decoding(&f.engine, 60);
    pthread_join(large.thread, NULL);
    pthread_join(small.thread, NULL);
    assert_int_equal(used(&f), 70);
    serve_engine_leave_decoding(&f.engine, 60);
    serve_engine_leave_decoding(&f.engine, 10);
    assert_int_equal(used(&f), 0);
}

/* What a request gives back makes room, too. */
static void test_requests_make_room(void **state)
{
    (void)state;
    fixture f;
    picture p;
    make_fixture(&f);
    assert_true(serve_engine_take(&f.engine, 50));
    serve_engine_enter_decoding(&f.engine, 40);
    start(&f, &p, 20);
    serve_engine_give(&f.engine, 50);
    pthread_join(p.thread, NULL);
    assert_int_equal(used(&f), 60);
}

/* Requests have all the memory, and wait for a picture: it is decoded, one at a time. */
static void test_one_always_has_room(void **state)
{
    (void)state;
    fixture f;
    picture p;
    make_fixture(&f);
    assert_true(serve_engine_take(&f.engine, 100));
    serve_engine_enter_decoding(&f.engine, 70);
    assert_int_equal(used(&f), 170);
    start(&f, &p, 70);
    for (int i = 0; i < 1000; i++)
        sched_yield();
    assert_int_equal(atomic_load(&f.entered), 0);
    serve_engine_leave_decoding(&f.engine, 70);
    pthread_join(p.thread, NULL);
    assert_int_equal(used(&f), 170);
    assert_false(serve_engine_take(&f.engine, 1));
}

/* Nobody waits while the engine ends. */
static void test_end(void **state)
{
    (void)state;
    fixture f;
    picture p;
    make_fixture(&f);
    serve_engine_enter_decoding(&f.engine, 70);
    start(&f, &p, 70);
    serve_engine_stop(&f.engine);
    pthread_join(p.thread, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_in_order),
        cmocka_unit_test(test_requests_make_room),
        cmocka_unit_test(test_one_always_has_room),
        cmocka_unit_test(test_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
