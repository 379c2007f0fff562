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

static void check_sql(const char *where)
{
    vit__buffer sql = {0};
    sqlite3_stmt *statement = NULL;
    const char *rest = NULL;
    vit__buffer_add_string(&sql, "SELECT ");
    vit__where_sql(where, VIT__DIALECT_SQLITE, &sql);
    vit__buffer_add_string(&sql, " AS our_end FROM images");
    if (sqlite3_prepare_v2(database(), vit__buffer_terminate(&sql), -1, &statement, &rest) == SQLITE_OK &&
        (*rest || sqlite3_column_count(statement) != 1 || strcmp(sqlite3_column_name(statement, 0), "our_end") != 0))
        abort();
    sqlite3_finalize(statement);
    vit__buffer_free(&sql);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, bytes, size);
    text[size] = '\0';
    if (vit_index_check_where(text, NULL) == VIT_OK) {
        vit__buffer sql = {0};
        vit__where_sql(text, VIT__DIALECT_POSTGRES, &sql);
        vit__buffer_free(&sql);
        check_sql(text);
    }
    free(text);
    return 0;
}
