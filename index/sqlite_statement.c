/* SPDX-License-Identifier: BSD-2-Clause */
/* Statements of an index in SQLite, and what SQLite says when one fails. */
#include <errno.h>

#include "sqlite_store.h"

static const char *const statement_sql[STATEMENTS] = {
    [STATEMENT_PUT_ITEM] = "INSERT INTO images(path, name, size, mtime, hash, width, height, caption, caption_time)"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [STATEMENT_PUT_VECTOR] = "INSERT INTO vectors(id, vector) VALUES (?, ?)",
    [STATEMENT_COPY_VECTOR] = "INSERT INTO vectors(id, vector) SELECT ?, vector FROM vectors WHERE id = ?",
    [STATEMENT_UPDATE_ITEM] =
        "UPDATE images SET path = ?, name = ?, size = ?, mtime = ?, hash = ?, width = ?, height = ?,"
        " caption = ?, caption_time = ? WHERE id = ?",
    [STATEMENT_REMOVE_PATH] = "DELETE FROM images WHERE path = ?",
    [STATEMENT_REMOVE_OTHER] = "DELETE FROM images WHERE path = ? AND id <> ?",
    [STATEMENT_GET_HIT] = "SELECT i.path, i.caption, v.vector, i.width, i.height FROM images i"
                          " JOIN vectors v USING (id) WHERE i.id = ?",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_FIND_ID] = "SELECT vector FROM vectors WHERE id = ?",
    [STATEMENT_FIND_PATH] = "SELECT path FROM images WHERE id = ?",
    [STATEMENT_FIND_HASH] = "SELECT v.vector FROM images i JOIN vectors v USING (id) WHERE i.hash = ? LIMIT 1",
};

/* What a result code of SQLite's means; the rest is unreadable. */
static vit_status status_of(int code)
{
    static const struct {
        int code;
        vit_status status;
    } rows[] = {
        {SQLITE_NOMEM, VIT_ERR_OUT_OF_MEMORY}, {SQLITE_FULL, VIT_ERR_UNWRITABLE},  {SQLITE_BUSY, VIT_ERR_UNWRITABLE},
        {SQLITE_READONLY, VIT_ERR_UNWRITABLE}, {SQLITE_IOERR, VIT_ERR_UNWRITABLE}, {SQLITE_CORRUPT, VIT_ERR_CORRUPT},
        {SQLITE_NOTADB, VIT_ERR_CORRUPT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return rows[i].status;
    return VIT_ERR_UNREADABLE;
}

vit_status vit__sqlite_status(const sqlite_store *store)
{
    return status_of(sqlite3_errcode(store->db) & 0xFF);
}

bool vit__sqlite_fail(sqlite_store *store)
{
    int code = sqlite3_errcode(store->db) & 0xFF;
    vit_index *index = &store->index;
    vit_status status = vit__sqlite_status(store);
    if (status == VIT_ERR_OUT_OF_MEMORY)
        return vit__index_fail_memory(index);
    if (code == SQLITE_FULL || (code == SQLITE_IOERR && sqlite3_system_errno(store->db) == ENOSPC))
        return vit__index_fail(index, status,
                               "the disk is full; every image that was finished is kept: make room and run the same "
                               "command again");
    if (code == SQLITE_BUSY)
        return vit__index_fail(index, status,
                               "another process has been writing to it for %d seconds; try again when it is done",
                               BUSY_MILLISECONDS / 1000);
    if (status == VIT_ERR_CORRUPT)
        return vit__index_fail(index, status, "not an index of vit, or a damaged one (%s)", sqlite3_errmsg(store->db));
    return vit__index_fail(index, status, "%s", sqlite3_errmsg(store->db));
}

bool vit__sqlite_execute(sqlite_store *store, const char *sql)
{
    return sql && (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK || vit__sqlite_fail(store));
}

sqlite3_stmt *vit__sqlite_prepare(sqlite_store *store, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sql && sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK)
        vit__sqlite_fail(store);
    return statement;
}

sqlite3_stmt *vit__sqlite_statement(sqlite_store *store, sqlite_statement which)
{
    if (!store->statements[which])
        store->statements[which] = vit__sqlite_prepare(store, statement_sql[which]);
    else
        sqlite3_reset(store->statements[which]);
    return store->statements[which];
}

bool vit__sqlite_run(sqlite_store *store, sqlite3_stmt *statement)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE || vit__sqlite_fail(store);
    sqlite3_reset(statement);
    return done;
}

bool vit__sqlite_begin(sqlite_store *store, const char *sql)
{
    return vit__sqlite_statement(store, STATEMENT_ROLLBACK) && vit__sqlite_execute(store, sql);
}

bool vit__sqlite_rollback(sqlite_store *store)
{
    sqlite3_stmt *statement = sqlite3_get_autocommit(store->db) ? NULL
                                                                : vit__sqlite_statement(store, STATEMENT_ROLLBACK);
    return sqlite3_get_autocommit(store->db) || (statement && vit__sqlite_run(store, statement));
}

bool vit__sqlite_integer(sqlite_store *store, const char *sql, int64_t fallback, int64_t *value)
{
    sqlite3_stmt *statement = vit__sqlite_prepare(store, sql);
    if (!statement)
        return false;
    int step = sqlite3_step(statement);
    bool answered = step == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL;
    *value = answered ? sqlite3_column_int64(statement, 0) : fallback;
    bool done = step == SQLITE_ROW || step == SQLITE_DONE || vit__sqlite_fail(store);
    sqlite3_finalize(statement);
    return done;
}

bool vit__sqlite_vector(sqlite_store *store, sqlite3_stmt *statement, int column, const float **vector)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    size_t size = (size_t)sqlite3_column_bytes(statement, column);
    *vector = bytes && size == store->key.columns * sizeof(float) ? bytes : NULL;
    return *vector || sqlite3_errcode(store->db) != SQLITE_NOMEM || vit__index_fail_memory(&store->index);
}
