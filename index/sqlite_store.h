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
    SQLITE_PUT_ITEM,
    SQLITE_PUT_VECTOR,
    SQLITE_COPY_VECTOR,
    SQLITE_UPDATE_ITEM,
    SQLITE_REMOVE_PATH,
    SQLITE_REMOVE_OTHER,
    SQLITE_GET_HIT,
    SQLITE_FIND_ID,
    SQLITE_FIND_HASH,
    SQLITE_STATEMENTS
} sqlite_statement;

typedef struct sqlite_store {
    vit_index index;
    sqlite3 *db;
    char *vectors_path;
    vit__vector_file_key key; /* columns is 0 until it has a pin */
    sqlite3_stmt *statements[SQLITE_STATEMENTS];
} sqlite_store;

/* Says what SQLite says, and answers false. */
bool vit__sqlite_fail(sqlite_store *store);
/* This and the next take NULL, which vit__index_text gives where there is no memory, and fail. */
bool vit__sqlite_execute(sqlite_store *store, const char *sql);
/* NULL: it failed. Finalised by the caller. */
sqlite3_stmt *vit__sqlite_prepare(sqlite_store *store, const char *sql);
/* Prepared once, ready to be bound. NULL: it failed. */
sqlite3_stmt *vit__sqlite_statement(sqlite_store *store, sqlite_statement which);
/* A whole number that a statement without parameters answers; fallback if it answers nothing. */
bool vit__sqlite_integer(sqlite_store *store, const char *sql, int64_t fallback, int64_t *value);
/* The vector in a column; *vector NULL: it is not one of this index's length. false: out of memory. */
bool vit__sqlite_vector(sqlite_store *store, sqlite3_stmt *statement, int column, const float **vector);

bool vit__sqlite_check_filter(vit_index *index, const vit_index_filter *filter);
bool vit__sqlite_search(vit_index *index, const vit_index_query *query, vit_index_hits *hits);
bool vit__sqlite_match(vit_index *index, const char *words, const vit_index_query *query, vit_index_hits *hits);
bool vit__sqlite_each_vector(vit_index *index, const vit_index_filter *filter, vit__take_vector *take, void *context);

#endif
