/* SPDX-License-Identifier: BSD-2-Clause */
/* The public functions of an index: they check arguments, call the kind
 * of store that the index is kept in, and hand out what was said. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "file_facts.h"
#include "fusion.h"
#include "memory.h"
#include "names.h"
#include "path.h"
#include "store.h"
#include "where.h"

/* ------------------------------------------------------------------ what was said ---- */

/* Begins a public call. Connections and threads stay behind in the parent of a forked child. */
static vit_status enter(vit_index *index, const char *function, vit_error *err)
{
    if (!index)
        return vit__fail_null(err, function, "index");
    if (index->process != getpid())
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, function,
                         "the index was opened before fork(): open it again in this process");
    return VIT_OK;
}

/* The same of a call that changes the index. */
static vit_status enter_change(vit_index *index, const char *function, vit_error *err)
{
    vit_status status = enter(index, function, err);
    if (status == VIT_OK)
        vit__buffer_free(&index->note);
    return status;
}

/* The same of a call between begin and commit. */
static vit_status enter_changes(vit_index *index, const char *function, vit_error *err)
{
    vit_status status = enter_change(index, function, err);
    if (status == VIT_OK && !index->begun)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, function,
                         "changes come between vit_index_begin and vit_index_commit");
    return status;
}

/* ------------------------------------------------------------------ opening ---- */

static bool read_pin(vit_index *index)
{
    vit_index_pin pin = {0};
    bool done = index->kind->read_pin(index, &pin);
    if (!done || vit__pin_columns(&pin) == 0) {
        vit_index_pin_free(&pin);
        return done;
    }
    vit_index_pin_free(&index->pin);
    index->pin = pin;
    index->columns = vit__pin_columns(&pin);
    return true;
}

vit_status vit_index_open(const char *place, const vit_index_options *options, vit_index **result, vit_error *err)
{
    static const vit_index_options usual;
    if (result)
        *result = NULL;
    if (!place || !result)
        return vit__fail_null(err, __func__, place ? "index" : "place");
    options = options ? options : &usual;
    if (VIT__CHECK_RESERVED(err, __func__, options) != VIT_OK)
        return VIT_ERR_INVALID_ARGUMENT;
    const vit__store_row *row = vit__store_row_of(place);
    if (!row->kind)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_FORMAT, "place", "this vit was built without %s", row->name);
    vit_index *index = vit__alloc_zero(1, row->kind->size);
    if (!index)
        return vit__fail_memory(err, NULL);
    index->kind = row->kind;
    index->process = getpid();
    index->threads = options->threads;
    if (!vit__path_current(&index->here)) {
        vit_index_free(index);
        return vit__fail_memory(err, NULL);
    }
    bool done = row->kind->open(index, place, options) && read_pin(index);
    vit_status status = vit__index_answer(index, done, err);
    if (done)
        *result = index;
    else
        vit_index_free(index);
    return status;
}

void vit_index_free(vit_index *index)
{
    if (!index)
        return;
    if (index->process == getpid()) /* in a child it would end the parent's connection */
        index->kind->close(index);
    vit__pool_free(index->pool);
    vit_index_pin_free(&index->pin);
    vit__buffer_free(&index->note);
    free(index->place);
    free(index->here);
    free(index);
}

