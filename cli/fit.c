/* SPDX-License-Identifier: BSD-2-Clause */
/* vit fit: a last layer on frozen features. List and label, embed, split, choose C, report, fit again on all, write. */
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "clock.h"
#include "command.h"
#include "embed.h"
#include "feature_table.h"
#include "head_file.h"
#include "items.h"
#include "json_read.h"
#include "json_write.h"
#include "memory.h"
#include "neighbours.h"
#include "report.h"
#include "report_page.h"
#include "sha256.h"
#include "talk.h"
#include "twins.h"

#define SHARD_SIZE 1000 /* vectors that a kill may cost */
#define SHOWN_EVERY 0.1 /* seconds */

enum { METHOD_LINEAR, METHOD_KNN };
static const char *const method_names[] = {"linear", "knn", NULL};
enum { WEIGHT_NONE, WEIGHT_BALANCED };
static const char *const weight_names[] = {"none", "balanced", NULL};
static const char *const precision_names[] = {"f32", "bf16", "int8", NULL};
static const vit_precision precisions[] = {VIT_PRECISION_F32, VIT_PRECISION_BF16, VIT_PRECISION_INT8};

typedef struct share {
    bool given;
    double value;
} share;

typedef struct fit {
    /* options */
    const char *path, *report_path, *page_path, *predictions_path, *vectors, *folder;
    cli_items items;
    cli_output_name output;
    bool normalize, head_only, no_refit;
    double *values; /* of C; none: auto */
    size_t n_values;
    int method, weight, precision;
    cli_neighbours neighbours;
    share held_out;
    size_t folds, shots;
    cli_seed seed;
    /* at work */
    cli_embedding embed;
    cli_job job;
    const char **data; /* [n_data] */
    size_t n_data;
    cli_features features;
    bool *usable;                              /* [items] */
    uint32_t *classes;                         /* [items] */
    uint32_t *of_vector;                       /* [vectors]: the class */
    uint32_t *fold;                            /* [items] */
    uint32_t n_folds;                          /* 0: nothing is held out */
    vit_fit_judgement *held, *tested, *fitted; /* [items] */
    char seed_text[24];
    char base_digest[65], preprocessing_digest[65], inputs_digest[65];
    cli_report report;
    double shown;
    cli_file file;
} fit;

/* ------------------------------------------------------------------ options ---- */

static const char *set_values(const cli_option *option, const char *value, void *field)
{
    fit *f = field;
    (void)option;
    free(f->values);
    f->values = NULL;
    f->n_values = 0;
    if (strcmp(value, "auto") == 0)
        return NULL;
    char *list = cli_duplicate(value), *rest = list;
    const char *wrong = NULL;
    for (char *word; (word = strsep(&rest, ",")) != NULL && !wrong;) {
        double number;
        if (!cli_read_number(word, &number) || number <= 0 || number > 1e300)
            wrong = "auto, or numbers above 0 with commas between them: 0.1,1,10";
        f->values = cli_reallocate(f->values, f->n_values + 1, sizeof *f->values);
        f->values[f->n_values++] = number;
    }
    free(list);
    return wrong;
}

static const char *set_share(const cli_option *option, const char *value, void *field)
{
    share *s = field;
    (void)option;
    s->given = true;
    return cli_read_number(value, &s->value) && s->value < 1 ? NULL : "a number from 0 to less than 1: 0.2";
}

#define FIELD(member) offsetof(fit, member)
static const cli_option result_table[] = {
    {NULL, 'o', "FILE", cli_set_text, FIELD(path), NULL, "where to write the classifier, a .safetensors file"},
    {"head-only", 0, NULL, cli_set_flag, FIELD(head_only), NULL,
     "write the layer alone, some KB, and not the model with it"},
    {"precision", 0, "f32|bf16|int8", cli_set_choice, FIELD(precision), precision_names,
     "what the model's weights are packed in (default f32); vectors are f32 in any case"},
    {"report", 0, "FILE", cli_set_text, FIELD(report_path), NULL, "write the report as one JSON object, too"},
    {"html", 0, "FILE", cli_set_text, FIELD(page_path), NULL,
     "write the report as a page, too, with the confusions as a picture and the worst mistakes as thumbnails"},
    {"predictions", 0, "FILE", cli_set_text, FIELD(predictions_path), NULL,
     "write a CSV with path, label, predicted, score and split of each picture"},
    {0},
};

