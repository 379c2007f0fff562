/* SPDX-License-Identifier: BSD-2-Clause */
/* An index in a SQLite file, in WAL mode: what was committed survives a kill. Beside it stands a copy of the vectors
 * for scanning (vector_file.h). A changed image gets a new id, so that a vector never changes under its id. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "sqlite_store.h"
#include "talk.h"
#include "text.h"

#define APPLICATION_ID 1986622513 /* "vit1" */
#define SCHEMA_VERSION 1
#define BUSY_MILLISECONDS 20000

/* Vectors have a table of their own: conditions on the rest then read little. words is an index of words over
 * the text in images and holds no copy of it. removed has the ids that the vector file may still hold. */
static const char schema[] =
    "CREATE TABLE pin(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    "CREATE TABLE images(id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, name TEXT NOT NULL,"
    " size INTEGER NOT NULL, mtime INTEGER NOT NULL, hash TEXT NOT NULL, width INTEGER, height INTEGER,"
    " caption TEXT, caption_time INTEGER NOT NULL);"
    "CREATE INDEX images_by_hash ON images(hash);"
    "CREATE TABLE vectors(id INTEGER PRIMARY KEY, vector BLOB NOT NULL);"
    "CREATE TABLE removed(id INTEGER PRIMARY KEY);"
    "CREATE VIRTUAL TABLE words USING fts5(path, caption, content='images', content_rowid='id',"
    " tokenize='unicode61 remove_diacritics 2');"
    "CREATE TRIGGER images_put AFTER INSERT ON images BEGIN"
    " INSERT INTO words(rowid, path, caption) VALUES (new.id, new.path, new.caption); END;"
    "CREATE TRIGGER images_change AFTER UPDATE OF path, caption ON images BEGIN"
    " INSERT INTO words(words, rowid, path, caption) VALUES ('delete', old.id, old.path, old.caption);"
    " INSERT INTO words(rowid, path, caption) VALUES (new.id, new.path, new.caption); END;"
    "CREATE TRIGGER images_remove AFTER DELETE ON images BEGIN"
    " INSERT INTO words(words, rowid, path, caption) VALUES ('delete', old.id, old.path, old.caption);"
    " DELETE FROM vectors WHERE id = old.id;"
    " INSERT INTO removed VALUES (old.id); END;";

static const char *const statement_sql[SQLITE_STATEMENTS] = {
    [SQLITE_PUT_ITEM] = "INSERT INTO images(path, name, size, mtime, hash, width, height, caption, caption_time)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQLITE_PUT_VECTOR] = "INSERT INTO vectors(id, vector) VALUES (?, ?)",
    [SQLITE_COPY_VECTOR] = "INSERT INTO vectors(id, vector) SELECT ?, vector FROM vectors WHERE id = ?",
    [SQLITE_UPDATE_ITEM] = "UPDATE images SET path = ?, name = ?, size = ?, mtime = ?, hash = ?, width = ?, height = ?,"
                           " caption = ?, caption_time = ? WHERE id = ?",
    [SQLITE_REMOVE_PATH] = "DELETE FROM images WHERE path = ?",
    [SQLITE_REMOVE_OTHER] = "DELETE FROM images WHERE path = ? AND id <> ?",
    [SQLITE_GET_HIT] = "SELECT i.path, i.caption, v.vector FROM images i JOIN vectors v USING (id) WHERE i.id = ?",
    [SQLITE_FIND_HASH] = "SELECT v.vector FROM images i JOIN vectors v USING (id) WHERE i.hash = ? LIMIT 1",
};

/* ------------------------------------------------------------------ SQLite's errors and statements ---- */

bool cli_sqlite_fail(sqlite_store *store)
{
    int code = sqlite3_errcode(store->db) & 0xFF;
    const char *place = store->store.place;
    if (code == SQLITE_FULL || (code == SQLITE_IOERR && sqlite3_system_errno(store->db) == ENOSPC))
        cli_error(
            "%s: the disk is full; every image that was finished is kept: make room and run the same command again",
            place);
    else if (code == SQLITE_BUSY)
        cli_error("%s: another process has been writing to it for %d seconds; try again when it is done", place,
                  BUSY_MILLISECONDS / 1000);
    else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        cli_error("%s: not an index of vit, or a damaged one (%s): name another --db, or remove it and index again",
                  place, sqlite3_errmsg(store->db));
    else
        cli_error("%s: %s", place, sqlite3_errmsg(store->db));
    return false;
}

bool cli_sqlite_execute(sqlite_store *store, const char *sql)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK || cli_sqlite_fail(store);
}

