/* SPDX-License-Identifier: BSD-2-Clause */
/* Kinds of files: what the end of a name says that a file holds, and what its first bytes say that
 * it holds. "x.parquet" is a name for Parquet, "x.NPY" one for a NumPy array, and "x" or "x.dat"
 * says nothing. */
#ifndef CLI_FILE_KIND_H
#define CLI_FILE_KIND_H

#include <stdbool.h>
#include <stddef.h>

/* What vit writes. Kinds of other programs are known too, but only by their words. */
typedef enum cli_kind {
    CLI_KIND_NPY,
    CLI_KIND_VECTORS_JSON,
    CLI_KIND_VECTORS_CSV,
    CLI_KIND_RAW,
    CLI_KIND_FVECS,
    CLI_KIND_PGCOPY,
    CLI_KIND_ROWS,        /* x.jsonl beside x.npy */
    CLI_KIND_FAILURES,    /* x.errors.jsonl */
    CLI_KIND_METADATA,    /* x.meta.json */
    CLI_KIND_LABELS_TEXT, /* of classify */
    CLI_KIND_LABELS_JSON,
    CLI_KIND_LABELS_CSV,
    CLI_KIND_HITS_TEXT, /* of search */
    CLI_KIND_HITS_JSON,
    CLI_KIND_GROUPS_TEXT, /* of dedup */
    CLI_KIND_GROUPS_JSON,
    CLI_KIND_PAGE,   /* of --html */
    CLI_KIND_MAP,    /* a picture that vit has drawn */
    CLI_KIND_PACKED, /* a model */
    CLI_KIND_HEAD,   /* of fit: a layer alone, its report, what it says of each picture */
    CLI_KIND_REPORT,
    CLI_KIND_PREDICTIONS,
    CLI_KIND_INDEX,
    CLI_KIND_INDEX_LOG, /* and what stands beside an index: SQLite's -wal, -shm and -journal */
    CLI_KIND_INDEX_MEMORY,
    CLI_KIND_INDEX_JOURNAL,
    CLI_KIND_INDEX_VECTORS,
    CLI_KIND_ANY, /* whatever its name and its bytes */
    CLI_KINDS
} cli_kind;

/* "a NumPy array" */
const char *cli_kind_words(cli_kind kind);
/* The ends of names for this kind, without dots and with spaces between them: "htm html"; "" where
 * there are none. */
const char *cli_kind_ends(cli_kind kind);

/* Which of n kinds the end of the name asks for, in small letters or capitals: *which is 0 where
 * the name says nothing. false: the name is one for something else, and *words says for what ("a
 * Parquet file"). */
bool cli_kind_of_name(const char *path, const cli_kind *kinds, size_t n, size_t *which, const char **words);

/* Could vit have written this file, as one of this kind? An empty file could be of every kind. A file could never be
 * raw or fvecs, since nothing in the file says so. If the answer is false, *words says what the file is. It is false
 * too if the file cannot be read. */
bool cli_kind_of_file(const char *path, cli_kind kind, const char **words);

/* Does the string end so, in small letters or capitals? */
bool cli_ends_with(const char *string, const char *end);

/* A PNG that vit has drawn says so in a text chunk, which stands behind the first CLI_PNG_HEADER bytes. */
#define CLI_PNG_HEADER 33
extern const unsigned char cli_png_mark[24];

#endif