static const cli_option data_table[] = {
    {"labels", 0, "FILE", cli_set_text, FIELD(items.table), NULL,
     "a CSV with a line for each picture: its path (path, file_name, filename or image), its label, and its split if "
     "there is such a column: train, validation or test"},
    {"label-column", 0, "NAME", cli_set_text, FIELD(items.label_column), NULL, "the column of labels (default label)"},
    {"path-column", 0, "NAME", cli_set_text, FIELD(items.path_column), NULL, "the column of paths"},
    {"vectors", 0, "FILE", cli_set_text, FIELD(vectors), NULL,
     "vectors that 'vit embed -o FILE.npy' wrote; no picture is read, and the layer alone is written"},
    {"features", 0, "DIR", cli_set_text, FIELD(folder), NULL,
     "keep the vectors there: a run that was cut off goes on, and another with other options takes seconds"},
    {"output", 0, "NAME", cli_set_output, FIELD(output), cli_output_choices,
     "which vector the layer reads: embedding (default), cls, mean, cls+mean, pooler"},
    {"normalize", 0, NULL, cli_set_flag, FIELD(normalize), NULL, "divide each vector by its length first"},
    {0},
};

static const cli_option fit_table[] = {
    {"method", 0, "linear|knn", cli_set_choice, FIELD(method), method_names,
     "linear (default) fits a layer; knn fits and writes nothing, and reports how well the nearest of all other pictures "
     "classify each picture"},
    {NULL, 'k', "K[,K...]", cli_neighbours_set_k, FIELD(neighbours), NULL,
     "with knn how many of the nearest vote, a report for each (default 10,20,100,200)"},
    {NULL, 'C', "X[,X...]", set_values, 0, NULL,
     "how far the weights may go, as in scikit-learn: the best of these; auto (default) tries 1e-4 to 1e4"},
    {"class-weight", 0, "none|balanced", cli_set_choice, FIELD(weight), weight_names,
     "balanced: all classes count alike, however many pictures they have"},
    {"val", 0, "F", set_share, FIELD(held_out), NULL,
     "the share of each class that is held out to choose C and for the report (default 0.2); 0: none, and C is 1 unless "
     "it is given"},
    {"folds", 0, "K", cli_set_count, FIELD(folds), NULL, "choose C by K folds instead: each picture is held out once"},
    {"seed", 0, "S", cli_set_seed, FIELD(seed), NULL, "another split (default 0)"},
    {"shots", 0, "N", cli_set_count, FIELD(shots), NULL, "take N pictures of each class, by the seed"},
    {"no-refit", 0, NULL, cli_set_flag, FIELD(no_refit), NULL,
     "write the layer that was fitted without the pictures held out"},
    {0},
};

static void add_data(void *target, const char *value)
{
    fit *f = target;
    f->data = cli_reallocate(f->data, f->n_data + 1, sizeof *f->data);
    f->data[f->n_data++] = value;
}

static cli_exit claim_files(const cli_command *command, const fit *f)
{
    const cli_claim claims[] = {
        {.option = "-o", .path = f->path, .kind = f->head_only ? CLI_KIND_HEAD : CLI_KIND_PACKED},
        {.option = "--report", .path = f->report_path, .kind = CLI_KIND_REPORT},
        {.option = "--html", .path = f->page_path, .kind = CLI_KIND_PAGE},
        {.option = "--predictions", .path = f->predictions_path, .kind = CLI_KIND_PREDICTIONS},
    };
    cli_exit status = CLI_DONE;
    for (size_t i = 0; i < sizeof claims / sizeof *claims && status == CLI_DONE; i++)
        if (claims[i].path)
            status = cli_claim_file(command, &claims[i]);
    if (status == CLI_DONE && f->folder)
        status = cli_shards_claim(command, f->folder);
    return status;
}

/* What is about a layer, where none is fitted. */
static cli_exit check_knn(const cli_command *command, const fit *f)
{
    const struct {
        const char *name;
        bool given;
    } of_layer[] = {{"-o", f->path},
                    {"--head-only", f->head_only},
                    {"--precision", f->precision},
                    {"--html", f->page_path},
                    {"--predictions", f->predictions_path},
                    {"-C", f->n_values},
                    {"--class-weight", f->weight},
                    {"--val", f->held_out.given},
                    {"--folds", f->folds},
                    {"--no-refit", f->no_refit}};
    for (size_t i = 0; i < sizeof of_layer / sizeof *of_layer; i++)
        if (of_layer[i].given)
            return cli_usage_error(command, "%s is about a layer: --method knn fits and writes none", of_layer[i].name);
    return CLI_DONE;
}

