/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the SQLite store share. sqlite_statement.c runs statements and tells of errors, sqlite_store.c
 * makes the file and changes it, and sqlite_search.c searches. */
#ifndef VIT_SQLITE_STORE_H
#define VIT_SQLITE_STORE_H

#include <sqlite3.h>

#include "store.h"
#include "vector_file.h"

#define BUSY_MILLISECONDS 20000 /* how long a process waits for another one that is writing */

/* Statements that are run for every image are prepared once. */
typedef enum sqlite_statement {
    STATEMENT_PUT_ITEM,
    STATEMENT_PUT_VECTOR,
    STATEMENT_COPY_VECTOR,
    STATEMENT_UPDATE_ITEM,
    STATEMENT_REMOVE_PATH,
    STATEMENT_REMOVE_OTHER,
    STATEMENT_GET_HIT,
    STATEMENT_FIND_ID,
    STATEMENT_FIND_PATH,
    STATEMENT_ROLLBACK,
    STATEMENT_FIND_HASH,
    STATEMENTS
} sqlite_statement;

typedef struct sqlite_store {
    vit_index index;
    sqlite3 *db;
    char *vectors_path;
    vit__vector_file_key key; /* columns is 0 until it has a pin */
    sqlite3_stmt *statements[STATEMENTS];
    bool plain_words; /* an index of version 1: its words are not set apart (words.h) */
} sqlite_store;

/* What SQLite's last error means. */
vit_status vit__sqlite_status(const sqlite_store *store);

/* Says what SQLite says, and answers false. */
bool vit__sqlite_fail(sqlite_store *store);
/* sql may be NULL, as vit__index_text answers without memory: this function and the next one then fail. */
bool vit__sqlite_execute(sqlite_store *store, const char *sql);
/* NULL: it failed. Finalised by the caller. */
sqlite3_stmt *vit__sqlite_prepare(sqlite_store *store, const char *sql);
/* Prepared once, ready to be bound. NULL: it failed. */
sqlite3_stmt *vit__sqlite_statement(sqlite_store *store, sqlite_statement which);
/* Runs a statement that answers no rows. */
bool vit__sqlite_run(sqlite_store *store, sqlite3_stmt *statement);

/* Begins a transaction. The statement that takes it back is prepared before, so that taking it back needs no memory. */
bool vit__sqlite_begin(sqlite_store *store, const char *sql);
/* Takes back the open transaction. Does nothing if there is none. */
bool vit__sqlite_rollback(sqlite_store *store);
/* A whole number that a statement without parameters answers; fallback if it answers nothing. */
bool vit__sqlite_integer(sqlite_store *store, const char *sql, int64_t fallback, int64_t *value);
/* The vector in a column; *vector NULL: it is not one of this index's length. false: out of memory. */
bool vit__sqlite_vector(sqlite_store *store, sqlite3_stmt *statement, int column, const float **vector);

bool vit__sqlite_check_filter(vit_index *index, const vit_index_filter *filter);
bool vit__sqlite_search(vit_index *index, const vit_index_query *query, vit_index_hits *hits);
bool vit__sqlite_match(vit_index *index, const char *words, const vit_index_query *query, vit_index_hits *hits);
bool vit__sqlite_each_vector(vit_index *index, const vit_index_filter *filter, vit__take_vector *take, void *context);

#endif
