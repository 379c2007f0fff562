/* SPDX-License-Identifier: BSD-2-Clause */
/* Searching an index in SQLite: the mapped vector file is scanned, rows that it
 * lacks are read from the index, and what may be among the best is scored from its
 * f32 vector. All in one transaction: what others write meanwhile is not seen. */
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "error.h"
#include "memory.h"
#include "nearest.h"
#include "sqlite_store.h"
#include "where.h"
#include "words.h"

#define GEMM_ERROR 1e-7f /* of a product in f32, for each column: twice 2^-24 */

/* ------------------------------------------------------------------ which images ---- */

/* A word as FTS5 takes it: in quotes, so that nothing in it is
 * syntax; a * at its end stays outside and means any ending. */
static void add_match(const sqlite_store *store, const char *words, vit__buffer *text)
{
    for (const char *at = words; *(at += strspn(at, " \t\r\n"));) {
        size_t length = strcspn(at, " \t\r\n");
        bool prefix = length > 1 && at[length - 1] == '*';
        vit__buffer word = {0};
        if (store->plain_words)
            vit__buffer_add(&word, at, length - prefix);
        else
            vit__add_words(&word, at, length - prefix); /* a phrase, where there are several */
        vit__buffer_add_string(text, text->size ? " \"" : "\"");
        for (size_t i = 0; i < word.size; i++)
            vit__buffer_add(text, word.data[i] == '"' ? "\"\"" : &word.data[i], word.data[i] == '"' ? 2 : 1);
        vit__buffer_add_string(text, prefix ? "\"*" : "\"");
        text->failed = text->failed || word.failed;
        vit__buffer_free(&word);
        at += length;
    }
    if (!text->size)
        vit__buffer_add_string(text, "\"\"");
}

/* The words as a parameter. */
static bool bind_match(sqlite_store *store, sqlite3_stmt *statement, int at, const char *words)
{
    vit__buffer text = {0};
    add_match(store, words, &text);
    const char *expression = vit__index_text(&store->index, &text);
    bool done = expression && (sqlite3_bind_text(statement, at, expression, -1, SQLITE_TRANSIENT) == SQLITE_OK ||
                               vit__sqlite_fail(store));
    vit__buffer_free(&text);
    return done;
}

/* " WHERE ..." and its parameters, in the order in which bind_filter binds them. */
static void add_conditions(const vit_index_filter *filter, vit__buffer *sql)
{
    const char *joint = " WHERE ";
    if (filter->where) {
        vit__buffer_add_string(sql, joint);
        vit__where_sql(filter->where, VIT__DIALECT_SQLITE, sql);
        joint = " AND ";
    }
    for (size_t i = 0; i < filter->n_likes; i++)
        vit__buffer_format(sql, "%simages.path LIKE ? ESCAPE '\\'",
                           i                 ? " OR "
                           : joint[1] == 'W' ? " WHERE ("
                                             : " AND (");
    if (filter->n_likes) {
        vit__buffer_add_string(sql, ")");
        joint = " AND ";
    }
    if (filter->match)
        vit__buffer_format(sql, "%simages.id IN (SELECT rowid FROM words WHERE words MATCH ?)", joint);
}

static bool bind_filter(sqlite_store *store, sqlite3_stmt *statement, int first, const vit_index_filter *filter)
{
    for (size_t i = 0; i < filter->n_likes; i++)
        if (sqlite3_bind_text(statement, first++, filter->likes[i], -1, SQLITE_STATIC) != SQLITE_OK)
            return vit__sqlite_fail(store);
    return !filter->match || bind_match(store, statement, first, filter->match);
}

/* The statement with the filter's conditions, and its parameters. NULL: it failed. */
static sqlite3_stmt *prepare_filtered(sqlite_store *store, const char *select, const vit_index_filter *filter)
{
    vit__buffer sql = {0};
    vit__buffer_add_string(&sql, select);
    add_conditions(filter, &sql);
    sqlite3_stmt *statement = vit__sqlite_prepare(store, vit__index_text(&store->index, &sql));
    vit__buffer_free(&sql);
    if (!statement || bind_filter(store, statement, 1, filter))
        return statement;
    sqlite3_finalize(statement);
    return NULL;
}

