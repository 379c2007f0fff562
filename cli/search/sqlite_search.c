/* SPDX-License-Identifier: BSD-2-Clause */
/* Searching an index in SQLite: the mapped vector file is scanned, rows that it
 * lacks are read from the index, and what may be among the best is scored from its
 * f32 vector. All in one transaction: what others write meanwhile is not seen. */
#include <stdlib.h>
#include <string.h>

#include "sqlite_store.h"
#include "talk.h"
#include "text.h"

#define GEMM_ERROR 1e-7f /* of a product in f32, for each column: twice 2^-24 */

/* ------------------------------------------------------------------ which images ---- */

/* A word as FTS5 takes it: in quotes, so that nothing in it is
 * syntax; a * at its end stays outside and means any ending. */
static char *match_expression(const char *words)
{
    cli_text text = {0};
    for (const char *at = words; *(at += strspn(at, " \t\r\n"));) {
        size_t length = strcspn(at, " \t\r\n");
        bool prefix = length > 1 && at[length - 1] == '*';
        cli_text_string(&text, text.size ? " \"" : "\"");
        for (size_t i = 0; i < length - prefix; i++)
            cli_text_add(&text, at[i] == '"' ? "\"\"" : &at[i], at[i] == '"' ? 2 : 1);
        cli_text_string(&text, prefix ? "\"*" : "\"");
        at += length;
    }
    if (!text.size)
        cli_text_string(&text, "\"\"");
    return text.data;
}

/* " WHERE ..." and its parameters, in the order in which bind_filter binds them. */
static void add_conditions(const cli_filter *filter, cli_text *sql)
{
    const char *joint = " WHERE ";
    if (filter->where.text) {
        cli_text_string(sql, joint);
        cli_where_sql(&filter->where, CLI_DIALECT_SQLITE, sql);
        joint = " AND ";
    }
    for (size_t i = 0; i < filter->n_likes; i++)
        cli_text_format(sql, "%simages.path LIKE ? ESCAPE '\\'", i ? " OR " : joint[1] == 'W' ? " WHERE (" : " AND (");
    if (filter->n_likes) {
        cli_text_string(sql, ")");
        joint = " AND ";
    }
    if (filter->match)
        cli_text_format(sql, "%simages.id IN (SELECT rowid FROM words WHERE words MATCH ?)", joint);
}

static void bind_filter(sqlite3_stmt *statement, int first, const cli_filter *filter)
{
    for (size_t i = 0; i < filter->n_likes; i++)
        sqlite3_bind_text(statement, first++, filter->likes[i], -1, SQLITE_STATIC);
    if (filter->match) {
        char *expression = match_expression(filter->match);
        sqlite3_bind_text(statement, first, expression, -1, SQLITE_TRANSIENT);
        free(expression);
    }
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

bool cli_sqlite_check_filter(cli_store *base, const cli_filter *filter)
{
    sqlite_store *store = (sqlite_store *)base;
    const cli_where *where = &filter->where;
    if (!where->text)
        return true;
    cli_text sql = {0};
    cli_text_string(&sql, "SELECT id FROM images WHERE ");
    cli_where_sql(where, CLI_DIALECT_SQLITE, &sql);
    int selects = 0;
    sqlite3_stmt *statement = NULL;
    sqlite3_set_authorizer(store->db, allow, &selects);
    bool allowed = sqlite3_prepare_v2(store->db, sql.data, -1, &statement, NULL) == SQLITE_OK;
    sqlite3_set_authorizer(store->db, NULL, NULL);
    if (!allowed)
        cli_error("--where '%s': %s", where->text, sqlite3_errmsg(store->db));
    sqlite3_finalize(statement);
    cli_text_free(&sql);
    return allowed;
}

static bool is_filter(const cli_filter *filter)
{
    return filter && (filter->where.text || filter->n_likes || filter->match);
}

/* Puts what a statement with the filter's conditions answers into the set, or takes it out. */
static bool mark_ids(sqlite_store *store, const char *select, const cli_filter *filter, cli_idset *set, bool in)
{
    cli_text sql = {0};
    cli_text_string(&sql, select);
    if (filter)
        add_conditions(filter, &sql);
    sqlite3_stmt *statement = cli_sqlite_prepare(store, sql.data);
    cli_text_free(&sql);
    if (!statement)
        return false;
    if (filter)
        bind_filter(statement, 1, filter);
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW)
        cli_idset_put(set, sqlite3_column_int64(statement, 0), in);
    bool done = step == SQLITE_DONE || cli_sqlite_fail(store);
    sqlite3_finalize(statement);
    return done;
}

