/* SPDX-License-Identifier: BSD-2-Clause */
/* An index in PostgreSQL with pgvector: one table of images,
 * which other programs may read too, and one with its pin. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "limit.h"
#include "memory.h"
#include "pgcopy.h"
#include "postgres_store.h"

#define DEFAULT_TABLE "vit_images"
#define COLUMNS "path, name, size, mtime, hash, width, height, caption, caption_time, embedding"
#define N_COLUMNS 10
#define ONE_AT_A_TIME "1986622513" /* "vit1": a lock in the database, of whoever makes tables */

const char *const vit__postgres_types[2] = {"vector", "halfvec"};

/* ------------------------------------------------------------------ opening ---- */

static void close_store(vit_index *index)
{
    postgres_store *store = (postgres_store *)index;
    if (store->connection) { /* else libpq may not be there */
        vit__libpq.PQfreemem(store->table);
        vit__libpq.PQfreemem(store->pin_table);
        vit__libpq.PQfinish(store->connection);
    }
    vit__buffer_free(&store->rows);
    free(store->plain_table);
}

/* The URL without user and password. */
static bool describe_place(postgres_store *store)
{
    vit__buffer text = {0};
    const char *host = vit__libpq.PQhost(store->connection), *database = vit__libpq.PQdb(store->connection);
    vit__buffer_format(&text, "postgresql://%s/%s, table %s", host ? host : "", database ? database : "",
                       store->plain_table);
    if (!vit__index_text(&store->index, &text)) {
        vit__buffer_free(&text);
        return false;
    }
    free(store->index.place);
    store->index.place = text.data;
    return true;
}

static bool quote_names(postgres_store *store)
{
    vit__buffer pin = {0};
    vit__buffer_format(&pin, "%s_pin", store->plain_table);
    store->table = vit__libpq.PQescapeIdentifier(store->connection, store->plain_table, strlen(store->plain_table));
    if (!pin.failed)
        store->pin_table = vit__libpq.PQescapeIdentifier(store->connection, pin.data, pin.size);
    bool failed = pin.failed;
    vit__buffer_free(&pin);
    if (failed)
        return vit__index_fail_memory(&store->index);
    return (store->table && store->pin_table) || vit__postgres_fail(store, NULL);
}

static bool connect_store(postgres_store *store, const char *place)
{
    store->connection = vit__libpq.PQconnectdb(place);
    if (!store->connection)
        return vit__index_fail_memory(&store->index);
    if (vit__libpq.PQstatus(store->connection) != CONNECTION_OK)
        return vit__postgres_fail(store, NULL);
    if (!describe_place(store) || !quote_names(store))
        return false;
    if (vit__libpq.PQsetClientEncoding(store->connection, "UTF8") != 0)
        return vit__postgres_fail(store, NULL);
    return vit__postgres_execute(store, "SET standard_conforming_strings = on; SET client_min_messages = warning");
}

/* The mode does not matter: what may be written is the server's to say. */
static bool open_store(vit_index *index, const char *place, const vit_index_options *options)
{
    postgres_store *store = (postgres_store *)index;
    const char *table = options->table ? options->table : DEFAULT_TABLE;
    if (strlen(table) > VIT__LIMIT_POSTGRES_TABLE_NAME) {
        vit__fail(&index->said, VIT_ERR_INVALID_ARGUMENT, "table", "too long a name, %d bytes are the most",
                  VIT__LIMIT_POSTGRES_TABLE_NAME);
        return false;
    }
    if (vit__libpq_load(&index->said) != VIT_OK)
        return false;
    index->place = vit__strdup("postgresql"); /* until it is known what the URL means */
    store->plain_table = vit__strdup(table);
    store->half = options->numbers == VIT_INDEX_F16;
    if (!index->place || !store->plain_table)
        return vit__index_fail_memory(index);
    return connect_store(store, place);
}

/* ------------------------------------------------------------------ the pin ---- */

/* In the place of %s the quoted name of the table. */
static bool execute_on(postgres_store *store, const char *format, const char *table)
{
    vit__buffer sql = {0};
    for (const char *at = format, *mark; *at; at = mark + 2) {
        mark = strstr(at, "%s");
        if (!mark) {
            vit__buffer_add_string(&sql, at);
            break;
        }
        vit__buffer_add(&sql, at, (size_t)(mark - at));
        vit__buffer_add_string(&sql, table);
    }
    bool done = vit__postgres_execute(store, vit__index_text(&store->index, &sql));
    vit__buffer_free(&sql);
    return done;
}