/* Second fence behind where.c: SQLite itself lets a condition read the table of images, and nothing else. */
static int allow(void *context, int action, const char *first, const char *second, const char *database,
                 const char *trigger)
{
    int *selects = context;
    (void)second, (void)database, (void)trigger;
    if (action == SQLITE_SELECT)
        return ++*selects == 1 ? SQLITE_OK : SQLITE_DENY;
    if (action == SQLITE_READ)
        return first && strcmp(first, "images") == 0 ? SQLITE_OK : SQLITE_DENY;
    return action == SQLITE_FUNCTION ? SQLITE_OK : SQLITE_DENY;
}

/* What SQLite says of a condition is about the condition. */
static bool refuse_where(sqlite_store *store)
{
    if (sqlite3_errcode(store->db) == SQLITE_NOMEM)
        return vit__index_fail_memory(&store->index);
    vit__fail(&store->index.said, VIT_ERR_INVALID_ARGUMENT, "where", "%s", sqlite3_errmsg(store->db));
    return false;
}

bool vit__sqlite_check_filter(vit_index *index, const vit_index_filter *filter)
{
    sqlite_store *store = (sqlite_store *)index;
    if (!filter->where)
        return true;
    vit__buffer text = {0};
    vit__buffer_add_string(&text, "SELECT id FROM images WHERE ");
    vit__where_sql(filter->where, VIT__DIALECT_SQLITE, &text);
    const char *sql = vit__index_text(index, &text);
    int selects = 0;
    sqlite3_stmt *statement = NULL;
    sqlite3_set_authorizer(store->db, allow, &selects);
    bool allowed = sql &&
                   (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK || refuse_where(store));
    sqlite3_set_authorizer(store->db, NULL, NULL);
    sqlite3_finalize(statement);
    vit__buffer_free(&text);
    return allowed;
}

/* Puts what a statement answers into the set, or takes it out. Takes NULL, and finalises. */
static bool mark_ids(sqlite_store *store, sqlite3_stmt *statement, vit__idset *set, bool in)
{
    int step;
    if (!statement)
        return false;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW)
        vit__idset_put(set, sqlite3_column_int64(statement, 0), in);
    bool done = step == SQLITE_DONE || vit__sqlite_fail(store);
    sqlite3_finalize(statement);
    return done;
}

static bool choose_ids(sqlite_store *store, const vit_index_filter *filter, vit__idset *set)
{
    int64_t last;
    if (!vit__sqlite_integer(store, "SELECT max(id) FROM vectors", 0, &last))
        return false;
    bool filtered = vit__filter_is_set(filter);
    if (!vit__idset_start(set, last + 1, !filtered))
        return vit__index_fail_memory(&store->index);
    if (filtered)
        return mark_ids(store, prepare_filtered(store, "SELECT images.id FROM images", filter), set, true);
    return mark_ids(store, vit__sqlite_prepare(store, "SELECT id FROM removed"), set, false);
}

/* ------------------------------------------------------------------ the search ---- */

/* What the vector file does not hold yet, from the index. */
static bool offer_tail(sqlite_store *store, const vit_index_query *query, int64_t last_id, const vit__idset *set,
                       vit__shortlist *lists)
{
    size_t columns = store->key.columns;
    sqlite3_stmt *statement = vit__sqlite_prepare(store, "SELECT id, vector FROM vectors WHERE id > ?");
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, last_id);
    int step;
    bool going = true;
    while (going && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(statement, 0);
        const float *vector = NULL;
        going = !vit__idset_has(set, id) || vit__sqlite_vector(store, statement, 1, &vector);
        for (size_t i = 0; vector && i < query->n; i++)
            vit__shortlist_offer(&lists[i], id, (float)vit__cosine(vector, query->vectors + i * columns, columns));
    }
    bool done = going && (step == SQLITE_DONE || vit__sqlite_fail(store));
    sqlite3_finalize(statement);
    return done;
}

/* Adds what a row of path, caption, vector, width and height says to the hits. */
static bool add_row(sqlite_store *store, sqlite3_stmt *statement, int64_t id, const float *query, vit_index_hits *hits)
{
    const float *vector;
    if (!vit__sqlite_vector(store, statement, 2, &vector))
        return false;
    if (!vector)
        return true;
    double score = query ? vit__cosine(query, vector, store->key.columns) : 0;
    const char *path = (const char *)sqlite3_column_text(statement, 0);
    const char *caption = (const char *)sqlite3_column_text(statement, 1);
    vit_index_hit *hit = path ? vit__hits_add(hits, path, caption) : NULL;
    if (!hit)
        return vit__index_fail_memory(&store->index);
    hit->id = id;
    hit->score = score;
    hit->width = (uint32_t)sqlite3_column_int64(statement, 3);
    hit->height = (uint32_t)sqlite3_column_int64(statement, 4);
    return true;
}

