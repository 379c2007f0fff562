/* SPDX-License-Identifier: BSD-2-Clause */
/* libpq, loaded when an index in PostgreSQL is opened. Linked as usual, it and
 * the twenty libraries behind it (Kerberos, LDAP, TLS) would cost every run of
 * vit 4 to 5 ms, a tenth of what a small model takes for its first label. */
#ifndef CLI_LIBPQ_H
#define CLI_LIBPQ_H

#include <libpq-fe.h>
#include <stdbool.h>

/* What is used of it. */
/* clang-format off */
#define CLI_LIBPQ_FUNCTIONS(F) \
    F(PQclear) F(PQconnectdb) F(PQdb) F(PQerrorMessage) F(PQescapeIdentifier) F(PQexec) F(PQexecParams) F(PQfinish) \
    F(PQfreemem) F(PQgetResult) F(PQgetisnull) F(PQgetlength) F(PQgetvalue) F(PQhost) F(PQntuples) F(PQputCopyData) \
    F(PQputCopyEnd) F(PQresultErrorMessage) F(PQresultStatus) F(PQsendQueryParams) F(PQsetClientEncoding) \
    F(PQsetSingleRowMode) F(PQstatus)
/* clang-format on */

typedef struct cli_libpq_table {
#define CLI_LIBPQ_MEMBER(name) __typeof__(&name) name;
    CLI_LIBPQ_FUNCTIONS(CLI_LIBPQ_MEMBER)
#undef CLI_LIBPQ_MEMBER
} cli_libpq_table;

extern cli_libpq_table cli_libpq; /* empty until cli_libpq_load */

/* Fills the table, once; false, with a message: the library is not there. */
bool cli_libpq_load(void);

#endif
