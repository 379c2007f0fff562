/* SPDX-License-Identifier: BSD-2-Clause */
/* Searching an index in PostgreSQL: pgvector finds what is near, by its HNSW index or by looking at every
 * vector, and what it found is scored here, so that scores and order are those of every other store. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "nearest.h"
#include "pgcopy.h"
#include "postgres_store.h"
#include "words.h"
#include "size.h"
#include "where.h"

#define MORE 16 /* found beside those wanted: images whose scores differ by rounding only */
#define EF_SEARCH_MIN 200
#define EF_SEARCH_MAX 1000 /* pgvector's limit: beyond it every vector is looked at */

/* ------------------------------------------------------------------ which images ---- */

static int bind_text(postgres_parameters *parameters, const char *value)
{
    parameters->values[parameters->n] = value;
    return ++parameters->n;
}

/* One word, or of a script without spaces the characters behind each other: 'a' <-> 'b'. */
static void add_word(const char *word, size_t size, bool prefix, vit__buffer *text)
{
    vit__buffer parts = {0};
    vit__add_words(&parts, word, size);
    bool first = true;
    for (size_t at = 0; at < parts.size;) {
        size_t length = 0;
        while (at + length < parts.size && parts.data[at + length] != ' ')
            length++;
        if (length > 0) {
            vit__buffer_add_string(text, first ? "'" : " <-> '");
            vit__buffer_add(text, parts.data + at, length);
            vit__buffer_add_string(text, "'");
            first = false;
        }
        at += length + 1;
    }
    if (prefix)
        vit__buffer_add_string(text, ":*");
    text->failed = text->failed || parts.failed;
    vit__buffer_free(&parts);
}

/* Words as to_tsquery reads them, 'all' & 'of' & 'them':* : what
 * is no letter or digit parts them, but for a * at an end. */
static void add_words(const char *words, vit__buffer *text)
{
    for (const unsigned char *at = (const unsigned char *)words; *at;) {
        size_t length = 0;
        while (isalnum(at[length]) || at[length] >= 0x80)
            length++;
        if (length > 0) {
            vit__buffer_add_string(text, text->size ? " & (" : "(");
            add_word((const char *)at, length, at[length] == '*', text);
            vit__buffer_add_string(text, ")");
        }
        at += length ? length : 1;
    }
}

/* A statement while it is put together. Starts all zero; freed with statement_free. */
typedef struct statement {
    vit__buffer sql, query, vector;
    postgres_parameters parameters;
} statement;

static void statement_free(statement *s)
{
    vit__buffer_free(&s->sql);
    vit__buffer_free(&s->query);
    vit__buffer_free(&s->vector);
}

/* Binds the words as the next parameter; its number. */
static int bind_words(statement *s, const char *words)
{
    add_words(words, &s->query);
    const char *query = vit__buffer_terminate(&s->query);
    s->sql.failed = s->sql.failed || !query;
    return bind_text(&s->parameters, query);
}

static void add_joint(vit__buffer *sql, bool *first)
{
    vit__buffer_add_string(sql, *first ? " WHERE " : " AND ");
    *first = false;
}

/* Appends " WHERE ..." and binds its parameters. words: the
 * number of the parameter with the filter's words; 0: none. */
static void add_conditions(const vit_index_filter *filter, int words, statement *s)
{
    vit__buffer *sql = &s->sql;
    bool first = true;
    if (filter->where) {
        add_joint(sql, &first);
        vit__where_sql(filter->where, VIT__DIALECT_POSTGRES, sql);
    }
    for (size_t i = 0; i < filter->n_likes; i++) {
        if (i == 0)
            add_joint(sql, &first);
        vit__buffer_format(sql, "%spath ILIKE $%d ESCAPE '\\'", i ? " OR " : "(",
                           bind_text(&s->parameters, filter->likes[i]));
    }
    if (filter->n_likes)
        vit__buffer_add_string(sql, ")");
    if (words) {
        add_joint(sql, &first);
        vit__buffer_format(sql, "words @@ to_tsquery('simple', $%d)", words);
    }
}

/* With results in binary, cleared by the caller. NULL: it failed. */
static PGresult *run(postgres_store *store, statement *s)
{
    return vit__postgres_query(store, vit__index_text(&store->index, &s->sql), &s->parameters);
}

