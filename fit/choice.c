/* SPDX-License-Identifier: BSD-2-Clause */
/* Choosing C: a layer for every value and every fold, judged on what the fold holds out. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "error.h"
#include "limit.h"
#include "memory.h"
#include "rows.h"
#include "solve.h"

/* The automatic values are 10^(k / 2). */
#define GRID_FIRST (-8)
#define GRID_LAST 8
#define GRID_LEAST (-14) /* how far the grid is extended */

/* What one fold is fitted on and judged on. */
typedef struct fold_work {
    vit_fit_rows fitted, held;
    size_t *fitted_at, *held_at;
    size_t *place; /* [held.n] of each among all rows */
    vit__objective *objective;
    vit_fit_layer layer; /* of the last value of C */
} fold_work;

typedef struct choosing {
    const vit_fit_rows *rows;
    const vit_fit_options *options;
    vit__pool *pool;
    fold_work *folds;
    size_t n_folds;
    vit_fit_judgement *judgements; /* [rows->n] of the value at hand */
    vit_fit_judgement *of_fold;    /* [rows->n] */
    size_t *judged;                /* [n_judged] rows that are held out in some fold */
    uint32_t *truths;              /* [rows->n] by the row's place, not by the table's */
    size_t n_judged, room, best;
    vit_fit_progress progress;
    vit_fit_choice *choice;
    vit_error *err;
} choosing;

/* ------------------------------------------------------------------ one value ---- */

static vit_status try_fold(choosing *c, fold_work *fold, double value, vit_fit_point *point)
{
    vit_status status = vit__solve(fold->objective, value, c->options, &c->progress, &fold->layer, c->err);
    if (status == VIT_OK)
        status = vit_fit_judge(&fold->held, &fold->layer, c->options->threads, c->of_fold, c->err);
    for (size_t i = 0; i < fold->held.n && status == VIT_OK; i++)
        c->judgements[fold->place[i]] = c->of_fold[i];
    point->converged = point->converged && fold->layer.converged;
    c->progress.fits_done++;
    return status;
}

static bool is_better(const vit_fit_point *a, const vit_fit_point *b)
{
    if (a->accuracy != b->accuracy)
        return a->accuracy > b->accuracy;
    return a->loss != b->loss ? a->loss < b->loss : a->c < b->c;
}

/* Puts a point where it belongs, C ascending. NULL: out of memory. */
static vit_fit_point *insert(choosing *c, const vit_fit_point *point)
{
    vit_fit_choice *choice = c->choice;
    vit_fit_point *grown = vit__grow(choice->points, &c->room, choice->n, 1, sizeof *grown);
    size_t place = choice->n;
    if (!grown)
        return NULL;
    choice->points = grown;
    while (place > 0 && grown[place - 1].c > point->c)
        place--;
    memmove(grown + place + 1, grown + place, (choice->n - place) * sizeof *grown);
    grown[place] = *point;
    c->best += choice->n > 0 && place <= c->best;
    choice->n++;
    return &grown[place];
}

static vit_status try_value(choosing *c, double value)
{
    vit_fit_point point = {.c = value, .converged = 1};
    vit_fit_figures figures;
    vit_status status = VIT_OK;
    for (size_t i = 0; i < c->n_folds && status == VIT_OK; i++)
        status = try_fold(c, &c->folds[i], value, &point);
    if (status == VIT_OK)
        status = vit_fit_figure(c->judgements, c->truths, c->judged, c->n_judged, c->rows->n_classes, &figures, c->err);
    if (status != VIT_OK)
        return status;
    point.accuracy = c->options->balanced ? figures.balanced_accuracy : figures.accuracy;
    point.loss = figures.loss;
    vit_fit_figures_free(&figures);
    const vit_fit_point *added = insert(c, &point);
    if (!added)
        return vit__fail_memory(c->err, NULL);
    if (c->choice->n == 1 || is_better(added, &c->choice->points[c->best])) {
        c->best = (size_t)(added - c->choice->points);
        memcpy(c->choice->judgements, c->judgements, c->rows->n * sizeof *c->judgements);
    }
    return VIT_OK;
}

/* ------------------------------------------------------------------ all values ---- */

