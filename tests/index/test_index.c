/* SPDX-License-Identifier: BSD-2-Clause */
/* An index by its public header alone: what is put is found, by vectors, words and conditions; files are followed; what
 * is wrong is refused; and where memory is refused at any point, the call says so and the index is whole. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "allocations.h"
#include "support.h"
#include "vit/index.h"

enum { COLUMNS = 8, ITEMS = 6 };

static char folder[32], place[64];

static const char *path_of(const char *name)
{
    static char path[96];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    /* In memory where there is such a place: an index waits for the disk at each commit. */
    snprintf(folder, sizeof folder, "%s/vit-index-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(folder));
    snprintf(place, sizeof place, "%s/photos.db", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* ------------------------------------------------------------------ an index of made-up images ---- */

static const vit_index_pin pin = {.recipe.values = {[VIT_RECIPE_MODEL_DIGEST] = (char *)"abc",
                                                    [VIT_RECIPE_PRECISION] = (char *)"f32",
                                                    [VIT_RECIPE_DIMENSIONS] = (char *)"8"},
                                  .model = (char *)"a model"};

/* Image i points along axis i, and a little to axis 0. */
static const float *vector_of(size_t i)
{
    static float vector[COLUMNS];
    memset(vector, 0, sizeof vector);
    vector[i % COLUMNS] = 1;
    vector[0] += 0.1f;
    assert_true(vit_to_unit_length(vector, COLUMNS));
    return vector;
}

static vit_index *open_index(vit_index_mode mode)
{
    vit_index *index;
    vit_error err = {0};
    const vit_index_options options = {.mode = mode, .threads = 2};
    assert_ok(vit_index_open(place, &options, &index, &err), err);
    return index;
}

static vit_status put_items(vit_index *index, vit_error *err)
{
    static const char *const captions[ITEMS] = {"a red dog", "a cat", NULL, "two dogs", "", "dog and cat"};
    vit_status status = vit_index_begin(index, err);
    for (size_t i = 0; i < ITEMS && status == VIT_OK; i++) {
        char path[32], hash[32];
        snprintf(path, sizeof path, "photos/%zu.jpg", i);
        snprintf(hash, sizeof hash, "hash-%zu", i);
        const vit_index_item item = {.path = path,
                                     .size = (int64_t)i * 100,
                                     .hash = hash,
                                     .width = (uint32_t)i,
                                     .height = 1,
                                     .caption = captions[i]};
        status = vit_index_put(index, &item, vector_of(i), err);
    }
    return status == VIT_OK ? vit_index_commit(index, err) : status;
}

/* Makes the index anew. */
static void fill_index(void)
{
    vit_error err = {0};
    remove(place);
    remove(path_of("photos.db-vectors"));
    vit_index *index = open_index(VIT_INDEX_WRITE);
    assert_int_equal(vit_index_columns(index), 0);
    assert_ok(vit_index_write_pin(index, &pin, &err), err);
    assert_ok(put_items(index, &err), err);
    assert_ok(vit_index_finish(index, &err), err);
    assert_null(vit_index_note(index));
    vit_index_free(index);
}

static size_t count_hits(vit_index *index, const vit_index_filter *filter)
{
    vit_index_hits hits;
    vit_error err = {0};
    const vit_index_query query = {.vectors = vector_of(1), .n = 1, .k = 100, .filter = filter};
    assert_ok(vit_index_search(index, &query, &hits, &err), err);
    size_t n = hits.n;
    vit_index_hits_free(&hits);
    return n;
}

/* ------------------------------------------------------------------ what is found ---- */

static void what_is_put_is_found(void **state)
{
    (void)state;
    fill_index();
    vit_index *index = open_index(VIT_INDEX_READ);
    vit_error err = {0};
    vit_index_hits hits[2];
    float vectors[2][COLUMNS];
    memcpy(vectors[0], vector_of(3), sizeof vectors[0]);
    memcpy(vectors[1], vector_of(5), sizeof vectors[1]);
    const vit_index_query query = {.vectors = vectors[0], .n = 2, .k = 2};
    assert_int_equal(vit_index_columns(index), COLUMNS);
    assert_string_equal(vit_index_get_pin(index)->model, "a model");
    assert_string_equal(vit_index_place(index), place);
    assert_ok(vit_index_search(index, &query, hits, &err), err);
    assert_int_equal(hits[0].n, 2);
    assert_string_equal(hits[0].hits[0].path, "photos/3.jpg");
    assert_string_equal(hits[0].hits[0].caption, "two dogs");
    assert_true(hits[0].hits[0].score == 1 && hits[0].hits[1].score < 1);
    assert_string_equal(hits[1].hits[0].path, "photos/5.jpg");
    float again[COLUMNS];
    int found;
    assert_ok(vit_index_find_id(index, hits[1].hits[0].id, again, &found, &err), err);
    assert_true(found);
    assert_memory_equal(again, vectors[1], sizeof again);
    char *path;
    assert_ok(vit_index_find_path(index, hits[1].hits[0].id, &path, &err), err);
    assert_string_equal(path, hits[1].hits[0].path);
    vit_free(path);
    assert_ok(vit_index_file(index, "/a/b.jpg", &path, &err), err);
    assert_string_equal(path, "/a/b.jpg");
    vit_free(path);
    assert_ok(vit_index_find_path(index, 12345, &path, &err), err);
    assert_null(path);
    assert_ok(vit_index_find_id(index, 12345, again, &found, &err), err);
    assert_false(found);
    vit_index_hits_free(&hits[0]);
    vit_index_hits_free(&hits[1]);
    vit_index_free(index);
}

static void filters_leave_out(void **state)
{
    (void)state;
    static const char *const likes[] = {"photos/1%", "PHOTOS/2%"};
    static const struct {
        vit_index_filter filter;
        size_t n;
    } cases[] = {
        {{0}, ITEMS},
        {{.where = "width >= 3"}, 3},
        {{.where = "caption IS NULL OR name = '0.jpg'"}, 2},
        {{.likes = likes, .n_likes = 2}, 2},
        {{.match = "dog"}, 2},
        {{.match = "dog*"}, 3},
        {{.match = "dog*", .where = "width > 0", .likes = likes, .n_likes = 1}, 0},
    };
    fill_index();
    vit_index *index = open_index(VIT_INDEX_READ);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(vit_index_check_filter(index, &cases[i].filter, NULL), VIT_OK);
        assert_int_equal(count_hits(index, &cases[i].filter), cases[i].n);
    }
    /* Well-formed for us, and not for SQLite; and of no form at all. */
    static const char *const wrong[] = {"width >=", "path IN (1", "DROP TABLE images", "path -> 'a'"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        vit_error err = {0};
        vit_index_hits hits = {0};
        const vit_index_filter filter = {.where = wrong[i]};
        const vit_index_query query = {.vectors = vector_of(1), .n = 1, .k = 1, .filter = &filter};
        assert_int_equal(vit_index_search(index, &query, &hits, &err), VIT_ERR_INVALID_ARGUMENT);
        assert_string_equal(err.where, "where");
        assert_null(hits.hits);
    }
    vit_index_free(index);
}

static void words_find_with_and_without_a_vector(void **state)
{
    (void)state;
    fill_index();
    vit_index *index = open_index(VIT_INDEX_READ);
    vit_error err = {0};
    vit_index_hits hits;
    vit_index_query query = {.k = 10};
    assert_ok(vit_index_match(index, "dog cat", &query, &hits, &err), err);
    assert_int_equal(hits.n, 1);
    assert_string_equal(hits.hits[0].path, "photos/5.jpg");
    vit_index_hits_free(&hits);
    query.vectors = vector_of(5);
    query.n = 1;
    assert_ok(vit_index_match(index, "dog cat", &query, &hits, &err), err);
    assert_true(hits.n == 1 && hits.hits[0].score == 1);
    vit_index_hits_free(&hits);
    /* What both orders have comes first, and nothing is lost or doubled. */
    query.vectors = vector_of(0);
    assert_ok(vit_index_fuse(index, "dog*", &query, &hits, &err), err);
    assert_int_equal(hits.n, ITEMS);
    assert_string_equal(hits.hits[0].path, "photos/0.jpg");
    vit_index_hits_free(&hits);
    query.k = 2;
    assert_ok(vit_index_fuse(index, "dog*", &query, &hits, &err), err);
    assert_int_equal(hits.n, 2);
    vit_index_hits_free(&hits);
    query.n = 2;
    assert_int_equal(vit_index_match(index, "dog", &query, &hits, NULL), VIT_ERR_INVALID_ARGUMENT);
    vit_index_free(index);
}

static int count_one(void *context, const vit_index_item *item, const float *vector)
{
    size_t *left = context;
    assert_non_null(strstr(item->path, ".jpg"));
    assert_true(fabsf(vector[0]) <= 1);
    return --*left == 0;
}

static void walks_can_be_ended(void **state)
{
    (void)state;
    fill_index();
    vit_index *index = open_index(VIT_INDEX_READ);
    size_t left = ITEMS + 1;
    assert_int_equal(vit_index_each(index, NULL, count_one, &left, NULL), VIT_OK);
    assert_int_equal(left, 1);
    left = 2;
    assert_int_equal(vit_index_each(index, NULL, count_one, &left, NULL), VIT_ERR_CANCELLED);
    assert_int_equal(count_hits(index, NULL), ITEMS); /* and it goes on */
    vit_index_free(index);
}

static void changes_count_when_they_are_committed(void **state)
{
    (void)state;
    fill_index();
    vit_index *index = open_index(VIT_INDEX_WRITE), *reader = open_index(VIT_INDEX_READ);
    vit_error err = {0};
    assert_int_equal(vit_index_remove(index, "photos/1.jpg", NULL), VIT_ERR_INVALID_ARGUMENT); /* no begin */
    assert_ok(vit_index_begin(index, &err), err);
    assert_ok(vit_index_remove(index, "photos/1.jpg", &err), err);
    assert_int_equal(count_hits(index, NULL), ITEMS - 1);
    assert_int_equal(count_hits(reader, NULL), ITEMS);
    assert_ok(vit_index_rollback(index, &err), err);
    assert_int_equal(count_hits(index, NULL), ITEMS);
    assert_ok(vit_index_begin(index, &err), err);
    assert_ok(vit_index_remove(index, "photos/1.jpg", &err), err);
    assert_ok(vit_index_remove(index, "not there", &err), err);
    assert_ok(vit_index_commit(index, &err), err);
    assert_int_equal(count_hits(reader, NULL), ITEMS - 1);
    vit_index_free(reader);
    vit_index_free(index);
}

/* ------------------------------------------------------------------ what is refused ---- */

static void vectors_that_do_not_compare_are_refused(void **state)
{
    (void)state;
    fill_index();
    vit_index *index = open_index(VIT_INDEX_WRITE);
    float vector[COLUMNS] = {2};
    const vit_index_item item = {.path = "a.jpg", .hash = ""};
    vit_error err = {0};
    assert_ok(vit_index_begin(index, &err), err);
    assert_int_equal(vit_index_put(index, &item, vector, NULL), VIT_ERR_INVALID_ARGUMENT);
    vector[0] = NAN;
    assert_int_equal(vit_index_put(index, &item, vector, NULL), VIT_ERR_NON_FINITE);
    vector[0] = -1;
    assert_ok(vit_index_put(index, &item, vector, &err), err);
    vit_index_pin other = pin;
    other.recipe.values[VIT_RECIPE_PRECISION] = (char *)"bf16";
    assert_int_equal(vit_index_pin_differs(&pin, &other), VIT_RECIPE_PRECISION);
    assert_int_equal(vit_index_write_pin(index, &other, &err), VIT_ERR_MODEL_MISMATCH);
    assert_non_null(strstr(err.message, "bf16"));
    other = pin;
    other.model = (char *)"elsewhere";
    other.recipe.values[VIT_RECIPE_NORMALIZE] = (char *)"yes";
    assert_int_equal(vit_index_pin_differs(&pin, &other), VIT_RECIPE_KEYS);
    vit_index_free(index);
}

static void places_that_are_no_index_are_refused(void **state)
{
    (void)state;
    vit_index *index = (vit_index *)&index;
    vit_error err = {0};
    assert_int_equal(vit_index_open(path_of("none.db"), NULL, &index, &err), VIT_ERR_NOT_FOUND);
    assert_null(index);
    assert_false(vit_index_is_there(path_of("none.db")));
    FILE *file = fopen(path_of("text.db"), "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no index\n", file);
    fclose(file);
    const vit_index_options write = {.mode = VIT_INDEX_WRITE}, wrong = {.reserved = {1}},
                            table = {.table = "a name that is so long that what is made of it would be cut"};
    for (int i = 0; i < 2; i++) {
        err = (vit_error){0};
        assert_int_equal(vit_index_open(path_of("text.db"), i ? &write : NULL, &index, &err), VIT_ERR_CORRUPT);
        assert_string_equal(err.where, path_of("text.db"));
    }
    assert_int_equal(vit_index_open(place, &wrong, &index, NULL), VIT_ERR_INVALID_ARGUMENT);
    err = (vit_error){0};
    vit_status status = vit_index_open("postgresql://nobody@localhost:1/none", &table, &index, &err);
    assert_true(status == VIT_ERR_INVALID_ARGUMENT || status == VIT_ERR_UNSUPPORTED_FORMAT);
    assert_null(index);
}

static void an_index_stays_with_its_process(void **state)
{
    (void)state;
    fill_index();
    vit_index *index = open_index(VIT_INDEX_READ);
    count_hits(index, NULL);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        vit_index_hits hits;
        const vit_index_query query = {.vectors = vector_of(1), .n = 1, .k = 1};
        vit_status status = vit_index_search(index, &query, &hits, NULL);
        vit_index_free(index);
        _exit(status == VIT_ERR_INVALID_ARGUMENT ? 0 : 1);
    }
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
    assert_int_equal(count_hits(index, NULL), ITEMS);
    vit_index_free(index);
}