static bool has_table(postgres_store *store, bool *there)
{
    const postgres_parameters parameters = {.values = {store->pin_table}, .n = 1};
    PGresult *result = vit__postgres_query(store, "SELECT to_regclass($1) IS NOT NULL", &parameters);
    if (!result)
        return false;
    *there = *vit__libpq.PQgetvalue(result, 0, 0) != 0;
    vit__libpq.PQclear(result);
    return true;
}

static bool take_pin(void *context, const PGresult *row)
{
    void **both = context;
    postgres_store *store = both[0];
    vit_index_pin *pin = both[1];
    const char *name = vit__libpq.PQgetvalue(row, 0, 0), *value = vit__libpq.PQgetvalue(row, 0, 1);
    if (strcmp(name, "vector_type") == 0)
        store->half = strcmp(value, vit__postgres_types[1]) == 0;
    return vit__pin_read(pin, name, value) || vit__index_fail_memory(&store->index);
}

static bool read_pin(vit_index *base, vit_index_pin *pin)
{
    postgres_store *store = (postgres_store *)base;
    bool there = false;
    if (!has_table(store, &there))
        return false;
    if (!there)
        return true;
    vit__buffer sql = {0};
    vit__buffer_format(&sql, "SELECT name, value FROM %s", store->pin_table);
    void *both[] = {store, pin};
    bool done = vit__postgres_each(store, vit__index_text(base, &sql), NULL, take_pin, both);
    vit__buffer_free(&sql);
    store->columns = vit__pin_columns(pin);
    return done;
}