sqlite3_stmt *cli_sqlite_prepare(sqlite_store *store, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        cli_sqlite_fail(store);
    return statement;
}

sqlite3_stmt *cli_sqlite_statement(sqlite_store *store, sqlite_statement which)
{
    if (!store->statements[which])
        store->statements[which] = cli_sqlite_prepare(store, statement_sql[which]);
    else
        sqlite3_reset(store->statements[which]);
    return store->statements[which];
}

/* Runs a statement that answers no rows. */
static bool run(sqlite_store *store, sqlite3_stmt *statement)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE || cli_sqlite_fail(store);
    sqlite3_reset(statement);
    return done;
}

bool cli_sqlite_integer(sqlite_store *store, const char *sql, int64_t fallback, int64_t *value)
{
    sqlite3_stmt *statement = cli_sqlite_prepare(store, sql);
    if (!statement)
        return false;
    int step = sqlite3_step(statement);
    bool answered = step == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL;
    *value = answered ? sqlite3_column_int64(statement, 0) : fallback;
    bool done = step == SQLITE_ROW || step == SQLITE_DONE || cli_sqlite_fail(store);
    sqlite3_finalize(statement);
    return done;
}

const float *cli_sqlite_vector(const sqlite_store *store, sqlite3_stmt *statement, int column)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    size_t size = (size_t)sqlite3_column_bytes(statement, column);
    return size == store->key.columns * sizeof(float) ? bytes : NULL;
}

/* ------------------------------------------------------------------ opening ---- */

static void close_store(cli_store *base)
{
    sqlite_store *store = (sqlite_store *)base;
    for (size_t i = 0; i < SQLITE_STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->db);
    free(store->vectors_path);
    free(store);
}

/* A file: URI: everything but letters, digits and a few signs as %XX. */
static char *uri_of(const char *path, const char *query)
{
    cli_text uri = {0};
    cli_text_string(&uri, "file:");
    for (const unsigned char *at = (const unsigned char *)path; *at; at++) {
        bool plain = (*at >= '0' && *at <= '9') || (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') ||
                     strchr("/._-", *at);
        cli_text_format(&uri, plain ? "%c" : "%%%02X", *at);
    }
    cli_text_string(&uri, query);
    return uri.data;
}

/* Does it open, and answer? WAL shows only when it is read. */
static bool open_connection(sqlite_store *store, const char *query, int flags)
{
    char *uri = uri_of(store->store.place, query);
    bool opened = sqlite3_open_v2(uri, &store->db, flags | SQLITE_OPEN_URI, NULL) == SQLITE_OK;
    free(uri);
    if (opened) {
        sqlite3_busy_timeout(store->db, BUSY_MILLISECONDS);
        opened = sqlite3_exec(store->db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL) == SQLITE_OK;
    }
    return opened;
}

/* A file that cannot have a WAL beside it (a read-only medium, a full disk) can still be read if there is none. */
static bool open_to_read(sqlite_store *store)
{
    struct stat status;
    if (stat(store->store.place, &status) != 0) {
        cli_error("%s: no index here: %s; 'vit index' makes one", store->store.place, strerror(errno));
        return false;
    }
    /* Whoever may write clears away the files beside it when he closes it last. */
    if (open_connection(store, "?mode=rw", SQLITE_OPEN_READWRITE))
        return cli_sqlite_execute(store, "PRAGMA query_only=1");
    sqlite3_close(store->db);
    if (open_connection(store, "?mode=ro", SQLITE_OPEN_READONLY))
        return true;
    int code = sqlite3_errcode(store->db) & 0xFF;
    cli_text wal = {0};
    cli_text_format(&wal, "%s-wal", store->store.place);
    bool clean = stat(wal.data, &status) != 0 || status.st_size == 0;
    cli_text_free(&wal);
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || !clean)
        return cli_sqlite_fail(store);
    sqlite3_close(store->db);
    return open_connection(store, "?mode=ro&immutable=1", SQLITE_OPEN_READONLY) || cli_sqlite_fail(store);
}

static bool count_tables(sqlite_store *store, int64_t *tables)
{
    return cli_sqlite_integer(store, "SELECT count(*) FROM sqlite_master", 0, tables);
}