/* ------------------------------------------------------------------ files ---- */

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Shows it a file, and gives it a vector where it wants one. */
static vit_status follow_file(vit_follow *follow, const char *path, vit_error *err)
{
    char *plain;
    vit_index_stamp stamp;
    int encode;
    vit_status status = vit_follow_look(follow, path, &plain, &stamp, &encode, err);
    if (status == VIT_OK && encode)
        status = vit_follow_put(follow, plain, &stamp, 4, 3, vector_of(2), err);
    if (status == VIT_OK)
        vit_free(plain);
    else if (encode)
        free(plain);
    return status;
}

/* Follows these files of the folder, and forgets the others. */
static vit_status follow_files(vit_index *index, const char *const *names, size_t n, vit_follow_counts *counts,
                               vit_error *err)
{
    vit_follow *follow;
    vit_status status = vit_follow_start(index, &pin, &follow, err);
    for (size_t i = 0; i < n && status == VIT_OK; i++)
        status = follow_file(follow, path_of(names[i]), err);
    if (status == VIT_OK)
        status = vit_follow_forget(follow, folder, err);
    if (status == VIT_OK)
        status = vit_follow_commit(follow, err);
    if (status == VIT_OK)
        vit_follow_count(follow, counts);
    vit_follow_free(follow);
    return status == VIT_OK ? vit_index_finish(index, err) : status;
}