static bool set_pin(vit_index *base, const char *name, const char *value)
{
    postgres_store *store = (postgres_store *)base;
    vit__buffer sql = {0}, valid = {0};
    vit__pg_utf8(&valid, value);
    vit__buffer_format(&sql, "INSERT INTO %s VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                       store->pin_table);
    const postgres_parameters parameters = {.values = {name, vit__index_text(&store->index, &valid)}, .n = 2};
    PGresult *result = parameters.values[1]
                           ? vit__postgres_query(store, vit__index_text(&store->index, &sql), &parameters)
                           : NULL;
    bool done = result != NULL;
    vit__libpq.PQclear(result);
    vit__buffer_free(&sql);
    vit__buffer_free(&valid);
    return done;
}

/* Text as words of letters and digits: PostgreSQL's own parser would take a path, a tag or an address for one word. */
#define UNSPACED /* words.h */                                                                                         \
    "[\\u2E80-\\u2FDF\\u3005-\\u3007\\u3021-\\u3029\\u3038-\\u303B\\u3040-\\u30FF\\u31F0-\\u31FF\\u3400-\\u4DBF"       \
    "\\u4E00-\\u9FFF\\uF900-\\uFAFF\\uFF66-\\uFF9F\\U0001AFF0-\\U0001B16F\\U00020000-\\U0003FFFF]"
#define WORDS_OF(text)                                                                                                 \
    "to_tsvector('simple', regexp_replace(regexp_replace(" text ", '[\\u0001-/:-@\\[-`{-\\u007F]+', ' ', 'g'),"        \
    " '(" UNSPACED ")', ' \\1 ', 'g'))"

/* words: captions count more than paths. */
static bool create_tables(postgres_store *store)
{
    vit__buffer embedding = {0};
    vit__buffer_format(
        &embedding,
        "CREATE TABLE %%s(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, path text NOT NULL UNIQUE,"
        " name text NOT NULL, size bigint NOT NULL, mtime bigint NOT NULL, hash text NOT NULL, width bigint,"
        " height bigint, caption text, caption_time bigint NOT NULL, embedding %s(%zu) NOT NULL,"
        " words tsvector GENERATED ALWAYS AS (setweight(" WORDS_OF(
            "path") ", 'D') ||"
                    " setweight(" WORDS_OF("coalesce(caption, '')") ", 'A')) STORED)",
        vit__postgres_types[store->half], store->columns);
    const char *images = vit__index_text(&store->index, &embedding);
    bool done = images && execute_on(store, images, store->table) &&
                execute_on(store, "CREATE INDEX ON %s(hash); CREATE INDEX ON %s USING gin(words)", store->table) &&
                execute_on(store, "CREATE TABLE %s(name text PRIMARY KEY, value text NOT NULL)", store->pin_table);
    vit__buffer_free(&embedding);
    return done;
}

static bool make_store(postgres_store *store, const vit_index_pin *pin)
{
    if (!vit__postgres_execute(store, "CREATE EXTENSION IF NOT EXISTS vector")) {
        vit__buffer_format(&store->index.note,
                           "the database needs pgvector: have its administrator run CREATE EXTENSION vector");
        return false;
    }
    store->columns = vit__pin_columns(pin);
    bool done = vit__postgres_execute(store, "BEGIN") && create_tables(store) &&
                set_pin(&store->index, "vector_type", vit__postgres_types[store->half]);
    for (size_t i = 0; i < VIT__PIN_KEYS && done; i++) {
        const char *name = vit__pin_name(i), *value = *vit__pin_value((vit_index_pin *)pin, i);
        done = !name || !value || set_pin(&store->index, name, value);
    }
    return done && vit__postgres_execute(store, "COMMIT");
}

static bool rollback(vit_index *index)
{
    postgres_store *store = (postgres_store *)index;
    vit__buffer_clear(&store->rows);
    store->rows.failed = false;
    return vit__postgres_execute(store, "ROLLBACK");
}

/* The lock is the session's: a transaction that waited for it might not see tables made meanwhile. */
static bool write_pin(vit_index *index, const vit_index_pin *pin)
{
    postgres_store *store = (postgres_store *)index;
    bool there = false;
    if (!vit__postgres_execute(store, "SELECT pg_advisory_lock(" ONE_AT_A_TIME ")"))
        return false;
    bool done = has_table(store, &there) && (there || make_store(store, pin));
    if (!done) {
        store->columns = 0;
        rollback(index);
    }
    return vit__postgres_execute(store, "SELECT pg_advisory_unlock(" ONE_AT_A_TIME ")") && done;
}

/* ------------------------------------------------------------------ changes ---- */

typedef struct item_reader {
    vit_index *index;
    vit__take_item *take;
    void *context;
} item_reader;

static bool take_item(void *context, const PGresult *row)
{
    const item_reader *reader = context;
    char *path = vit__postgres_path(row, 0, 1);
    if (!path)
        return vit__index_fail_memory(reader->index);
    vit_index_item item = {
        .id = vit__postgres_integer(row, 0, 0),
        .path = path,
        .size = vit__postgres_integer(row, 0, 2),
        .time = vit__postgres_integer(row, 0, 3),
        .hash = vit__libpq.PQgetvalue(row, 0, 4),
        .width = (uint32_t)vit__postgres_integer(row, 0, 5),
        .height = (uint32_t)vit__postgres_integer(row, 0, 6),
        .caption_time = vit__postgres_integer(row, 0, 7),
    };
    bool going = reader->take(reader->context, &item);
    free(path);
    return going;
}

static bool each_item(vit_index *base, vit__take_item *take, void *context)
{
    postgres_store *store = (postgres_store *)base;
    vit__buffer sql = {0};
    item_reader reader = {base, take, context};
    if (store->columns == 0)
        return true;
    vit__buffer_format(&sql, "SELECT id, path, size, mtime, hash, width, height, caption_time FROM %s", store->table);
    bool done = vit__postgres_each(store, vit__index_text(base, &sql), NULL, take_item, &reader);
    vit__buffer_free(&sql);
    return done;
}

/* One process writes at a time, as in SQLite; others wait, and searches go on. Two processes would
 * otherwise bring the same path. */
static bool begin_alone(postgres_store *store)
{
    return vit__postgres_execute(store, "BEGIN") &&
           execute_on(store, "LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE", store->table);
}

/* Rows come by COPY into a table of the session's own, and from there into the index, where they replace older ones. */
static bool begin(vit_index *base)
{
    postgres_store *store = (postgres_store *)base;
    vit__buffer sql = {0};
    if (!store->has_batch_table) {
        vit__buffer_format(
            &sql,
            "CREATE TEMP TABLE vit_batch(path text, name text, size bigint, mtime bigint, hash text, width bigint,"
            " height bigint, caption text, caption_time bigint, embedding %s(%zu)) ON COMMIT DELETE ROWS",
            vit__postgres_types[store->half], store->columns);
        store->has_batch_table = vit__postgres_execute(store, vit__index_text(base, &sql));
        vit__buffer_free(&sql);
    }
    return store->has_batch_table && begin_alone(store);
}

static bool copy_rows(postgres_store *store)
{
    if (store->rows.size > INT_MAX - 2) /* of which the end takes 2 */
        return vit__index_fail(&store->index, VIT_ERR_TOO_LARGE,
                               "more than 2 GB between begin and commit: commit earlier");
    PGresult *result = vit__libpq.PQexec(store->connection, "COPY vit_batch(" COLUMNS ") FROM STDIN BINARY");
    if (vit__libpq.PQresultStatus(result) != PGRES_COPY_IN)
        return vit__postgres_fail(store, result);
    vit__libpq.PQclear(result);
    vit__pg_end(&store->rows);
    bool sent = !store->rows.failed &&
                vit__libpq.PQputCopyData(store->connection, store->rows.data, (int)store->rows.size) == 1 &&
                vit__libpq.PQputCopyEnd(store->connection, NULL) == 1;
    vit__buffer_clear(&store->rows);
    if (!sent)
        return vit__postgres_fail(store, NULL);
    bool done = true;
    while ((result = vit__libpq.PQgetResult(store->connection)) != NULL) {
        if (vit__libpq.PQresultStatus(result) != PGRES_COMMAND_OK && done)
            done = vit__postgres_fail(store, result);
        else
            vit__libpq.PQclear(result);
    }
    return done;
}

/* A batch may name a path twice. */
static bool send_rows(postgres_store *store)
{
    if (!store->rows.size)
        return true;
    return copy_rows(store) &&
           execute_on(store,
                      "DELETE FROM %s i USING vit_batch b WHERE i.path = b.path;"
                      "INSERT INTO %s(" COLUMNS ") SELECT DISTINCT ON (path) " COLUMNS " FROM vit_batch;"
                      "DELETE FROM vit_batch",
                      store->table);
}

static bool commit(vit_index *base)
{
    postgres_store *store = (postgres_store *)base;
    return (send_rows(store) && vit__postgres_execute(store, "COMMIT")) || (rollback(base), false);
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool put(vit_index *base, const vit_index_item *item, const float *vector)
{
    postgres_store *store = (postgres_store *)base;
    vit__buffer *rows = &store->rows;
    if (!rows->size)
        vit__pg_start(rows);
    vit__pg_row(rows, N_COLUMNS);
    vit__pg_text(rows, item->path);
    vit__pg_text(rows, name_of(item->path));
    vit__pg_int64(rows, item->size);
    vit__pg_int64(rows, item->time);
    vit__pg_text(rows, item->hash);
    vit__pg_int64(rows, item->width);
    vit__pg_int64(rows, item->height);
    if (item->caption)
        vit__pg_text(rows, item->caption);
    else
        vit__pg_null(rows);
    vit__pg_int64(rows, item->caption_time);
    vit__pg_vector(rows, vector, store->columns, store->half);
    return !rows->failed || vit__index_fail_memory(base);
}

/* The text of $1 .. $9. */
typedef struct item_texts {
    vit__buffer path, name, numbers[5];
} item_texts;

/* false: out of memory. */
static bool bind_item(const vit_index_item *item, item_texts *texts, postgres_parameters *parameters)
{
    const int64_t numbers[] = {item->size, item->time, item->width, item->height, item->caption_time};
    const char *values[5];
    vit__pg_utf8(&texts->path, item->path);
    vit__pg_utf8(&texts->name, name_of(item->path));
    const char *path = vit__buffer_terminate(&texts->path), *name = vit__buffer_terminate(&texts->name);
    bool done = path && name;
    for (size_t i = 0; i < 5; i++) {
        vit__buffer_format(&texts->numbers[i], "%lld", (long long)numbers[i]);
        values[i] = vit__buffer_terminate(&texts->numbers[i]);
        done = done && values[i];
    }
    *parameters = (postgres_parameters){
        .values = {path, name, values[0], values[1], item->hash, values[2], values[3], item->caption, values[4]},
        .n = 9,
    };
    return done;
}

static void free_texts(item_texts *texts)
{
    vit__buffer_free(&texts->path);
    vit__buffer_free(&texts->name);
    for (size_t i = 0; i < 5; i++)
        vit__buffer_free(&texts->numbers[i]);
}

/* Runs a statement with an item's nine parameters. */
static bool run_on_item(postgres_store *store, const vit_index_item *item, vit__buffer *sql)
{
    item_texts texts = {0};
    postgres_parameters parameters;
    PGresult *result = NULL;
    if (bind_item(item, &texts, &parameters))
        result = vit__postgres_query(store, vit__index_text(&store->index, sql), &parameters);
    else
        vit__index_fail_memory(&store->index);
    bool done = result != NULL;
    vit__libpq.PQclear(result);
    free_texts(&texts);
    return done;
}

/* Forgets the path, unless it is that of the image id. */
static bool remove_other(postgres_store *store, const char *path, int64_t id)
{
    vit__buffer text = {0}, valid = {0};
    vit__pg_utf8(&valid, path);
    vit__buffer_format(&text, "DELETE FROM %s WHERE path = $1 AND id <> %lld", store->table, (long long)id);
    const char *sql = vit__index_text(&store->index, &text);
    const postgres_parameters parameters = {.values = {vit__index_text(&store->index, &valid)}, .n = 1};
    bool ready = sql && parameters.values[0] && send_rows(store);
    PGresult *result = ready ? vit__postgres_query(store, sql, &parameters) : NULL;
    bool done = result != NULL;
    vit__libpq.PQclear(result);
    vit__buffer_free(&text);
    vit__buffer_free(&valid);
    return done;
}

static bool remove_path(vit_index *base, const char *path)
{
    return remove_other((postgres_store *)base, path, 0);
}

#define ITEM_SELECT "$1::text, $2::text, $3::bigint, $4::bigint, $5::text, $6::bigint, $7::bigint, $8::text, $9::bigint"

static bool copy(vit_index *base, int64_t from, const vit_index_item *item)
{
    postgres_store *store = (postgres_store *)base;
    vit__buffer sql = {0};
    vit__buffer_format(&sql, "INSERT INTO %s(" COLUMNS ") SELECT " ITEM_SELECT ", embedding FROM %s WHERE id = %lld",
                       store->table, store->table, (long long)from);
    bool done = remove_other(store, item->path, from) && run_on_item(store, item, &sql);
    vit__buffer_free(&sql);
    return done;
}

static bool update(vit_index *base, const vit_index_item *item)
{
    postgres_store *store = (postgres_store *)base;
    vit__buffer sql = {0};
    vit__buffer_format(
        &sql,
        "UPDATE %s SET (path, name, size, mtime, hash, width, height, caption, caption_time) = (" ITEM_SELECT
        ") WHERE id = %lld",
        store->table, (long long)item->id);
    bool done = remove_other(store, item->path, item->id) && run_on_item(store, item, &sql);
    vit__buffer_free(&sql);
    return done;
}

static bool create_hnsw(postgres_store *store, const char *quoted)
{
    vit__buffer sql = {0};
    vit__buffer_format(&sql, "CREATE INDEX IF NOT EXISTS %s ON %s USING hnsw (embedding %s_cosine_ops)", quoted,
                       store->table, vit__postgres_types[store->half]);
    bool done = begin_alone(store) && vit__postgres_execute(store, vit__index_text(&store->index, &sql)) &&
                vit__postgres_execute(store, "COMMIT");
    vit__buffer_free(&sql);
    if (!done)
        rollback(&store->index);
    return done;
}

/* The index for approximate searches, once there are vectors: building it over many at once is faster and better. */
static bool finish(vit_index *index)
{
    postgres_store *store = (postgres_store *)index;
    size_t most = store->half ? 4000 : 2000;
    if (store->columns > most) {
        vit__buffer_format(&index->note,
                           "%s: pgvector's HNSW takes up to %zu dimensions%s: searches look at every vector",
                           index->place, most, store->half ? "" : " (4000 as halfvec)");
        return true;
    }
    vit__buffer name = {0};
    vit__buffer_format(&name, "%s_hnsw", store->plain_table);
    char *quoted = name.failed ? NULL : vit__libpq.PQescapeIdentifier(store->connection, name.data, name.size);
    bool done = quoted ? create_hnsw(store, quoted) : vit__index_fail_memory(index);
    vit__libpq.PQfreemem(quoted);
    vit__buffer_free(&name);
    return done;
}

const vit__store_kind vit__store_postgres = {
    .size = sizeof(postgres_store),
    .open = open_store,
    .close = close_store,
    .read_pin = read_pin,
    .write_pin = write_pin,
    .set_pin = set_pin,
    .each_item = each_item,
    .check_filter = vit__postgres_check_filter,
    .each_vector = vit__postgres_each_vector,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .put = put,
    .copy = copy,
    .update = update,
    .remove = remove_path,
    .finish = finish,
    .search = vit__postgres_search,
    .match = vit__postgres_match,
    .find = vit__postgres_find,
    .path = vit__postgres_find_path,
};