static cli_exit check_options(const cli_command *command, fit *f)
{
    if (f->method == METHOD_KNN && check_knn(command, f) != CLI_DONE)
        return CLI_USAGE;
    if (f->method != METHOD_KNN && f->neighbours.n_k)
        return cli_usage_error(command, "-k is of --method knn");
    if (f->method != METHOD_KNN && (!f->path || strcmp(f->path, "-") == 0))
        return cli_usage_error(command, "name the classifier's file with -o FILE.safetensors");
    if (f->vectors && !f->items.table)
        return cli_usage_error(command, "--vectors needs --labels, a table of their paths and labels");
    if (!f->vectors && !f->items.table && !f->n_data)
        return cli_usage_error(command, "name a folder with a folder for each class, or a table with --labels");
    if (f->vectors && f->folder)
        return cli_usage_error(command, "--features keeps vectors that are made here: --vectors makes none");
    if (f->folds == 1 || (f->folds && f->held_out.given))
        return cli_usage_error(command,
                               f->folds == 1 ? "--folds takes 2 or more" : "--folds and --val exclude each other");
    f->head_only = f->head_only || f->vectors;
    if (!f->held_out.given)
        f->held_out.value = 0.2;
    cli_text seed = {0};
    cli_text_format(&seed, "%llu", (unsigned long long)(f->seed.given ? f->seed.seed : 0));
    memcpy(f->seed_text, seed.data, seed.size + 1);
    cli_text_free(&seed);
    return claim_files(command, f);
}

/* ------------------------------------------------------------------ pictures and vectors ---- */

static cli_exit library_error(const vit_error *err)
{
    cli_library_error(err);
    return err->status == VIT_ERR_UNAVAILABLE ? CLI_MODEL : CLI_USAGE;
}

static cli_exit embed(const cli_command *command, fit *f)
{
    cli_job *job = &f->job;
    size_t shape[2];
    for (size_t i = 0; i < f->items.n; i++)
        cli_inputs_add(&job->inputs, f->items.items[i].path);
    job->options.precision = VIT_PRECISION_AUTO;
    cli_exit status = cli_job_open(command, job);
    if (status == CLI_DONE)
        status = cli_job_shape(command, job, &f->output, shape);
    if (status != CLI_DONE)
        return status;
    if (shape[0] != 1)
        return cli_usage_error(command, "--output %s is a matrix: a layer reads one vector", f->output.text);
    f->embed = (cli_embedding){.output = f->output,
                               .normalize = f->normalize,
                               .format = CLI_FORMAT_NPY,
                               .path = f->folder,
                               .shard_size = SHARD_SIZE,
                               .resume = true,
                               .vectors = {.rows = 1, .columns = shape[1]}};
    job->output = f->output.output;
    job->layer = f->output.layer;
    job->normalize = f->normalize;
    vit_error err = {0};
    const vit_preprocessor *rules = vit_model_preprocessor(job->model.model);
    if (vit_model_digest(job->model.model, f->base_digest, &err) != VIT_OK ||
        (rules && vit_preprocessor_digest(rules, f->preprocessing_digest, &err) != VIT_OK)) {
        cli_library_error(&err);
        return CLI_MODEL;
    }
    return cli_features_make(command, &f->items, &f->embed, job, &f->features);
}

/* Lists the pictures of the table, or of the folders, and has their vectors. */
static cli_exit gather(const cli_command *command, fit *f)
{
    cli_exit status = CLI_DONE;
    if (f->vectors) {
        status = cli_features_open(f->vectors, &f->features);
        char **sorted = cli_allocate(f->features.n + 1, sizeof *sorted);
        memcpy(sorted, f->features.paths ? f->features.paths : sorted,
               (f->features.paths ? f->features.n : 0) * sizeof *sorted);
        if (status == CLI_DONE) {
            cli_items_sort_paths(sorted, f->features.n);
            status = cli_items_read(command, &f->items, f->data, f->n_data, sorted, f->features.n);
        }
        free(sorted);
    } else if (f->items.table) {
        status = cli_items_read(command, &f->items, f->data, f->n_data, NULL, 0);
    } else {
        status = cli_items_walk(command, &f->items, f->data, f->n_data);
    }
    if (status == CLI_DONE)
        status = cli_items_sort(command, &f->items);
    if (status != CLI_DONE)
        return status;
    if (!f->vectors)
        return embed(command, f);
    cli_features_find(&f->items, &f->features);
    return CLI_DONE;
}

/* ------------------------------------------------------------------ which picture is for what ---- */

