/* SPDX-License-Identifier: BSD-2-Clause */
/* The exact search over rounded rows, the file they stand in, groups, and conditions. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nearest.h"
#include "support.h"
#include "vit/index.h"
#include "vector_file.h"
#include "where.h"

#define COLUMNS 37 /* rows end in padding */

/* Repeatable numbers of about a normal distribution. */
static float noise(uint64_t *state)
{
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        sum += (double)(*state >> 40) / (1 << 24) - 0.5;
    }
    return (float)sum;
}

/* Unit vectors around a common direction: `spread` of 1 is everywhere, of 0.01 all nearly the same. */
static float *make_vectors(size_t n, float spread, uint64_t seed)
{
    float *vectors = malloc(n * COLUMNS * sizeof *vectors);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < COLUMNS; j++)
            vectors[i * COLUMNS + j] = 1 - spread + spread * noise(&seed);
        assert_true(vit_to_unit_length(vectors + i * COLUMNS, COLUMNS));
    }
    return vectors;
}

static double round_rows(const float *vectors, size_t n, unsigned char *bytes)
{
    double error = 0;
    for (size_t i = 0; i < n; i++)
        error = fmax(
            error, vit__row_write(bytes + i * vit__row_size(COLUMNS), (int64_t)i + 1, vectors + i * COLUMNS, COLUMNS));
    return error;
}

static bool has(const vit__shortlist *list, int64_t id)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->candidates[i].id == id)
            return true;
    return false;
}

/* Whatever is among the k best by exact cosines, ties with the k-th included, must be on the list. */
static void check_lists(const float *vectors, size_t n, const vit__queries *queries, const vit__idset *set,
                        const vit__shortlist *lists)
{
    double *scores = malloc(n * sizeof *scores), *sorted = malloc(n * sizeof *sorted);
    for (size_t query = 0; query < queries->n; query++) {
        size_t m = 0;
        for (size_t i = 0; i < n; i++) {
            scores[i] = vit__cosine(vectors + i * COLUMNS, queries->vectors + query * COLUMNS, COLUMNS);
            if (vit__idset_has(set, (int64_t)i + 1))
                sorted[m++] = scores[i];
        }
        for (size_t i = 1; i < m; i++) /* insertion is enough for the best k */
            for (size_t j = i; j > 0 && sorted[j] > sorted[j - 1]; j--) {
                double other = sorted[j];
                sorted[j] = sorted[j - 1];
                sorted[j - 1] = other;
            }
        double last = sorted[lists[query].k < m ? lists[query].k - 1 : m - 1];
        for (size_t i = 0; i < n; i++)
            if (vit__idset_has(set, (int64_t)i + 1) && scores[i] >= last)
                assert_true(has(&lists[query], (int64_t)i + 1));
        for (size_t i = 0; i < lists[query].n; i++)
            assert_true(vit__idset_has(set, lists[query].candidates[i].id));
    }
    free(scores);
    free(sorted);
}

static void search_case(size_t n, float spread, size_t k, unsigned threads)
{
    float *vectors = make_vectors(n, spread, n + k), *asked = make_vectors(3, spread, 99);
    unsigned char *bytes = malloc(n * vit__row_size(COLUMNS));
    double error = round_rows(vectors, n, bytes);
    assert_true(error > 0 && error < 0.00391); /* 2^-8: half a unit in the last place, of vectors of length 1 */
    const vit__rows rows = {.bytes = bytes, .n = n, .columns = COLUMNS, .row_size = vit__row_size(COLUMNS)};
    const vit__queries queries = {asked, 3, COLUMNS};
    vit__idset set;
    assert_true(vit__idset_start(&set, (int64_t)n + 1, true));
    for (size_t i = 0; i < n; i += 7)
        vit__idset_put(&set, (int64_t)i, false);
    vit__shortlist lists[3];
    for (size_t i = 0; i < 3; i++)
        assert_true(vit__shortlist_start(&lists[i], k, (float)error * 1.001f + COLUMNS * 1e-7f));
    vit__pool *pool;
    assert_int_equal(vit__pool_create(threads, &pool, NULL), VIT_OK);
    assert_int_equal(vit__nearest(&rows, &queries, &set, pool, lists), VIT_OK);
    vit__pool_free(pool);
    check_lists(vectors, n, &queries, &set, lists);
    for (size_t i = 0; i < 3; i++)
        vit__shortlist_free(&lists[i]);
    vit__idset_free(&set);
    free(bytes);
    free(asked);
    free(vectors);
}

