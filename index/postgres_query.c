/* SPDX-License-Identifier: BSD-2-Clause */
/* Statements of an index in PostgreSQL, their results in binary, and what PostgreSQL says when one fails. */
#include <string.h>

#include "bytes.h"
#include "memory.h"
#include "postgres_store.h"

bool vit__postgres_fail(postgres_store *store, PGresult *result)
{
    const char *message = result ? vit__libpq.PQresultErrorMessage(result) : "";
    if (!*message)
        message = vit__libpq.PQerrorMessage(store->connection);
    /* "ERROR:  what" and lines about where, and a line break at the end. */
    const char *what = strncmp(message, "ERROR:  ", 8) == 0 ? message + 8 : message;
    if (strncmp(what, "out of memory", 13) == 0)
        vit__index_fail_memory(&store->index);
    else
        vit__index_fail(&store->index, VIT_ERR_UNREADABLE, "%.*s", (int)strcspn(what, "\n"), what);
    vit__libpq.PQclear(result);
    return false;
}

bool vit__postgres_execute(postgres_store *store, const char *sql)
{
    if (!sql)
        return false;
    PGresult *result = vit__libpq.PQexec(store->connection, sql);
    ExecStatusType status = vit__libpq.PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        return vit__postgres_fail(store, result);
    vit__libpq.PQclear(result);
    return true;
}

PGresult *vit__postgres_query(postgres_store *store, const char *sql, const postgres_parameters *parameters)
{
    static const postgres_parameters none;
    const postgres_parameters *p = parameters ? parameters : &none;
    if (!sql)
        return NULL;
    PGresult *result = vit__libpq.PQexecParams(store->connection, sql, p->n, NULL, p->values, p->sizes, p->formats, 1);
    ExecStatusType status = vit__libpq.PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return result;
    vit__postgres_fail(store, result);
    return NULL;
}

bool vit__postgres_each(postgres_store *store, const char *sql, const postgres_parameters *parameters,
                        bool (*take)(void *context, const PGresult *row), void *context)
{
    static const postgres_parameters none;
    const postgres_parameters *p = parameters ? parameters : &none;
    if (!sql)
        return false;
    if (!vit__libpq.PQsendQueryParams(store->connection, sql, p->n, NULL, p->values, p->sizes, p->formats, 1))
        return vit__postgres_fail(store, NULL);
    vit__libpq.PQsetSingleRowMode(store->connection);
    bool done = true;
    PGresult *result;
    while ((result = vit__libpq.PQgetResult(store->connection)) != NULL) { /* to the end, whatever happens */
        ExecStatusType status = vit__libpq.PQresultStatus(result);
        if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK && done) {
            done = vit__postgres_fail(store, result);
            continue;
        }
        if (status == PGRES_SINGLE_TUPLE && done)
            done = take(context, result);
        vit__libpq.PQclear(result);
    }
    return done;
}

int64_t vit__postgres_integer(const PGresult *result, int row, int column)
{
    const unsigned char *bytes = (const unsigned char *)vit__libpq.PQgetvalue(result, row, column);
    uint64_t value = 0;
    for (int i = 0; i < vit__libpq.PQgetlength(result, row, column); i++)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

char *vit__postgres_path(const PGresult *result, int row, int column)
{
    char *path = vit__strdup(vit__libpq.PQgetvalue(result, row, column)), *to = path;
    for (const char *at = path; at && *at;) {
        int high = -1, low = -1;
        if (strncmp(at, "\\udc", 4) == 0) {
            high = hex_digit(at[4]);
            low = high >= 8 ? hex_digit(at[5]) : -1;
        }
        *to++ = low >= 0 ? (char)(high * 16 + low) : *at;
        at += low >= 0 ? 6 : 1;
    }
    if (to)
        *to = '\0';
    return path;
}

bool vit__postgres_vector(const postgres_store *store, const PGresult *result, int row, int column, float *values)
{
    const unsigned char *bytes = (const unsigned char *)vit__libpq.PQgetvalue(result, row, column);
    if ((size_t)vit__libpq.PQgetlength(result, row, column) != 4 + 4 * store->columns)
        return false;
    for (size_t i = 0; i < store->columns; i++) {
        uint32_t bits = vit__be32(bytes + 4 + 4 * i);
        memcpy(&values[i], &bits, sizeof bits);
    }
    return true;
}