/* An empty file will be ours; anything else must be. */
static bool check_kind(sqlite_store *store)
{
    int64_t application, version, tables;
    if (!cli_sqlite_integer(store, "PRAGMA application_id", 0, &application) ||
        !cli_sqlite_integer(store, "PRAGMA user_version", 0, &version) || !count_tables(store, &tables))
        return false;
    if (tables > 0 && application != APPLICATION_ID) {
        cli_error("%s: a SQLite file, but not an index of vit: name another --db", store->store.place);
        return false;
    }
    if (tables > 0 && version != SCHEMA_VERSION) {
        cli_error("%s: an index in version %" PRId64
                  " of the format, this vit reads version %d: index again into another "
                  "--db",
                  store->store.place, version, SCHEMA_VERSION);
        return false;
    }
    return true;
}

/* Where several processes make the file at once, SQLite tells some of them that it is busy without
 * waiting as it was told to: here its busy handler is not asked. */
static bool use_wal(sqlite_store *store)
{
    static const char sql[] = "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL";
    double end = cli_seconds() + BUSY_MILLISECONDS / 1000;
    int code;
    while ((code = sqlite3_exec(store->db, sql, NULL, NULL, NULL)) == SQLITE_BUSY && cli_seconds() < end)
        sqlite3_sleep(10);
    return code == SQLITE_OK || cli_sqlite_fail(store);
}

static bool open_to_write(sqlite_store *store)
{
    if (!open_connection(store, "", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE))
        return cli_sqlite_fail(store);
    if (!check_kind(store)) /* before anything is changed: the file may be another program's */
        return false;
    return use_wal(store);
}

static cli_store *open_store(const cli_store_options *options, cli_store_mode mode)
{
    sqlite_store *store = cli_allocate(1, sizeof *store);
    store->store = (cli_store){.kind = &cli_store_sqlite, .place = options->place};
    cli_text vectors = {0};
    cli_text_format(&vectors, "%s-vectors", options->place);
    store->vectors_path = vectors.data;
    if (mode == CLI_STORE_READ ? open_to_read(store) && check_kind(store) : open_to_write(store))
        return &store->store;
    close_store(&store->store);
    return NULL;
}

/* ------------------------------------------------------------------ the pin ---- */

static bool read_pin(cli_store *base, cli_pin *pin)
{
    sqlite_store *store = (sqlite_store *)base;
    int64_t tables;
    if (!count_tables(store, &tables))
        return false;
    if (tables == 0)
        return true;
    sqlite3_stmt *statement = cli_sqlite_prepare(store, "SELECT name, value FROM pin");
    if (!statement)
        return false;
    int step;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        const char *value = (const char *)sqlite3_column_text(statement, 1);
        if (value && strcmp(name, "index") == 0)
            store->key.index = strtoull(value, NULL, 16);
        for (size_t i = 0; i < CLI_PIN_KEYS && value; i++)
            if (strcmp(name, cli_pin_names[i]) == 0 && !pin->values[i])
                pin->values[i] = cli_duplicate(value);
    }
    bool done = step == SQLITE_DONE || cli_sqlite_fail(store);
    sqlite3_finalize(statement);
    store->key.columns = cli_pin_dimensions(pin);
    return done;
}

static bool insert_pin(sqlite_store *store, const char *name, const char *value)
{
    sqlite3_stmt *statement = cli_sqlite_prepare(store, "INSERT INTO pin VALUES (?, ?)");
    if (!statement)
        return false;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
    bool done = run(store, statement);
    sqlite3_finalize(statement);
    return done;
}

static bool write_pin(cli_store *base, const cli_pin *pin)
{
    sqlite_store *store = (sqlite_store *)base;
    char number[32];
    int64_t tables;
    if (!cli_sqlite_execute(store, "BEGIN IMMEDIATE") || !count_tables(store, &tables))
        return false;
    if (tables > 0)
        return cli_sqlite_execute(store, "ROLLBACK");
    if (getrandom(&store->key.index, sizeof store->key.index, 0) != (ssize_t)sizeof store->key.index) {
        cli_error("%s: the system gives no random number: %s", store->store.place, strerror(errno));
        return false;
    }
    snprintf(number, sizeof number, "%016" PRIx64, store->key.index);
    store->key.columns = cli_pin_dimensions(pin);
    bool done = cli_sqlite_execute(store, schema) && insert_pin(store, "index", number);
    for (size_t i = 0; i < CLI_PIN_KEYS && done; i++)
        done = !pin->values[i] || insert_pin(store, cli_pin_names[i], pin->values[i]);
    if (done) {
        snprintf(number, sizeof number, "%d", APPLICATION_ID);
        cli_text sql = {0};
        cli_text_format(&sql, "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT", APPLICATION_ID,
                        SCHEMA_VERSION);
        done = cli_sqlite_execute(store, sql.data);
        cli_text_free(&sql);
    }
    return done;
}

