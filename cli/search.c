/* SPDX-License-Identifier: BSD-2-Clause */
/* vit search: the images of an index that are most like a query. */
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "command.h"
#include "figures.h"
#include "filter.h"
#include "html.h"
#include "json_write.h"
#include "output_file.h"
#include "place.h"
#include "progress.h"
#include "query.h"
#include "talk.h"
#include "vit/index.h"

#define DEFAULT_TOP 10

typedef struct search {
    /* options */
    cli_place place;
    vit_index_filter filter;
    size_t top;
    bool json, exact, fuse;
    bool tokens; /* the page shows what patches are like */
    const char *path, *html_path;
    const char *text_model; /* that encodes texts; NULL: the index's own */
    /* at work */
    size_t columns;
    size_t answered;    /* queries */
    const char *digest; /* of the text model, while queries are answered */
    vit_index *index;
    cli_file file;
    cli_html *html;
    cli_figures *figures; /* NULL: none are asked for */
    cli_text text;
} search;

static const char *const output_names[] = {"tokens", NULL};

static const char *set_output(const cli_option *option, const char *value, void *field)
{
    (void)option;
    *(bool *)field = strcmp(value, output_names[0]) == 0;
    return *(bool *)field ? NULL : "";
}

#define FIELD(member) offsetof(search, member)
static const cli_option search_table[] = {
    {"top", 'k', "N", cli_set_count, FIELD(top), NULL, "how many images for each query (default 10)"},
    {"json", 0, NULL, cli_set_flag, FIELD(json), NULL, "one JSON object for each query (without it: as FILE ends)"},
    {"fuse", 0, NULL, cli_set_flag, FIELD(fuse), NULL,
     "with --match: do not leave out what lacks the words, but rank by likeness and words together (reciprocal rank fusion)"},
    {"exact", 0, NULL, cli_set_flag, FIELD(exact), NULL,
     "PostgreSQL: look at every vector instead of using the HNSW index (a SQLite index is always searched exactly)"},
    {"text-model", 0, "MODEL", cli_set_text, FIELD(text_model), NULL,
     "encode texts with this model, whose vectors are meant for those of the index's model, as "
     "clip-ViT-B-32-multilingual-v1 is for clip-ViT-B-32"},
    {"html", 0, "FILE", cli_set_text, FIELD(html_path), NULL, "write a page of thumbnails, complete in one file"},
    {"output", 0, "tokens", set_output, FIELD(tokens), output_names,
     "draw on the page of --html, below each picture, its patches by their features: patches that are alike in the eyes "
     "of the model have the same colour in the query and in all that was found"},
    {NULL, 'o', "FILE", cli_set_text, FIELD(path), NULL,
     "write there instead of standard output; - is standard output"},
    {0},
};

/* ------------------------------------------------------------------ results ---- */

static void add_json(search *s, const char *query, const vit_index_hits *hits)
{
    cli_text_string(&s->text, "{\"query\":");
    cli_json_string(&s->text, query);
    if (s->digest) {
        cli_text_string(&s->text, ",\"text_model\":");
        cli_json_string(&s->text, s->text_model);
        cli_text_format(&s->text, ",\"text_model_digest\":\"%s\"", s->digest);
    }
    cli_text_string(&s->text, ",\"results\":[");
    for (size_t i = 0; i < hits->n; i++) {
        cli_text_string(&s->text, i ? ",{\"path\":" : "{\"path\":");
        cli_json_string(&s->text, hits->hits[i].path);
        cli_text_string(&s->text, ",\"score\":");
        cli_json_float(&s->text, (float)hits->hits[i].score);
        cli_text_string(&s->text, "}");
    }
    cli_text_string(&s->text, "]}\n");
}

static void add_text(search *s, const char *query, const vit_index_hits *hits)
{
    cli_text_name(&s->text, query, &s->file);
    cli_text_string(&s->text, "\n");
    for (size_t i = 0; i < hits->n; i++) {
        cli_text_format(&s->text, "  %.4f  ", hits->hits[i].score);
        cli_text_name(&s->text, hits->hits[i].path, &s->file);
        cli_text_string(&s->text, "\n");
    }
}

static void add_failure(search *s, const cli_input *input)
{
    if (!s->json)
        return; /* it is on stderr, as every failure */
    cli_text_string(&s->text, "{\"query\":");
    cli_json_string(&s->text, input->path);
    cli_text_string(&s->text, ",\"error\":");
    cli_json_error(&s->text, &input->error);
    cli_text_string(&s->text, "}\n");
}

