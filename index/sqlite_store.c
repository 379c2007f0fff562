/* SPDX-License-Identifier: BSD-2-Clause */
/* An index in a SQLite file, in WAL mode: what was committed survives a kill. Beside it stands a copy of the vectors
 * for scanning (vector_file.h). A changed image gets a new id, so that a vector never changes under its id. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "memory.h"
#include "sqlite_functions.h"
#include "sqlite_store.h"

#define APPLICATION_ID 1986622513 /* "vit1" */
#define SCHEMA_VERSION 2          /* 1: words were indexed as they are, without vit_words */
#define WAIT_MILLISECONDS 10

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
    " INSERT INTO words(rowid, path, caption) VALUES (new.id, vit_words(new.path), vit_words(new.caption)); END;"
    "CREATE TRIGGER images_change AFTER UPDATE OF path, caption ON images BEGIN"
    " INSERT INTO words(words, rowid, path, caption) VALUES"
    " ('delete', old.id, vit_words(old.path), vit_words(old.caption));"
    " INSERT INTO words(rowid, path, caption) VALUES (new.id, vit_words(new.path), vit_words(new.caption)); END;"
    "CREATE TRIGGER images_remove AFTER DELETE ON images BEGIN"
    " INSERT INTO words(words, rowid, path, caption) VALUES"
    " ('delete', old.id, vit_words(old.path), vit_words(old.caption));"
    " DELETE FROM vectors WHERE id = old.id;"
    " INSERT INTO removed VALUES (old.id); END;";

/* ------------------------------------------------------------------ opening ---- */

static void close_store(vit_index *index)
{
    sqlite_store *store = (sqlite_store *)index;
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    sqlite3_close(store->db);
    free(store->vectors_path);
}