/* ------------------------------------------------------------------ changes ---- */

static bool each_item(cli_store *base, cli_take_item *take, void *context)
{
    sqlite_store *store = (sqlite_store *)base;
    if (store->key.columns == 0)
        return true;
    sqlite3_stmt *statement = cli_sqlite_prepare(store,
                                                 "SELECT id, path, size, mtime, hash, width, height, caption_time"
                                                 " FROM images");
    if (!statement)
        return false;
    int step;
    bool going = true;
    while (going && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        cli_item item = {
            .id = sqlite3_column_int64(statement, 0),
            .path = (const char *)sqlite3_column_text(statement, 1),
            .size = sqlite3_column_int64(statement, 2),
            .time = sqlite3_column_int64(statement, 3),
            .hash = (const char *)sqlite3_column_text(statement, 4),
            .width = (uint32_t)sqlite3_column_int64(statement, 5),
            .height = (uint32_t)sqlite3_column_int64(statement, 6),
            .caption_time = sqlite3_column_int64(statement, 7),
        };
        going = item.path && item.hash && take(context, &item);
    }
    bool done = !going || step == SQLITE_DONE || cli_sqlite_fail(store);
    sqlite3_finalize(statement);
    return done && going;
}

static bool begin(cli_store *base)
{
    return cli_sqlite_execute((sqlite_store *)base, "BEGIN IMMEDIATE");
}

static bool commit(cli_store *base)
{
    return cli_sqlite_execute((sqlite_store *)base, "COMMIT");
}

/* Parameters 1 to 9. */
static void bind_item(sqlite3_stmt *statement, const cli_item *item)
{
    const char *slash = strrchr(item->path, '/');
    sqlite3_bind_text(statement, 1, item->path, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, slash ? slash + 1 : item->path, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, item->size);
    sqlite3_bind_int64(statement, 4, item->time);
    sqlite3_bind_text(statement, 5, item->hash, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 6, item->width);
    sqlite3_bind_int64(statement, 7, item->height);
    sqlite3_bind_text(statement, 8, item->caption, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 9, item->caption_time);
}

static bool remove_path(cli_store *base, const char *path)
{
    sqlite_store *store = (sqlite_store *)base;
    sqlite3_stmt *statement = cli_sqlite_statement(store, SQLITE_REMOVE_PATH);
    if (!statement)
        return false;
    sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC);
    return run(store, statement);
}

static bool put_item(sqlite_store *store, const cli_item *item)
{
    if (!remove_path(&store->store, item->path))
        return false;
    sqlite3_stmt *statement = cli_sqlite_statement(store, SQLITE_PUT_ITEM);
    if (!statement)
        return false;
    bind_item(statement, item);
    return run(store, statement);
}

static bool put(cli_store *base, const cli_item *item, const float *vector)
{
    sqlite_store *store = (sqlite_store *)base;
    if (!put_item(store, item))
        return false;
    sqlite3_stmt *statement = cli_sqlite_statement(store, SQLITE_PUT_VECTOR);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, sqlite3_last_insert_rowid(store->db));
    sqlite3_bind_blob64(statement, 2, vector, store->key.columns * sizeof *vector, SQLITE_STATIC);
    return run(store, statement);
}

static bool copy(cli_store *base, int64_t from, const cli_item *item)
{
    sqlite_store *store = (sqlite_store *)base;
    if (!put_item(store, item))
        return false;
    sqlite3_stmt *statement = cli_sqlite_statement(store, SQLITE_COPY_VECTOR);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, sqlite3_last_insert_rowid(store->db));
    sqlite3_bind_int64(statement, 2, from);
    if (!run(store, statement))
        return false;
    /* The image that it was to be taken from is gone since: the next run makes it. */
    return sqlite3_changes(store->db) > 0 || remove_path(base, item->path);
}

