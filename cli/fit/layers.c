/* SPDX-License-Identifier: BSD-2-Clause */
/* Layers: C is chosen by what is held out, the layer is fitted, and every picture is judged by it. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fitting.h"
#include "memory.h"
#include "talk.h"

#define SHOWN_EVERY 0.1 /* seconds */

typedef struct chosen_rows {
    size_t *items; /* [n] numbers of items */
    size_t *at;    /* [n] numbers of vectors */
    size_t n;
} chosen_rows;

static chosen_rows choose_rows(const cli_fitting *f, bool (*wanted)(const cli_fitting *f, size_t item))
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

static vit_fit_rows rows_of(const cli_fitting *f, const chosen_rows *c)
{
    return (vit_fit_rows){.vectors = f->features.values,
                          .classes = f->of_vector,
                          .at = c->at,
                          .n = c->n,
                          .width = f->features.width,
                          .n_classes = f->items.labels.n};
}

static bool is_never_held(const cli_fitting *f, size_t i)
{
    return cli_fitting_is_no_test(f, i) && f->fold[i] == VIT_FIT_NO_FOLD;
}

static int show(void *context, const vit_fit_progress *p)
{
    cli_fitting *f = context;
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
static vit_status judge(cli_fitting *f, const chosen_rows *c, vit_fit_judgement *by_item, vit_error *err)
{
    vit_fit_judgement *judgements = cli_allocate(c->n ? c->n : 1, sizeof *judgements);
    const vit_fit_rows rows = rows_of(f, c);
    vit_status status = c->n ? vit_fit_judge(&rows, &f->report.layer, f->job.options.threads, judgements, err) : VIT_OK;
    for (size_t i = 0; i < c->n && status == VIT_OK; i++)
        by_item[c->items[i]] = judgements[i];
    free(judgements);
    return status;
}

static vit_status figure(const cli_fitting *f, const chosen_rows *c, const vit_fit_judgement *by_item,
                         cli_report_side *side, vit_error *err)
{
    side->judgements = by_item;
    return vit_fit_figure(by_item, f->classes, c->items, c->n, f->items.labels.n, &side->figures, err);
}

/* Chooses C on what is held out, and says how good that was. */
static vit_status choose(cli_fitting *f, const vit_fit_options *options, vit_error *err)
{
    chosen_rows all = choose_rows(f, cli_fitting_is_no_test), held = choose_rows(f, cli_fitting_is_held);
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

static vit_status fit_all(cli_fitting *f, vit_fit_options *options, vit_error *err)
{
    bool without = f->no_refit && f->n_folds == 1;
    chosen_rows rows = choose_rows(f, without ? is_never_held : cli_fitting_is_no_test),
                tests = choose_rows(f, cli_fitting_is_test);
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
static void name_row(const cli_fitting *f, vit_error *err)
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

cli_exit cli_fitting_layers(cli_fitting *f)
{
    vit_error err = {0};
    vit_fit_options options = {
        .balanced = f->weight == CLI_WEIGHT_BALANCED, .threads = f->job.options.threads, .progress = show, .data = f};
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
        return cli_fitting_error(&err);
    if (!f->report.layer.converged)
        cli_error("the fit did not converge in 2000 iterations: a smaller C does, or vectors with --normalize");
    return CLI_DONE;
}

cli_exit cli_fitting_neighbours(cli_fitting *f)
{
    vit_error err = {0};
    f->report.items = &f->items;
    f->report.classes = f->classes;
    for (size_t i = 0; i < f->items.n; i++)
        f->report.fitted += f->usable[i];
    vit_status status = cli_neighbours_judge(&f->neighbours, &f->features, &f->report, f->usable,
                                             f->job.options.threads, &err);
    return status == VIT_OK ? CLI_DONE : cli_fitting_error(&err);
}