#define ASSERT_COUNTS(counts, ...)                                                                                     \
    do {                                                                                                               \
        const vit_follow_counts wanted = {__VA_ARGS__};                                                                \
        assert_memory_equal(&(counts), &wanted, sizeof wanted);                                                        \
    } while (0)

static void files_are_followed(void **state)
{
    (void)state;
    vit_error err = {0};
    vit_follow_counts counts;
    static const char *const first[] = {"a.jpg", ".//b.jpg", "e.jpg"}, *const then[] = {"b.jpg", "c.jpg", "d.jpg"};
    remove(place);
    write_file("a.jpg", "picture a");
    write_file("a.txt", "a caption\n");
    write_file("b.jpg", "picture bb");
    write_file("e.jpg", "picture eee");
    vit_index *index = open_index(VIT_INDEX_WRITE);
    assert_ok(follow_files(index, first, 3, &counts, &err), err);
    ASSERT_COUNTS(counts, .encoded = 3);
    assert_ok(follow_files(index, first, 3, &counts, &err), err);
    ASSERT_COUNTS(counts, .unchanged = 3);
    char old[96];
    snprintf(old, sizeof old, "%s", path_of("a.jpg"));
    assert_int_equal(rename(old, path_of("c.jpg")), 0);
    remove(path_of("e.jpg"));
    write_file("d.jpg", "picture bb");
    assert_ok(follow_files(index, then, 3, &counts, &err), err);
    ASSERT_COUNTS(counts, .moved = 1, .copied = 1, .removed = 1, .unchanged = 1);
    const vit_index_filter named = {.where = "name = 'c.jpg' AND width = 4"}, worded = {.match = "caption"};
    assert_int_equal(count_hits(index, &named), 1);
    assert_int_equal(count_hits(index, &worded), 0); /* a.txt is no caption of c.jpg */
    float vector[COLUMNS];
    int found;
    assert_ok(vit_index_find_file(index, path_of("d.jpg"), vector, &found, &err), err);
    assert_true(found);
    vit_index_free(index);
}