int vit_index_is_there(const char *place)
{
    struct stat status;
    if (!place)
        return 0;
    bool is_file = *vit__store_row_of(place)->prefix == '\0';
    return !is_file || (stat(place, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0);
}

const char *vit_index_place(const vit_index *index)
{
    return index ? index->place : NULL;
}

const char *vit_index_note(const vit_index *index)
{
    return index && index->note.size > 0 ? vit__buffer_terminate((vit__buffer *)&index->note) : NULL;
}

size_t vit_index_columns(const vit_index *index)
{
    return index ? index->columns : 0;
}

/* ------------------------------------------------------------------ the pin ---- */

const vit_index_pin *vit_index_get_pin(const vit_index *index)
{
    return index ? &index->pin : NULL;
}

/* In as few words as fit: who knows options words it better (vit_index_pin_differs). */
static bool check_pin(vit_index *index, const vit_index_pin *pin)
{
    vit_recipe_key key = vit_index_pin_differs(&index->pin, pin);
    if (key == VIT_RECIPE_KEYS)
        return true;
    const char *was = index->pin.recipe.values[key], *is = pin->recipe.values[key];
    return vit__index_fail(index, VIT_ERR_MODEL_MISMATCH,
                           "its vectors were made with %s %.64s, these with %.64s; they cannot be compared",
                           vit_recipe_name(key), was ? was : "none", is ? is : "none");
}

bool vit__index_claim(vit_index *index, const vit_index_pin *pin)
{
    if (index->columns == 0 && vit__pin_columns(pin) == 0) {
        vit__fail(&index->said, VIT_ERR_INVALID_ARGUMENT, "pin", "it has no number of dimensions");
        return false;
    }
    if (index->columns == 0 && !(index->kind->write_pin(index, pin) && read_pin(index)))
        return false;
    return check_pin(index, pin);
}

static bool move(vit_index *index, const char *name, const char *now, char **kept)
{
    if (!now || (*kept && strcmp(now, *kept) == 0))
        return true;
    char *copy = vit__strdup(now);
    if (!copy)
        return vit__index_fail_memory(index);
    bool done = index->kind->set_pin(index, name, now);
    free(done ? *kept : copy);
    *kept = done ? copy : *kept;
    return done;
}

/* The same model may be in another place by now: the next run looks for it there. */
static bool move_pin(vit_index *index, const vit_index_pin *pin)
{
    return move(index, "model", pin->model, &index->pin.model) &&
           move(index, "preprocessor", pin->preprocessor, &index->pin.preprocessor);
}

vit_status vit_index_write_pin(vit_index *index, const vit_index_pin *pin, vit_error *err)
{
    vit_status status = enter_change(index, __func__, err);
    if (status != VIT_OK)
        return status;
    if (!pin)
        return vit__fail_null(err, __func__, "pin");
    return vit__index_answer(index, vit__index_claim(index, pin) && move_pin(index, pin), err);
}

/* ------------------------------------------------------------------ images ---- */

bool vit__index_begin(vit_index *index)
{
    if (!index->begun)
        index->begun = index->kind->begin(index);
    return index->begun;
}

bool vit__index_commit(vit_index *index)
{
    bool done = !index->begun || index->kind->commit(index);
    index->begun = false;
    return done;
}

vit_status vit_index_begin(vit_index *index, vit_error *err)
{
    vit_status status = enter_change(index, __func__, err);
    if (status != VIT_OK)
        return status;
    if (index->columns == 0)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__,
                         "the index has no pin: vit_index_write_pin comes first");
    return vit__index_answer(index, vit__index_begin(index), err);
}

vit_status vit_index_commit(vit_index *index, vit_error *err)
{
    vit_status status = enter_change(index, __func__, err);
    return status == VIT_OK ? vit__index_answer(index, vit__index_commit(index), err) : status;
}

vit_status vit_index_rollback(vit_index *index, vit_error *err)
{
    vit_status status = enter_change(index, __func__, err);
    if (status != VIT_OK)
        return status;
    bool done = !index->begun || index->kind->rollback(index);
    index->begun = false;
    return vit__index_answer(index, done, err);
}

static vit_status check_vector(const vit_index *index, const float *vector, const char *path, vit_error *err)
{
    double sum = 0;
    for (size_t i = 0; i < index->columns; i++)
        sum += (double)vector[i] * (double)vector[i];
    if (!isfinite(sum))
        return vit__fail(err, VIT_ERR_NON_FINITE, path, "its vector holds NaN or infinity");
    if (fabs(sum - 1) > 1e-3)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, path, "its vector has length %g, not 1 (vit_to_unit_length)",
                         sqrt(sum));
    return VIT_OK;
}

vit_status vit_index_put(vit_index *index, const vit_index_item *item, const float *vector, vit_error *err)
{
    vit_status status = enter_changes(index, __func__, err);
    if (status != VIT_OK)
        return status;
    if (!item || !item->path || !item->hash || !vector)
        return vit__fail_null(err, __func__,
                              !item         ? "item"
                              : !item->path ? "item->path"
                              : !item->hash ? "item->hash"
                                            : "vector");
    status = check_vector(index, vector, item->path, err);
    return status == VIT_OK ? vit__index_answer(index, index->kind->put(index, item, vector), err) : status;
}

