/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two halves of the SQLite store share: store_sqlite.c
 * makes the file and changes it, sqlite_search.c searches. */
#ifndef CLI_SQLITE_STORE_H
#define CLI_SQLITE_STORE_H

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
    SQLITE_FIND_HASH,
    SQLITE_STATEMENTS
} sqlite_statement;

typedef struct sqlite_store {
    cli_store store;
    sqlite3 *db;
    char *vectors_path;
    cli_vector_file_key key; /* columns is 0 until it has a pin */
    sqlite3_stmt *statements[SQLITE_STATEMENTS];
} sqlite_store;

/* Prints what SQLite says, and answers false. */
bool cli_sqlite_fail(sqlite_store *store);
bool cli_sqlite_execute(sqlite_store *store, const char *sql);
/* NULL, with a message. Finalised by the caller. */
sqlite3_stmt *cli_sqlite_prepare(sqlite_store *store, const char *sql);
/* Prepared once, ready to be bound. NULL, with a message. */
sqlite3_stmt *cli_sqlite_statement(sqlite_store *store, sqlite_statement which);
/* A whole number that a statement without parameters answers; fallback if it answers nothing. */
bool cli_sqlite_integer(sqlite_store *store, const char *sql, int64_t fallback, int64_t *value);
/* The vector in a column, or NULL if it is not one of this index's length. */
const float *cli_sqlite_vector(const sqlite_store *store, sqlite3_stmt *statement, int column);

bool cli_sqlite_check_filter(cli_store *store, const cli_filter *filter);
bool cli_sqlite_search(cli_store *store, const cli_lookup *search, cli_hits *hits);
bool cli_sqlite_match(cli_store *store, const char *words, const cli_lookup *search, cli_hits *hits);
bool cli_sqlite_each_vector(cli_store *store, const cli_filter *filter, cli_take_vector *take, void *context);

#endif