static void drop_unusable(fit *f)
{
    size_t n = f->items.n;
    cli_twin *twins = cli_allocate(n, sizeof *twins);
    f->usable = cli_allocate(n, sizeof *f->usable);
    if (f->vectors)
        memset(twins, 0, n * sizeof *twins);
    else
        cli_twins_find(&f->items, twins);
    for (size_t i = 0; i < n; i++) {
        bool contradicts = twins[i] == CLI_TWIN_CONTRADICTS;
        f->usable[i] = f->features.rows[i] != SIZE_MAX && !contradicts;
        f->report.contradicting += contradicts;
        if (contradicts)
            cli_error("%s: another picture with the same bytes has another label: both are left out",
                      f->items.items[i].path);
        if (!f->usable[i] || twins[i] != CLI_TWIN_AGREES)
            continue;
        f->report.duplicates++;
        f->items.items[i].side = CLI_SIDE_TRAIN;
    }
    f->report.failed = f->features.failed;
    free(twins);
}

static bool is_fitted(const fit *f, size_t i)
{
    return f->usable[i] && (f->items.items[i].side == CLI_SIDE_OPEN || f->items.items[i].side == CLI_SIDE_TRAIN);
}

static vit_status split(fit *f, const vit_fit_split_rule *rule, bool open_alone, uint32_t *fold, vit_error *err)
{
    const char **names = cli_allocate(f->items.n, sizeof *names);
    unsigned char *eligible = cli_allocate(f->items.n, sizeof *eligible);
    for (size_t i = 0; i < f->items.n; i++) {
        names[i] = f->items.items[i].path;
        eligible[i] = is_fitted(f, i) && (!open_alone || f->items.items[i].side == CLI_SIDE_OPEN);
    }
    vit_status status = vit_fit_split(rule, names, f->classes, eligible, f->items.n, fold, err);
    free(names);
    free(eligible);
    return status;
}

/* With so many folds as a class can never have pictures, the fold is the picture's place in its class. */
static vit_status take_shots(fit *f, vit_error *err)
{
    const vit_fit_split_rule rule = {.seed = f->seed_text, .folds = UINT32_MAX - 1};
    vit_status status = f->shots ? split(f, &rule, false, f->fold, err) : VIT_OK;
    for (size_t i = 0; i < f->items.n && f->shots && status == VIT_OK; i++)
        if (is_fitted(f, i) && f->fold[i] != VIT_FIT_NO_FOLD && f->fold[i] >= f->shots)
            f->usable[i] = false;
    return status;
}

static cli_exit deal(const cli_command *command, fit *f)
{
    vit_error err = {0};
    size_t held = 0;
    bool given = false;
    vit_status status = take_shots(f, &err);
    const vit_fit_split_rule rule = {.seed = f->seed_text, .share = f->held_out.value, .folds = (uint32_t)f->folds};
    if (status == VIT_OK)
        status = split(f, &rule, true, f->fold, &err);
    if (status != VIT_OK)
        return library_error(&err);
    for (size_t i = 0; i < f->items.n; i++)
        given = given || (f->usable[i] && f->items.items[i].side == CLI_SIDE_VALIDATION);
    for (size_t i = 0; i < f->items.n; i++) {
        if (given)
            f->fold[i] = f->usable[i] && f->items.items[i].side == CLI_SIDE_VALIDATION ? 0 : VIT_FIT_NO_FOLD;
        held += f->fold[i] != VIT_FIT_NO_FOLD;
    }
    f->n_folds = held == 0 ? 0 : given || !f->folds ? 1 : (uint32_t)f->folds;
    if (held == 0 && f->held_out.value > 0)
        cli_note("no class has two pictures that may be parted: nothing is held out");
    if (f->n_folds == 0 && f->n_values > 1)
        return cli_usage_error(command, "nothing is held out, so the best C is not known: give one");
    return CLI_DONE;
}

static cli_exit check_classes(const fit *f)
{
    size_t *counts = cli_allocate(f->items.labels.n, sizeof *counts), empty = 0;
    memset(counts, 0, f->items.labels.n * sizeof *counts);
    for (size_t i = 0; i < f->items.n; i++)
        counts[f->classes[i]] += is_fitted(f, i);
    while (empty < f->items.labels.n && counts[empty])
        empty++;
    free(counts);
    if (empty == f->items.labels.n)
        return CLI_DONE;
    cli_error("the class \"%s\" has no picture to be fitted to: add some, or leave the class out",
              f->items.labels.texts[empty]);
    return CLI_USAGE;
}

