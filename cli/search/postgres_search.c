/* SPDX-License-Identifier: BSD-2-Clause */
/* Searching an index in PostgreSQL: pgvector finds what is near, by its HNSW index or by looking at every
 * vector, and what it found is scored here, so that scores and order are those of every other store. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "pgcopy.h"
#include "postgres_store.h"
#include "talk.h"
#include "vit/pipeline.h"

#define MORE 16 /* found beside those wanted: images whose scores differ by rounding only */
#define EF_SEARCH_MIN 200
#define EF_SEARCH_MAX 1000 /* pgvector's limit: beyond it every vector is looked at */

/* ------------------------------------------------------------------ which images ---- */

static int bind_text(postgres_parameters *parameters, const char *value)
{
    parameters->values[parameters->n] = value;
    return ++parameters->n;
}

/* Words as to_tsquery reads them, 'all' & 'of' & 'them':* : what
 * is no letter or digit parts them, but for a * at an end. */
static char *words_query(const char *words)
{
    cli_text text = {0};
    for (const unsigned char *at = (const unsigned char *)words; *at;) {
        size_t length = 0;
        while (isalnum(at[length]) || at[length] >= 0x80)
            length++;
        if (length > 0) {
            cli_text_string(&text, text.size ? " & '" : "'");
            cli_text_add(&text, at, length);
            cli_text_string(&text, at[length] == '*' ? "':*" : "'");
        }
        at += length ? length : 1;
    }
    return text.data ? text.data : cli_duplicate("");
}

static void add_joint(cli_text *sql, bool *first)
{
    cli_text_string(sql, *first ? " WHERE " : " AND ");
    *first = false;
}

/* Appends " WHERE ..." and binds its parameters. query is what words_query made of filter->match. */
static void add_conditions(const cli_filter *filter, const char *query, cli_text *sql, postgres_parameters *parameters)
{
    bool first = true;
    if (filter->where.text) {
        add_joint(sql, &first);
        cli_where_sql(&filter->where, CLI_DIALECT_POSTGRES, sql);
    }
    for (size_t i = 0; i < filter->n_likes; i++) {
        if (i == 0)
            add_joint(sql, &first);
        cli_text_format(sql, "%spath ILIKE $%d ESCAPE '\\'", i ? " OR " : "(", bind_text(parameters, filter->likes[i]));
    }
    if (filter->n_likes)
        cli_text_string(sql, ")");
    if (query) {
        add_joint(sql, &first);
        cli_text_format(sql, "words @@ to_tsquery('simple', $%d)", bind_text(parameters, query));
    }
}

bool cli_postgres_check_filter(cli_store *base, const cli_filter *filter)
{
    postgres_store *store = (postgres_store *)base;
    postgres_parameters parameters = {0};
    cli_text sql = {0};
    if (filter->n_likes > POSTGRES_PARAMETERS_MAX / 2) {
        cli_error("--like: %d patterns are the most in PostgreSQL", POSTGRES_PARAMETERS_MAX / 2);
        return false;
    }
    cli_text_format(&sql, "SELECT id FROM %s", store->table);
    add_conditions(filter, NULL, &sql, &parameters);
    cli_text_string(&sql, " LIMIT 0");
    PGresult *result = cli_postgres_query(store, sql.data, &parameters);
    bool done = result != NULL;
    cli_libpq.PQclear(result);
    cli_text_free(&sql);
    return done;
}

/* ------------------------------------------------------------------ vectors ---- */

/* halfvec rounds lengths too. */
static bool read_vector(const postgres_store *store, const PGresult *result, int row, int column, float *vector)
{
    return cli_postgres_vector(store, result, row, column, vector) &&
           (!store->half || vit_to_unit_length(vector, store->columns));
}

/* Rows of id, path, caption, vector. query NULL: without scores. */
static void add_hits(const postgres_store *store, const PGresult *result, const float *query, cli_hits *hits)
{
    float *vector = cli_allocate(store->columns, sizeof *vector);
    for (int row = 0; row < cli_libpq.PQntuples(result); row++) {
        if (!read_vector(store, result, row, 3, vector))
            continue;
        cli_hit *hit = cli_hits_add(hits);
        hit->id = cli_postgres_integer(result, row, 0);
        hit->path = cli_postgres_path(result, row, 1);
        hit->caption = cli_libpq.PQgetisnull(result, row, 2) ? NULL
                                                             : cli_duplicate(cli_libpq.PQgetvalue(result, row, 2));
        hit->score = query ? cli_cosine(query, vector, store->columns) : 0;
    }
    free(vector);
}

/* ------------------------------------------------------------------ the search ---- */

static bool is_filter(const cli_filter *filter)
{
    return filter->where.text || filter->n_likes || filter->match;
}

/* HNSW looks for the nearest first and drops what the filter does not want afterwards:
 * with a filter, and for more than it can find, every vector is looked at. */
static bool set_plan(postgres_store *store, const cli_lookup *search)
{
    size_t wanted = search->k + MORE;
    if (search->exact || is_filter(search->filter) || wanted > EF_SEARCH_MAX)
        return cli_postgres_execute(store, "SET LOCAL enable_indexscan = off");
    cli_text sql = {0};
    size_t effort = 2 * wanted > EF_SEARCH_MIN ? 2 * wanted : EF_SEARCH_MIN;
    cli_text_format(&sql, "SET LOCAL hnsw.ef_search = %zu", effort < EF_SEARCH_MAX ? effort : (size_t)EF_SEARCH_MAX);
    bool done = cli_postgres_execute(store, sql.data);
    cli_text_free(&sql);
    return done;
}

