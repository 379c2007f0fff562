/* SPDX-License-Identifier: BSD-2-Clause */
/* An index in PostgreSQL with pgvector: one table of images,
 * which other programs may read too, and one with its pin. */
#include <stdlib.h>
#include <string.h>

#include "pgcopy.h"
#include "postgres_store.h"
#include "talk.h"

#define DEFAULT_TABLE "vit_images"
#define TABLE_NAME_MAX 48 /* of PostgreSQL's 63 bytes: names of indexes are made from it */
#define COLUMNS "path, name, size, mtime, hash, width, height, caption, caption_time, embedding"
#define N_COLUMNS 10
#define ONE_AT_A_TIME "1986622513" /* "vit1": a lock in the database, of whoever makes tables */

/* ------------------------------------------------------------------ libpq ---- */

bool cli_postgres_fail(postgres_store *store, PGresult *result)
{
    const char *message = result ? cli_libpq.PQresultErrorMessage(result) : "";
    if (!*message)
        message = cli_libpq.PQerrorMessage(store->connection);
    /* "ERROR:  what" and lines about where, and a line break at the end. */
    const char *what = strncmp(message, "ERROR:  ", 8) == 0 ? message + 8 : message;
    cli_error("%s: %.*s", store->store.place, (int)strcspn(what, "\n"), what);
    cli_libpq.PQclear(result);
    return false;
}

bool cli_postgres_execute(postgres_store *store, const char *sql)
{
    PGresult *result = cli_libpq.PQexec(store->connection, sql);
    ExecStatusType status = cli_libpq.PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        return cli_postgres_fail(store, result);
    cli_libpq.PQclear(result);
    return true;
}

PGresult *cli_postgres_query(postgres_store *store, const char *sql, const postgres_parameters *parameters)
{
    static const postgres_parameters none;
    const postgres_parameters *p = parameters ? parameters : &none;
    PGresult *result = cli_libpq.PQexecParams(store->connection, sql, p->n, NULL, p->values, p->sizes, p->formats, 1);
    ExecStatusType status = cli_libpq.PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return result;
    cli_postgres_fail(store, result);
    return NULL;
}

bool cli_postgres_each(postgres_store *store, const char *sql, const postgres_parameters *parameters,
                       bool (*take)(void *context, const PGresult *row), void *context)
{
    static const postgres_parameters none;
    const postgres_parameters *p = parameters ? parameters : &none;
    if (!cli_libpq.PQsendQueryParams(store->connection, sql, p->n, NULL, p->values, p->sizes, p->formats, 1))
        return cli_postgres_fail(store, NULL);
    cli_libpq.PQsetSingleRowMode(store->connection);
    bool done = true;
    PGresult *result;
    while ((result = cli_libpq.PQgetResult(store->connection)) != NULL) { /* to the end, whatever happens */
        ExecStatusType status = cli_libpq.PQresultStatus(result);
        if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK && done) {
            done = cli_postgres_fail(store, result);
            continue;
        }
        if (status == PGRES_SINGLE_TUPLE && done)
            done = take(context, result);
        cli_libpq.PQclear(result);
    }
    return done;
}

