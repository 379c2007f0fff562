/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as changes of the file of an index, three bytes each: two say which byte that is used, from the low one on,
 * and the third stands there then. With one byte more, its file of vectors cannot be made. What is asked of such an
 * index is answered, or is an error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "vit/index.h"

enum { COLUMNS = 8, ITEMS = 6, COLUMNS_MOST = 1 << 16, K = 3 };
#define PLACE "photos.db"
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* SHA-256 of "abc" */

static uint8_t *whole; /* the file as it was written */
static size_t whole_size;
static size_t *used, n_used; /* places of its bytes that are not zero, and of those behind them */

static void check(vit_status status, const vit_error *err)
{
    if (err->status != status || status == VIT_ERR_INTERNAL)
        abort();
}

/* ------------------------------------------------------------------ an index ---- */

static vit_status put_item(vit_index *index, size_t number, vit_error *err)
{
    char path[32];
    float vector[COLUMNS] = {0.1f};
    vector[number % COLUMNS] = 1;
    vit_to_unit_length(vector, COLUMNS);
    snprintf(path, sizeof path, "photos/%zu.jpg", number);
    const vit_index_item item = {
        .path = path, .size = 3, .hash = number % 2 ? ABC : "", .width = 4, .height = 3, .caption = "a red dog"};
    return vit_index_put(index, &item, vector, err);
}

static const vit_index_pin pin = {.recipe.values = {[VIT_RECIPE_MODEL_DIGEST] = (char *)"abc",
                                                    [VIT_RECIPE_PRECISION] = (char *)"f32",
                                                    [VIT_RECIPE_DIMENSIONS] = (char *)"8"},
                                  .model = (char *)"a model"};

static vit_status fill(vit_index *index, vit_error *err)
{
    vit_status status = vit_index_write_pin(index, &pin, err);
    if (status == VIT_OK)
        status = vit_index_begin(index, err);
    for (size_t i = 0; i < ITEMS && status == VIT_OK; i++)
        status = put_item(index, i, err);
    return status == VIT_OK ? vit_index_commit(index, err) : status;
}

static void free_whole(void)
{
    free(whole);
    free(used);
}

static void find_used(void)
{
    used = calloc(whole_size, sizeof *used);
    if (!used)
        abort();
    for (size_t i = 0; i < whole_size; i++)
        if (whole[i] || (i > 0 && whole[i - 1]))
            used[n_used++] = i;
}

