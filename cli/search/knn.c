/* SPDX-License-Identifier: BSD-2-Clause */
#include "knn.h"

#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "csv.h"
#include "limit.h"
#include "pin.h"
#include "sha256.h"
#include "talk.h"
#include "text.h"
#include "vit/pipeline.h"

enum { WEIGHTED, EQUAL };
static const char *const vote_names[] = {"weighted", "equal", NULL};
enum { FROM_FOLDER, FROM_CAPTION };
static const char *const from_names[] = {"folder", "caption", NULL};

#define FIELD(member) offsetof(cli_knn, member)
const cli_option cli_knn_table[] = {
    {"knn", 0, "PLACE", cli_set_text, FIELD(place.place), NULL,
     "classify by the nearest pictures of an index (a SQLite file, or postgresql://...) or of an .npy file of vit embed; "
     "-k says how many vote (default 20)"},
    {"table", 0, "NAME", cli_set_text, FIELD(place.table), NULL,
     "the index's table in PostgreSQL (default vit_images)"},
    {"temperature", 0, "T", cli_set_positive, FIELD(temperature), NULL,
     "a picture's vote counts exp(cosine / T) (default 0.07)"},
    {"vote", 0, "weighted|equal", cli_set_choice, FIELD(vote), vote_names,
     "whether nearer pictures count more (default), or all votes the same"},
    {"label-from", 0, "folder|caption", cli_set_choice, FIELD(from), from_names,
     "where the label of a picture is: the name of its folder (default), or its caption in the index; --labels F.csv names a "
     "table with the columns path and label instead"},
    {0},
};

/* ------------------------------------------------------------------ labels of a table ---- */

typedef struct entry {
    char *path, *label;
} entry;

typedef struct label_table {
    entry *entries;
    size_t n, capacity;
} label_table;

static int by_path(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->path, ((const entry *)b)->path);
}

static void add_entry(label_table *table, char *path, const char *label)
{
    if (!path)
        return;
    table->entries = cli_grow(table->entries, &table->capacity, table->n, sizeof *table->entries);
    table->entries[table->n++] = (entry){path, cli_duplicate(label)};
}

static void free_table(label_table *table)
{
    for (size_t i = 0; i < table->n; i++) {
        free(table->entries[i].path);
        free(table->entries[i].label);
    }
    free(table->entries);
}

/* A path is known as it was written, and as the file that it names from the table's folder. */
static void add_path(label_table *table, const char *folder, const char *path, const char *label)
{
    char *joined = *path == '/' ? cli_duplicate(path) : cli_join(folder, path);
    add_entry(table, cli_duplicate(path), label);
    add_entry(table, cli_real_path(joined), label);
    free(joined);
}

static cli_exit read_entries(const cli_command *command, const char *file, cli_csv *csv, label_table *table)
{
    static const char *const labels[] = {"label", NULL};
    bool there = cli_csv_next(csv);
    const size_t path = there ? cli_csv_column(csv, cli_csv_paths) : 0, label = there ? cli_csv_column(csv, labels) : 0;
    if (!csv->wrong && (!there || path == csv->n || label == csv->n))
        return cli_usage_error(
            command,
            "--labels %s: its first line must name a column path (or file_name, filename, image) and a "
            "column label",
            file);
    char *folder = cli_folder_of(file);
    while (there && (there = cli_csv_next(csv))) {
        if (csv->n == 1 && !*csv->fields[0])
            continue; /* an empty line */
        if (path >= csv->n || label >= csv->n)
            break;
        add_path(table, folder, csv->fields[path], csv->fields[label]);
    }
    free(folder);
    if (csv->wrong)
        return cli_usage_error(command, "--labels %s: line %zu: %s", file, csv->line, csv->wrong);
    if (there)
        return cli_usage_error(command, "--labels %s: line %zu has %zu fields, fewer than the first line", file,
                               csv->line, csv->n);
    return CLI_DONE;
}