bool vit__postgres_check_filter(vit_index *index, const vit_index_filter *filter)
{
    postgres_store *store = (postgres_store *)index;
    statement s = {0};
    if (filter->n_likes > POSTGRES_PARAMETERS_MAX / 2) {
        vit__fail(&index->said, VIT_ERR_INVALID_ARGUMENT, "likes", "%d patterns are the most in PostgreSQL",
                  POSTGRES_PARAMETERS_MAX / 2);
        return false;
    }
    vit__buffer_format(&s.sql, "SELECT id FROM %s", store->table);
    add_conditions(filter, 0, &s);
    vit__buffer_add_string(&s.sql, " LIMIT 0");
    PGresult *result = run(store, &s);
    bool done = result != NULL;
    vit__libpq.PQclear(result);
    statement_free(&s);
    if (index->said.status == VIT_ERR_UNREADABLE)
        index->said.status = VIT_ERR_INVALID_ARGUMENT;
    return done;
}

/* ------------------------------------------------------------------ vectors ---- */

/* halfvec rounds lengths too. */
static bool read_vector(const postgres_store *store, const PGresult *result, int row, int column, float *vector)
{
    return vit__postgres_vector(store, result, row, column, vector) &&
           (!store->half || vit_to_unit_length(vector, store->columns));
}

static bool add_hit(postgres_store *store, const PGresult *result, int row, double score, vit_index_hits *hits)
{
    char *path = vit__postgres_path(result, row, 1);
    const char *caption = vit__libpq.PQgetisnull(result, row, 2) ? NULL : vit__libpq.PQgetvalue(result, row, 2);
    vit_index_hit *hit = path ? vit__hits_add(hits, path, caption) : NULL;
    free(path);
    if (!hit)
        return vit__index_fail_memory(&store->index);
    hit->id = vit__postgres_integer(result, row, 0);
    hit->score = score;
    hit->width = (uint32_t)vit__postgres_integer(result, row, 3);
    hit->height = (uint32_t)vit__postgres_integer(result, row, 4);
    return true;
}

/* Rows of id, path, caption, width, height, vector. query NULL: there is a score in the seventh column. */
static bool add_hits(postgres_store *store, const PGresult *result, const float *query, vit_index_hits *hits)
{
    float *vector = vit__alloc(store->columns, sizeof *vector);
    bool done = vector || vit__index_fail_memory(&store->index);
    for (int row = 0; done && row < vit__libpq.PQntuples(result); row++) {
        if (!read_vector(store, result, row, 5, vector))
            continue;
        double score = query ? vit__cosine(query, vector, store->columns)
                             : strtod(vit__libpq.PQgetvalue(result, row, 6), NULL);
        done = add_hit(store, result, row, score, hits);
    }
    free(vector);
    return done;
}

/* ------------------------------------------------------------------ the search ---- */

/* What a query wants, as LIMIT takes it. */
static size_t most_of(const vit_index_query *query)
{
    return vit__smaller(query->k, INT_MAX);
}

/* HNSW looks for the nearest first and drops what the filter does not want afterwards:
 * with a filter, and for more than it can find, every vector is looked at. */
static bool set_plan(postgres_store *store, const vit_index_query *query)
{
    size_t wanted = most_of(query) + MORE;
    if (query->exact || vit__filter_is_set(query->filter) || wanted > EF_SEARCH_MAX)
        return vit__postgres_execute(store, "SET LOCAL enable_indexscan = off");
    char sql[64];
    size_t effort = 2 * wanted > EF_SEARCH_MIN ? 2 * wanted : EF_SEARCH_MIN;
    snprintf(sql, sizeof sql, "SET LOCAL hnsw.ef_search = %zu",
             effort < EF_SEARCH_MAX ? effort : (size_t)EF_SEARCH_MAX);
    return vit__postgres_execute(store, sql);
}

/* The bytes of a vector parameter; the size that COPY puts before them is cut off. */
static int bind_vector(const postgres_store *store, const float *vector, statement *s)
{
    postgres_parameters *parameters = &s->parameters;
    vit__pg_vector(&s->vector, vector, store->columns, store->half);
    s->sql.failed = s->sql.failed || s->vector.failed;
    parameters->sizes[parameters->n] = s->vector.failed ? 0 : (int)s->vector.size - 4;
    parameters->formats[parameters->n] = 1;
    return bind_text(parameters, s->vector.failed ? NULL : s->vector.data + 4);
}

static bool search_one(postgres_store *store, const vit_index_query *query, const float *vector, vit_index_hits *hits)
{
    statement s = {0};
    int words = query->filter->match ? bind_words(&s, query->filter->match) : 0;
    int number = bind_vector(store, vector, &s);
    vit__buffer_format(&s.sql, "SELECT id, path, caption, width, height, embedding::vector FROM %s", store->table);
    add_conditions(query->filter, words, &s);
    vit__buffer_format(&s.sql, " ORDER BY embedding <=> $%d::%s LIMIT %zu", number, vit__postgres_types[store->half],
                       most_of(query) + MORE);
    PGresult *result = run(store, &s);
    bool done = result && add_hits(store, result, vector, hits);
    vit__hits_rank(hits, query->k);
    vit__libpq.PQclear(result);
    statement_free(&s);
    return done;
}