static bool update(cli_store *base, const cli_item *item)
{
    sqlite_store *store = (sqlite_store *)base;
    sqlite3_stmt *statement = cli_sqlite_statement(store, SQLITE_REMOVE_OTHER);
    if (!statement)
        return false;
    sqlite3_bind_text(statement, 1, item->path, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, item->id);
    if (!run(store, statement))
        return false;
    statement = cli_sqlite_statement(store, SQLITE_UPDATE_ITEM);
    if (!statement)
        return false;
    bind_item(statement, item);
    sqlite3_bind_int64(statement, 10, item->id);
    return run(store, statement);
}

static bool find_vector(cli_store *base, const char *hash, float *vector, size_t columns, bool *found)
{
    sqlite_store *store = (sqlite_store *)base;
    sqlite3_stmt *statement = cli_sqlite_statement(store, SQLITE_FIND_HASH);
    if (!statement)
        return false;
    sqlite3_bind_text(statement, 1, hash, -1, SQLITE_STATIC);
    int step = sqlite3_step(statement);
    const float *stored = step == SQLITE_ROW ? cli_sqlite_vector(store, statement, 0) : NULL;
    *found = stored && columns == store->key.columns;
    if (*found)
        memcpy(vector, stored, columns * sizeof *vector);
    bool done = step == SQLITE_ROW || step == SQLITE_DONE || cli_sqlite_fail(store);
    sqlite3_reset(statement);
    return done;
}

/* ------------------------------------------------------------------ the vector file ---- */

/* The rows that the file lacks; false: the store failed. *written says whether the file could be written. */
static bool append_rows(sqlite_store *store, cli_vector_appender *appender, bool *written)
{
    sqlite3_stmt *statement = cli_sqlite_prepare(store, "SELECT id, vector FROM vectors WHERE id > ? ORDER BY id");
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, cli_vector_append_last_id(appender));
    int step = SQLITE_DONE;
    *written = true;
    while (*written && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        const float *vector = cli_sqlite_vector(store, statement, 1);
        *written = !vector || cli_vector_append(appender, sqlite3_column_int64(statement, 0), vector);
    }
    bool done = !*written || step == SQLITE_DONE || cli_sqlite_fail(store);
    sqlite3_finalize(statement);
    return done;
}

/* Without the file searches are slower and just as right: its failure is a note. */
static bool finish(cli_store *base)
{
    sqlite_store *store = (sqlite_store *)base;
    int64_t removed, kept, newest;
    if (store->key.columns == 0)
        return true;
    if (!cli_sqlite_integer(store, "SELECT count(*) FROM removed", 0, &removed) ||
        !cli_sqlite_integer(store, "SELECT count(*) FROM vectors", 0, &kept) ||
        !cli_sqlite_integer(store, "SELECT max(id) FROM removed", 0, &newest))
        return false;
    bool afresh = removed > 0 && removed * 8 > kept;
    cli_vector_appender *appender = cli_vector_append_start(store->vectors_path, &store->key, afresh);
    if (!appender) {
        if (errno != EAGAIN)
            cli_note("%s: cannot be written: %s; searches will be slower", store->vectors_path, strerror(errno));
        return true;
    }
    bool written = false;
    bool done = append_rows(store, appender, &written);
    written = cli_vector_append_end(appender, done && written);
    if (done && !written)
        cli_note("%s: cannot be written: %s; searches will be slower", store->vectors_path, strerror(errno));
    if (!done || !written || !afresh)
        return done;
    cli_text sql = {0};
    cli_text_format(&sql, "DELETE FROM removed WHERE id <= %" PRId64, newest);
    done = cli_sqlite_execute(store, sql.data);
    cli_text_free(&sql);
    return done;
}

const cli_store_kind cli_store_sqlite = {
    .open = open_store,
    .close = close_store,
    .read_pin = read_pin,
    .write_pin = write_pin,
    .each_item = each_item,
    .check_filter = cli_sqlite_check_filter,
    .each_vector = cli_sqlite_each_vector,
    .begin = begin,
    .commit = commit,
    .put = put,
    .copy = copy,
    .update = update,
    .remove = remove_path,
    .finish = finish,
    .search = cli_sqlite_search,
    .match = cli_sqlite_match,
    .find_vector = find_vector,
};