static cli_exit prepare(const cli_command *command, fit *f)
{
    vit__sha256_state digest;
    size_t n = f->items.n;
    f->classes = cli_allocate(n, sizeof *f->classes);
    f->of_vector = cli_allocate(f->features.n ? f->features.n : 1, sizeof *f->of_vector);
    memset(f->of_vector, 0, f->features.n * sizeof *f->of_vector);
    f->fold = cli_allocate(n, sizeof *f->fold);
    vit__sha256_start(&digest);
    for (size_t i = 0; i < n; i++) {
        const cli_item *item = &f->items.items[i];
        f->classes[i] = item->class;
        if (f->features.rows[i] != SIZE_MAX)
            f->of_vector[f->features.rows[i]] = item->class;
        vit__sha256_add(&digest, item->path, strlen(item->path) + 1);
        vit__sha256_add(&digest, item->label, strlen(item->label) + 1);
        vit__sha256_add(&digest, cli_side_names[item->side], strlen(cli_side_names[item->side]) + 1);
    }
    vit__sha256_finish(&digest, f->inputs_digest);
    for (size_t i = 0; i < n && f->method == METHOD_KNN; i++)
        f->items.items[i].side = CLI_SIDE_OPEN; /* each by all others, whatever it was meant for */
    drop_unusable(f);
    if (f->method == METHOD_KNN) {
        vit_error err = {0};
        return take_shots(f, &err) == VIT_OK ? CLI_DONE : library_error(&err);
    }
    cli_exit status = deal(command, f);
    return status == CLI_DONE ? check_classes(f) : status;
}

/* ------------------------------------------------------------------ fitting ---- */

typedef struct chosen_rows {
    size_t *items; /* [n] numbers of items */
    size_t *at;    /* [n] numbers of vectors */
    size_t n;
} chosen_rows;

static chosen_rows choose_rows(const fit *f, bool (*wanted)(const fit *f, size_t item))
{
    chosen_rows c = {cli_allocate(f->items.n, sizeof *c.items), cli_allocate(f->items.n, sizeof *c.at), 0};
    for (size_t i = 0; i < f->items.n; i++)
        if (f->usable[i] && wanted(f, i)) {
            c.items[c.n] = i;
            c.at[c.n++] = f->features.rows[i];
        }
    return c;
}

static void free_rows(chosen_rows *c)
{
    free(c->items);
    free(c->at);
}

static vit_fit_rows rows_of(const fit *f, const chosen_rows *c)
{
    return (vit_fit_rows){.vectors = f->features.values,
                          .classes = f->of_vector,
                          .at = c->at,
                          .n = c->n,
                          .width = f->features.width,
                          .n_classes = f->items.labels.n};
}

static bool is_no_test(const fit *f, size_t i)
{
    return f->items.items[i].side != CLI_SIDE_TEST;
}
static bool is_test(const fit *f, size_t i)
{
    return !is_no_test(f, i);
}
static bool is_held(const fit *f, size_t i)
{
    return is_no_test(f, i) && f->fold[i] != VIT_FIT_NO_FOLD;
}
static bool is_never_held(const fit *f, size_t i)
{
    return is_no_test(f, i) && f->fold[i] == VIT_FIT_NO_FOLD;
}

static int show(void *context, const vit_fit_progress *p)
{
    fit *f = context;
    double now = vit__seconds();
    bool shown = f->job.progress == CLI_PROGRESS_ALWAYS || (f->job.progress == CLI_PROGRESS_AUTO && cli_is_watched());
    if (!shown || now - f->shown < SHOWN_EVERY)
        return 0;
    f->shown = now;
    cli_text line = {0};
    cli_text_format(&line, "fitting %zu of %zu: C %.6g, %zu iterations, gradient %.1e", p->fits_done + 1, p->fits, p->c,
                    p->iterations, p->gradient);
    cli_status_line(line.data);
    cli_text_free(&line);
    return 0;
}

/* A layer's own words about rows, kept by the numbers of their items. */
static vit_status judge(fit *f, const chosen_rows *c, vit_fit_judgement *by_item, vit_error *err)
{
    vit_fit_judgement *judgements = cli_allocate(c->n ? c->n : 1, sizeof *judgements);
    const vit_fit_rows rows = rows_of(f, c);
    vit_status status = c->n ? vit_fit_judge(&rows, &f->report.layer, f->job.options.threads, judgements, err) : VIT_OK;
    for (size_t i = 0; i < c->n && status == VIT_OK; i++)
        by_item[c->items[i]] = judgements[i];
    free(judgements);
    return status;
}

static vit_status figure(const fit *f, const chosen_rows *c, const vit_fit_judgement *by_item, cli_report_side *side,
                         vit_error *err)
{
    side->judgements = by_item;
    return vit_fit_figure(by_item, f->classes, c->items, c->n, f->items.labels.n, &side->figures, err);
}