/* The bytes of a vector parameter; the size that COPY puts before them is cut off. */
static int bind_vector(const postgres_store *store, const float *vector, vit__buffer *bytes,
                       postgres_parameters *parameters)
{
    vit__pg_vector(bytes, vector, store->columns, store->half);
    parameters->sizes[parameters->n] = (int)bytes->size - 4;
    parameters->formats[parameters->n] = 1;
    return bind_text(parameters, bytes->data + 4);
}

static bool search_one(postgres_store *store, const cli_lookup *search, const float *vector, cli_hits *hits)
{
    postgres_parameters parameters = {0};
    cli_text sql = {0};
    vit__buffer bytes = {0};
    char *query = search->filter->match ? words_query(search->filter->match) : NULL;
    int number = bind_vector(store, vector, &bytes, &parameters);
    cli_text_format(&sql, "SELECT id, path, caption, embedding::vector FROM %s", store->table);
    add_conditions(search->filter, query, &sql, &parameters);
    cli_text_format(&sql, " ORDER BY embedding <=> $%d::%s LIMIT %zu", number, cli_vector_type_names[store->half],
                    search->k + MORE);
    PGresult *result = cli_postgres_query(store, sql.data, &parameters);
    if (result)
        add_hits(store, result, vector, hits);
    cli_hits_rank(hits, search->k);
    bool done = result != NULL;
    cli_libpq.PQclear(result);
    cli_text_free(&sql);
    vit__buffer_free(&bytes);
    free(query);
    return done;
}

bool cli_postgres_search(cli_store *base, const cli_lookup *search, cli_hits *hits)
{
    postgres_store *store = (postgres_store *)base;
    bool done = cli_postgres_execute(store, "BEGIN READ ONLY") && set_plan(store, search);
    for (size_t i = 0; i < search->n && done; i++)
        done = search_one(store, search, search->vectors + i * search->columns, &hits[i]);
    return cli_postgres_execute(store, "ROLLBACK") && done;
}

bool cli_postgres_match(cli_store *base, const char *words, const cli_lookup *search, cli_hits *hits)
{
    postgres_store *store = (postgres_store *)base;
    postgres_parameters parameters = {0};
    cli_text sql = {0};
    char *query = words_query(words);
    cli_text_format(
        &sql, "SELECT id, path, caption, embedding::vector, ts_rank(words, to_tsquery('simple', $1))::text FROM %s",
        store->table);
    bind_text(&parameters, query);
    cli_filter filter = *search->filter;
    filter.match = NULL;
    add_conditions(&filter, query, &sql, &parameters);
    cli_text_format(&sql, " ORDER BY ts_rank(words, to_tsquery('simple', $1)) DESC, path COLLATE \"C\" LIMIT %zu",
                    search->k);
    PGresult *result = cli_postgres_query(store, sql.data, &parameters);
    if (result)
        add_hits(store, result, search->vectors, hits);
    for (size_t i = 0; result && !search->vectors && i < hits->n; i++)
        hits->hits[i].score = strtod(cli_libpq.PQgetvalue(result, (int)i, 4), NULL);
    bool done = result != NULL;
    cli_libpq.PQclear(result);
    cli_text_free(&sql);
    free(query);
    return done;
}

/* ------------------------------------------------------------------ all vectors ---- */

typedef struct vector_reader {
    const postgres_store *store;
    float *vector;
    cli_take_vector *take;
    void *context;
} vector_reader;

static bool take_vector(void *context, const PGresult *row)
{
    const vector_reader *reader = context;
    if (!read_vector(reader->store, row, 0, 3, reader->vector))
        return true;
    char *path = cli_postgres_path(row, 0, 1);
    const cli_item item = {
        .id = cli_postgres_integer(row, 0, 0), .path = path, .hash = cli_libpq.PQgetvalue(row, 0, 2)};
    bool going = reader->take(reader->context, &item, reader->vector);
    free(path);
    return going;
}

bool cli_postgres_each_vector(cli_store *base, const cli_filter *filter, cli_take_vector *take, void *context)
{
    postgres_store *store = (postgres_store *)base;
    postgres_parameters parameters = {0};
    cli_text sql = {0};
    char *query = filter->match ? words_query(filter->match) : NULL;
    cli_text_format(&sql, "SELECT id, path, hash, embedding::vector FROM %s", store->table);
    add_conditions(filter, query, &sql, &parameters);
    vector_reader reader = {store, cli_allocate(store->columns, sizeof(float)), take, context};
    bool done = cli_postgres_each(store, sql.data, &parameters, take_vector, &reader);
    free(reader.vector);
    free(query);
    cli_text_free(&sql);
    return done;
}

bool cli_postgres_find_vector(cli_store *base, const char *hash, float *vector, size_t columns, bool *found)
{
    postgres_store *store = (postgres_store *)base;
    postgres_parameters parameters = {0};
    cli_text sql = {0};
    bind_text(&parameters, hash);
    cli_text_format(&sql, "SELECT embedding::vector FROM %s WHERE hash = $1 LIMIT 1", store->table);
    PGresult *result = cli_postgres_query(store, sql.data, &parameters);
    *found = result && cli_libpq.PQntuples(result) > 0 && columns == store->columns &&
             read_vector(store, result, 0, 0, vector);
    bool done = result != NULL;
    cli_libpq.PQclear(result);
    cli_text_free(&sql);
    return done;
}