enum { FILES = 40 };

/* Shows every file, while another thread does what was found so far. */
static void *look_at_all(void *context)
{
    vit_follow *follow = context;
    for (int i = 0; i < FILES; i++) {
        char name[16], path[96], *plain;
        vit_index_stamp stamp;
        int encode;
        snprintf(name, sizeof name, "t%d.jpg", i);
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (vit_follow_look(follow, path, &plain, &stamp, &encode, NULL) == VIT_OK)
            vit_free(plain);
    }
    return NULL;
}

static void one_thread_may_look_while_another_works(void **state)
{
    (void)state;
    vit_error err = {0};
    vit_follow_counts counts;
    remove(place);
    vit_index *index = open_index(VIT_INDEX_WRITE);
    for (int i = 0; i < FILES; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d.jpg", i);
        write_file(name, name);
        assert_ok(follow_files(index, (const char *const[]){name}, 1, &counts, &err), err);
        write_file(name, name); /* touched: its hash is looked up */
    }
    vit_follow *follow;
    pthread_t looker;
    assert_ok(vit_follow_start(index, &pin, &follow, &err), err);
    assert_int_equal(pthread_create(&looker, NULL, look_at_all, follow), 0);
    const vit_index_stamp stamp = {1, 1};
    for (int i = 0; i < 20; i++) {
        assert_ok(vit_follow_put(follow, "other.jpg", &stamp, 1, 1, vector_of(3), &err), err);
        assert_ok(vit_follow_drop(follow, path_of("none.jpg"), VIT_ERR_NOT_FOUND, &err), err);
        assert_ok(vit_follow_commit(follow, &err), err);
        vit_follow_count(follow, &counts);
    }
    assert_int_equal(pthread_join(looker, NULL), 0);
    assert_ok(vit_follow_commit(follow, &err), err);
    vit_follow_count(follow, &counts);
    ASSERT_COUNTS(counts, .encoded = 20, .unchanged = FILES);
    vit_follow_free(follow);
    vit_index_free(index);
}