/* Chooses C on what is held out, and says how good that was. */
static vit_status choose(fit *f, const vit_fit_options *options, vit_error *err)
{
    chosen_rows all = choose_rows(f, is_no_test), held = choose_rows(f, is_held);
    const vit_fit_rows rows = rows_of(f, &all);
    uint32_t *fold = cli_allocate(all.n, sizeof *fold);
    for (size_t i = 0; i < all.n; i++)
        fold[i] = f->fold[all.items[i]];
    vit_status status = vit_fit_choose(&rows, fold, f->n_folds, f->values, f->n_values, options, &f->report.choice,
                                       err);
    for (size_t i = 0; i < all.n && status == VIT_OK; i++)
        f->held[all.items[i]] = f->report.choice.judgements[i];
    if (status == VIT_OK) {
        f->report.c = f->report.choice.c;
        status = figure(f, &held, f->held, &f->report.sides[0], err);
    }
    free(fold);
    free_rows(&all);
    free_rows(&held);
    return status;
}

static vit_status fit_all(fit *f, vit_fit_options *options, vit_error *err)
{
    bool without = f->no_refit && f->n_folds == 1;
    chosen_rows rows = choose_rows(f, without ? is_never_held : is_no_test), tests = choose_rows(f, is_test);
    const vit_fit_rows fitted = rows_of(f, &rows);
    options->c = f->report.c;
    f->report.fitted = rows.n;
    vit_status status = vit_fit_make(&fitted, options, NULL, &f->report.layer, err);
    if (status == VIT_OK)
        status = judge(f, &rows, f->fitted, err);
    if (status == VIT_OK)
        status = judge(f, &tests, f->tested, err);
    if (status == VIT_OK)
        status = figure(f, &tests, f->tested, &f->report.sides[1], err);
    free_rows(&rows);
    free_rows(&tests);
    return status;
}

/* NaN in a vector: the row is one of all, and its picture is what a person knows. */
static void name_row(const fit *f, vit_error *err)
{
    char *end;
    if (strncmp(err->where, "row ", 4) != 0)
        return;
    size_t row = strtoul(err->where + 4, &end, 10);
    for (size_t i = 0; i < f->items.n; i++)
        if (f->features.rows[i] == row) {
            vit_error named = {0};
            vit_error_set(&named, err->status, f->items.items[i].path, "%s", err->message);
            *err = named;
            return;
        }
}

static cli_exit fit_layers(fit *f)
{
    vit_error err = {0};
    vit_fit_options options = {
        .balanced = f->weight == WEIGHT_BALANCED, .threads = f->job.options.threads, .progress = show, .data = f};
    f->held = cli_allocate(f->items.n, sizeof *f->held);
    f->tested = cli_allocate(f->items.n, sizeof *f->tested);
    f->fitted = cli_allocate(f->items.n, sizeof *f->fitted);
    f->report.items = &f->items;
    f->report.classes = f->classes;
    f->report.seed = f->seed_text;
    f->report.balanced = options.balanced;
    f->report.sides[0].name = f->n_folds > 1 ? "Held out, fold by fold" : "Held out";
    f->report.sides[0].key = "validation";
    f->report.sides[1].name = "Test";
    f->report.sides[1].key = "test";
    f->report.c = f->n_values ? f->values[0] : 1;
    vit_status status = f->n_folds ? choose(f, &options, &err) : VIT_OK;
    if (status == VIT_OK)
        status = fit_all(f, &options, &err);
    cli_status_end();
    name_row(f, &err);
    if (status != VIT_OK)
        return library_error(&err);
    if (!f->report.layer.converged)
        cli_error("the fit did not converge in 2000 iterations: a smaller C does, or vectors with --normalize");
    return CLI_DONE;
}

static cli_exit judge_neighbours(fit *f)
{
    vit_error err = {0};
    f->report.items = &f->items;
    f->report.classes = f->classes;
    for (size_t i = 0; i < f->items.n; i++)
        f->report.fitted += f->usable[i];
    vit_status status = cli_neighbours_judge(&f->neighbours, &f->features, &f->report, f->usable,
                                             f->job.options.threads, &err);
    return status == VIT_OK ? CLI_DONE : library_error(&err);
}

/* ------------------------------------------------------------------ results ---- */

static bool write_text(const char *path, const cli_text *text)
{
    cli_file file;
    if (!cli_file_open(&file, path))
        return false;
    if (cli_file_write(&file, text->data, text->size))
        return cli_file_commit(&file);
    cli_file_discard(&file);
    return false;
}

