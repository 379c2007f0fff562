/* SPDX-License-Identifier: BSD-2-Clause */
#include "store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "claims.h"
#include "talk.h"
#include "text.h"

const char *const cli_vector_type_names[] = {"vector", "halfvec", NULL};

#define FIELD(member) offsetof(cli_store_options, member)
#define PLACE_ROWS                                                                                                     \
    {"db",                                                                                                             \
     0,                                                                                                                \
     "PLACE",                                                                                                          \
     cli_set_text,                                                                                                     \
     FIELD(place),                                                                                                     \
     NULL,                                                                                                             \
     "the index: a SQLite file, or postgresql://USER@HOST/DATABASE with pgvector"},                                    \
    {                                                                                                                  \
        "table", 0, "NAME", cli_set_text, FIELD(table), NULL, "its table in PostgreSQL (default vit_images)"           \
    }

const cli_option cli_store_table[] = {PLACE_ROWS, {0}};
const cli_option cli_store_write_table[] = {
    PLACE_ROWS,
    {"vector-type", 0, "vector|halfvec", cli_set_choice, FIELD(vector_type), cli_vector_type_names,
     "how a new table in PostgreSQL holds numbers: f32 (default) or f16"},
    {0},
};

#ifdef CLI_WITH_SQLITE
#define SQLITE_KIND &cli_store_sqlite
#else
#define SQLITE_KIND NULL
#endif
#ifdef CLI_WITH_POSTGRES
#define POSTGRES_KIND &cli_store_postgres
#else
#define POSTGRES_KIND NULL
#endif

/* The last row takes every place. */
static const struct {
    const char *prefix, *name;
    const cli_store_kind *kind;
} kinds[] = {
    {"postgresql://", "PostgreSQL (libpq)", POSTGRES_KIND},
    {"postgres://", "PostgreSQL (libpq)", POSTGRES_KIND},
    {"", "SQLite", SQLITE_KIND},
};

static size_t row_of(const char *place)
{
    size_t row = 0;
    while (strncmp(place, kinds[row].prefix, strlen(kinds[row].prefix)) != 0)
        row++;
    return row;
}

/* What an index in a file consists of. SQLite's own files stand beside the file itself, wherever a
 * link to it stands. */
static const struct {
    const char *suffix;
    cli_kind kind;
    bool beside_link;
} files[] = {
    {"", CLI_KIND_INDEX, true},
    {"-wal", CLI_KIND_INDEX_LOG, false},
    {"-shm", CLI_KIND_INDEX_MEMORY, false},
    {"-journal", CLI_KIND_INDEX_JOURNAL, false},
    {"-vectors", CLI_KIND_INDEX_VECTORS, true},
    {"-vectors.new", CLI_KIND_INDEX_VECTORS, true},
};

/* command: claims the files. NULL: they are read. */
static cli_exit each_file(const cli_command *command, const char *place)
{
    cli_exit status = CLI_DONE;
    if (*kinds[row_of(place)].prefix)
        return status;
    char *target = realpath(place, NULL);
    for (size_t i = 0; i < sizeof files / sizeof *files && status == CLI_DONE; i++) {
        cli_text path = {0};
        cli_text_format(&path, "%s%s", target && !files[i].beside_link ? target : place, files[i].suffix);
        const cli_claim claim = {
            .option = "--db", .path = path.data, .kind = files[i].kind, .any_name = *files[i].suffix != 0};
        status = command ? cli_claim_file(command, &claim) : cli_claims_spare(path.data);
        cli_text_free(&path);
    }
    free(target);
    return status;
}

cli_exit cli_store_claim(const cli_command *command, const cli_store_options *options)
{
    return each_file(command, options->place);
}

cli_exit cli_store_spare(const cli_store_options *options)
{
    return each_file(NULL, options->place);
}

bool cli_store_is_there(const cli_store_options *options)
{
    struct stat status;
    bool is_file = *kinds[row_of(options->place)].prefix == '\0';
    return !is_file || (stat(options->place, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0);
}

cli_store *cli_store_open(const cli_store_options *options, cli_store_mode mode)
{
    size_t row = row_of(options->place);
    if (kinds[row].kind)
        return kinds[row].kind->open(options, mode);
    cli_error("--db: this vit was built without %s", kinds[row].name);
    return NULL;
}

void cli_store_close(cli_store *store)
{
    if (store)
        store->kind->close(store);
}

/* ------------------------------------------------------------------ hits ---- */

static void free_hit(cli_hit *hit)
{
    free(hit->path);
    free(hit->caption);
}

void cli_hits_free(cli_hits *hits)
{
    while (hits->n > 0)
        free_hit(&hits->hits[--hits->n]);
    free(hits->hits);
    *hits = (cli_hits){0};
}

cli_hit *cli_hits_add(cli_hits *hits)
{
    /* Grows at powers of two. */
    if ((hits->n & (hits->n - 1)) == 0)
        hits->hits = cli_reallocate(hits->hits, hits->n ? 2 * hits->n : 1, sizeof *hits->hits);
    hits->hits[hits->n] = (cli_hit){0};
    return &hits->hits[hits->n++];
}

static int compare_hits(const void *a, const void *b)
{
    const cli_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return strcmp(x->path, y->path);
}

void cli_hits_rank(cli_hits *hits, size_t k)
{
    if (hits->n > 0)
        qsort(hits->hits, hits->n, sizeof *hits->hits, compare_hits);
    while (hits->n > k)
        free_hit(&hits->hits[--hits->n]);
}
