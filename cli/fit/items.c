/* SPDX-License-Identifier: BSD-2-Clause */
#include "items.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "csv.h"
#include "file.h"
#include "folder.h"
#include "limit.h"
#include "options.h"
#include "path.h"
#include "talk.h"
#include "unlabelled.h"
#include "utf8.h"

#define METADATA "metadata.csv" /* as the datasets library has it */
#define LISTED 5                /* lines about paths that are of no use */

const char *const cli_side_names[] = {"", "train", "validation", "test"};

/* Names of folders and values of the column `split`, in small letters or capitals. */
static const struct {
    const char *name;
    cli_side side;
} side_words[] = {
    {"train", CLI_SIDE_TRAIN},      {"training", CLI_SIDE_TRAIN}, {"validation", CLI_SIDE_VALIDATION},
    {"valid", CLI_SIDE_VALIDATION}, {"val", CLI_SIDE_VALIDATION}, {"dev", CLI_SIDE_VALIDATION},
    {"test", CLI_SIDE_TEST},        {"testing", CLI_SIDE_TEST},   {"eval", CLI_SIDE_TEST},
    {"evaluation", CLI_SIDE_TEST},
};

static cli_side side_of(const char *name)
{
    for (size_t i = 0; i < sizeof side_words / sizeof *side_words; i++)
        if (strcasecmp(name, side_words[i].name) == 0)
            return side_words[i].side;
    return CLI_SIDE_OPEN;
}

static void add(cli_items *items, char *path, const char *label, cli_side side)
{
    items->items = cli_grow(items->items, &items->room, items->n, sizeof *items->items);
    items->items[items->n++] = (cli_item){.path = path, .label = cli_duplicate(label), .side = side};
}

/* ------------------------------------------------------------------ class folders ---- */

typedef struct names {
    char **names;
    size_t n, room;
} names;

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(names *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->names[i]);
    free(list->names);
    *list = (names){0};
}

/* The folders in a folder, links to folders too, by name. A link that leads nowhere or in a circle is an error. */
static cli_exit list_folders(const char *folder, names *list)
{
    DIR *directory = opendir(folder);
    if (!directory) {
        cli_error("%s: %s", folder, strerror(errno));
        return CLI_USAGE;
    }
    cli_exit status = CLI_DONE;
    for (const struct dirent *entry; status == CLI_DONE && (entry = readdir(directory)) != NULL;) {
        struct stat info;
        if (entry->d_name[0] == '.')
            continue;
        char *path = cli_join(folder, entry->d_name);
        int failed = stat(path, &info);
        if (failed && !cli_is_image_name(path)) {
            cli_error("%s: %s", path, strerror(errno));
            status = CLI_USAGE;
        } else if (!failed && S_ISDIR(info.st_mode)) {
            list->names = cli_grow(list->names, &list->room, list->n, sizeof *list->names);
            list->names[list->n++] = cli_duplicate(entry->d_name);
        }
        free(path);
    }
    closedir(directory);
    if (list->n)
        qsort(list->names, list->n, sizeof *list->names, compare_texts);
    return status;
}

/* All pictures below one class folder. */
static cli_exit walk_class(cli_items *items, const char *path, const char *label, cli_side side)
{
    size_t before = items->n;
    int error = 0;
    if (!vit__utf8_is_valid(label)) {
        cli_error("%s: the name of a class folder must be UTF-8", path);
        return CLI_USAGE;
    }
    cli_folder *folder = cli_folder_open(path, false);
    for (char *picture; (picture = cli_folder_next(folder, &error)) != NULL;) {
        if (error) {
            cli_error("%s: %s", picture, strerror(error));
            free(picture);
            cli_folder_close(folder);
            return CLI_USAGE;
        }
        add(items, picture, label, side);
    }
    cli_folder_close(folder);
    if (items->n > before)
        return CLI_DONE;
    cli_error("%s: this class folder holds no picture: remove it, or add some", path);
    return CLI_USAGE;
}