static void make_whole(void)
{
    const vit_index_options options = {.mode = VIT_INDEX_WRITE, .threads = 1};
    vit_index *index = NULL;
    if (vit_index_open(scratch_path(PLACE), &options, &index, NULL) != VIT_OK || fill(index, NULL) != VIT_OK)
        abort();
    vit_index_free(index);
    FILE *file = fopen(scratch_path(PLACE), "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0 || (whole_size = (size_t)ftell(file)) == 0)
        abort();
    rewind(file);
    whole = malloc(whole_size);
    if (!whole || fread(whole, 1, whole_size, file) != whole_size)
        abort();
    fclose(file);
    find_used();
    atexit(free_whole);
}

static void write_damaged(const uint8_t *changes, size_t size)
{
    uint8_t *copy = malloc(whole_size);
    if (!copy)
        abort();
    memcpy(copy, whole, whole_size);
    for (size_t i = 0; i + 3 <= size; i += 3)
        copy[used[(changes[i] | (size_t)changes[i + 1] << 8) % n_used]] = changes[i + 2];
    scratch_clear();
    scratch_write(PLACE, copy, whole_size);
    if (size % 3 == 1 && mkdir(scratch_path(PLACE "-vectors"), 0700) != 0)
        abort();
    free(copy);
}

/* ------------------------------------------------------------------ what is done with it ---- */

static vit_index *open_damaged(vit_index_mode mode)
{
    const vit_index_options options = {.mode = mode, .threads = 1};
    vit_index *index = NULL;
    vit_error err = {0};
    const vit_status status = vit_index_open(scratch_path(PLACE), &options, &index, &err);
    check(status, &err);
    if ((index != NULL) != (status == VIT_OK))
        abort();
    return index;
}

static int take(void *context, const vit_index_item *item, const float *vector)
{
    volatile float *sum = context;
    if (!item->path || !item->hash)
        abort();
    *sum += vector[0] + (float)strlen(item->path);
    return 0;
}

static void check_hits(vit_status status, const vit_error *err, vit_index_hits *hits)
{
    check(status, err);
    if (hits->n > K || (status != VIT_OK && hits->n > 0))
        abort();
    for (size_t i = 0; i < hits->n; i++)
        if (!hits->hits[i].path)
            abort();
    vit_index_hits_free(hits);
}

static void ask(vit_index *index, const float *vector, float *room)
{
    const vit_index_filter filter = {.where = "width > 1 AND name LIKE '%' AND NOT name LIKE ''"};
    const vit_index_query query = {.vectors = vector, .n = 1, .k = K};
    const vit_index_query filtered = {.vectors = vector, .n = 1, .k = K, .filter = &filter};
    vit_index_hits hits = {0};
    vit_error err[8] = {0};
    int found;
    char *path;
    check_hits(vit_index_search(index, &query, &hits, &err[0]), &err[0], &hits);
    check_hits(vit_index_search(index, &filtered, &hits, &err[1]), &err[1], &hits);
    check_hits(vit_index_match(index, "red do*", &query, &hits, &err[2]), &err[2], &hits);
    check_hits(vit_index_fuse(index, "dog", &query, &hits, &err[3]), &err[3], &hits);
    check(vit_index_find_id(index, 2, room, &found, &err[4]), &err[4]);
    check(vit_index_find_path(index, 2, &path, &err[5]), &err[5]);
    vit_free(path);
    check(vit_index_each(index, NULL, take, room, &err[6]), &err[6]);
}

static void read_damaged(void)
{
    vit_index *index = open_damaged(VIT_INDEX_READ);
    const size_t columns = index ? vit_index_columns(index) : 0;
    float *vectors = columns > 0 && columns <= COLUMNS_MOST ? calloc(2 * columns, sizeof *vectors) : NULL;
    if (vectors) {
        vectors[0] = 1;
        ask(index, vectors, vectors + columns);
    }
    free(vectors);
    vit_index_free(index);
}

static void write_more(void)
{
    vit_index *index = open_damaged(VIT_INDEX_WRITE);
    vit_error err = {0};
    if (index && vit_index_columns(index) == COLUMNS && vit_index_begin(index, &err) == VIT_OK) {
        vit_status status = put_item(index, ITEMS, &err);
        status = status == VIT_OK ? vit_index_remove(index, "photos/1.jpg", &err) : status;
        status = status == VIT_OK ? vit_index_commit(index, &err) : status;
        status = status == VIT_OK ? vit_index_finish(index, &err) : status;
        check(status, &err);
    }
    vit_index_free(index);
}

/* One file that a sound index knows by its content, one that it does not know, twice, and one that is no picture. The
 * files of the others are not there. */
static void follow_each(vit_follow *follow)
{
    static const char *const names[] = {"moved.jpg", "new.jpg", "broken.jpg", "copy.jpg"};
    static const char *const contents[] = {"abc", "new", "broken", "new"};
    static const float vector[COLUMNS] = {1};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        vit_error err[2] = {0};
        vit_index_stamp stamp;
        char *plain = NULL;
        int encode = 0;
        scratch_write(names[i], contents[i], strlen(contents[i]));
        check(vit_follow_look(follow, scratch_path(names[i]), &plain, &stamp, &encode, &err[0]), &err[0]);
        if (plain && encode)
            check(i == 2 ? vit_follow_drop(follow, plain, VIT_ERR_CORRUPT, &err[1])
                         : vit_follow_put(follow, plain, &stamp, 4, 3, vector, &err[1]),
                  &err[1]);
        vit_free(plain);
    }
    vit_error err[2] = {0};
    check(vit_follow_forget(follow, NULL, &err[0]), &err[0]);
    check(vit_follow_commit(follow, &err[1]), &err[1]);
}

static void follow_files(void)
{
    vit_index *index = open_damaged(VIT_INDEX_WRITE);
    vit_follow *follow = NULL;
    vit_error err = {0};
    if (index && vit_index_columns(index) == COLUMNS)
        check(vit_follow_start(index, &pin, &follow, &err), &err);
    if (follow)
        follow_each(follow);
    vit_follow_free(follow);
    vit_index_free(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!whole)
        make_whole();
    write_damaged(bytes, size);
    read_damaged();
    write_more();
    follow_files();
    read_damaged();
    return 0;
}
