/* SPDX-License-Identifier: BSD-2-Clause */
/* Any text as a condition on images. What is not refused is one expression of
 * SQL and nothing else: SQLite sees the end of the statement where we put it. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "where.h"

static sqlite3 *database(void)
{
    static sqlite3 *base;
    if (!base && (sqlite3_open(":memory:", &base) != SQLITE_OK ||
                  sqlite3_exec(base, "CREATE TABLE images (path, name, size, width, height, caption, hash, mtime)",
                               NULL, NULL, NULL) != SQLITE_OK))
        abort();
    return base;
}

static void check_sql(const cli_where *where)
{
    cli_text sql = {0};
    sqlite3_stmt *statement = NULL;
    const char *rest = NULL;
    cli_text_string(&sql, "SELECT ");
    cli_where_sql(where, CLI_DIALECT_SQLITE, &sql);
    cli_text_string(&sql, " AS our_end FROM images");
    if (sqlite3_prepare_v2(database(), sql.data, -1, &statement, &rest) == SQLITE_OK &&
        (*rest || sqlite3_column_count(statement) != 1 || strcmp(sqlite3_column_name(statement, 0), "our_end") != 0))
        abort();
    sqlite3_finalize(statement);
    cli_text_free(&sql);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, bytes, size);
    text[size] = '\0';
    const cli_where where = {.text = text};
    if (!cli_where_refusal(&where)) {
        cli_text sql = {0};
        cli_where_sql(&where, CLI_DIALECT_POSTGRES, &sql);
        cli_text_free(&sql);
        check_sql(&where);
    }
    free(text);
    return 0;
}