/* ------------------------------------------------------------------ memory ---- */

static vit_status fill_anew(vit_error *err)
{
    vit_index *index = NULL;
    const vit_index_options options = {.mode = VIT_INDEX_WRITE, .threads = 1};
    vit_status status = vit_index_open(place, &options, &index, err);
    if (status == VIT_OK)
        status = vit_index_write_pin(index, &pin, err);
    if (status == VIT_OK)
        status = put_items(index, err);
    if (status == VIT_OK)
        status = vit_index_finish(index, err);
    vit_index_free(index);
    return status;
}

static vit_status search_all(vit_error *err)
{
    static const char *const likes[] = {"photos/%"};
    const vit_index_filter filter = {.where = "width >= 0", .likes = likes, .n_likes = 1, .match = "dog*"};
    const vit_index_query query = {.vectors = vector_of(0), .n = 1, .k = 3, .filter = &filter};
    vit_index *index = NULL;
    vit_index_hits hits = {0};
    size_t group[2], left = 100;
    vit_status status = vit_index_open(place, NULL, &index, err);
    if (status == VIT_OK)
        status = vit_index_search(index, &query, &hits, err);
    vit_index_hits_free(&hits);
    if (status == VIT_OK)
        status = vit_index_fuse(index, "dog", &query, &hits, err);
    assert_true(status != VIT_OK || hits.n == 3);
    vit_index_hits_free(&hits);
    if (status == VIT_OK)
        status = vit_index_each(index, &filter, count_one, &left, err);
    if (status == VIT_OK)
        status = vit_groups_find(vector_of(0), 1, COLUMNS, 0.9, 1, group, err);
    vit_index_free(index);
    return status;
}