vit_status vit_index_remove(vit_index *index, const char *path, vit_error *err)
{
    vit_status status = enter_changes(index, __func__, err);
    if (status != VIT_OK)
        return status;
    if (!path)
        return vit__fail_null(err, __func__, "path");
    return vit__index_answer(index, index->kind->remove(index, path), err);
}

vit_status vit_index_finish(vit_index *index, vit_error *err)
{
    vit_status status = enter_change(index, __func__, err);
    if (status != VIT_OK)
        return status;
    return vit__index_answer(index, index->columns == 0 || index->kind->finish(index), err);
}

/* ------------------------------------------------------------------ searching ---- */

bool vit__filter_is_set(const vit_index_filter *filter)
{
    return filter->where || filter->n_likes || filter->match;
}

/* A condition may come from a stranger: the database has a look at it too. */
static vit_status check_filter(vit_index *index, const vit_index_filter *filter, const char *function, vit_error *err)
{
    if (VIT__CHECK_RESERVED(err, function, filter) != VIT_OK)
        return VIT_ERR_INVALID_ARGUMENT;
    if (filter->n_likes > 0 && !filter->likes)
        return vit__fail_null(err, function, "filter->likes");
    vit_status status = filter->where ? vit_index_check_where(filter->where, err) : VIT_OK;
    if (status != VIT_OK || index->columns == 0 || !vit__filter_is_set(filter))
        return status;
    return vit__index_answer(index, index->kind->check_filter(index, filter), err);
}

vit_status vit_index_check_filter(vit_index *index, const vit_index_filter *filter, vit_error *err)
{
    vit_status status = enter(index, __func__, err);
    if (status == VIT_OK && !filter)
        status = vit__fail_null(err, __func__, "filter");
    return status == VIT_OK ? check_filter(index, filter, __func__, err) : status;
}

/* Checks a query, and copies it with a filter. */
static vit_status take_query(vit_index *index, const char *function, const vit_index_query *given,
                             vit_index_query *query, vit_error *err)
{
    static const vit_index_filter all;
    vit_status status = enter(index, function, err);
    if (status != VIT_OK)
        return status;
    if (!given || (given->n > 0 && !given->vectors))
        return vit__fail_null(err, function, given ? "query->vectors" : "query");
    if (VIT__CHECK_RESERVED(err, function, given) != VIT_OK)
        return VIT_ERR_INVALID_ARGUMENT;
    *query = *given;
    query->filter = given->filter ? given->filter : &all;
    return check_filter(index, query->filter, function, err);
}

/* Frees what a search that failed has found. */
static vit_status answer_hits(vit_index *index, bool done, vit_index_hits *hits, size_t n, vit_error *err)
{
    for (size_t i = 0; i < n && !done; i++)
        vit_index_hits_free(&hits[i]);
    return vit__index_answer(index, done, err);
}

vit_status vit_index_search(vit_index *index, const vit_index_query *given, vit_index_hits *hits, vit_error *err)
{
    vit_index_query query;
    vit_status status = take_query(index, __func__, given, &query, err);
    if (status != VIT_OK)
        return status;
    if (!hits && query.n > 0)
        return vit__fail_null(err, __func__, "hits");
    for (size_t i = 0; i < query.n; i++)
        hits[i] = (vit_index_hits){0};
    bool nothing = query.n == 0 || query.k == 0 || index->columns == 0;
    return answer_hits(index, nothing || index->kind->search(index, &query, hits), hits, query.n, err);
}

vit_status vit_index_match(vit_index *index, const char *words, const vit_index_query *given, vit_index_hits *hits,
                           vit_error *err)
{
    vit_index_query query;
    vit_status status = take_query(index, __func__, given, &query, err);
    if (status != VIT_OK)
        return status;
    if (!words || !hits)
        return vit__fail_null(err, __func__, words ? "hits" : "words");
    if (query.n > 1)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__, "query->n is %zu: one vector is the most", query.n);
    *hits = (vit_index_hits){0};
    query.vectors = query.n > 0 ? query.vectors : NULL;
    bool nothing = query.k == 0 || index->columns == 0;
    return answer_hits(index, nothing || index->kind->match(index, words, &query, hits), hits, 1, err);
}