static bool choose_ids(sqlite_store *store, const cli_filter *filter, cli_idset *set)
{
    int64_t last;
    if (!cli_sqlite_integer(store, "SELECT max(id) FROM vectors", 0, &last))
        return false;
    bool filtered = is_filter(filter);
    cli_idset_start(set, last + 1, !filtered);
    if (filtered)
        return mark_ids(store, "SELECT images.id FROM images", filter, set, true);
    return mark_ids(store, "SELECT id FROM removed", NULL, set, false);
}

/* ------------------------------------------------------------------ the search ---- */

/* What the vector file does not hold yet, from the index. */
static bool offer_tail(sqlite_store *store, const cli_lookup *search, int64_t last_id, const cli_idset *set,
                       cli_shortlist *lists)
{
    sqlite3_stmt *statement = cli_sqlite_prepare(store, "SELECT id, vector FROM vectors WHERE id > ?");
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, last_id);
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(statement, 0);
        const float *vector = cli_idset_has(set, id) ? cli_sqlite_vector(store, statement, 1) : NULL;
        for (size_t i = 0; vector && i < search->n; i++)
            cli_shortlist_offer(&lists[i], id,
                                (float)cli_cosine(vector, search->vectors + i * search->columns, search->columns));
    }
    bool done = step == SQLITE_DONE || cli_sqlite_fail(store);
    sqlite3_finalize(statement);
    return done;
}

/* Adds the image to the hits; query NULL: without a score. One that is gone is passed over. */
static bool add_hit(sqlite_store *store, int64_t id, const float *query, cli_hits *hits)
{
    sqlite3_stmt *statement = cli_sqlite_statement(store, SQLITE_GET_HIT);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, id);
    int step = sqlite3_step(statement);
    const float *vector = step == SQLITE_ROW ? cli_sqlite_vector(store, statement, 2) : NULL;
    if (vector) {
        const char *caption = (const char *)sqlite3_column_text(statement, 1);
        cli_hit *hit = cli_hits_add(hits);
        hit->id = id;
        hit->path = cli_duplicate((const char *)sqlite3_column_text(statement, 0));
        hit->caption = caption ? cli_duplicate(caption) : NULL;
        hit->score = query ? cli_cosine(query, vector, store->key.columns) : 0;
    }
    bool done = step == SQLITE_ROW || step == SQLITE_DONE || cli_sqlite_fail(store);
    sqlite3_reset(statement);
    return done;
}

static bool score_candidates(sqlite_store *store, const cli_lookup *search, cli_shortlist *lists, cli_hits *hits)
{
    bool done = true;
    for (size_t i = 0; i < search->n && done; i++) {
        cli_shortlist_tidy(&lists[i]);
        for (size_t j = 0; j < lists[i].n && done; j++)
            done = add_hit(store, lists[i].candidates[j].id, search->vectors + i * search->columns, &hits[i]);
        cli_hits_rank(&hits[i], search->k);
    }
    return done;
}

static bool search_snapshot(sqlite_store *store, const cli_lookup *search, cli_hits *hits)
{
    cli_idset set = {0};
    if (!choose_ids(store, search->filter, &set)) {
        cli_idset_free(&set);
        return false;
    }
    cli_vector_file file; /* opened after the ids were read: a newer file holds more than them, never less */
    cli_vector_file_open(store->vectors_path, &store->key, &file);
    float error = (float)file.error * 1.001f + (float)search->columns * GEMM_ERROR;
    cli_shortlist *lists = cli_allocate(search->n, sizeof *lists);
    for (size_t i = 0; i < search->n; i++)
        cli_shortlist_start(&lists[i], search->k, error);
    const cli_queries queries = {search->vectors, search->n, search->columns};
    cli_nearest(&file.rows, &queries, &set, search->threads, lists);
    bool done = offer_tail(store, search, file.last_id, &set, lists) && score_candidates(store, search, lists, hits);
    for (size_t i = 0; i < search->n; i++)
        cli_shortlist_free(&lists[i]);
    free(lists);
    cli_vector_file_close(&file);
    cli_idset_free(&set);
    return done;
}