/* A file: URI: everything but letters, digits and a few signs as %XX. */
static const char *uri_of(const char *path, const char *query, vit__buffer *uri)
{
    vit__buffer_add_string(uri, "file:");
    for (const unsigned char *at = (const unsigned char *)path; *at; at++) {
        bool plain = (*at >= '0' && *at <= '9') || (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') ||
                     strchr("/._-", *at);
        vit__buffer_format(uri, plain ? "%c" : "%%%02X", *at);
    }
    vit__buffer_add_string(uri, query);
    return vit__buffer_terminate(uri);
}

/* Does it open, and answer? WAL shows only when it is read. On failure vit__sqlite_fail says why. */
static bool open_connection(sqlite_store *store, const char *query, int flags)
{
    vit__buffer uri = {0};
    const char *name = uri_of(store->index.place, query, &uri);
    sqlite3_close(store->db);
    store->db = NULL; /* whose error is that there is no memory */
    bool opened = name && sqlite3_open_v2(name, &store->db, flags | SQLITE_OPEN_URI, NULL) == SQLITE_OK;
    vit__buffer_free(&uri);
    if (opened) {
        sqlite3_busy_timeout(store->db, BUSY_MILLISECONDS);
        opened = sqlite3_exec(store->db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL) == SQLITE_OK &&
                 vit__sqlite_add_functions(store);
    }
    return opened;
}

/* Is there nothing in the log beside the file? */
static bool is_clean(const sqlite_store *store)
{
    struct stat status;
    vit__buffer wal = {0};
    vit__buffer_format(&wal, "%s-wal", store->index.place);
    const char *path = vit__buffer_terminate(&wal);
    bool clean = path && (stat(path, &status) != 0 || status.st_size == 0);
    vit__buffer_free(&wal);
    return clean;
}

/* A file that cannot have a WAL beside it (a read-only medium, a full disk) can still be read if there is none. */
static bool open_to_read(sqlite_store *store)
{
    struct stat status;
    if (stat(store->index.place, &status) != 0)
        return vit__index_fail(&store->index, VIT_ERR_NOT_FOUND, "no index here: %s", strerror(errno));
    /* Whoever may write clears away the files beside it when he closes it last. */
    if (open_connection(store, "?mode=rw", SQLITE_OPEN_READWRITE))
        return vit__sqlite_execute(store, "PRAGMA query_only=1");
    if (open_connection(store, "?mode=ro", SQLITE_OPEN_READONLY))
        return true;
    if (vit__sqlite_status(store) == VIT_ERR_CORRUPT || !is_clean(store))
        return vit__sqlite_fail(store);
    return open_connection(store, "?mode=ro&immutable=1", SQLITE_OPEN_READONLY) || vit__sqlite_fail(store);
}

static bool count_tables(sqlite_store *store, int64_t *tables)
{
    return vit__sqlite_integer(store, "SELECT count(*) FROM sqlite_master", 0, tables);
}

/* An empty file will be ours; anything else must be. */
static bool check_kind(sqlite_store *store)
{
    int64_t application, version, tables;
    if (!vit__sqlite_integer(store, "PRAGMA application_id", 0, &application) ||
        !vit__sqlite_integer(store, "PRAGMA user_version", 0, &version) || !count_tables(store, &tables))
        return false;
    if (tables > 0 && application != APPLICATION_ID)
        return vit__index_fail(&store->index, VIT_ERR_INVALID_ARGUMENT, "a SQLite file, but not an index of vit");
    store->plain_words = tables > 0 && version < 2;
    if (tables > 0 && (version < 1 || version > SCHEMA_VERSION))
        return vit__index_fail(&store->index, VIT_ERR_UNSUPPORTED_FORMAT,
                               "an index in version %" PRId64 " of the format, this vit reads version %d: index again",
                               version, SCHEMA_VERSION);
    return true;
}

/* Where several processes make the file at once, SQLite tells some of them that it is busy without
 * waiting as it was told to: here its busy handler is not asked. */
static bool use_wal(sqlite_store *store)
{
    static const char sql[] = "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL";
    int code, waited = 0;
    for (; (code = sqlite3_exec(store->db, sql, NULL, NULL, NULL)) == SQLITE_BUSY && waited < BUSY_MILLISECONDS;
         waited += WAIT_MILLISECONDS)
        sqlite3_sleep(WAIT_MILLISECONDS);
    return code == SQLITE_OK || vit__sqlite_fail(store);
}

static bool open_to_write(sqlite_store *store)
{
    if (!open_connection(store, "", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE))
        return vit__sqlite_fail(store);
    if (!check_kind(store)) /* before anything is changed: the file may be another program's */
        return false;
    return use_wal(store);
}

static bool open_store(vit_index *index, const char *place, const vit_index_options *options)
{
    sqlite_store *store = (sqlite_store *)index;
    vit__buffer vectors = {0};
    vit__buffer_format(&vectors, "%s-vectors", place);
    index->place = vit__strdup(place);
    store->vectors_path = vit__buffer_terminate(&vectors) ? vectors.data : NULL;
    if (!index->place || !store->vectors_path) {
        if (!store->vectors_path)
            vit__buffer_free(&vectors);
        return vit__index_fail_memory(index);
    }
    if (options->mode == VIT_INDEX_READ)
        return open_to_read(store) && check_kind(store);
    return open_to_write(store);
}

/* ------------------------------------------------------------------ the pin ---- */

static bool read_pin_row(sqlite_store *store, sqlite3_stmt *statement, vit_index_pin *pin)
{
    const char *name = (const char *)sqlite3_column_text(statement, 0);
    const char *value = (const char *)sqlite3_column_text(statement, 1);
    if (name && value && strcmp(name, "index") == 0)
        store->key.index = strtoull(value, NULL, 16);
    if (!name || !value)
        return sqlite3_errcode(store->db) != SQLITE_NOMEM || vit__index_fail_memory(&store->index);
    return vit__pin_read(pin, name, value) || vit__index_fail_memory(&store->index);
}

static bool read_pin(vit_index *index, vit_index_pin *pin)
{
    sqlite_store *store = (sqlite_store *)index;
    int64_t tables;
    if (!count_tables(store, &tables))
        return false;
    if (tables == 0)
        return true;
    sqlite3_stmt *statement = vit__sqlite_prepare(store, "SELECT name, value FROM pin");
    if (!statement)
        return false;
    int step;
    bool going = true;
    while (going && (step = sqlite3_step(statement)) == SQLITE_ROW)
        going = read_pin_row(store, statement, pin);
    bool done = going && (step == SQLITE_DONE || vit__sqlite_fail(store));
    sqlite3_finalize(statement);
    store->key.columns = vit__pin_columns(pin);
    return done;
}

static bool set_pin(vit_index *index, const char *name, const char *value)
{
    sqlite_store *store = (sqlite_store *)index;
    sqlite3_stmt *statement = vit__sqlite_prepare(store, "INSERT OR REPLACE INTO pin VALUES (?, ?)");
    if (!statement)
        return false;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
    bool done = vit__sqlite_run(store, statement);
    sqlite3_finalize(statement);
    return done;
}

/* In a transaction: the tables, and the pin in them. */
static bool make_store(sqlite_store *store, const vit_index_pin *pin)
{
    char text[128];
    if (getrandom(&store->key.index, sizeof store->key.index, 0) != (ssize_t)sizeof store->key.index)
        return vit__index_fail(&store->index, VIT_ERR_INTERNAL, "the system gives no random number: %s",
                               strerror(errno));
    snprintf(text, sizeof text, "%016" PRIx64, store->key.index);
    store->key.columns = vit__pin_columns(pin);
    bool done = vit__sqlite_execute(store, schema) && set_pin(&store->index, "index", text);
    for (size_t i = 0; i < VIT__PIN_KEYS && done; i++) {
        const char *name = vit__pin_name(i), *value = *vit__pin_value((vit_index_pin *)pin, i);
        done = !name || !value || set_pin(&store->index, name, value);
    }
    snprintf(text, sizeof text, "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT", APPLICATION_ID,
             SCHEMA_VERSION);
    return done && vit__sqlite_execute(store, text);
}

static bool rollback(vit_index *index)
{
    return vit__sqlite_rollback((sqlite_store *)index);
}

static bool write_pin(vit_index *index, const vit_index_pin *pin)
{
    sqlite_store *store = (sqlite_store *)index;
    int64_t tables;
    if (!vit__sqlite_begin(store, "BEGIN IMMEDIATE"))
        return false;
    bool done = count_tables(store, &tables) && (tables > 0 || make_store(store, pin));
    if (!done)
        store->key.columns = 0;
    return rollback(index) && done; /* nothing, where it is committed */
}

/* ------------------------------------------------------------------ changes ---- */

static bool each_item(vit_index *base, vit__take_item *take, void *context)
{
    sqlite_store *store = (sqlite_store *)base;
    if (store->key.columns == 0)
        return true;
    sqlite3_stmt *statement = vit__sqlite_prepare(store,
                                                  "SELECT id, path, size, mtime, hash, width, height, caption_time"
                                                  " FROM images");
    if (!statement)
        return false;
    int step;
    bool going = true;
    while (going && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        vit_index_item item = {
            .id = sqlite3_column_int64(statement, 0),
            .path = (const char *)sqlite3_column_text(statement, 1),
            .size = sqlite3_column_int64(statement, 2),
            .time = sqlite3_column_int64(statement, 3),
            .hash = (const char *)sqlite3_column_text(statement, 4),
            .width = (uint32_t)sqlite3_column_int64(statement, 5),
            .height = (uint32_t)sqlite3_column_int64(statement, 6),
            .caption_time = sqlite3_column_int64(statement, 7),
        };
        going = item.path && item.hash ? take(context, &item) : vit__index_fail_memory(base);
    }
    bool done = !going || step == SQLITE_DONE || vit__sqlite_fail(store);
    sqlite3_finalize(statement);
    return done && going;
}

static bool begin(vit_index *base)
{
    return vit__sqlite_begin((sqlite_store *)base, "BEGIN IMMEDIATE");
}

static bool commit(vit_index *base)
{
    return vit__sqlite_execute((sqlite_store *)base, "COMMIT") || (rollback(base), false);
}

/* Parameters 1 to 9. */
static void bind_item(sqlite3_stmt *statement, const vit_index_item *item)
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

static bool remove_path(vit_index *base, const char *path)
{
    sqlite_store *store = (sqlite_store *)base;
    sqlite3_stmt *statement = vit__sqlite_statement(store, STATEMENT_REMOVE_PATH);
    if (!statement)
        return false;
    sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC);
    return vit__sqlite_run(store, statement);
}