vit_status vit_index_fuse(vit_index *index, const char *words, const vit_index_query *given, vit_index_hits *hits,
                          vit_error *err)
{
    vit_index_query query;
    vit_status status = take_query(index, __func__, given, &query, err);
    if (status != VIT_OK)
        return status;
    if (!words || (!hits && query.n > 0))
        return vit__fail_null(err, __func__, words ? "hits" : "words");
    for (size_t i = 0; i < query.n; i++)
        hits[i] = (vit_index_hits){0};
    bool nothing = query.n == 0 || query.k == 0 || index->columns == 0;
    return answer_hits(index, nothing || vit__fuse(index, words, &query, hits), hits, query.n, err);
}

static vit_status find(vit_index *index, int64_t id, const char *hash, float *vector, int *found, vit_error *err)
{
    bool there = false;
    bool done = index->columns == 0 || index->kind->find(index, id, hash, vector, &there);
    *found = done && there;
    return vit__index_answer(index, done, err);
}

vit_status vit_index_find_id(vit_index *index, int64_t id, float *vector, int *found, vit_error *err)
{
    vit_status status = enter(index, __func__, err);
    if (status != VIT_OK)
        return status;
    if (!vector || !found)
        return vit__fail_null(err, __func__, vector ? "found" : "vector");
    return find(index, id, NULL, vector, found, err);
}

vit_status vit_index_find_path(vit_index *index, int64_t id, char **path, vit_error *err)
{
    if (path)
        *path = NULL;
    vit_status status = enter(index, __func__, err);
    if (status != VIT_OK)
        return status;
    if (!path)
        return vit__fail_null(err, __func__, "path");
    return vit__index_answer(index, index->columns == 0 || index->kind->path(index, id, path), err);
}

vit_status vit_index_file(const vit_index *index, const char *path, char **file, vit_error *err)
{
    if (file)
        *file = NULL;
    if (!index || !path || !file)
        return vit__fail_null(err, __func__, !index ? "index" : path ? "file" : "path");
    *file = vit__file_of(index, path);
    return *file ? VIT_OK : vit__fail_memory(err, index->place);
}

vit_status vit_index_find_file(vit_index *index, const char *path, float *vector, int *found, vit_error *err)
{
    char hash[VIT__HASH_SIZE];
    vit_index_stamp stamp;
    vit_status status = enter(index, __func__, err);
    if (status != VIT_OK)
        return status;
    if (!path || !vector || !found)
        return vit__fail_null(err, __func__, !path ? "path" : vector ? "found" : "vector");
    *found = 0;
    if (!vit__file_stamp_of(path, &stamp) || !vit__file_hash(path, hash))
        return VIT_OK;
    return find(index, 0, hash, vector, found, err);
}

/* ------------------------------------------------------------------ all vectors ---- */

typedef struct each_taker {
    vit_index *index;
    int (*take)(void *context, const vit_index_item *item, const float *vector);
    void *context;
} each_taker;

static bool take_one(void *context, const vit_index_item *item, const float *vector)
{
    const each_taker *taker = context;
    return taker->take(taker->context, item, vector) == 0 ||
           vit__index_fail(taker->index, VIT_ERR_CANCELLED, "the caller ended it");
}

vit_status vit_index_each(vit_index *index, const vit_index_filter *filter,
                          int (*take)(void *context, const vit_index_item *item, const float *vector), void *context,
                          vit_error *err)
{
    static const vit_index_filter all;
    vit_status status = enter(index, __func__, err);
    if (status == VIT_OK && !take)
        status = vit__fail_null(err, __func__, "take");
    if (status == VIT_OK && filter)
        status = check_filter(index, filter, __func__, err);
    if (status != VIT_OK || index->columns == 0)
        return status;
    each_taker taker = {index, take, context};
    return vit__index_answer(index, index->kind->each_vector(index, filter ? filter : &all, take_one, &taker), err);
}