bool cli_sqlite_search(cli_store *base, const cli_lookup *search, cli_hits *hits)
{
    sqlite_store *store = (sqlite_store *)base;
    if (!cli_sqlite_execute(store, "BEGIN"))
        return false;
    bool done = search_snapshot(store, search, hits);
    sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return done;
}

/* ------------------------------------------------------------------ words ---- */

/* Captions count twice as much as paths. bm25 is better the lower it is. */
static sqlite3_stmt *prepare_match(sqlite_store *store, const char *words, const cli_lookup *search)
{
    cli_filter filter = search->filter ? *search->filter : (cli_filter){0};
    filter.match = NULL;
    cli_text sql = {0};
    cli_text_string(&sql, "SELECT words.rowid, bm25(words, 1.0, 2.0) AS fit FROM words WHERE words MATCH ?");
    if (is_filter(&filter)) {
        cli_text_string(&sql, " AND words.rowid IN (SELECT images.id FROM images");
        add_conditions(&filter, &sql);
        cli_text_string(&sql, ")");
    }
    cli_text_string(&sql, " ORDER BY fit, (SELECT path FROM images WHERE id = words.rowid) LIMIT ?");
    sqlite3_stmt *statement = cli_sqlite_prepare(store, sql.data);
    cli_text_free(&sql);
    if (!statement)
        return NULL;
    char *expression = match_expression(words);
    sqlite3_bind_text(statement, 1, expression, -1, SQLITE_TRANSIENT);
    free(expression);
    bind_filter(statement, 2, &filter);
    sqlite3_bind_int64(statement, sqlite3_bind_parameter_count(statement), (sqlite3_int64)search->k);
    return statement;
}

bool cli_sqlite_match(cli_store *base, const char *words, const cli_lookup *search, cli_hits *hits)
{
    sqlite_store *store = (sqlite_store *)base;
    sqlite3_stmt *statement = prepare_match(store, words, search);
    if (!statement)
        return false;
    int step;
    bool going = true;
    while (going && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        size_t before = hits->n;
        going = add_hit(store, sqlite3_column_int64(statement, 0), search->vectors, hits);
        if (hits->n > before && !search->vectors)
            hits->hits[before].score = -sqlite3_column_double(statement, 1);
    }
    bool done = going && (step == SQLITE_DONE || cli_sqlite_fail(store));
    sqlite3_finalize(statement);
    return done;
}

/* ------------------------------------------------------------------ all vectors ---- */

bool cli_sqlite_each_vector(cli_store *base, const cli_filter *filter, cli_take_vector *take, void *context)
{
    sqlite_store *store = (sqlite_store *)base;
    cli_text sql = {0};
    cli_text_string(
        &sql, "SELECT images.id, images.path, images.hash, v.vector FROM images JOIN vectors v ON v.id = images.id");
    add_conditions(filter, &sql);
    sqlite3_stmt *statement = cli_sqlite_prepare(store, sql.data);
    cli_text_free(&sql);
    if (!statement)
        return false;
    bind_filter(statement, 1, filter);
    int step;
    bool going = true;
    while (going && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        const float *vector = cli_sqlite_vector(store, statement, 3);
        cli_item item = {
            .id = sqlite3_column_int64(statement, 0),
            .path = (const char *)sqlite3_column_text(statement, 1),
            .hash = (const char *)sqlite3_column_text(statement, 2),
        };
        going = !vector || take(context, &item, vector);
    }
    bool done = going && (step == SQLITE_DONE || cli_sqlite_fail(store));
    sqlite3_finalize(statement);
    return done;
}
