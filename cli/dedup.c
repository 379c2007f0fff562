/* SPDX-License-Identifier: BSD-2-Clause */
/* vit dedup: groups of images in an index that are nearly the same. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "claims.h"
#include "command.h"
#include "filter.h"
#include "html.h"
#include "json_write.h"
#include "output_file.h"
#include "place.h"
#include "talk.h"
#include "vit/index.h"

#define DEFAULT_THRESHOLD 0.95

typedef struct dedup {
    /* options */
    cli_place place;
    vit_index_filter filter;
    double threshold;
    bool json;
    unsigned threads;
    const char *path, *html_path;
    /* at work */
    vit_index *index;
    size_t columns;
    char **paths; /* of the vectors */
    float *vectors;
    size_t n, capacity;
    cli_file file;
    cli_html *html;
    cli_text text;
} dedup;

static const char *set_threshold(const cli_option *option, const char *value, void *field)
{
    (void)option;
    double threshold;
    if (!cli_read_number(value, &threshold) || threshold <= 0 || threshold > 1)
        return "a cosine above 0, up to 1";
    *(double *)field = threshold;
    return NULL;
}

#define FIELD(member) offsetof(dedup, member)
static const cli_option dedup_table[] = {
    {"threshold", 0, "T", set_threshold, FIELD(threshold), NULL,
     "how alike two images must be: the cosine of their vectors (default 0.95)"},
    {"json", 0, NULL, cli_set_flag, FIELD(json), NULL, "one JSON object for each group (without it: as FILE ends)"},
    {"html", 0, "FILE", cli_set_text, FIELD(html_path), NULL, "write a page of thumbnails, complete in one file"},
    {NULL, 'o', "FILE", cli_set_text, FIELD(path), NULL,
     "write there instead of standard output; - is standard output"},
    {"threads", 't', "N", cli_set_threads, FIELD(threads), NULL, "threads (default: as many as this process may use)"},
    {0},
};

/* ------------------------------------------------------------------ groups ---- */

static int take(void *context, const vit_index_item *item, const float *vector)
{
    dedup *d = context;
    if (d->n == d->capacity) {
        d->capacity = d->capacity ? d->capacity + d->capacity / 2 : 1024;
        d->paths = cli_reallocate(d->paths, d->capacity, sizeof *d->paths);
        d->vectors = cli_reallocate(d->vectors, d->capacity, d->columns * sizeof *d->vectors);
    }
    d->paths[d->n] = cli_duplicate(item->path);
    memcpy(d->vectors + d->n++ * d->columns, vector, d->columns * sizeof *vector);
    return 0;
}

/* Members of groups stand together, by path, and groups by their first path. */
typedef struct member {
    const char *path;
    const char *first; /* path of the group */
    size_t group, point;
} member;

static int compare_members(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->group != y->group)
        return strcmp(x->first, y->first);
    return strcmp(x->path, y->path);
}

/* Fills members with the points that are not alone; how many they are. */
static size_t gather(const dedup *d, const size_t *group, member *members)
{
    size_t *sizes = cli_allocate(d->n, sizeof *sizes);
    const char **firsts = cli_allocate(d->n, sizeof *firsts);
    for (size_t i = 0; i < d->n; i++) {
        sizes[group[i]]++;
        if (!firsts[group[i]] || strcmp(d->paths[i], firsts[group[i]]) < 0)
            firsts[group[i]] = d->paths[i];
    }
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++)
        if (sizes[group[i]] > 1)
            members[n++] = (member){d->paths[i], firsts[group[i]], group[i], i};
    free(sizes);
    free(firsts);
    if (n > 0)
        qsort(members, n, sizeof *members, compare_members);
    return n;
}

/* A name of a file, as the file system knows it. */
typedef struct name {
    size_t member;
    dev_t device;
    ino_t file;
    bool is_link;
} name;

/* Names of one file stand together: first those of its own, then symbolic links, each in the order of the members. */
static int compare_names(const void *a, const void *b)
{
    const name *x = a, *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->is_link != y->is_link)
        return x->is_link ? 1 : -1;
    return (x->member > y->member) - (x->member < y->member);
}