int64_t cli_postgres_integer(const PGresult *result, int row, int column)
{
    const unsigned char *bytes = (const unsigned char *)cli_libpq.PQgetvalue(result, row, column);
    uint64_t value = 0;
    for (int i = 0; i < cli_libpq.PQgetlength(result, row, column); i++)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

char *cli_postgres_path(const PGresult *result, int row, int column)
{
    char *path = cli_duplicate(cli_libpq.PQgetvalue(result, row, column)), *to = path;
    for (const char *at = path; *at;) {
        int high = -1, low = -1;
        if (strncmp(at, "\\udc", 4) == 0) {
            high = hex_digit(at[4]);
            low = high >= 8 ? hex_digit(at[5]) : -1;
        }
        *to++ = low >= 0 ? (char)(high * 16 + low) : *at;
        at += low >= 0 ? 6 : 1;
    }
    *to = '\0';
    return path;
}

bool cli_postgres_vector(const postgres_store *store, const PGresult *result, int row, int column, float *values)
{
    const unsigned char *bytes = (const unsigned char *)cli_libpq.PQgetvalue(result, row, column);
    if ((size_t)cli_libpq.PQgetlength(result, row, column) != 4 + 4 * store->columns)
        return false;
    for (size_t i = 0; i < store->columns; i++) {
        const unsigned char *at = bytes + 4 + 4 * i;
        uint32_t bits = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        memcpy(&values[i], &bits, sizeof bits);
    }
    return true;
}

/* ------------------------------------------------------------------ opening ---- */

static void close_store(cli_store *base)
{
    postgres_store *store = (postgres_store *)base;
    cli_libpq.PQfreemem(store->table);
    cli_libpq.PQfreemem(store->pin_table);
    cli_libpq.PQfinish(store->connection);
    vit__buffer_free(&store->rows);
    free(store->place);
    free(store->plain_table);
    free(store);
}

/* The URL without user and password. */
static char *describe_place(const PGconn *connection, const char *table)
{
    cli_text text = {0};
    const char *host = cli_libpq.PQhost(connection), *database = cli_libpq.PQdb(connection);
    cli_text_format(&text, "postgresql://%s/%s, table %s", host ? host : "", database ? database : "", table);
    return text.data;
}

static bool connect_store(postgres_store *store, const cli_store_options *options)
{
    store->connection = cli_libpq.PQconnectdb(options->place);
    if (cli_libpq.PQstatus(store->connection) != CONNECTION_OK) {
        store->store.place = "--db postgresql";
        return cli_postgres_fail(store, NULL);
    }
    store->place = describe_place(store->connection, store->plain_table);
    store->store.place = store->place;
    cli_text pin = {0};
    cli_text_format(&pin, "%s_pin", store->plain_table);
    store->table = cli_libpq.PQescapeIdentifier(store->connection, store->plain_table, strlen(store->plain_table));
    store->pin_table = cli_libpq.PQescapeIdentifier(store->connection, pin.data, pin.size);
    cli_text_free(&pin);
    if (!store->table || !store->pin_table)
        return cli_postgres_fail(store, NULL);
    return cli_libpq.PQsetClientEncoding(store->connection, "UTF8") == 0 &&
           cli_postgres_execute(store, "SET standard_conforming_strings = on; SET client_min_messages = warning");
}

static cli_store *open_store(const cli_store_options *options, cli_store_mode mode)
{
    (void)mode; /* what may be written is the server's to say */
    const char *table = options->table ? options->table : DEFAULT_TABLE;
    if (strlen(table) > TABLE_NAME_MAX) {
        cli_error("--table %s: too long a name, %d bytes are the most", table, TABLE_NAME_MAX);
        return NULL;
    }
    if (!cli_libpq_load())
        return NULL;
    postgres_store *store = cli_allocate(1, sizeof *store);
    store->store.kind = &cli_store_postgres;
    store->plain_table = cli_duplicate(table);
    store->half = options->vector_type == CLI_VECTOR_HALF;
    if (connect_store(store, options))
        return &store->store;
    close_store(&store->store);
    return NULL;
}

/* ------------------------------------------------------------------ the pin ---- */

/* In the place of %s the quoted name of the table. */
static bool execute_on(postgres_store *store, const char *format, const char *table)
{
    cli_text sql = {0};
    for (const char *at = format, *mark; *at; at = mark + 2) {
        mark = strstr(at, "%s");
        if (!mark) {
            cli_text_string(&sql, at);
            break;
        }
        cli_text_add(&sql, at, (size_t)(mark - at));
        cli_text_string(&sql, table);
    }
    bool done = cli_postgres_execute(store, sql.data);
    cli_text_free(&sql);
    return done;
}

static bool has_table(postgres_store *store, bool *there)
{
    const postgres_parameters parameters = {.values = {store->pin_table}, .n = 1};
    PGresult *result = cli_postgres_query(store, "SELECT to_regclass($1) IS NOT NULL", &parameters);
    if (!result)
        return false;
    *there = *cli_libpq.PQgetvalue(result, 0, 0) != 0;
    cli_libpq.PQclear(result);
    return true;
}

static bool take_pin(void *context, const PGresult *row)
{
    void **both = context;
    postgres_store *store = both[0];
    cli_pin *pin = both[1];
    const char *name = cli_libpq.PQgetvalue(row, 0, 0), *value = cli_libpq.PQgetvalue(row, 0, 1);
    if (strcmp(name, "vector_type") == 0)
        store->half = strcmp(value, cli_vector_type_names[CLI_VECTOR_HALF]) == 0;
    for (size_t i = 0; i < CLI_PIN_KEYS; i++)
        if (strcmp(name, cli_pin_names[i]) == 0 && !pin->values[i])
            pin->values[i] = cli_duplicate(value);
    return true;
}

static bool read_pin(cli_store *base, cli_pin *pin)
{
    postgres_store *store = (postgres_store *)base;
    bool there = false;
    if (!has_table(store, &there))
        return false;
    if (!there)
        return true;
    cli_text sql = {0};
    cli_text_format(&sql, "SELECT name, value FROM %s", store->pin_table);
    void *both[] = {store, pin};
    bool done = cli_postgres_each(store, sql.data, NULL, take_pin, both);
    cli_text_free(&sql);
    store->columns = cli_pin_dimensions(pin);
    return done;
}

static bool insert_pin(postgres_store *store, const char *name, const char *value)
{
    cli_text sql = {0};
    vit__buffer valid = {0};
    vit__pg_utf8(&valid, value);
    const postgres_parameters parameters = {.values = {name, vit__buffer_terminate(&valid)}, .n = 2};
    cli_text_format(&sql, "INSERT INTO %s VALUES ($1, $2)", store->pin_table);
    PGresult *result = cli_postgres_query(store, sql.data, &parameters);
    cli_libpq.PQclear(result);
    cli_text_free(&sql);
    vit__buffer_free(&valid);
    return result != NULL;
}

/* Text as words of letters and digits: PostgreSQL's own parser would take a path, a tag or an address for one word. */
#define WORDS_OF(text) "to_tsvector('simple', regexp_replace(" text ", '[\\u0001-/:-@\\[-`{-\\u007F]+', ' ', 'g'))"

/* words: captions count more than paths. */
static bool create_tables(postgres_store *store)
{
    cli_text embedding = {0};
    cli_text_format(
        &embedding,
        "CREATE TABLE %%s(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, path text NOT NULL UNIQUE,"
        " name text NOT NULL, size bigint NOT NULL, mtime bigint NOT NULL, hash text NOT NULL, width bigint,"
        " height bigint, caption text, caption_time bigint NOT NULL, embedding %s(%zu) NOT NULL,"
        " words tsvector GENERATED ALWAYS AS (setweight(" WORDS_OF(
            "path") ", 'D') ||"
                    " setweight(" WORDS_OF("coalesce(caption, '')") ", 'A')) STORED)",
        cli_vector_type_names[store->half], store->columns);
    bool done = execute_on(store, embedding.data, store->table) &&
                execute_on(store, "CREATE INDEX ON %s(hash); CREATE INDEX ON %s USING gin(words)", store->table) &&
                execute_on(store, "CREATE TABLE %s(name text PRIMARY KEY, value text NOT NULL)", store->pin_table);
    cli_text_free(&embedding);
    return done;
}

static bool make_store(postgres_store *store, const cli_pin *pin)
{
    if (!cli_postgres_execute(store, "CREATE EXTENSION IF NOT EXISTS vector")) {
        cli_note("the database needs pgvector: have its administrator run CREATE EXTENSION vector");
        return false;
    }
    store->columns = cli_pin_dimensions(pin);
    bool done = cli_postgres_execute(store, "BEGIN") && create_tables(store) &&
                insert_pin(store, "vector_type", cli_vector_type_names[store->half]);
    for (size_t i = 0; i < CLI_PIN_KEYS && done; i++)
        done = !pin->values[i] || insert_pin(store, cli_pin_names[i], pin->values[i]);
    return done && cli_postgres_execute(store, "COMMIT");
}

/* The lock is the session's: a transaction that waited for it might not see tables made meanwhile. */
static bool write_pin(cli_store *base, const cli_pin *pin)
{
    postgres_store *store = (postgres_store *)base;
    bool there = false;
    return cli_postgres_execute(store, "SELECT pg_advisory_lock(" ONE_AT_A_TIME ")") && has_table(store, &there) &&
           (there || make_store(store, pin)) &&
           cli_postgres_execute(store, "SELECT pg_advisory_unlock(" ONE_AT_A_TIME ")");
}

/* ------------------------------------------------------------------ changes ---- */

typedef struct item_reader {
    cli_take_item *take;
    void *context;
} item_reader;

static bool take_item(void *context, const PGresult *row)
{
    const item_reader *reader = context;
    char *path = cli_postgres_path(row, 0, 1);
    cli_item item = {
        .id = cli_postgres_integer(row, 0, 0),
        .path = path,
        .size = cli_postgres_integer(row, 0, 2),
        .time = cli_postgres_integer(row, 0, 3),
        .hash = cli_libpq.PQgetvalue(row, 0, 4),
        .width = (uint32_t)cli_postgres_integer(row, 0, 5),
        .height = (uint32_t)cli_postgres_integer(row, 0, 6),
        .caption_time = cli_postgres_integer(row, 0, 7),
    };
    bool going = reader->take(reader->context, &item);
    free(path);
    return going;
}

static bool each_item(cli_store *base, cli_take_item *take, void *context)
{
    postgres_store *store = (postgres_store *)base;
    cli_text sql = {0};
    item_reader reader = {take, context};
    if (store->columns == 0)
        return true;
    cli_text_format(&sql, "SELECT id, path, size, mtime, hash, width, height, caption_time FROM %s", store->table);
    bool done = cli_postgres_each(store, sql.data, NULL, take_item, &reader);
    cli_text_free(&sql);
    return done;
}

/* One process writes at a time, as in SQLite; others wait, and searches go on. Two processes would
 * otherwise bring the same path. */
static bool begin_alone(postgres_store *store)
{
    return cli_postgres_execute(store, "BEGIN") &&
           execute_on(store, "LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE", store->table);
}

/* Rows come by COPY into a table of the session's own, and from there into the index, where they replace older ones. */
static bool begin(cli_store *base)
{
    postgres_store *store = (postgres_store *)base;
    cli_text sql = {0};
    if (!store->has_batch_table) {
        cli_text_format(
            &sql,
            "CREATE TEMP TABLE vit_batch(path text, name text, size bigint, mtime bigint, hash text, width bigint,"
            " height bigint, caption text, caption_time bigint, embedding %s(%zu)) ON COMMIT DELETE ROWS",
            cli_vector_type_names[store->half], store->columns);
        store->has_batch_table = cli_postgres_execute(store, sql.data);
        cli_text_free(&sql);
    }
    return store->has_batch_table && begin_alone(store);
}

static bool copy_rows(postgres_store *store)
{
    PGresult *result = cli_libpq.PQexec(store->connection, "COPY vit_batch(" COLUMNS ") FROM STDIN BINARY");
    if (cli_libpq.PQresultStatus(result) != PGRES_COPY_IN)
        return cli_postgres_fail(store, result);
    cli_libpq.PQclear(result);
    vit__pg_end(&store->rows);
    bool sent = cli_libpq.PQputCopyData(store->connection, store->rows.data, (int)store->rows.size) == 1 &&
                cli_libpq.PQputCopyEnd(store->connection, NULL) == 1;
    vit__buffer_clear(&store->rows);
    if (!sent)
        return cli_postgres_fail(store, NULL);
    bool done = true;
    while ((result = cli_libpq.PQgetResult(store->connection)) != NULL) {
        if (cli_libpq.PQresultStatus(result) != PGRES_COMMAND_OK && done)
            done = cli_postgres_fail(store, result);
        else
            cli_libpq.PQclear(result);
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

static bool commit(cli_store *base)
{
    postgres_store *store = (postgres_store *)base;
    return send_rows(store) && cli_postgres_execute(store, "COMMIT");
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool put(cli_store *base, const cli_item *item, const float *vector)
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
    return true;
}

/* The text of $1 .. $9. */
typedef struct item_texts {
    vit__buffer path, name;
    cli_text numbers[5];
} item_texts;

static void bind_item(const cli_item *item, item_texts *texts, postgres_parameters *parameters)
{
    const int64_t numbers[] = {item->size, item->time, item->width, item->height, item->caption_time};
    vit__pg_utf8(&texts->path, item->path);
    vit__pg_utf8(&texts->name, name_of(item->path));
    for (size_t i = 0; i < 5; i++)
        cli_text_format(&texts->numbers[i], "%lld", (long long)numbers[i]);
    *parameters = (postgres_parameters){
        .values = {vit__buffer_terminate(&texts->path), vit__buffer_terminate(&texts->name), texts->numbers[0].data,
                   texts->numbers[1].data, item->hash, texts->numbers[2].data, texts->numbers[3].data, item->caption,
                   texts->numbers[4].data},
        .n = 9,
    };
}

static void free_texts(item_texts *texts)
{
    vit__buffer_free(&texts->path);
    vit__buffer_free(&texts->name);
    for (size_t i = 0; i < 5; i++)
        cli_text_free(&texts->numbers[i]);
}

/* Runs a statement with an item's nine parameters. */
static bool run_on_item(postgres_store *store, const cli_item *item, const cli_text *sql)
{
    item_texts texts = {0};
    postgres_parameters parameters;
    bind_item(item, &texts, &parameters);
    PGresult *result = cli_postgres_query(store, sql->data, &parameters);
    bool done = result != NULL;
    cli_libpq.PQclear(result);
    free_texts(&texts);
    return done;
}

/* Forgets the path, unless it is that of the image id. */
static bool remove_other(postgres_store *store, const char *path, int64_t id)
{
    cli_text sql = {0};
    vit__buffer valid = {0};
    vit__pg_utf8(&valid, path);
    const postgres_parameters parameters = {.values = {vit__buffer_terminate(&valid)}, .n = 1};
    cli_text_format(&sql, "DELETE FROM %s WHERE path = $1 AND id <> %lld", store->table, (long long)id);
    PGresult *result = send_rows(store) ? cli_postgres_query(store, sql.data, &parameters) : NULL;
    bool done = result != NULL;
    cli_libpq.PQclear(result);
    cli_text_free(&sql);
    vit__buffer_free(&valid);
    return done;
}

static bool remove_path(cli_store *base, const char *path)
{
    return remove_other((postgres_store *)base, path, 0);
}

#define ITEM_SELECT "$1::text, $2::text, $3::bigint, $4::bigint, $5::text, $6::bigint, $7::bigint, $8::text, $9::bigint"

static bool copy(cli_store *base, int64_t from, const cli_item *item)
{
    postgres_store *store = (postgres_store *)base;
    cli_text sql = {0};
    cli_text_format(&sql, "INSERT INTO %s(" COLUMNS ") SELECT " ITEM_SELECT ", embedding FROM %s WHERE id = %lld",
                    store->table, store->table, (long long)from);
    bool done = remove_other(store, item->path, from) && run_on_item(store, item, &sql);
    cli_text_free(&sql);
    return done;
}

static bool update(cli_store *base, const cli_item *item)
{
    postgres_store *store = (postgres_store *)base;
    cli_text sql = {0};
    cli_text_format(
        &sql,
        "UPDATE %s SET (path, name, size, mtime, hash, width, height, caption, caption_time) = (" ITEM_SELECT
        ") WHERE id = %lld",
        store->table, (long long)item->id);
    bool done = remove_other(store, item->path, item->id) && run_on_item(store, item, &sql);
    cli_text_free(&sql);
    return done;
}

/* The index for approximate searches, once there are vectors: building it over many at once is faster and better. */
static bool finish(cli_store *base)
{
    postgres_store *store = (postgres_store *)base;
    size_t most = store->half ? 4000 : 2000;
    if (store->columns == 0)
        return true;
    if (store->columns > most) {
        cli_note("%s: pgvector's HNSW takes up to %zu dimensions%s: searches look at every vector", store->store.place,
                 most, store->half ? "" : " (4000 with --vector-type halfvec)");
        return true;
    }
    cli_text name = {0}, sql = {0};
    cli_text_format(&name, "%s_hnsw", store->plain_table);
    char *quoted = cli_libpq.PQescapeIdentifier(store->connection, name.data, name.size);
    cli_text_format(&sql, "CREATE INDEX IF NOT EXISTS %s ON %s USING hnsw (embedding %s_cosine_ops)", quoted,
                    store->table, cli_vector_type_names[store->half]);
    bool done = quoted && begin_alone(store) && cli_postgres_execute(store, sql.data) &&
                cli_postgres_execute(store, "COMMIT");
    cli_libpq.PQfreemem(quoted);
    cli_text_free(&name);
    cli_text_free(&sql);
    return done;
}

const cli_store_kind cli_store_postgres = {
    .open = open_store,
    .close = close_store,
    .read_pin = read_pin,
    .write_pin = write_pin,
    .each_item = each_item,
    .check_filter = cli_postgres_check_filter,
    .each_vector = cli_postgres_each_vector,
    .begin = begin,
    .commit = commit,
    .put = put,
    .copy = copy,
    .update = update,
    .remove = remove_path,
    .finish = finish,
    .search = cli_postgres_search,
    .match = cli_postgres_match,
    .find_vector = cli_postgres_find_vector,
};