static bool put_item(sqlite_store *store, const vit_index_item *item)
{
    if (!remove_path(&store->index, item->path))
        return false;
    sqlite3_stmt *statement = vit__sqlite_statement(store, STATEMENT_PUT_ITEM);
    if (!statement)
        return false;
    bind_item(statement, item);
    return vit__sqlite_run(store, statement);
}

static bool put(vit_index *base, const vit_index_item *item, const float *vector)
{
    sqlite_store *store = (sqlite_store *)base;
    if (!put_item(store, item))
        return false;
    sqlite3_stmt *statement = vit__sqlite_statement(store, STATEMENT_PUT_VECTOR);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, sqlite3_last_insert_rowid(store->db));
    sqlite3_bind_blob64(statement, 2, vector, store->key.columns * sizeof *vector, SQLITE_STATIC);
    return vit__sqlite_run(store, statement);
}

static bool copy(vit_index *base, int64_t from, const vit_index_item *item)
{
    sqlite_store *store = (sqlite_store *)base;
    if (!put_item(store, item))
        return false;
    sqlite3_stmt *statement = vit__sqlite_statement(store, STATEMENT_COPY_VECTOR);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, sqlite3_last_insert_rowid(store->db));
    sqlite3_bind_int64(statement, 2, from);
    if (!vit__sqlite_run(store, statement))
        return false;
    /* The image that it was to be taken from is gone since: the next run makes it. */
    return sqlite3_changes(store->db) > 0 || remove_path(base, item->path);
}

static bool update(vit_index *base, const vit_index_item *item)
{
    sqlite_store *store = (sqlite_store *)base;
    sqlite3_stmt *statement = vit__sqlite_statement(store, STATEMENT_REMOVE_OTHER);
    if (!statement)
        return false;
    sqlite3_bind_text(statement, 1, item->path, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, item->id);
    if (!vit__sqlite_run(store, statement))
        return false;
    statement = vit__sqlite_statement(store, STATEMENT_UPDATE_ITEM);
    if (!statement)
        return false;
    bind_item(statement, item);
    sqlite3_bind_int64(statement, 10, item->id);
    return vit__sqlite_run(store, statement);
}