static bool add_page(search *s, const char *query, bool is_picture, const vit_index_hits *hits)
{
    cli_card *cards = cli_allocate(hits->n + 1, sizeof *cards);
    char(*notes)[32] = cli_allocate(hits->n + 1, sizeof *notes);
    size_t n = 0;
    if (is_picture)
        cards[n++] = (cli_card){.path = query, .note = "query", .is_query = true};
    for (size_t i = 0; i < hits->n; i++, n++) {
        snprintf(notes[n], sizeof notes[n], "%.4f", hits->hits[i].score);
        cards[n] = (cli_card){.path = hits->hits[i].path,
                              .file = cli_index_file(s->index, hits->hits[i].path),
                              .note = notes[n],
                              .caption = hits->hits[i].caption};
    }
    if (s->figures)
        cli_figures_draw(s->figures, cards, n);
    bool done = cli_html_section(s->html, query, cards, n);
    for (size_t i = 0; i < n; i++)
        free(cards[i].file);
    free(notes);
    free(cards);
    return done;
}

static bool show(search *s, const char *query, bool is_picture, const vit_index_hits *hits)
{
    if (s->json)
        add_json(s, query, hits);
    else
        add_text(s, query, hits);
    s->answered++;
    return !s->html || add_page(s, query, is_picture, hits);
}

static bool put(search *s)
{
    bool done = !s->text.size || (cli_file_write(&s->file, s->text.data, s->text.size) && cli_file_flush(&s->file));
    cli_text_clear(&s->text);
    return done;
}

/* ------------------------------------------------------------------ searching ---- */

static bool find_hits(search *s, const vit_index_query *query, vit_index_hits *hits)
{
    vit_error err = {0};
    vit_status status = s->fuse ? vit_index_fuse(s->index, s->filter.match, query, hits, &err)
                                : vit_index_search(s->index, query, hits, &err);
    return cli_index_is(s->index, status, &err);
}

/* Vectors of the queries that have one, close together. */
static bool answer(void *context, const cli_query *queries, size_t n)
{
    search *s = context;
    float *vectors = cli_allocate(n, s->columns * sizeof *vectors);
    vit_index_hits *hits = cli_allocate(n, sizeof *hits);
    vit_index_query what = {
        .vectors = vectors,
        .k = s->top,
        .filter = &s->filter,
        .exact = s->exact,
    };
    for (size_t i = 0; i < n; i++)
        if (queries[i].vector)
            memcpy(vectors + what.n++ * s->columns, queries[i].vector, s->columns * sizeof *vectors);
    bool done = what.n == 0 || find_hits(s, &what, hits);
    s->digest = n > 0 ? queries[0].text_model_digest : NULL;
    for (size_t i = 0, next = 0; i < n && done; i++) {
        const cli_input *input = queries[i].input;
        if (queries[i].vector)
            done = show(s, input->path, input->kind == CLI_SOURCE_PATH, &hits[next++]);
        else
            add_failure(s, input);
    }
    for (size_t i = 0; i < n; i++)
        vit_index_hits_free(&hits[i]);
    free(hits);
    free(vectors);
    return done && put(s);
}

/* Words alone need no model. */
static cli_exit answer_words(search *s)
{
    vit_index_hits hits = {0};
    const vit_index_query what = {.k = s->top, .filter = &s->filter};
    vit_error err = {0};
    vit_status status = vit_index_match(s->index, s->filter.match, &what, &hits, &err);
    bool done = cli_index_is(s->index, status, &err) && show(s, s->filter.match, false, &hits) && put(s);
    vit_index_hits_free(&hits);
    return done ? CLI_DONE : CLI_OUTPUT;
}

/* ------------------------------------------------------------------ the command ---- */

static cli_exit check_options(const cli_command *command, const search *s, const cli_job *job)
{
    if (!s->place.place)
        return cli_usage_error(command, "where? name the index with --db, such as --db photos.db");
    if (s->fuse && (!s->filter.match || job->inputs.n == 0))
        return cli_usage_error(command,
                               "--fuse ranks by a query and by words: it needs both, and words come with --match");
    if (job->inputs.n == 0 && !s->filter.match)
        return cli_usage_error(command, "no query: name an image, or words with --match");
    if (s->text_model && (job->inputs.n == 0 || !cli_inputs_are_text(&job->inputs)))
        return cli_usage_error(command,
                               "--text-model encodes texts: name them with --text or --tokens, and no pictures");
    if (s->text_model && job->options.model)
        return cli_usage_error(command, "--text-model takes the place of -m: the model of the index is not opened");
    if (s->tokens && !s->html_path)
        return cli_usage_error(command, "--output tokens draws on a page: name it with --html");
    return cli_filter_check(command, &s->filter);
}