static cli_exit read_table(const cli_command *command, const char *path, label_table *table)
{
    static const vit__file_kind kind = {.most = VIT__LIMIT_LABEL_TABLE_BYTES};
    cli_csv csv;
    vit_error err = {0};
    if (cli_claims_spare(path) != CLI_DONE)
        return CLI_USAGE;
    cli_exit status = cli_csv_open(&csv, path, &kind, &err) == VIT_OK
                          ? read_entries(command, path, &csv, table)
                          : cli_usage_error(command, "--labels %s: %s", path, err.message);
    cli_csv_free(&csv);
    if (table->n > 0)
        qsort(table->entries, table->n, sizeof *table->entries, by_path);
    return status;
}

static const char *look_up(const label_table *table, const char *path)
{
    const entry key = {.path = (char *)(uintptr_t)path};
    const entry *found = path && table->n ? bsearch(&key, table->entries, table->n, sizeof key, by_path) : NULL;
    return found ? found->label : NULL;
}

/* ------------------------------------------------------------------ labels ---- */

/* "cat" of "photos/cat/1.jpg". */
static char *folder_name(const cli_known_picture *picture)
{
    char *file = picture->file ? cli_real_path(picture->file) : NULL;
    char *folder = cli_folder_of(strchr(picture->path, '/') || !file ? picture->path : file);
    const char *slash = strrchr(folder, '/');
    char *name = cli_duplicate(slash && slash[1] ? slash + 1 : folder);
    free(folder);
    free(file);
    return name;
}

/* The caller frees; NULL or "": it has none. */
static char *label_of(const cli_knn *knn, const label_table *table, const cli_known_picture *picture)
{
    const char *label = picture->caption;
    if (knn->labels) {
        label = look_up(table, picture->path);
        char *file = !label && picture->file ? cli_real_path(picture->file) : NULL;
        label = file ? look_up(table, file) : label;
        free(file);
    } else if (knn->from == FROM_FOLDER) {
        return folder_name(picture);
    }
    return label ? cli_duplicate(label) : NULL;
}

/* Classes are the different labels. */
static void number_classes(cli_knn *knn, char *const *labels)
{
    const size_t n = knn->known.n;
    knn->names = cli_distinct_of((const char *const *)labels, n);
    knn->rows.n_classes = knn->names.n;
    for (size_t i = 0; i < n; i++) {
        if (!labels[i])
            continue;
        knn->classes[i] = (uint32_t)cli_distinct_find(&knn->names, labels[i]);
        knn->at[knn->rows.n++] = i;
    }
}

static cli_exit give_labels(const cli_command *command, cli_knn *knn)
{
    label_table table = {0};
    const size_t n = knn->known.n;
    cli_exit status = knn->labels ? read_table(command, knn->labels, &table) : CLI_DONE;
    char **labels = cli_allocate(n, sizeof *labels);
    for (size_t i = 0; i < n && status == CLI_DONE; i++) {
        labels[i] = label_of(knn, &table, &knn->known.pictures[i]);
        if (labels[i] && !*labels[i]) {
            free(labels[i]);
            labels[i] = NULL;
        }
    }
    knn->classes = cli_allocate(n, sizeof *knn->classes);
    knn->at = cli_allocate(n, sizeof *knn->at);
    knn->left_out = cli_allocate(n, sizeof *knn->left_out);
    if (status == CLI_DONE)
        number_classes(knn, labels);
    for (size_t i = 0; i < n; i++)
        free(labels[i]);
    free(labels);
    free_table(&table);
    if (status == CLI_DONE && knn->rows.n == 0)
        return cli_usage_error(command, "--knn %s: none of its %zu pictures has a label", knn->known.place, n);
    if (status == CLI_DONE && knn->rows.n < n)
        cli_note("%s: %zu of %zu pictures have no label, and do not vote", knn->known.place, n - knn->rows.n, n);
    return status;
}

/* ------------------------------------------------------------------ opening ---- */

static int by_order(const void *a, const void *b, void *pictures)
{
    const cli_known_picture *x = (const cli_known_picture *)pictures + *(const size_t *)a;
    const cli_known_picture *y = (const cli_known_picture *)pictures + *(const size_t *)b;
    return (x->order > y->order) - (x->order < y->order);
}