/* Adds the image to the hits; query NULL: without a score. One that is gone is passed over. */
static bool add_hit(sqlite_store *store, int64_t id, const float *query, vit_index_hits *hits)
{
    sqlite3_stmt *statement = vit__sqlite_statement(store, STATEMENT_GET_HIT);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, id);
    int step = sqlite3_step(statement);
    bool done = step == SQLITE_ROW ? add_row(store, statement, id, query, hits)
                                   : step == SQLITE_DONE || vit__sqlite_fail(store);
    sqlite3_reset(statement);
    return done;
}

static bool score_candidates(sqlite_store *store, const vit_index_query *query, vit__shortlist *lists,
                             vit_index_hits *hits)
{
    bool done = true;
    for (size_t i = 0; i < query->n && done; i++) {
        vit__shortlist_tidy(&lists[i]);
        for (size_t j = 0; j < lists[i].n && done; j++)
            done = add_hit(store, lists[i].candidates[j].id, query->vectors + i * store->key.columns, &hits[i]);
        vit__hits_rank(&hits[i], query->k);
    }
    return done;
}

/* A pool for a scan of so many rows; it stays for the next. */
static bool want_pool(vit_index *index, size_t rows)
{
    unsigned there = index->threads ? index->threads : vit__cpu_count();
    unsigned wanted = vit__nearest_threads(rows, there);
    if (index->pool && vit__pool_threads(index->pool) >= wanted)
        return true;
    vit__pool_free(index->pool);
    index->pool = NULL;
    return vit__pool_create_if_possible(wanted, &index->pool, &index->said) == VIT_OK;
}

/* error: of the worst row that will be offered. */
static bool start_lists(sqlite_store *store, const vit_index_query *query, double error, vit__shortlist *lists)
{
    float margin = (float)error * 1.001f + (float)store->key.columns * GEMM_ERROR;
    bool done = true;
    for (size_t i = 0; i < query->n && done; i++) {
        vit__shortlist_free(&lists[i]);
        done = vit__shortlist_start(&lists[i], query->k, margin);
    }
    return done || vit__index_fail_memory(&store->index);
}

/* Offers what is in the file. One that cannot be read to its end is as if it were not there. */
static bool offer_file(sqlite_store *store, const vit_index_query *query, vit__vector_file *file, const vit__idset *set,
                       vit__shortlist *lists)
{
    const vit__queries queries = {query->vectors, query->n, store->key.columns};
    if (file->rows.n == 0)
        return true;
    if (!want_pool(&store->index, file->rows.n))
        return false;
    vit_status status = vit__nearest(&file->rows, &queries, set, store->index.pool, lists);
    if (status != VIT_ERR_UNREADABLE)
        return status == VIT_OK || vit__index_fail_memory(&store->index);
    vit__vector_file_close(file);
    return start_lists(store, query, 0, lists);
}

/* Fills the lists with what may be among the best, from the file and from what it lacks. */
static bool fill_lists(sqlite_store *store, const vit_index_query *query, const vit__idset *set, vit__shortlist *lists)
{
    vit__vector_file file; /* opened after the ids were read: a newer file holds more than them, never less */
    vit__vector_file_open(store->vectors_path, &store->key, &file);
    bool done = start_lists(store, query, file.error, lists) && offer_file(store, query, &file, set, lists) &&
                offer_tail(store, query, file.last_id, set, lists);
    for (size_t i = 0; i < query->n && done; i++)
        done = !lists[i].failed || vit__index_fail_memory(&store->index);
    vit__vector_file_close(&file);
    return done;
}

static bool search_snapshot(sqlite_store *store, const vit_index_query *query, vit_index_hits *hits)
{
    vit__idset set = {0};
    vit__shortlist *lists = vit__alloc_zero(query->n, sizeof *lists);
    bool done = lists || vit__index_fail_memory(&store->index);
    done = done && choose_ids(store, query->filter, &set) && fill_lists(store, query, &set, lists) &&
           score_candidates(store, query, lists, hits);
    for (size_t i = 0; lists && i < query->n; i++)
        vit__shortlist_free(&lists[i]);
    free(lists);
    vit__idset_free(&set);
    return done;
}