static void test_exact(void **state)
{
    (void)state;
    search_case(3000, 1, 10, 1);
    search_case(3000, 1, 10, 3);
    search_case(1000, 0.02f, 5, 2); /* scores closer together than rounding can tell */
    search_case(500, 1e-4f, 3, 2);
    search_case(2, 1, 10, 2); /* fewer rows than wanted */
}

/* Many that are the same are all tied: none may be lost. */
static void test_ties(void **state)
{
    (void)state;
    enum { N = 700 };
    vit__shortlist list;
    assert_true(vit__shortlist_start(&list, 3, 0));
    for (int64_t i = 0; i < N; i++)
        vit__shortlist_offer(&list, i, i == 5 ? 0.9f : i % 2 ? 0.5f : 0.4f);
    vit__shortlist_tidy(&list);
    assert_int_equal(list.n, N / 2);
    for (int64_t i = 1; i < N; i += 2)
        assert_true(has(&list, i));
    vit__shortlist_free(&list);
}

/* ------------------------------------------------------------------ the file ---- */

static void append(const char *path, const vit__vector_file_key *key, const float *vectors, size_t from, size_t to,
                   bool afresh)
{
    vit__vector_appender *appender = vit__vector_append_start(path, key, afresh);
    assert_non_null(appender);
    for (size_t i = from; i < to; i++)
        if ((int64_t)i + 1 > vit__vector_append_last_id(appender))
            assert_true(vit__vector_append(appender, (int64_t)i + 1, vectors + i * COLUMNS));
    assert_true(vit__vector_append_end(appender, true));
}

static size_t rows_of(const char *path, const vit__vector_file_key *key)
{
    vit__vector_file file;
    vit__vector_file_open(path, key, &file);
    size_t n = file.rows.n;
    assert_int_equal(file.last_id, n);
    vit__vector_file_close(&file);
    return n;
}

static void test_vector_file(void **state)
{
    (void)state;
    char path[] = "/tmp/vit-vectors-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    float *vectors = make_vectors(100, 1, 5);
    const vit__vector_file_key key = {12345, COLUMNS}, other = {54321, COLUMNS}, wider = {12345, COLUMNS + 8};
    assert_int_equal(rows_of(path, &key), 0); /* empty */
    append(path, &key, vectors, 0, 60, false);
    assert_int_equal(rows_of(path, &key), 60);
    assert_int_equal(rows_of(path, &other), 0);
    assert_int_equal(rows_of(path, &wider), 0);
    append(path, &key, vectors, 0, 100, false);
    assert_int_equal(rows_of(path, &key), 100);
    vit__vector_appender *given_up = vit__vector_append_start(path, &key, false); /* as a killed one leaves it */
    assert_true(vit__vector_append(given_up, 101, vectors));
    assert_null(vit__vector_append_start(path, &key, false)); /* one at a time */
    assert_false(vit__vector_append_end(given_up, false));
    assert_int_equal(rows_of(path, &key), 100);
    append(path, &key, vectors, 0, 30, true);
    assert_int_equal(rows_of(path, &key), 30);
    append(path, &other, vectors, 0, 10, false); /* another index takes the place */
    assert_int_equal(rows_of(path, &key), 0);
    assert_int_equal(rows_of(path, &other), 10);
    assert_int_equal(truncate(path, 5000 - 4096), 0);
    assert_int_equal(rows_of(path, &other), 0);
    close(descriptor);
    unlink(path);
    free(vectors);
}

