/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the PostgreSQL store share. postgres_query.c runs statements and tells of errors, postgres_store.c
 * makes the table and changes it, and postgres_search.c searches. They alone call libpq. */
#ifndef VIT_POSTGRES_STORE_H
#define VIT_POSTGRES_STORE_H

#include "buffer.h"
#include "libpq.h"
#include "store.h"

#define POSTGRES_PARAMETERS_MAX 64

typedef struct postgres_store {
    vit_index index;
    PGconn *connection;
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

/* How pgvector calls its types: [0] of f32, [1] of f16. */
extern const char *const vit__postgres_types[2];

/* These say what PostgreSQL says, and answer false or NULL. sql may
 * be NULL, which vit__index_text gives where there is no memory. */
bool vit__postgres_fail(postgres_store *store, PGresult *result); /* frees the result */
bool vit__postgres_execute(postgres_store *store, const char *sql);
/* Results in binary. Cleared by the caller. parameters may be NULL. */
PGresult *vit__postgres_query(postgres_store *store, const char *sql, const postgres_parameters *parameters);
/* The same, row by row: take is called with results of one row. */
bool vit__postgres_each(postgres_store *store, const char *sql, const postgres_parameters *parameters,
                        bool (*take)(void *context, const PGresult *row), void *context);

/* Fields of a row, in binary. */
int64_t vit__postgres_integer(const PGresult *result, int row, int column);
/* The path as the file system has it: what pgcopy.h wrote for a byte that is not UTF-8 becomes that byte. Freed by the
 * caller; NULL: out of memory. */
char *vit__postgres_path(const PGresult *result, int row, int column);
/* A pgvector vector into values[store->columns]; false: it has another length. */
bool vit__postgres_vector(const postgres_store *store, const PGresult *result, int row, int column, float *values);

bool vit__postgres_check_filter(vit_index *index, const vit_index_filter *filter);
bool vit__postgres_search(vit_index *index, const vit_index_query *query, vit_index_hits *hits);
bool vit__postgres_match(vit_index *index, const char *words, const vit_index_query *query, vit_index_hits *hits);
bool vit__postgres_each_vector(vit_index *index, const vit_index_filter *filter, vit__take_vector *take, void *context);
bool vit__postgres_find_path(vit_index *index, int64_t id, char **path);
bool vit__postgres_find(vit_index *index, int64_t id, const char *hash, float *vector, bool *found);

#endif
