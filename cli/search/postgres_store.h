/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two halves of the PostgreSQL store share: store_postgres.c makes the table and changes it, postgres_search.c
 * searches. libpq is behind these two. */
#ifndef CLI_POSTGRES_STORE_H
#define CLI_POSTGRES_STORE_H

#include "libpq.h"
#include "store.h"
#include "buffer.h"
#include "text.h"

#define POSTGRES_PARAMETERS_MAX 64

typedef struct postgres_store {
    cli_store store;
    PGconn *connection;
    char *place;             /* for messages */
    char *table, *pin_table; /* quoted */
    char *plain_table;       /* not quoted */
    bool half;               /* halfvec */
    size_t columns;          /* 0 until it has a pin */
    bool has_batch_table;
    vit__buffer rows; /* COPY's bytes that wait for the commit */
} postgres_store;

/* The parameters of a statement, as they are bound: $1, $2, ... */
typedef struct postgres_parameters {
    const char *values[POSTGRES_PARAMETERS_MAX];
    int sizes[POSTGRES_PARAMETERS_MAX];
    int formats[POSTGRES_PARAMETERS_MAX]; /* 1: binary */
    int n;
} postgres_parameters;

/* These print what PostgreSQL says, and answer false or NULL. */
bool cli_postgres_fail(postgres_store *store, PGresult *result); /* frees the result */
bool cli_postgres_execute(postgres_store *store, const char *sql);
/* Results in binary. Cleared by the caller. parameters may be NULL. */
PGresult *cli_postgres_query(postgres_store *store, const char *sql, const postgres_parameters *parameters);
/* The same, row by row: take is called with results of one row. */
bool cli_postgres_each(postgres_store *store, const char *sql, const postgres_parameters *parameters,
                       bool (*take)(void *context, const PGresult *row), void *context);

/* Fields of a row, in binary. */
int64_t cli_postgres_integer(const PGresult *result, int row, int column);
/* The path as the file system has it: what pgcopy.h wrote for a byte that is not UTF-8 becomes that byte. Freed by the
 * caller. */
char *cli_postgres_path(const PGresult *result, int row, int column);
/* A pgvector vector into values[store->columns]; false: it has another length. */
bool cli_postgres_vector(const postgres_store *store, const PGresult *result, int row, int column, float *values);

bool cli_postgres_check_filter(cli_store *store, const cli_filter *filter);
bool cli_postgres_search(cli_store *store, const cli_lookup *search, cli_hits *hits);
bool cli_postgres_match(cli_store *store, const char *words, const cli_lookup *search, cli_hits *hits);
bool cli_postgres_each_vector(cli_store *store, const cli_filter *filter, cli_take_vector *take, void *context);
bool cli_postgres_find_vector(cli_store *store, const char *hash, float *vector, size_t columns, bool *found);

#endif
