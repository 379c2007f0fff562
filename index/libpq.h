/* SPDX-License-Identifier: BSD-2-Clause */
/* libpq, loaded when an index in PostgreSQL is opened. Linked as usual, it and
 * the twenty libraries behind it (Kerberos, LDAP, TLS) would cost every run of
 * vit 4 to 5 ms, a tenth of what a small model takes for its first label. */
#ifndef VIT__LIBPQ_H
#define VIT__LIBPQ_H

#include <libpq-fe.h>

#include "error.h"

/* The functions of libpq that are called. */
/* clang-format off */
#define VIT__LIBPQ_FUNCTIONS(F) \
    F(PQclear) F(PQconnectdb) F(PQdb) F(PQerrorMessage) F(PQescapeIdentifier) F(PQexec) F(PQexecParams) F(PQfinish) \
    F(PQfreemem) F(PQgetResult) F(PQgetisnull) F(PQgetlength) F(PQgetvalue) F(PQhost) F(PQntuples) F(PQputCopyData) \
    F(PQputCopyEnd) F(PQresultErrorMessage) F(PQresultStatus) F(PQsendQueryParams) F(PQsetClientEncoding) \
    F(PQsetSingleRowMode) F(PQstatus)
/* clang-format on */

typedef struct vit__libpq_table {
#define VIT__LIBPQ_MEMBER(name) __typeof__(&name) name;
    VIT__LIBPQ_FUNCTIONS(VIT__LIBPQ_MEMBER)
#undef VIT__LIBPQ_MEMBER
} vit__libpq_table;

extern vit__libpq_table vit__libpq; /* empty until vit__libpq_load */

/* Fills the table, once. VIT_ERR_UNSUPPORTED_FORMAT: the library is not there. */
vit_status vit__libpq_load(vit_error *err);

#endif