static bool write_predictions(const fit *f)
{
    cli_text text = {0};
    cli_text_string(&text, "path,label,predicted,score,split\n");
    for (size_t i = 0; i < f->items.n; i++) {
        if (!f->usable[i])
            continue;
        const vit_fit_judgement *j = is_test(f, i) ? &f->tested[i] : is_held(f, i) ? &f->held[i] : &f->fitted[i];
        cli_text_csv(&text, f->items.items[i].path);
        cli_text_string(&text, ",");
        cli_text_csv(&text, f->items.labels.texts[f->classes[i]]);
        cli_text_string(&text, ",");
        cli_text_csv(&text, f->items.labels.texts[j->predicted]);
        cli_text_string(&text, ",");
        cli_json_float(&text, j->score);
        cli_text_format(&text, ",%s\n",
                        cli_side_names[is_test(f, i)   ? CLI_SIDE_TEST
                                       : is_held(f, i) ? CLI_SIDE_VALIDATION
                                                       : CLI_SIDE_TRAIN]);
    }
    bool written = write_text(f->predictions_path, &text);
    cli_text_free(&text);
    return written;
}

static cli_exit report(fit *f)
{
    cli_text text = {0};
    cli_file out;
    if (!cli_file_open(&out, "-"))
        return CLI_OUTPUT;
    if (f->method == METHOD_KNN)
        cli_neighbours_text(&f->neighbours, &f->report, &out, &text);
    else
        cli_report_text(&f->report, &out, &text);
    bool written = cli_file_write(&out, text.data, text.size) && cli_file_commit(&out);
    cli_text_clear(&text);
    if (written && f->report_path) {
        if (f->method == METHOD_KNN)
            cli_neighbours_json(&f->neighbours, &f->report, &text);
        else
            cli_report_json(&f->report, &text);
        written = write_text(f->report_path, &text);
    }
    cli_text_free(&text);
    written = written && (!f->page_path || cli_report_page(&f->report, f->page_path));
    written = written && (!f->predictions_path || write_predictions(f));
    return written ? CLI_DONE : CLI_OUTPUT;
}

static int write_bytes(void *context, const void *bytes, size_t size)
{
    fit *f = context;
    return cli_file_write(&f->file, bytes, size) ? 0 : -1;
}

/* What metadata of vectors says, where the vectors were made elsewhere. */
static void read_metadata(fit *f, cli_head_file *head, vit__json **json)
{
    *json = f->features.metadata ? cli_json_parse(f->features.metadata, strlen(f->features.metadata)) : NULL;
    const char *output = vit__json_string(vit__json_get(*json, "output"));
    vit_output which;
    size_t layer;
    head->base = vit__json_string(vit__json_get(*json, "model"));
    head->base_digest = vit__json_string(vit__json_get(*json, "model_digest"));
    head->preprocessing_digest = vit__json_string(vit__json_get(*json, "preprocessing_digest"));
    if (output && vit_output_parse(output, &which, &layer))
        f->output.output = which;
    f->normalize = cli_json_is_true(vit__json_get(*json, "normalize"));
}

static vit_status pack(fit *f, const vit_head *head, vit_error *err)
{
    const vit_sink sink = {write_bytes, f};
    const vit_model_options options = {.precision = precisions[f->precision],
                                       .preprocessor = f->job.options.preprocessor};
    vit_model *model = NULL;
    if (vit_model_precision(f->job.model.model) == precisions[f->precision])
        return vit_model_pack_head(f->job.model.model, head, &sink, err);
    vit_status status = vit_model_open(f->job.model.name, &options, &model, err);
    if (status == VIT_OK)
        status = vit_model_pack_head(model, head, &sink, err);
    vit_model_free(model);
    return status;
}

static float *to_floats(const double *values, size_t n)
{
    float *floats = cli_allocate(n, sizeof *floats);
    for (size_t i = 0; i < n; i++)
        floats[i] = (float)values[i];
    return floats;
}

static void describe(const fit *f, const cli_head_file *head, cli_text *text)
{
    cli_text_string(text, "{");
    cli_report_members(&f->report, text);
    cli_text_string(text, ",\"base_digest\":");
    cli_json_string(text, head->base_digest);
    cli_text_string(text, ",\"preprocessing_digest\":");
    cli_json_string(text, head->preprocessing_digest);
    cli_text_string(text, ",\"inputs_digest\":");
    cli_json_string(text, f->inputs_digest);
    cli_text_string(text, "}");
}