/* Between begin and commit there is a transaction already. */
bool vit__sqlite_search(vit_index *index, const vit_index_query *query, vit_index_hits *hits)
{
    sqlite_store *store = (sqlite_store *)index;
    if (index->begun)
        return search_snapshot(store, query, hits);
    if (!vit__sqlite_begin(store, "BEGIN"))
        return false;
    bool done = search_snapshot(store, query, hits);
    return vit__sqlite_rollback(store) && done;
}

/* ------------------------------------------------------------------ words ---- */

/* Captions count twice as much as paths. bm25 is better the lower it is. */
static sqlite3_stmt *prepare_match(sqlite_store *store, const char *words, const vit_index_query *query)
{
    vit_index_filter filter = *query->filter;
    filter.match = NULL;
    vit__buffer sql = {0};
    vit__buffer_add_string(&sql, "SELECT words.rowid, bm25(words, 1.0, 2.0) AS fit FROM words WHERE words MATCH ?");
    if (vit__filter_is_set(&filter)) {
        vit__buffer_add_string(&sql, " AND words.rowid IN (SELECT images.id FROM images");
        add_conditions(&filter, &sql);
        vit__buffer_add_string(&sql, ")");
    }
    vit__buffer_add_string(&sql, " ORDER BY fit, (SELECT path FROM images WHERE id = words.rowid) LIMIT ?");
    sqlite3_stmt *statement = vit__sqlite_prepare(store, vit__index_text(&store->index, &sql));
    vit__buffer_free(&sql);
    if (!statement)
        return NULL;
    if (bind_match(store, statement, 1, words) && bind_filter(store, statement, 2, &filter)) {
        int64_t most = query->k < INT64_MAX ? (int64_t)query->k : INT64_MAX;
        sqlite3_bind_int64(statement, sqlite3_bind_parameter_count(statement), most);
        return statement;
    }
    sqlite3_finalize(statement);
    return NULL;
}

bool vit__sqlite_match(vit_index *index, const char *words, const vit_index_query *query, vit_index_hits *hits)
{
    sqlite_store *store = (sqlite_store *)index;
    sqlite3_stmt *statement = prepare_match(store, words, query);
    if (!statement)
        return false;
    int step;
    bool going = true;
    while (going && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        size_t before = hits->n;
        going = add_hit(store, sqlite3_column_int64(statement, 0), query->vectors, hits);
        if (hits->n > before && !query->vectors)
            hits->hits[before].score = -sqlite3_column_double(statement, 1);
    }
    bool done = going && (step == SQLITE_DONE || vit__sqlite_fail(store));
    sqlite3_finalize(statement);
    return done;
}

/* ------------------------------------------------------------------ all vectors ---- */

static bool take_row(sqlite_store *store, sqlite3_stmt *statement, vit__take_vector *take, void *context)
{
    const float *vector;
    if (!vit__sqlite_vector(store, statement, 4, &vector))
        return false;
    const vit_index_item item = {
        .id = sqlite3_column_int64(statement, 0),
        .path = (const char *)sqlite3_column_text(statement, 1),
        .hash = (const char *)sqlite3_column_text(statement, 2),
        .caption = (const char *)sqlite3_column_text(statement, 3),
    };
    if (!item.path || !item.hash)
        return vit__index_fail_memory(&store->index);
    return !vector || take(context, &item, vector);
}

bool vit__sqlite_each_vector(vit_index *index, const vit_index_filter *filter, vit__take_vector *take, void *context)
{
    sqlite_store *store = (sqlite_store *)index;
    sqlite3_stmt *statement = prepare_filtered(
        store,
        "SELECT images.id, images.path, images.hash, images.caption, v.vector FROM images JOIN vectors v ON v.id = "
        "images.id",
        filter);
    if (!statement)
        return false;
    int step;
    bool going = true;
    while (going && (step = sqlite3_step(statement)) == SQLITE_ROW)
        going = take_row(store, statement, take, context);
    bool done = going && (step == SQLITE_DONE || vit__sqlite_fail(store));
    sqlite3_finalize(statement);
    return done;
}
