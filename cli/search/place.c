/* SPDX-License-Identifier: BSD-2-Clause */
#include "place.h"

#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "talk.h"
#include "text.h"

static const char *const vector_type_names[] = {"vector", "halfvec", NULL};

#define FIELD(member) offsetof(cli_place, member)
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

const cli_option cli_place_table[] = {PLACE_ROWS, {0}};
const cli_option cli_place_write_table[] = {
    PLACE_ROWS,
    {"vector-type", 0, "vector|halfvec", cli_set_choice, FIELD(numbers), vector_type_names,
     "how a new table in PostgreSQL holds numbers: f32 (default) or f16"},
    {0},
};

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

/* A URL names a database. */
static bool is_file(const char *place)
{
    return strncmp(place, "postgresql://", 13) != 0 && strncmp(place, "postgres://", 11) != 0;
}

/* command: claims the files. NULL: they are read. */
static cli_exit each_file(const cli_command *command, const char *place)
{
    cli_exit status = CLI_DONE;
    if (!is_file(place))
        return status;
    char *target = cli_real_path(place);
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

cli_exit cli_place_claim(const cli_command *command, const cli_place *place)
{
    return each_file(command, place->place);
}

cli_exit cli_place_spare(const cli_place *place)
{
    return each_file(NULL, place->place);
}

/* ------------------------------------------------------------------ opening ---- */

vit_index *cli_place_open(const cli_place *place, vit_index_mode mode, unsigned threads)
{
    const vit_index_options options = {
        .mode = mode, .threads = threads, .table = place->table, .numbers = (vit_index_numbers)place->numbers};
    vit_index *index = NULL;
    vit_error err = {0};
    if (vit_index_open(place->place, &options, &index, &err) == VIT_OK)
        return index;
    if (!is_file(place->place) && strcmp(err.where, "table") == 0)
        cli_error("--table %s: %s", place->table, err.message);
    else
        cli_index_error(place->place, &err);
    return NULL;
}

/* ------------------------------------------------------------------ what went wrong ---- */

/* What to do, in the options of the command, about an error of a place. The library does not know them. */
static const struct {
    vit_status status;
    const char *advice;
} advices[] = {
    {VIT_ERR_NOT_FOUND, "; 'vit index' makes one"},
    {VIT_ERR_CORRUPT, ": name another --db, or remove it and index again"},
    {VIT_ERR_INVALID_ARGUMENT, ": name another --db"},  /* another program's file */
    {VIT_ERR_UNSUPPORTED_FORMAT, " into another --db"}, /* "index again" */
};

/* An error about an argument names it, and has no place. */
static const struct {
    const char *where, *option;
} arguments[] = {
    {"place", "--db"},
    {"postgresql", "--db postgresql"},
};

/* Is it about the place, of which an error holds the beginning only if it is long? */
static bool is_about(const vit_error *error, const char *place)
{
    size_t most = sizeof error->where - 1;
    return strcmp(error->where, place) == 0 ||
           (strlen(error->where) == most && strncmp(error->where, place, most) == 0);
}

void cli_index_error(const char *place, const vit_error *error)
{
    const char *where = error->where, *advice = "";
    bool of_place = is_about(error, place);
    if (error->status == VIT_ERR_OUT_OF_MEMORY)
        cli_out_of_memory();
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments && !of_place; i++)
        if (strcmp(where, arguments[i].where) == 0)
            where = arguments[i].option;
    for (size_t i = 0; i < sizeof advices / sizeof *advices && of_place; i++)
        if (error->status == advices[i].status)
            advice = advices[i].advice;
    cli_error("%s%s%s%s", of_place ? place : where, *where ? ": " : "", error->message, advice);
}

void cli_index_filter_error(const vit_index *index, const vit_index_filter *filter, const vit_error *error)
{
    if (strcmp(error->where, "where") == 0)
        cli_error("--where '%s': %s", filter->where, error->message);
    else if (strcmp(error->where, "likes") == 0)
        cli_error("--like: %s", error->message);
    else if (error->status == VIT_ERR_INVALID_ARGUMENT)
        cli_error("%s: %s", vit_index_place(index), error->message);
    else
        cli_index_error(vit_index_place(index), error);
}

void cli_index_note(const vit_index *index)
{
    const char *note = vit_index_note(index);
    if (note)
        cli_note("%s", note);
}

bool cli_index_is(const vit_index *index, vit_status status, const vit_error *error)
{
    if (status != VIT_OK)
        cli_index_error(vit_index_place(index), error);
    cli_index_note(index);
    return status == VIT_OK;
}

char *cli_index_file(const vit_index *index, const char *path)
{
    char *file;
    if (vit_index_file(index, path, &file, NULL) != VIT_OK)
        cli_out_of_memory();
    return file;
}