static vit_status follow_all(vit_error *err)
{
    static const char *const names[] = {"a.jpg"};
    vit_index *index = NULL;
    vit_follow_counts counts;
    const vit_index_options options = {.mode = VIT_INDEX_WRITE, .threads = 1};
    vit_status status = vit_index_open(place, &options, &index, err);
    if (status == VIT_OK)
        status = follow_files(index, names, 1, &counts, err);
    vit_index_free(index);
    return status;
}

/* Refuses requests for memory, one in each of some 400 runs. The call says that it was that, or
 * does without: SQLite goes on without its caches, and an index without its file of vectors. */
static void refuse_each(vit_status (*call)(vit_error *err), void (*prepare)(void))
{
    vit_error err = {0};
    prepare();
    allocations_watch(0, 0);
    assert_ok(call(&err), err);
    const size_t requests = allocations_stop();
    size_t refused = 0;
    assert_true(requests > 20);
    for (size_t first = 1; first <= requests; first += 1 + requests / 400) {
        err = (vit_error){0};
        prepare();
        allocations_watch(first, 1);
        vit_status status = call(&err);
        allocations_stop();
        if (status != VIT_OK && status != VIT_ERR_OUT_OF_MEMORY)
            fail_msg("request %zu of %zu: %s: %s: %s", first, requests, vit_status_name(status), err.where,
                     err.message);
        assert_int_equal(status, err.status);
        refused += status != VIT_OK;
    }
    assert_true(refused > 10);
}

static void forget_index(void)
{
    remove(place);
    remove(path_of("photos.db-vectors"));
    remove(path_of("photos.db-wal"));
    remove(path_of("photos.db-shm"));
}

static void nothing(void)
{
}

static void refused_memory_is_said(void **state)
{
    (void)state;
    refuse_each(fill_anew, forget_index);
    fill_index();
    refuse_each(search_all, nothing);
    write_file("a.jpg", "picture a");
    write_file("a.json", "{\"caption\": \"in JSON\"}");
    refuse_each(follow_all, fill_index);
}

/* ------------------------------------------------------------------ NULL ---- */

