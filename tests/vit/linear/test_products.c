/* SPDX-License-Identifier: BSD-2-Clause */
/* vit_products against sums in double: with OpenBLAS, and, where the program is called with the argument "absent", on a
 * machine that has none. */
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "openblas.h"

static bool absent;

/* f32 sums of n products of values up to 1: n roundings of at most 6e-8 * n, of which most cancel. */
static double tolerance(size_t n)
{
    return 1e-7 * (double)n + 1e-7;
}

static float *random_rows(size_t rows, size_t columns, uint64_t seed)
{
    float *values = malloc((rows * columns + 1) * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < rows * columns; i++)
        values[i] = (float)(random_next(&seed) >> 40) / 8388608.0f - 1.0f;
    return values;
}

static void check_products(size_t n_a, size_t n_b, size_t columns)
{
    float *a = random_rows(n_a, columns, 3), *b = random_rows(n_b, columns, 4), *c = random_rows(n_a, n_b, 5);
    vit_products(a, n_a, b, n_b, columns, c);
    for (size_t i = 0; i < n_a; i++)
        for (size_t j = 0; j < n_b; j++) {
            double sum = 0;
            for (size_t k = 0; k < columns; k++)
                sum += (double)a[i * columns + k] * (double)b[j * columns + k];
            if (!(fabs(sum - (double)c[i * n_b + j]) < tolerance(columns)))
                fail_msg("%zu x %zu of %zu columns: %g at %zu, %zu is %g", n_a, n_b, columns, sum, i, j,
                         (double)c[i * n_b + j]);
        }
    free(a);
    free(b);
    free(c);
}

static void products_are_the_sums(void **state)
{
    (void)state;
    check_products(1, 1, 1);
    check_products(128, 1, 384);
    check_products(3, 130, 100);
    check_products(70, 65, 33);
    check_products(0, 5, 7);
}

#define THREADS 3

static void *multiply(void *unused)
{
    (void)unused;
    check_products(70, 65, 33);
    check_products(128, 1, 384);
    return NULL;
}

/* The first calls of the program, so that loading OpenBLAS meets itself. */
static void threads_multiply_at_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, multiply, NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void openblas_is_found_where_it_is(void **state)
{
    (void)state;
    assert_int_equal(vit__openblas_load(), !absent);
}

int main(int argc, char **argv)
{
    absent = argc > 1 && strcmp(argv[1], "absent") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_multiply_at_once),
        cmocka_unit_test(products_are_the_sums),
        cmocka_unit_test(openblas_is_found_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