static cli_exit write_classifier(fit *f)
{
    const vit_fit_layer *layer = &f->report.layer;
    cli_head_file file = {.width = layer->width,
                          .base = f->job.model.name,
                          .base_digest = f->base_digest,
                          .preprocessing_digest = *f->preprocessing_digest ? f->preprocessing_digest : NULL};
    vit__json *metadata = NULL;
    cli_text about = {0};
    vit_error err = {0};
    if (f->vectors)
        read_metadata(f, &file, &metadata);
    describe(f, &file, &about);
    float *weight = to_floats(layer->weight, layer->n_classes * layer->width),
          *bias = to_floats(layer->bias, layer->n_classes);
    const vit_head head = {.weight = weight,
                           .bias = bias,
                           .labels = (const char *const *)f->items.labels.texts,
                           .classes = layer->n_classes,
                           .output = f->output.output,
                           .normalize = f->normalize,
                           .fit = about.data};
    file.head = &head;
    cli_exit status = cli_file_open(&f->file, f->path) ? CLI_DONE : CLI_OUTPUT;
    if (status == CLI_DONE && f->head_only)
        status = cli_head_write(&file, &f->file) ? CLI_DONE : CLI_OUTPUT;
    else if (status == CLI_DONE && pack(f, &head, &err) != VIT_OK)
        status = err.status == VIT_ERR_UNWRITABLE ? CLI_OUTPUT : library_error(&err);
    if (status == CLI_DONE && !cli_file_commit(&f->file))
        status = CLI_OUTPUT;
    if (status == CLI_DONE)
        cli_note("%s: a classifier of %zu classes", f->path, layer->n_classes);
    free(weight);
    free(bias);
    cli_text_free(&about);
    vit__json_free(metadata);
    return status;
}

static cli_exit fit_classifier(const cli_command *command, fit *f)
{
    cli_exit failed = CLI_DONE, status = check_options(command, f);
    if (status == CLI_DONE)
        status = gather(command, f);
    if (status == CLI_INPUTS_FAILED) {
        failed = status;
        status = CLI_DONE;
    }
    if (status == CLI_DONE)
        status = prepare(command, f);
    if (status == CLI_DONE)
        status = f->method == METHOD_KNN ? judge_neighbours(f) : fit_layers(f);
    if (status == CLI_DONE)
        status = report(f);
    if (status == CLI_DONE && f->method != METHOD_KNN)
        status = write_classifier(f);
    return status == CLI_DONE ? failed : status;
}

static void close_fit(fit *f)
{
    cli_file_discard(&f->file);
    cli_job_close(&f->job);
    cli_features_free(&f->features);
    cli_items_free(&f->items);
    cli_neighbours_free(&f->neighbours);
    vit_fit_choice_free(&f->report.choice);
    vit_fit_layer_free(&f->report.layer);
    for (size_t i = 0; i < CLI_REPORT_SIDES; i++)
        vit_fit_figures_free(&f->report.sides[i].figures);
    free(f->values);
    free(f->data);
    free(f->usable);
    free(f->classes);
    free(f->of_vector);
    free(f->fold);
    free(f->held);
    free(f->tested);
    free(f->fitted);
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    fit f = {.output = {"embedding", VIT_OUTPUT_EMBEDDING, 0}};
    cli_option model_table[8] = {{0}};
    for (size_t i = 0, n = 0; cli_model_table[i].name && n < 7; i++) /* --precision is of the result here */
        if (strcmp(cli_model_table[i].name, "precision") != 0)
            model_table[n++] = cli_model_table[i];
    const cli_group groups[] = {
        {"Result", result_table, &f, add_data},
        {"Data", data_table, &f, NULL},
        {"Fit", fit_table, &f, NULL},
        {"Model", model_table, &f.job.options, NULL},
        {"Pictures", cli_picture_table, &f.job.pictures, NULL},
        {"Progress", cli_progress_table, &f.job, NULL},
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? fit_classifier(command, &f) : (cli_exit)parsed;
    close_fit(&f);
    return status;
}

const cli_command cli_fit = {
    .name = "fit",
    .summary = "a classifier of your own, from pictures that are sorted by class",
    .usage = "[OPTION]... -o FILE DATA...",
    .text =
        "Fits a last layer to the vectors of labelled pictures, prints how good it is on pictures that it has not seen,\n"
        "and writes a model that 'vit classify -m FILE' takes. The layer is exactly that of scikit-learn's\n"
        "LogisticRegression. DATA is a folder with a folder for each class; or a folder with train, validation and test\n"
        "folders of such; or a folder with a table metadata.csv.\n\n"
        "With --method knn nothing is fitted and nothing is written: the report says how well the nearest of all other\n"
        "pictures classify each picture.",
    .example = "vit fit -m facebook/dinov2-small -o flowers.safetensors flowers/",
    .run = run,
};