/* Looks for the members' files. keeps[i]: nothing there says that member i is another one's file. How many files there
 * are. */
static size_t find_names(const dedup *d, const member *members, size_t n, name *names, bool *keeps)
{
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        struct stat file, link;
        char *path = cli_index_file(d->index, members[i].path);
        keeps[i] = stat(path, &file) != 0;
        if (!keeps[i])
            names[known++] = (name){i, file.st_dev, file.st_ino, lstat(path, &link) == 0 && S_ISLNK(link.st_mode)};
        free(path);
    }
    return known;
}

/* A file may have several names: links to it, and other ways to write its path. One
 * name of each stays, rather a name of its own than that of a symbolic link: who
 * deletes all but one of a group must not lose the picture. Answers how many stay. */
static size_t leave_files(const dedup *d, member *members, size_t n)
{
    name *names = cli_allocate(n, sizeof *names);
    bool *keeps = cli_allocate(n, sizeof *keeps);
    size_t known = find_names(d, members, n, names, keeps), left = 0;
    qsort(names, known, sizeof *names, compare_names);
    for (size_t i = 0; i < known; i++)
        if (i == 0 || names[i].device != names[i - 1].device || names[i].file != names[i - 1].file)
            keeps[names[i].member] = true;
    for (size_t i = 0; i < n; i++)
        if (keeps[i])
            members[left++] = members[i];
    free(keeps);
    free(names);
    return left;
}

/* ------------------------------------------------------------------ results ---- */

static void add_json(dedup *d, const member *members, size_t n, double score)
{
    cli_text_string(&d->text, "{\"paths\":[");
    for (size_t i = 0; i < n; i++) {
        cli_text_string(&d->text, i ? "," : "");
        cli_json_string(&d->text, members[i].path);
    }
    cli_text_string(&d->text, "],\"score\":");
    cli_json_float(&d->text, (float)score);
    cli_text_string(&d->text, "}\n");
}

static void add_text(dedup *d, const member *members, size_t n, double score)
{
    cli_text_format(&d->text, "%zu images, %.4f\n", n, score);
    for (size_t i = 0; i < n; i++) {
        cli_text_string(&d->text, "  ");
        cli_text_name(&d->text, members[i].path, &d->file);
        cli_text_string(&d->text, "\n");
    }
}

static bool add_page(dedup *d, const member *members, size_t n, double score)
{
    char heading[64];
    snprintf(heading, sizeof heading, "%zu images, %.4f", n, score);
    cli_card *cards = cli_allocate(n, sizeof *cards);
    for (size_t i = 0; i < n; i++)
        cards[i] = (cli_card){.path = members[i].path, .file = cli_index_file(d->index, members[i].path), .note = ""};
    bool done = cli_html_section(d->html, heading, cards, n);
    for (size_t i = 0; i < n; i++)
        free(cards[i].file);
    free(cards);
    return done;
}

static bool show(dedup *d, const member *members, size_t n)
{
    size_t *numbers = cli_allocate(n, sizeof *numbers);
    for (size_t i = 0; i < n; i++)
        numbers[i] = members[i].point;
    double score;
    vit_error err = {0};
    if (vit_groups_least(d->vectors, d->columns, numbers, n, d->threads, &score, &err) != VIT_OK)
        cli_out_of_memory();
    free(numbers);
    if (d->json)
        add_json(d, members, n, score);
    else
        add_text(d, members, n, score);
    bool done = cli_file_write(&d->file, d->text.data, d->text.size);
    cli_text_clear(&d->text);
    return done && (!d->html || add_page(d, members, n, score));
}