static cli_exit walk_classes(cli_items *items, const char *folder, const names *list, cli_side side)
{
    cli_exit status = CLI_DONE;
    for (size_t i = 0; i < list->n && status == CLI_DONE; i++) {
        char *path = cli_join(folder, list->names[i]);
        status = walk_class(items, path, list->names[i], side);
        free(path);
    }
    if (list->n == 0) {
        cli_error("%s: no class folders are in it: one folder for each class, with its pictures, is expected", folder);
        return CLI_USAGE;
    }
    return status;
}

/* A folder for training, and one that is not: then these are no classes. */
static bool are_sides(const names *list)
{
    bool train = false, other = false;
    for (size_t i = 0; i < list->n; i++) {
        cli_side side = side_of(list->names[i]);
        train = train || side == CLI_SIDE_TRAIN;
        other = other || side > CLI_SIDE_TRAIN;
    }
    return train && other;
}

/* By the folder's metadata.csv, if it has one: then *found is true. Pictures whose split the table leaves open are for
 * the side. */
static cli_exit read_metadata(const cli_command *command, cli_items *items, const char *folder, cli_side side,
                              bool *found)
{
    char *table = cli_join(folder, METADATA);
    struct stat info;
    cli_exit status = CLI_DONE;
    size_t before = items->n;
    *found = stat(table, &info) == 0 && S_ISREG(info.st_mode);
    if (*found) {
        items->table = table;
        status = cli_items_read(command, items, &folder, 1, NULL, 0);
        items->table = NULL;
    }
    for (size_t i = before; i < items->n; i++)
        if (items->items[i].side == CLI_SIDE_OPEN)
            items->items[i].side = side;
    free(table);
    return status;
}

static cli_exit walk_side(const cli_command *command, cli_items *items, const char *folder, cli_side side)
{
    names classes = {0};
    bool table;
    cli_exit status = read_metadata(command, items, folder, side, &table);
    if (!table) {
        status = list_folders(folder, &classes);
        if (status == CLI_DONE)
            status = walk_classes(items, folder, &classes, side);
    }
    free_names(&classes);
    return status;
}

static cli_exit walk_sides(const cli_command *command, cli_items *items, const char *folder, const names *list)
{
    cli_exit status = CLI_DONE;
    for (size_t i = 0; i < list->n && status == CLI_DONE; i++) {
        cli_side side = side_of(list->names[i]);
        char *path = cli_join(folder, list->names[i]);
        if (side == CLI_SIDE_OPEN)
            cli_note("%s: passed over: it is neither for training nor for tests", path);
        else
            status = walk_side(command, items, path, side);
        free(path);
    }
    return status;
}

static cli_exit walk_data(const cli_command *command, cli_items *items, const char *folder)
{
    names list = {0};
    if (!vit__path_is_folder(folder))
        return cli_usage_error(command, "%s: DATA is a folder of class folders, or stands beside --labels", folder);
    bool table;
    cli_exit status = read_metadata(command, items, folder, CLI_SIDE_OPEN, &table);
    if (!table) {
        status = list_folders(folder, &list);
        if (status == CLI_DONE)
            status = are_sides(&list) ? walk_sides(command, items, folder, &list)
                                      : walk_classes(items, folder, &list, CLI_SIDE_OPEN);
    }
    free_names(&list);
    return status;
}

cli_exit cli_items_walk(const cli_command *command, cli_items *items, const char *const *folders, size_t n)
{
    cli_exit status = CLI_DONE;
    for (size_t i = 0; i < n && status == CLI_DONE; i++)
        status = walk_data(command, items, folders[i]);
    return status;
}

/* ------------------------------------------------------------------ a table ---- */

typedef struct reading {
    cli_items *items;
    const char *const *folders;
    size_t n_folders;
    char *const *among;
    size_t n_among;
    char *home; /* the table's folder */
    cli_csv csv;
    size_t path, label, split; /* columns; split SIZE_MAX: there is none */
    cli_named_files named;     /* by the table */
    bool *named_among;         /* [n_among] */
} reading;