/* The pictures with a label, the earlier ones first: of equal scores, the earlier picture then votes. */
static void set_rows(cli_knn *knn)
{
    qsort_r(knn->at, knn->rows.n, sizeof *knn->at, by_order, knn->known.pictures);
    knn->rows.vectors = knn->known.vectors;
    knn->rows.classes = knn->classes;
    knn->rows.at = knn->at;
    knn->rows.width = knn->known.columns;
}

cli_exit cli_knn_open(const cli_command *command, cli_knn *knn, cli_job *job)
{
    cli_exit status = cli_known_read(command, "--knn", &knn->place, &knn->known);
    if (status == CLI_DONE && knn->from == FROM_CAPTION && !knn->known.has_captions)
        status = cli_usage_error(command, "--label-from caption: captions are in an index of vit index, not in %s",
                                 knn->known.place);
    if (status == CLI_DONE)
        status = give_labels(command, knn);
    if (status != CLI_DONE)
        return status;
    set_rows(knn);
    return cli_pin_apply(&knn->known.pin, job, &knn->output, knn->known.place) ? CLI_DONE : CLI_USAGE;
}

/* An array does not say the size of pictures; the digest of the preprocessing does. */
static void take_size(cli_knn *knn, const vit_index_pin *now)
{
    if (!knn->known.has_captions && vit_recipe_set(&knn->known.pin.recipe, VIT_RECIPE_IMAGE_SIZE,
                                                   now->recipe.values[VIT_RECIPE_IMAGE_SIZE], NULL) != VIT_OK)
        cli_out_of_memory();
}

cli_exit cli_knn_check(const cli_command *command, cli_knn *knn, cli_job *job)
{
    vit_index_pin now = {0};
    cli_exit status = cli_pin_take(command, job, &knn->output, &now);
    if (status == CLI_DONE) {
        take_size(knn, &now);
        if (!cli_pin_matches(&knn->known.pin, &now, knn->known.place))
            status = CLI_USAGE;
    }
    vit_index_pin_free(&now);
    return status;
}

void cli_knn_free(cli_knn *knn)
{
    cli_distinct_free(&knn->names);
    free(knn->classes);
    free(knn->at);
    free(knn->left_out);
    cli_known_free(&knn->known);
    *knn = (cli_knn){0};
}

/* ------------------------------------------------------------------ asking ---- */

bool cli_knn_look(void *knn, cli_input *input)
{
    (void)knn;
    if (input->member) { /* its bytes go as soon as they are decoded */
        vit__sha256(input->member->bytes, input->member->size, input->digest);
        input->digested = input->member->size;
    }
    return false;
}

/* The digest of a query that is a file, or came on standard input. A query without a digest would vote for itself:
 * a file which cannot be read again is an error. */
static bool digest_query(cli_input *input)
{
    void *bytes = NULL;
    size_t size = 0;
    if (*input->digest)
        return true;
    if (input->kind == CLI_SOURCE_STDIN && input->bytes) {
        vit__sha256(input->bytes, input->size, input->digest);
        input->digested = input->size;
    } else if (input->kind == CLI_SOURCE_PATH) {
        if (vit_file_read(input->path, 0, &bytes, &size, &input->error) != VIT_OK)
            return false;
        vit__sha256(bytes, size, input->digest);
        input->digested = size;
    }
    vit_free(bytes);
    return true;
}

/* Pictures with the query's content do not vote. */
static bool leave_out(cli_knn *knn, cli_input *input)
{
    bool done = digest_query(input);
    for (size_t i = 0; i < knn->rows.n && done; i++)
        done = cli_known_has_content(&knn->known.pictures[knn->at[i]], input->digest, input->digested,
                                     &knn->left_out[i], &input->error) == VIT_OK;
    return done;
}

bool cli_knn_ask(cli_knn *knn, cli_input *input, float *vector, float *scores)
{
    const vit_fit_vote vote = {.k = knn->k, .temperature = knn->temperature, .equal = knn->vote == EQUAL};
    if (!vit_to_unit_length(vector, knn->known.columns)) {
        vit_error_set(&input->error, VIT_ERR_NON_FINITE, input->path,
                      "its vector has no direction: it is all zero, or next to it");
        return false;
    }
    return leave_out(knn, input) &&
           vit_fit_ask_neighbours(&knn->rows, vector, knn->left_out, &vote, scores, &input->error) == VIT_OK;
}
