/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of SQL that an index in SQLite has beside SQLite's own: vit_words(text), which its triggers call
 * (words.h), and LIKE, lower() and upper() that know all letters, where SQLite's know those of ASCII alone. */
#ifndef VIT_SQLITE_FUNCTIONS_H
#define VIT_SQLITE_FUNCTIONS_H

#include "sqlite_store.h"

/* Adds the functions to a connection that was just opened. */
bool vit__sqlite_add_functions(sqlite_store *store);

#endif