/* One that shrinks after it was opened gives no answer, and no signal. */
static void test_shrinking_file(void **state)
{
    (void)state;
    char path[] = "/tmp/vit-vectors-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    enum { N = 300 };
    float *vectors = make_vectors(N, 1, 5);
    const vit__vector_file_key key = {12345, COLUMNS};
    append(path, &key, vectors, 0, N, false);
    vit__vector_file file;
    vit__vector_file_open(path, &key, &file);
    const vit__queries queries = {vectors, 1, COLUMNS};
    vit__idset set;
    vit__pool *pool;
    vit_error err = {0};
    assert_true(vit__idset_start(&set, N + 1, true));
    assert_ok(vit__pool_create(2, &pool, &err), err);
    for (int shrunk = 0; shrunk < 2; shrunk++) {
        vit__shortlist list = {0};
        if (shrunk)
            assert_int_equal(truncate(path, 4096 + 200 * (off_t)vit__row_size(COLUMNS)), 0);
        assert_true(vit__shortlist_start(&list, 5, (float)file.error));
        vit_status status = vit__nearest(&file.rows, &queries, &set, pool, &list);
        assert_int_equal(status, shrunk ? VIT_ERR_UNREADABLE : VIT_OK);
        assert_true(shrunk || has(&list, 1));
        vit__shortlist_free(&list);
    }
    vit__pool_free(pool);
    vit__idset_free(&set);
    vit__vector_file_close(&file);
    close(descriptor);
    unlink(path);
    free(vectors);
}

/* ------------------------------------------------------------------ groups ---- */

static size_t root(const size_t *parent, size_t i)
{
    while (parent[i] != i)
        i = parent[i];
    return i;
}

static void test_groups(void **state)
{
    (void)state;
    enum { N = 1100 }; /* more than two tiles on a side */
    float *vectors = make_vectors(N, 0.5f, 3);
    for (size_t i = 0; i < 40; i++) /* far apart in the list, near each other */
        memcpy(vectors + (N - 1 - i) * COLUMNS, vectors + i * 3 * COLUMNS, COLUMNS * sizeof *vectors);
    size_t group[N], naive[N];
    for (double threshold = 0.8; threshold < 1.0; threshold += 0.0499) {
        for (size_t i = 0; i < N; i++)
            naive[i] = i;
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < i; j++)
                if (vit__cosine(vectors + i * COLUMNS, vectors + j * COLUMNS, COLUMNS) >= threshold) {
                    size_t a = root(naive, i), b = root(naive, j);
                    naive[a > b ? a : b] = a > b ? b : a;
                }
        assert_int_equal(vit_groups_find(vectors, N, COLUMNS, threshold, 2, group, NULL), VIT_OK);
        for (size_t i = 0; i < N; i++)
            assert_int_equal(group[i], root(naive, i));
    }
    const size_t members[] = {0, 9, 300, N - 1};
    double least = 2, found;
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            least = fmin(least, vit__cosine(vectors + members[i] * COLUMNS, vectors + members[j] * COLUMNS, COLUMNS));
    assert_int_equal(vit_groups_least(vectors, COLUMNS, members, 4, 2, &found, NULL), VIT_OK);
    assert_true(found == least);
    assert_int_equal(vit_groups_least(vectors, COLUMNS, members, 1, 2, &found, NULL), VIT_OK);
    assert_true(isinf(found));
    assert_int_equal(vit_groups_find(NULL, 0, COLUMNS, 0.9, 2, group, NULL), VIT_OK); /* nothing to compare */
    free(vectors);
}

/* Copies of 7 vectors among 3,000, and others that stand alone: the same groups as all pairs give. With a threshold of
 * 1 rounding decides whether a vector is near its own copy. */
