/* SPDX-License-Identifier: BSD-2-Clause */
/* Libraries on demand: all functions or none, once, whoever asks first. */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "library.h"

#define THREADS 8

static struct {
    double (*cosine)(double);
    double (*root)(double);
} maths;

static const vit__library_function functions[] = {{"cos", &maths.cosine}, {"sqrt", &maths.root}};
static const vit__library_function unknown[] = {{"cos", &maths.cosine}, {"no_such_function", &maths.root}};

static atomic_int starts;

static bool start(void)
{
    atomic_fetch_add(&starts, 1);
    return maths.root(9) == 3;
}

static bool refuse(void)
{
    return false;
}

static void *ask(void *library)
{
    return vit__library_load(library) && maths.cosine(0) == 1 ? library : NULL;
}

static void all_threads_wait_for_the_first(void **state)
{
    (void)state;
    static vit__library library = {.file = "libm.so.6", .functions = functions, .n = 2, .start = start};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &library), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *loaded;
        assert_int_equal(pthread_join(threads[i], &loaded), 0);
        assert_ptr_equal(loaded, &library);
    }
    assert_int_equal(starts, 1);
}

static void without_a_function_nothing_is_filled(void **state)
{
    (void)state;
    static vit__library library = {.file = "libm.so.6", .functions = unknown, .n = 2};
    maths.cosine = NULL;
    assert_false(vit__library_load(&library));
    assert_null(maths.cosine);
    assert_non_null(strstr(library.why, "no_such_function"));
    assert_false(vit__library_load(&library));
}

static void what_is_not_there_is_named(void **state)
{
    (void)state;
    static vit__library library = {.file = "libnowhere.so.7", .functions = functions, .n = 2};
    assert_false(vit__library_load(&library));
    assert_non_null(strstr(library.why, "libnowhere.so.7"));
}

static void a_library_may_be_of_no_use(void **state)
{
    (void)state;
    static vit__library library = {.file = "libm.so.6", .functions = functions, .n = 2, .start = refuse};
    assert_false(vit__library_load(&library));
    assert_false(vit__library_load(&library));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_threads_wait_for_the_first),
        cmocka_unit_test(without_a_function_nothing_is_filled),
        cmocka_unit_test(what_is_not_there_is_named),
        cmocka_unit_test(a_library_may_be_of_no_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