static bool find(vit_index *base, int64_t id, const char *hash, float *vector, bool *found)
{
    sqlite_store *store = (sqlite_store *)base;
    sqlite3_stmt *statement = vit__sqlite_statement(store, hash ? STATEMENT_FIND_HASH : STATEMENT_FIND_ID);
    if (!statement)
        return false;
    if (hash)
        sqlite3_bind_text(statement, 1, hash, -1, SQLITE_STATIC);
    else
        sqlite3_bind_int64(statement, 1, id);
    const float *stored = NULL;
    int step = sqlite3_step(statement);
    bool done = step == SQLITE_ROW ? vit__sqlite_vector(store, statement, 0, &stored)
                                   : step == SQLITE_DONE || vit__sqlite_fail(store);
    *found = stored != NULL;
    if (*found)
        memcpy(vector, stored, store->key.columns * sizeof *vector);
    sqlite3_reset(statement);
    return done;
}

static bool path_of(vit_index *base, int64_t id, char **path)
{
    sqlite_store *store = (sqlite_store *)base;
    sqlite3_stmt *statement = vit__sqlite_statement(store, STATEMENT_FIND_PATH);
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, id);
    int step = sqlite3_step(statement);
    const char *text = step == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    bool done = step == SQLITE_ROW || step == SQLITE_DONE || vit__sqlite_fail(store);
    *path = text ? vit__strdup(text) : NULL;
    if (step == SQLITE_ROW && !*path)
        done = vit__index_fail_memory(base);
    sqlite3_reset(statement);
    return done;
}

/* ------------------------------------------------------------------ the vector file ---- */

/* The rows that the file lacks; false: the store failed. *written says whether the file could be written. */
static bool append_rows(sqlite_store *store, vit__vector_appender *appender, bool *written)
{
    sqlite3_stmt *statement = vit__sqlite_prepare(store, "SELECT id, vector FROM vectors WHERE id > ? ORDER BY id");
    if (!statement)
        return false;
    sqlite3_bind_int64(statement, 1, vit__vector_append_last_id(appender));
    int step = SQLITE_DONE;
    *written = true;
    bool going = true;
    while (going && *written && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        const float *vector;
        going = vit__sqlite_vector(store, statement, 1, &vector);
        *written = !vector || vit__vector_append(appender, sqlite3_column_int64(statement, 0), vector);
    }
    bool done = going && (!*written || step == SQLITE_DONE || vit__sqlite_fail(store));
    sqlite3_finalize(statement);
    return done;
}

static void note_slowness(sqlite_store *store)
{
    vit__buffer_format(&store->index.note, "%s: cannot be written: %s; searches will be slower", store->vectors_path,
                       strerror(errno));
}

/* Without the file searches are slower and just as right: its failure is a note. */
static bool finish(vit_index *base)
{
    sqlite_store *store = (sqlite_store *)base;
    int64_t removed, kept, newest;
    if (!vit__sqlite_integer(store, "SELECT count(*) FROM removed", 0, &removed) ||
        !vit__sqlite_integer(store, "SELECT count(*) FROM vectors", 0, &kept) ||
        !vit__sqlite_integer(store, "SELECT max(id) FROM removed", 0, &newest))
        return false;
    bool afresh = removed > 0 && removed * 8 > kept;
    vit__vector_appender *appender = vit__vector_append_start(store->vectors_path, &store->key, afresh);
    if (!appender) {
        if (errno != EAGAIN)
            note_slowness(store);
        return true;
    }
    bool written = false;
    bool done = append_rows(store, appender, &written);
    written = vit__vector_append_end(appender, done && written);
    if (done && !written)
        note_slowness(store);
    if (!done || !written || !afresh)
        return done;
    vit__buffer sql = {0};
    vit__buffer_format(&sql, "DELETE FROM removed WHERE id <= %" PRId64, newest);
    done = vit__sqlite_execute(store, vit__index_text(base, &sql));
    vit__buffer_free(&sql);
    return done;
}

const vit__store_kind vit__store_sqlite = {
    .size = sizeof(sqlite_store),
    .open = open_store,
    .close = close_store,
    .read_pin = read_pin,
    .write_pin = write_pin,
    .set_pin = set_pin,
    .each_item = each_item,
    .check_filter = vit__sqlite_check_filter,
    .each_vector = vit__sqlite_each_vector,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .put = put,
    .copy = copy,
    .update = update,
    .remove = remove_path,
    .finish = finish,
    .search = vit__sqlite_search,
    .match = vit__sqlite_match,
    .find = find,
    .path = path_of,
};