#define REFUSES(function, argument, ...)                                                                               \
    do {                                                                                                               \
        vit_error said = {0};                                                                                          \
        assert_int_equal(function(__VA_ARGS__, &said), VIT_ERR_INVALID_ARGUMENT);                                      \
        assert_string_equal(said.where, #function);                                                                    \
        assert_int_equal(strncmp(said.message, argument " is NULL", sizeof argument " is NULL"), 0);                   \
        assert_int_equal(function(__VA_ARGS__, NULL), VIT_ERR_INVALID_ARGUMENT);                                       \
    } while (0)

static void arguments_that_are_null_are_named(void **state)
{
    (void)state;
    fill_index();
    vit_index *index = open_index(VIT_INDEX_WRITE), *other;
    const vit_index_query query = {.vectors = vector_of(1), .n = 1, .k = 1}, no_vectors = {.n = 1, .k = 1};
    const vit_index_filter no_likes = {.n_likes = 1};
    const vit_index_item item = {.path = "a", .hash = ""}, no_path = {.hash = ""}, no_hash = {.path = "a"};
    vit_index_hits hits = {0};
    vit_index_pin taken;
    vit_follow *follow;
    float vector[COLUMNS];
    int found;
    double least;
    const size_t members[1] = {0};
    REFUSES(vit_index_open, "place", NULL, NULL, &other);
    REFUSES(vit_index_open, "index", place, NULL, NULL);
    vit_pipeline *pipeline;
    REFUSES(vit_index_pipeline, "index", NULL, NULL, &pipeline);
    assert_null(pipeline);
    REFUSES(vit_index_pipeline, "pipeline", index, NULL, NULL);
    REFUSES(vit_index_pin_take, "recipe", NULL, NULL, NULL, &taken);
    REFUSES(vit_index_pin_take, "pin", &pin.recipe, NULL, NULL, NULL);
    REFUSES(vit_index_write_pin, "index", NULL, &pin);
    REFUSES(vit_index_write_pin, "pin", index, NULL);
    REFUSES(vit_index_begin, "index", NULL);
    REFUSES(vit_index_commit, "index", NULL);
    REFUSES(vit_index_rollback, "index", NULL);
    REFUSES(vit_index_finish, "index", NULL);
    assert_int_equal(vit_index_begin(index, NULL), VIT_OK);
    REFUSES(vit_index_put, "index", NULL, &item, vector);
    REFUSES(vit_index_put, "item", index, NULL, vector);
    REFUSES(vit_index_put, "item->path", index, &no_path, vector);
    REFUSES(vit_index_put, "item->hash", index, &no_hash, vector);
    REFUSES(vit_index_put, "vector", index, &item, NULL);
    REFUSES(vit_index_remove, "index", NULL, "a");
    REFUSES(vit_index_remove, "path", index, NULL);
    assert_int_equal(vit_index_rollback(index, NULL), VIT_OK);
    REFUSES(vit_index_check_where, "where", NULL);
    REFUSES(vit_index_check_filter, "index", NULL, &no_likes);
    REFUSES(vit_index_check_filter, "filter", index, NULL);
    REFUSES(vit_index_check_filter, "filter->likes", index, &no_likes);
    REFUSES(vit_index_search, "index", NULL, &query, &hits);
    REFUSES(vit_index_search, "query", index, NULL, &hits);
    REFUSES(vit_index_search, "query->vectors", index, &no_vectors, &hits);
    REFUSES(vit_index_search, "hits", index, &query, NULL);
    REFUSES(vit_index_match, "index", NULL, "a", &query, &hits);
    REFUSES(vit_index_match, "words", index, NULL, &query, &hits);
    REFUSES(vit_index_match, "query", index, "a", NULL, &hits);
    REFUSES(vit_index_match, "hits", index, "a", &query, NULL);
    REFUSES(vit_index_fuse, "index", NULL, "a", &query, &hits);
    REFUSES(vit_index_fuse, "words", index, NULL, &query, &hits);
    REFUSES(vit_index_fuse, "query", index, "a", NULL, &hits);
    REFUSES(vit_index_fuse, "hits", index, "a", &query, NULL);
    REFUSES(vit_index_find_id, "index", NULL, 1, vector, &found);
    char *path_of_it;
    REFUSES(vit_index_find_path, "index", NULL, 1, &path_of_it);
    REFUSES(vit_index_find_id, "vector", index, 1, NULL, &found);
    REFUSES(vit_index_find_id, "found", index, 1, vector, NULL);
    REFUSES(vit_index_find_path, "path", index, 1, NULL);
    REFUSES(vit_index_file, "index", NULL, "a", &path_of_it);
    REFUSES(vit_index_file, "path", index, NULL, &path_of_it);
    REFUSES(vit_index_file, "file", index, "a", NULL);
    REFUSES(vit_index_find_file, "index", NULL, "a", vector, &found);
    REFUSES(vit_index_find_file, "path", index, NULL, vector, &found);
    REFUSES(vit_index_find_file, "vector", index, "a", NULL, &found);
    REFUSES(vit_index_find_file, "found", index, "a", vector, NULL);
    REFUSES(vit_index_each, "index", NULL, NULL, count_one, NULL);
    REFUSES(vit_index_each, "take", index, NULL, NULL, NULL);
    REFUSES(vit_groups_find, "vectors", NULL, 1, 1, 0.5, 1, &(size_t){0});
    REFUSES(vit_groups_find, "group", vector, 1, 1, 0.5, 1, NULL);
    REFUSES(vit_groups_least, "vectors", NULL, 1, members, 1, 1, &least);
    REFUSES(vit_groups_least, "members", vector, 1, NULL, 1, 1, &least);
    REFUSES(vit_groups_least, "least", vector, 1, members, 1, 1, NULL);
    REFUSES(vit_follow_start, "index", NULL, &pin, &follow);
    REFUSES(vit_follow_start, "pin", index, NULL, &follow);
    REFUSES(vit_follow_start, "follow", index, &pin, NULL);
    assert_int_equal(vit_follow_start(index, &pin, &follow, NULL), VIT_OK);
    char *plain;
    vit_index_stamp stamp = {0};
    REFUSES(vit_follow_look, "follow", NULL, "a", &plain, &stamp, &found);
    REFUSES(vit_follow_look, "path", follow, NULL, &plain, &stamp, &found);
    REFUSES(vit_follow_look, "plain", follow, "a", NULL, &stamp, &found);
    REFUSES(vit_follow_look, "stamp", follow, "a", &plain, NULL, &found);
    REFUSES(vit_follow_look, "encode", follow, "a", &plain, &stamp, NULL);
    REFUSES(vit_follow_put, "follow", NULL, "a", &stamp, 1, 1, vector);
    REFUSES(vit_follow_put, "path", follow, NULL, &stamp, 1, 1, vector);
    REFUSES(vit_follow_put, "stamp", follow, "a", NULL, 1, 1, vector);
    REFUSES(vit_follow_put, "vector", follow, "a", &stamp, 1, 1, NULL);
    REFUSES(vit_follow_drop, "follow", NULL, "a", VIT_ERR_CORRUPT);
    REFUSES(vit_follow_drop, "path", follow, NULL, VIT_ERR_CORRUPT);
    REFUSES(vit_follow_forget, "follow", NULL, NULL);
    REFUSES(vit_follow_commit, "follow", NULL);
    vit_follow_count(NULL, NULL);
    vit_follow_count(follow, NULL);
    vit_follow_free(follow);
    vit_follow_free(NULL);
    vit_index_free(index);
    vit_index_free(NULL);
    vit_index_hits_free(NULL);
    vit_index_pin_free(NULL);
    assert_int_equal(vit_index_is_there(NULL) + (int)vit_index_columns(NULL), 0);
    assert_null(vit_index_place(NULL));
    assert_null(vit_index_note(NULL));
    assert_null(vit_index_get_pin(NULL));
    assert_int_equal(vit_index_pin_differs(NULL, NULL), VIT_RECIPE_KEYS);
}

/* The golden model gives 48 numbers, and the index has vectors of COLUMNS; where nothing was indexed there is no
 * model. */
static void a_model_of_another_size_is_refused(void **state)
{
    (void)state;
    vit_error err = {0};
    vit_pipeline *pipeline;
    remove(place);
    remove(path_of("photos.db-vectors"));
    vit_index *index = open_index(VIT_INDEX_WRITE);
    assert_int_equal(vit_index_pipeline(index, NULL, &pipeline, NULL), VIT_ERR_NOT_FOUND);
    vit_index_pin other = pin;
    other.model = (char *)(uintptr_t)data_path("golden/hf_vit_classifier");
    assert_ok(vit_index_write_pin(index, &other, &err), err);
    assert_int_equal(vit_index_pipeline(index, NULL, &pipeline, &err), VIT_ERR_MODEL_MISMATCH);
    assert_non_null(strstr(err.message, "48"));
    assert_null(pipeline);
    vit_index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_found),
        cmocka_unit_test(filters_leave_out),
        cmocka_unit_test(words_find_with_and_without_a_vector),
        cmocka_unit_test(walks_can_be_ended),
        cmocka_unit_test(changes_count_when_they_are_committed),
        cmocka_unit_test(vectors_that_do_not_compare_are_refused),
        cmocka_unit_test(a_model_of_another_size_is_refused),
        cmocka_unit_test(places_that_are_no_index_are_refused),
        cmocka_unit_test(an_index_stays_with_its_process),
        cmocka_unit_test(files_are_followed),
        cmocka_unit_test(one_thread_may_look_while_another_works),
        cmocka_unit_test(refused_memory_is_said),
        cmocka_unit_test(arguments_that_are_null_are_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