static cli_exit find_columns(const cli_command *command, reading *r)
{
    static const char *const labels[] = {"label", NULL}, *const splits[] = {"split", NULL};
    const cli_items *items = r->items;
    const char *const path[] = {items->path_column, NULL}, *const label[] = {items->label_column, NULL};
    bool any = cli_csv_next(&r->csv);
    r->path = cli_csv_column(&r->csv, *path ? path : cli_csv_paths);
    r->label = cli_csv_column(&r->csv, *label ? label : labels);
    r->split = cli_csv_column(&r->csv, splits);
    if (r->split == r->csv.n)
        r->split = SIZE_MAX; /* a longer line has none either */
    if (!any)
        return r->csv.wrong ? CLI_DONE : cli_usage_error(command, "%s: the table is empty", items->table);
    if (r->path == r->csv.n && r->csv.n == 1 && strpbrk(r->csv.fields[0], ";\t"))
        return cli_usage_error(command, "%s: its first line holds no comma: a CSV has commas between its fields",
                               items->table);
    if (r->path == r->csv.n)
        return cli_usage_error(command, "%s: its first line names no column %s; --path-column says which it is",
                               items->table,
                               items->path_column ? items->path_column : "path, file_name, filename or image");
    if (r->label == r->csv.n)
        return cli_usage_error(command, "%s: its first line names no column %s; --label-column says which it is",
                               items->table, items->label_column ? items->label_column : "label");
    return CLI_DONE;
}

static bool is_there(reading *r, const char *path)
{
    struct stat info;
    if (r->among) {
        char *const *found = bsearch(&path, r->among, r->n_among, sizeof *r->among, compare_texts);
        while (found && found > r->among && strcmp(found[-1], path) == 0)
            found--; /* the first of equal ones */
        if (found)
            r->named_among[found - r->among] = true;
        return found != NULL;
    }
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    cli_named_files_add(&r->named, &info);
    return true;
}

/* Beside the table, else in one of the folders, else as it is written. NULL: nowhere. */
static char *locate(reading *r, const char *written)
{
    if (*written == '/' || r->among)
        if (is_there(r, written))
            return cli_duplicate(written);
    for (size_t i = 0; i <= r->n_folders && *written && *written != '/'; i++) {
        const char *folder = i == 0 ? r->home : r->folders[i - 1];
        char *path = strcmp(folder, ".") == 0 ? cli_duplicate(written) : cli_join(folder, written);
        if (is_there(r, path))
            return path;
        free(path);
    }
    return NULL;
}

/* Some of them are shown, and all are counted. */
static void tell(size_t *count, const char *where, size_t line, const char *what)
{
    if (++*count <= LISTED)
        cli_error("%s: line %zu: %s", where, line, what);
}

static cli_exit take_record(const cli_command *command, reading *r)
{
    cli_items *items = r->items;
    const cli_csv *csv = &r->csv;
    if (csv->n == 1 && !*csv->fields[0])
        return CLI_DONE; /* an empty line */
    if (r->path >= csv->n || r->label >= csv->n)
        return cli_usage_error(command, "%s: line %zu has %zu fields, fewer than its first line", items->table,
                               csv->line, csv->n);
    const char *label = csv->fields[r->label], *split = r->split < csv->n ? csv->fields[r->split] : "";
    cli_side side = side_of(split);
    if (*split && side == CLI_SIDE_OPEN)
        return cli_usage_error(command, "%s: line %zu: the split \"%s\" is none of train, validation and test",
                               items->table, csv->line, split);
    char *path = locate(r, csv->fields[r->path]);
    if (path && *label) {
        add(items, path, label, side);
        return CLI_DONE;
    }
    if (path)
        tell(&items->without_label, items->table, csv->line, "the label is empty");
    else
        tell(&items->without_picture, items->table, csv->line,
             r->among ? "there is no vector of this path" : "there is no such picture");
    free(path);
    return CLI_DONE;
}

static void tell_unlabelled(void *data, const char *path)
{
    reading *r = data;
    if (++r->items->without_label <= LISTED)
        cli_error("%s: the table %s has no label for it", path, r->items->table);
}

/* What there is, and the table does not name. */
static void find_unlabelled(reading *r)
{
    for (size_t i = 0; i < r->n_among; i++)
        if (!r->named_among[i] && (i == 0 || strcmp(r->among[i], r->among[i - 1]) != 0))
            tell_unlabelled(r, r->among[i]);
    if (!r->among)
        cli_unlabelled_find(&r->named, r->folders, r->n_folders, tell_unlabelled, r);
}