static int compare_values(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static vit_status try_given(choosing *c, const double *values, size_t n)
{
    double *sorted = vit__alloc(n, sizeof *sorted);
    vit_status status = sorted ? VIT_OK : vit__fail_memory(c->err, NULL);
    if (sorted)
        memcpy(sorted, values, n * sizeof *sorted);
    if (sorted)
        qsort(sorted, n, sizeof *sorted, compare_values);
    c->progress.fits = n * c->n_folds;
    for (size_t i = 0; i < n && status == VIT_OK; i++)
        if (i == 0 || sorted[i] != sorted[i - 1])
            status = try_value(c, sorted[i]);
    free(sorted);
    return status;
}

static vit_status try_power(choosing *c, int half_decades)
{
    return try_value(c, pow(10, half_decades / 2.0));
}

/* Past the end of the grid on which the best is. */
static vit_status extend(choosing *c)
{
    vit_status status = VIT_OK;
    for (int k = GRID_LAST + 1; k <= VIT__LIMIT_FIT_GRID && c->best + 1 == c->choice->n && status == VIT_OK; k++) {
        c->progress.fits += c->n_folds;
        status = try_power(c, k);
    }
    for (int k = GRID_FIRST - 1; k >= GRID_LEAST && c->best == 0 && status == VIT_OK; k--) {
        c->progress.fits += c->n_folds;
        status = try_power(c, k);
    }
    return status;
}

static vit_status try_grid(choosing *c)
{
    vit_status status = VIT_OK;
    c->progress.fits = (GRID_LAST - GRID_FIRST + 1) * c->n_folds;
    for (int k = GRID_FIRST; k <= GRID_LAST && status == VIT_OK; k++)
        status = try_power(c, k);
    return status == VIT_OK ? extend(c) : status;
}

/* ------------------------------------------------------------------ folds ---- */

static vit_status open_fold(choosing *c, const uint32_t *of_row, uint32_t number, fold_work *fold)
{
    const vit_fit_rows *rows = c->rows;
    fold->fitted_at = vit__alloc(rows->n, sizeof *fold->fitted_at);
    fold->held_at = vit__alloc(rows->n, sizeof *fold->held_at);
    fold->place = vit__alloc(rows->n, sizeof *fold->place);
    if (!fold->fitted_at || !fold->held_at || !fold->place)
        return vit__fail_memory(c->err, NULL);
    fold->fitted = fold->held = *rows;
    fold->fitted.at = fold->fitted_at;
    fold->held.at = fold->held_at;
    fold->fitted.n = fold->held.n = 0;
    for (size_t i = 0; i < rows->n; i++) {
        if (of_row[i] == number) {
            fold->place[fold->held.n] = i;
            fold->held_at[fold->held.n++] = vit__rows_at(rows, i);
        } else {
            fold->fitted_at[fold->fitted.n++] = vit__rows_at(rows, i);
        }
    }
    const vit_fit_options checked = {0};
    vit_status status = fold->held.n ? vit__fit_check(&fold->fitted, &checked, "vit_fit_choose", c->err)
                                     : vit__fail(c->err, VIT_ERR_INVALID_ARGUMENT, "vit_fit_choose",
                                                 "fold %lu holds no row out", (unsigned long)number);
    if (status == VIT_OK)
        status = vit__objective_create(&fold->fitted, c->options->balanced, c->pool, &fold->objective, c->err);
    return status == VIT_OK ? vit__layer_make(rows, &fold->layer, c->err) : status;
}

static void close_fold(fold_work *fold)
{
    vit__objective_free(fold->objective);
    vit_fit_layer_free(&fold->layer);
    free(fold->fitted_at);
    free(fold->held_at);
    free(fold->place);
}

static vit_status open_folds(choosing *c, const uint32_t *of_row, uint32_t n)
{
    const vit_fit_rows *rows = c->rows;
    c->folds = vit__alloc_zero(n, sizeof *c->folds);
    c->judgements = vit__alloc_zero(rows->n, sizeof *c->judgements);
    c->of_fold = vit__alloc(rows->n, sizeof *c->of_fold);
    c->judged = vit__alloc(rows->n, sizeof *c->judged);
    c->truths = vit__alloc(rows->n, sizeof *c->truths);
    c->choice->judgements = vit__alloc_zero(rows->n, sizeof *c->choice->judgements);
    if (!c->folds || !c->judgements || !c->of_fold || !c->judged || !c->truths || !c->choice->judgements)
        return vit__fail_memory(c->err, NULL);
    for (size_t i = 0; i < rows->n; i++) {
        c->truths[i] = rows->classes[vit__rows_at(rows, i)];
        if (of_row[i] < n)
            c->judged[c->n_judged++] = i;
    }
    vit_status status = VIT_OK;
    for (; c->n_folds < n && status == VIT_OK; c->n_folds++)
        status = open_fold(c, of_row, (uint32_t)c->n_folds, &c->folds[c->n_folds]);
    return status;
}

static void close_all(choosing *c)
{
    for (size_t i = 0; i < c->n_folds; i++)
        close_fold(&c->folds[i]);
    free(c->folds);
    free(c->judgements);
    free(c->of_fold);
    free(c->judged);
    free(c->truths);
    vit__pool_free(c->pool);
}

vit_status vit_fit_choose(const vit_fit_rows *rows, const uint32_t *fold, uint32_t n_folds, const double *values,
                          size_t n_values, const vit_fit_options *options, vit_fit_choice *choice, vit_error *err)
{
    static const vit_fit_options defaults = {0};
    if (!choice)
        return vit__fail_null(err, __func__, "choice");
    *choice = (vit_fit_choice){0};
    options = options ? options : &defaults;
    choosing c = {.rows = rows, .options = options, .choice = choice, .err = err};
    vit_status status = vit__fit_check(rows, options, __func__, err);
    if (status == VIT_OK && (!fold || !n_folds || (n_values && !values)))
        status = vit__fail_null(err, __func__, fold && n_folds ? "values" : "fold");
    for (size_t i = 0; i < n_values && status == VIT_OK; i++)
        if (!(values[i] > 0 && values[i] <= 1e300))
            status = vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__, "C must be above 0");
    if (status == VIT_OK)
        status = vit__pool_create_if_possible(options->threads ? options->threads : vit__cpu_count(), &c.pool, err);
    if (status == VIT_OK)
        status = open_folds(&c, fold, n_folds);
    if (status == VIT_OK)
        status = n_values ? try_given(&c, values, n_values) : try_grid(&c);
    if (status == VIT_OK)
        choice->c = choice->points[c.best].c;
    else
        vit_fit_choice_free(choice);
    close_all(&c);
    return status;
}

void vit_fit_choice_free(vit_fit_choice *choice)
{
    if (!choice)
        return;
    free(choice->points);
    free(choice->judgements);
    *choice = (vit_fit_choice){0};
}