static bool show_groups(dedup *d)
{
    vit_error err = {0};
    size_t *group = cli_allocate(d->n, sizeof *group);
    member *members = cli_allocate(d->n, sizeof *members);
    if (vit_groups_find(d->vectors, d->n, d->columns, d->threshold, d->threads, group, &err) != VIT_OK)
        cli_out_of_memory();
    size_t n = gather(d, group, members), groups = 0;
    bool done = true;
    size_t shown = 0;
    for (size_t first = 0, end; first < n && done; first = end) {
        for (end = first + 1; end < n && members[end].group == members[first].group; end++)
            ;
        size_t size = leave_files(d, members + first, end - first);
        if (size < 2)
            continue; /* one file under several names */
        done = show(d, members + first, size);
        shown += size;
        groups++;
    }
    if (done)
        cli_note("%zu of %zu images are in %zu groups of near-duplicates", shown, d->n, groups);
    free(group);
    free(members);
    return done;
}

/* ------------------------------------------------------------------ the command ---- */

/* The name of the file asks for JSON too, as --json does. */
static cli_exit check_files(const cli_command *command, dedup *d)
{
    static const cli_kind kinds[] = {CLI_KIND_GROUPS_TEXT, CLI_KIND_GROUPS_JSON};
    int format = d->json ? 1 : CLI_BY_NAME;
    const cli_formats formats = {kinds, 2, &format, "--json"};
    cli_exit status = cli_claim_formatted(command, "-o", d->path, &formats);
    d->json = format == 1;
    if (status == CLI_DONE)
        status = cli_html_claim(command, d->html_path);
    return status == CLI_DONE ? cli_place_spare(&d->place) : status;
}

static cli_exit open_index(const cli_command *command, dedup *d)
{
    if (!d->place.place)
        return cli_usage_error(command, "where? name the index with --db, such as --db photos.db");
    cli_exit status = cli_filter_check(command, &d->filter);
    if (status == CLI_DONE)
        status = check_files(command, d);
    if (status != CLI_DONE)
        return status;
    d->index = cli_place_open(&d->place, VIT_INDEX_READ, 0);
    if (!d->index)
        return CLI_USAGE;
    d->columns = vit_index_columns(d->index);
    if (d->columns == 0) {
        cli_error("%s: nothing was indexed here yet: 'vit index' does that", vit_index_place(d->index));
        return CLI_USAGE;
    }
    vit_error err = {0};
    if (vit_index_check_filter(d->index, &d->filter, &err) == VIT_OK)
        return CLI_DONE;
    cli_index_filter_error(d->index, &d->filter, &err);
    return CLI_USAGE;
}

static bool write_groups(dedup *d)
{
    vit_error err = {0};
    vit_status status = vit_index_each(d->index, &d->filter, take, d, &err);
    if (!cli_index_is(d->index, status, &err) || !cli_file_open(&d->file, d->path))
        return false;
    if (d->html_path && !(d->html = cli_html_open(d->html_path, "vit dedup")))
        return false;
    if (!show_groups(d))
        return false;
    cli_html *html = d->html;
    d->html = NULL;
    return (!html || cli_html_commit(html)) && cli_file_commit(&d->file);
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    dedup d = {.threshold = DEFAULT_THRESHOLD};
    const cli_group groups[] = {
        {"Index", cli_place_table, &d.place, NULL},
        {"Results", dedup_table, &d, NULL},
        {"Which images", cli_filter_table, &d.filter, NULL},
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? open_index(command, &d) : (cli_exit)parsed;
    if (parsed == CLI_GO_ON && status == CLI_DONE && !write_groups(&d))
        status = CLI_OUTPUT;
    while (d.n > 0)
        free(d.paths[--d.n]);
    free(d.paths);
    free(d.vectors);
    cli_html_discard(d.html);
    cli_file_discard(&d.file);
    vit_index_free(d.index);
    cli_filter_free(&d.filter);
    cli_text_free(&d.text);
    return status;
}

const cli_command cli_dedup = {
    .name = "dedup",
    .summary = "groups of images in an index that are nearly the same",
    .usage = "[OPTION]... --db PLACE",
    .text =
        "Lists groups of near-duplicates. Two images are near-duplicates if the cosine of their vectors is at least the\n"
        "threshold. An image belongs to a group if it is a near-duplicate of any image in it. The number printed with a\n"
        "group is the least cosine between any two of its images, which may be below the threshold.",
    .example = "vit dedup --db photos.db --threshold 0.97 --html duplicates.html",
    .run = run,
};