cli_exit cli_items_read(const cli_command *command, cli_items *items, const char *const *folders, size_t n,
                        char *const *among, size_t n_among)
{
    const vit__file_kind kind = {.most = VIT__LIMIT_FIT_TABLE_BYTES, .above = "a table of more than"};
    vit_error err = {0};
    reading r = {.items = items,
                 .folders = folders,
                 .n_folders = n,
                 .among = among,
                 .n_among = n_among,
                 .home = cli_folder_of(items->table),
                 .named_among = cli_allocate(n_among ? n_among : 1, sizeof *r.named_among)};
    cli_exit status = CLI_USAGE;
    memset(r.named_among, 0, n_among * sizeof *r.named_among);
    if (cli_csv_open(&r.csv, items->table, &kind, &err) != VIT_OK) {
        cli_library_error(&err);
    } else {
        status = find_columns(command, &r);
        while (status == CLI_DONE && cli_csv_next(&r.csv))
            status = take_record(command, &r);
        if (status == CLI_DONE && r.csv.wrong)
            status = cli_usage_error(command, "%s: line %zu: %s", items->table, r.csv.line, r.csv.wrong);
        if (status == CLI_DONE)
            find_unlabelled(&r);
    }
    cli_named_files_free(&r.named);
    free(r.named_among);
    cli_csv_free(&r.csv);
    free(r.home);
    return status;
}

/* ------------------------------------------------------------------ all together ---- */

static int compare_items(const void *a, const void *b)
{
    return strcmp(((const cli_item *)a)->path, ((const cli_item *)b)->path);
}

static void free_item(cli_item *item)
{
    free(item->path);
    free(item->label);
}

static cli_exit drop_repeated(const cli_command *command, cli_items *items)
{
    size_t kept = 0;
    for (size_t i = 0; i < items->n; i++) {
        cli_item *last = kept ? &items->items[kept - 1] : NULL, *item = &items->items[i];
        bool repeated = last && strcmp(last->path, item->path) == 0;
        if (repeated && (strcmp(last->label, item->label) != 0 || last->side != item->side))
            return cli_usage_error(command, "%s: this picture has two labels or two splits: \"%s\" and \"%s\"",
                                   item->path, last->label, item->label);
        if (repeated)
            free_item(item);
        else
            items->items[kept++] = *item;
        if (kept - 1 != i)
            *item = (cli_item){0};
    }
    items->n = kept;
    return CLI_DONE;
}

static void number_labels(cli_items *items)
{
    const char **all = cli_allocate(items->n, sizeof *all);
    for (size_t i = 0; i < items->n; i++)
        all[i] = items->items[i].label;
    items->labels = cli_distinct_of(all, items->n);
    for (size_t i = 0; i < items->n; i++)
        items->items[i].class = (uint32_t)cli_distinct_find(&items->labels, all[i]);
    free(all);
}

cli_exit cli_items_sort(const cli_command *command, cli_items *items)
{
    if (items->n)
        qsort(items->items, items->n, sizeof *items->items, compare_items);
    cli_exit status = drop_repeated(command, items);
    if (status != CLI_DONE)
        return status;
    number_labels(items);
    if (items->without_picture || items->without_label)
        cli_error("%zu lines of the table have no picture, %zu pictures have no label: they are passed over",
                  items->without_picture, items->without_label);
    if (items->labels.n == 0)
        return cli_usage_error(command, "there are no labelled pictures");
    if (items->labels.n == 1)
        return cli_usage_error(command, "all pictures are of the class \"%s\": a classifier needs two",
                               items->labels.texts[0]);
    return CLI_DONE;
}

void cli_items_sort_paths(char **paths, size_t n)
{
    if (n)
        qsort(paths, n, sizeof *paths, compare_texts);
}

void cli_items_free(cli_items *items)
{
    for (size_t i = 0; i < items->n; i++)
        free_item(&items->items[i]);
    free(items->items);
    cli_distinct_free(&items->labels);
}
