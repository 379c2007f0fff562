/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two halves of the SQLite store share: store_sqlite.c
 * makes the file and changes it, sqlite_search.c searches. */
#ifndef VIT_SQLITE_STORE_H
#define VIT_SQLITE_STORE_H

#include <sqlite3.h>

#include "store.h"
#include "vector_file.h"

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

/* Says what SQLite says, and answers false. */
bool vit__sqlite_fail(sqlite_store *store);
/* This and the next take NULL, which vit__index_text gives where there is no memory, and fail. */
bool vit__sqlite_execute(sqlite_store *store, const char *sql);
/* NULL: it failed. Finalised by the caller. */
sqlite3_stmt *vit__sqlite_prepare(sqlite_store *store, const char *sql);
/* Prepared once, ready to be bound. NULL: it failed. */
sqlite3_stmt *vit__sqlite_statement(sqlite_store *store, sqlite_statement which);
/* Begins a transaction. What ends it is prepared before it begins, and so needs no memory. */
bool vit__sqlite_begin(sqlite_store *store, const char *sql);
/* Ends the transaction that is open as if it had not been; nothing where there is none. */
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