/* Between begin and commit there is a transaction already. */
bool vit__postgres_search(vit_index *index, const vit_index_query *query, vit_index_hits *hits)
{
    postgres_store *store = (postgres_store *)index;
    bool done = vit__postgres_execute(store, index->begun ? "SAVEPOINT vit_search" : "BEGIN READ ONLY") &&
                set_plan(store, query);
    for (size_t i = 0; i < query->n && done; i++)
        done = search_one(store, query, query->vectors + i * store->columns, &hits[i]);
    return vit__postgres_execute(store, index->begun ? "ROLLBACK TO vit_search" : "ROLLBACK") && done;
}

bool vit__postgres_match(vit_index *index, const char *words, const vit_index_query *query, vit_index_hits *hits)
{
    postgres_store *store = (postgres_store *)index;
    statement s = {0};
    vit__buffer_format(
        &s.sql,
        "SELECT id, path, caption, width, height, embedding::vector, ts_rank(words, to_tsquery('simple', $1))::text FROM %s",
        store->table);
    vit_index_filter filter = *query->filter;
    filter.match = NULL;
    add_conditions(&filter, bind_words(&s, words), &s);
    vit__buffer_format(&s.sql, " ORDER BY ts_rank(words, to_tsquery('simple', $1)) DESC, path COLLATE \"C\" LIMIT %zu",
                       most_of(query));
    PGresult *result = run(store, &s);
    bool done = result && add_hits(store, result, query->vectors, hits);
    vit__libpq.PQclear(result);
    statement_free(&s);
    return done;
}

/* ------------------------------------------------------------------ all vectors ---- */

typedef struct vector_reader {
    postgres_store *store;
    float *vector;
    vit__take_vector *take;
    void *context;
} vector_reader;

static bool take_vector(void *context, const PGresult *row)
{
    const vector_reader *reader = context;
    if (!read_vector(reader->store, row, 0, 4, reader->vector))
        return true;
    char *path = vit__postgres_path(row, 0, 1);
    if (!path)
        return vit__index_fail_memory(&reader->store->index);
    const vit_index_item item = {.id = vit__postgres_integer(row, 0, 0),
                                 .path = path,
                                 .hash = vit__libpq.PQgetvalue(row, 0, 2),
                                 .caption = vit__libpq.PQgetisnull(row, 0, 3) ? NULL
                                                                              : vit__libpq.PQgetvalue(row, 0, 3)};
    bool going = reader->take(reader->context, &item, reader->vector);
    free(path);
    return going;
}

bool vit__postgres_each_vector(vit_index *index, const vit_index_filter *filter, vit__take_vector *take, void *context)
{
    postgres_store *store = (postgres_store *)index;
    statement s = {0};
    int words = filter->match ? bind_words(&s, filter->match) : 0;
    vit__buffer_format(&s.sql, "SELECT id, path, hash, caption, embedding::vector FROM %s", store->table);
    add_conditions(filter, words, &s);
    vector_reader reader = {store, vit__alloc(store->columns, sizeof(float)), take, context};
    bool done = reader.vector || vit__index_fail_memory(index);
    done = done && vit__postgres_each(store, vit__index_text(index, &s.sql), &s.parameters, take_vector, &reader);
    free(reader.vector);
    statement_free(&s);
    return done;
}

bool vit__postgres_find_path(vit_index *index, int64_t id, char **path)
{
    postgres_store *store = (postgres_store *)index;
    statement s = {0};
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)id);
    vit__buffer_format(&s.sql, "SELECT path FROM %s WHERE id = $1::bigint", store->table);
    bind_text(&s.parameters, number);
    PGresult *result = run(store, &s);
    bool found = result && vit__libpq.PQntuples(result) > 0;
    *path = found ? vit__postgres_path(result, 0, 0) : NULL;
    bool done = result && (!found || *path || vit__index_fail_memory(index));
    vit__libpq.PQclear(result);
    statement_free(&s);
    return done;
}

bool vit__postgres_find(vit_index *index, int64_t id, const char *hash, float *vector, bool *found)
{
    postgres_store *store = (postgres_store *)index;
    statement s = {0};
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)id);
    vit__buffer_format(&s.sql, "SELECT embedding::vector FROM %s WHERE %s LIMIT 1", store->table,
                       hash ? "hash = $1" : "id = $1::bigint");
    bind_text(&s.parameters, hash ? hash : number);
    PGresult *result = run(store, &s);
    *found = result && vit__libpq.PQntuples(result) > 0 && read_vector(store, result, 0, 0, vector);
    bool done = result != NULL;
    vit__libpq.PQclear(result);
    statement_free(&s);
    return done;
}