static void test_copies(void **state)
{
    (void)state;
    enum { N = 3000, KINDS = 7 };
    float *vectors = make_vectors(N, 0.5f, 5);
    for (size_t i = 0; i < N; i++)
        if (i % 3 != 0)
            memcpy(vectors + i * COLUMNS, vectors + i % KINDS * 3 * COLUMNS, COLUMNS * sizeof *vectors);
    size_t *group = malloc(N * sizeof *group), *naive = malloc(N * sizeof *naive);
    const double thresholds[] = {0.9, 0.999, 1.0};
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < N; i++)
            naive[i] = i;
        for (size_t i = 0; i < N; i++)
            for (size_t j = 0; j < i; j++)
                if (vit__cosine(vectors + i * COLUMNS, vectors + j * COLUMNS, COLUMNS) >= thresholds[k]) {
                    size_t a = root(naive, i), b = root(naive, j);
                    naive[a > b ? a : b] = a > b ? b : a;
                }
        assert_int_equal(vit_groups_find(vectors, N, COLUMNS, thresholds[k], 2, group, NULL), VIT_OK);
        for (size_t i = 0; i < N; i++)
            assert_int_equal(group[i], root(naive, i));
    }
    /* In any order, and of one picture alone. */
    size_t members[600], copies[600];
    for (size_t i = 0; i < 600; i++) {
        members[i] = i * 2711 % N;
        copies[i] = 1 + (i * 21) % (N - 1) / 21 * 21; /* all of one kind, unless they stand alone */
        copies[i] += copies[i] % 3 == 0;
    }
    const size_t *const both[] = {members, copies};
    for (size_t k = 0; k < 2; k++) {
        double least = 2, found;
        for (size_t i = 0; i < 600; i++)
            for (size_t j = 0; j < i; j++)
                least = fmin(least,
                             vit__cosine(vectors + both[k][i] * COLUMNS, vectors + both[k][j] * COLUMNS, COLUMNS));
        assert_int_equal(vit_groups_least(vectors, COLUMNS, both[k], 600, 2, &found, NULL), VIT_OK);
        assert_true(found == least);
    }
    free(naive);
    free(group);
    free(vectors);
}

static void test_unit(void **state)
{
    (void)state;
    float zero[3] = {0}, large[2] = {3e38f, 3e38f}, small[2] = {2e-12f, 0}, tiny[2] = {5e-13f, 0}, wrong[2] = {1, NAN},
          endless[2] = {1, INFINITY};
    assert_false(vit_to_unit_length(zero, 3));
    assert_true(vit_to_unit_length(large, 2));
    assert_true(fabs((double)large[0] - sqrt(0.5)) < 1e-7);
    assert_true(vit_to_unit_length(small, 2));
    assert_true(small[0] == 1);
    assert_false(vit_to_unit_length(tiny, 2));
    assert_true(tiny[0] == 0.5f); /* divided by 1e-12, as torch has it */
    assert_false(vit_to_unit_length(wrong, 2));
    assert_false(vit_to_unit_length(endless, 2));
}

/* ------------------------------------------------------------------ conditions ---- */

static void check_sql(const char *condition, vit__dialect dialect, const char *want)
{
    vit__buffer sql = {0};
    assert_int_equal(vit_index_check_where(condition, NULL), VIT_OK);
    vit__where_sql(condition, dialect, &sql);
    assert_string_equal(vit__buffer_terminate(&sql), want);
    vit__buffer_free(&sql);
}

static void test_where(void **state)
{
    (void)state;
    check_sql("size>=1e6 AND name LIKE 'a''%'", VIT__DIALECT_SQLITE, "(size >= 1e6 AND name LIKE 'a''%' )");
    check_sql("size>=1e6 AND name LIKE 'a''%'", VIT__DIALECT_POSTGRES, "(size >= 1e6 AND name ILIKE 'a''%' )");
    check_sql("path->'a'", VIT__DIALECT_POSTGRES,
              "(path - > 'a' )"); /* no operators but ours: for the database to refuse */
    static const char *const wrong[] = {"a",      "1;2", "1--2",     "1/*2*/", "'a", "\"a\"",  "(1",         "1)",
                                        "1)or(1", "a.b", "1::int",   "$1",     "?",  "@@",     "E'\\''",     "select 1",
                                        "pin",    "\\",  "size\x01", "\xff",   "#1", "[path]", "{fn now()}", "1&2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        vit_error err = {0};
        assert_int_equal(vit_index_check_where(wrong[i], &err), VIT_ERR_INVALID_ARGUMENT);
        assert_string_equal(err.where, "where");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),          cmocka_unit_test(test_ties),   cmocka_unit_test(test_vector_file),
        cmocka_unit_test(test_shrinking_file), cmocka_unit_test(test_groups), cmocka_unit_test(test_copies),
        cmocka_unit_test(test_unit),           cmocka_unit_test(test_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