/* The name of the file asks for JSON too, as --json does. */
static cli_exit check_files(const cli_command *command, search *s)
{
    static const cli_kind kinds[] = {CLI_KIND_HITS_TEXT, CLI_KIND_HITS_JSON};
    int format = s->json ? 1 : CLI_BY_NAME;
    const cli_formats formats = {kinds, 2, &format, "--json"};
    cli_exit status = cli_claim_formatted(command, "-o", s->path, &formats);
    s->json = format == 1;
    if (status == CLI_DONE)
        status = cli_html_claim(command, s->html_path);
    return status == CLI_DONE ? cli_place_spare(&s->place) : status;
}

static const char about_figures[] =
    "Below each picture are its patches as the model sees them. Patches that are alike have the same colour in all pictures "
    "of a query. Where the model tells what is in front from a background, the background is black.";

static bool open_outputs(search *s)
{
    if (!cli_file_open(&s->file, s->path))
        return false;
    if (s->html_path)
        s->html = cli_html_open(s->html_path, "vit search");
    if (s->html && s->figures)
        cli_html_note(s->html, about_figures);
    return !s->html_path || s->html;
}

static bool commit_outputs(search *s)
{
    cli_html *html = s->html;
    s->html = NULL;
    bool done = !html || (s->answered > 0 ? cli_html_commit : cli_html_commit_empty)(html);
    bool kept = s->answered == 0 && cli_file_keep_older(&s->file);
    return done && (kept || cli_file_commit(&s->file));
}

static cli_exit run_search(const cli_command *command, search *s, cli_job *job)
{
    cli_exit status = check_options(command, s, job);
    if (status == CLI_DONE)
        status = check_files(command, s);
    if (status != CLI_DONE)
        return status;
    s->index = cli_place_open(&s->place, VIT_INDEX_READ, job->options.threads);
    if (!s->index)
        return CLI_USAGE;
    s->columns = vit_index_columns(s->index);
    if (s->columns == 0) {
        cli_error("%s: nothing was indexed here yet: 'vit index' does that", vit_index_place(s->index));
        return CLI_USAGE;
    }
    vit_error err = {0};
    if (vit_index_check_filter(s->index, &s->filter, &err) != VIT_OK) {
        cli_index_filter_error(s->index, &s->filter, &err);
        return CLI_USAGE;
    }
    if (s->tokens)
        status = cli_figures_open(command, job, s->index, &s->figures);
    if (status != CLI_DONE)
        return status;
    if (!open_outputs(s))
        return CLI_OUTPUT;
    status = job->inputs.n ? cli_query_each(command, job, s->index, s->text_model, answer, s) : answer_words(s);
    if ((status == CLI_DONE || status == CLI_INPUTS_FAILED) && !commit_outputs(s))
        status = CLI_OUTPUT;
    return status;
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    search s = {.top = DEFAULT_TOP};
    cli_job job = {.progress = CLI_PROGRESS_NEVER, .pictures = CLI_PICTURES_UNSET};
    const cli_group groups[] = {
        {"Index", cli_place_table, &s.place, NULL},          {"Results", search_table, &s, NULL},
        {"Which images", cli_filter_table, &s.filter, NULL}, {"Queries", cli_input_table, &job.inputs, cli_inputs_add},
        {"Model", cli_model_table, &job.options, NULL},      {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? run_search(command, &s, &job) : (cli_exit)parsed;
    cli_html_discard(s.html);
    cli_figures_free(s.figures);
    cli_file_discard(&s.file);
    vit_index_free(s.index);
    cli_filter_free(&s.filter);
    cli_text_free(&s.text);
    cli_job_close(&job);
    return status;
}

const cli_command cli_search = {
    .name = "search",
    .summary = "the images of an index that are most like a query",
    .usage = "[OPTION]... --db PLACE QUERY...",
    .text =
        "Finds the images of an index that are most like each QUERY (an image, or with --text words, where the model\n"
        "has a text tower), best first. The score is the cosine of the vectors: 1 is the same picture. The index knows\n"
        "its model and how it was run; -m is only needed where the model has moved.",
    .example = "vit search --db photos.db -k 5 --like '%/2024/%' query.jpg",
    .run = run,
};
