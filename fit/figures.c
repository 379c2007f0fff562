/* SPDX-License-Identifier: BSD-2-Clause */
/* How good a classifier is, from what it said of rows whose classes are known. */
#include <stdlib.h>

#include "error.h"
#include "memory.h"
#include "vit/fit.h"

#define TOP 5

typedef struct figuring {
    const vit_fit_judgement *judgements;
    const uint32_t *classes;
    const size_t *at;
    vit_fit_figures *figures;
} figuring;

static size_t row_of(const figuring *f, size_t i)
{
    return f->at ? f->at[i] : i;
}

static int compare_confusions(const void *a, const void *b)
{
    const vit_fit_confusion *x = a, *y = b;
    if (x->truth != y->truth)
        return x->truth < y->truth ? -1 : 1;
    return (x->predicted > y->predicted) - (x->predicted < y->predicted);
}

/* One for each row, sorted, and equal ones made one. */
static void count_confusions(const figuring *f)
{
    vit_fit_figures *figures = f->figures;
    vit_fit_confusion *all = figures->confusions;
    for (size_t i = 0; i < figures->n; i++) {
        size_t row = row_of(f, i);
        all[i] = (vit_fit_confusion){f->classes[row], f->judgements[row].predicted, 1};
    }
    qsort(all, figures->n, sizeof *all, compare_confusions);
    for (size_t i = 0; i < figures->n; i++) {
        vit_fit_confusion *last = figures->n_confusions ? &all[figures->n_confusions - 1] : NULL;
        if (last && compare_confusions(last, &all[i]) == 0)
            last->count++;
        else
            all[figures->n_confusions++] = all[i];
    }
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* From the confusions. predicted, right [n_classes]: zeros. */
static void figure_classes(vit_fit_figures *figures, size_t *predicted, size_t *right)
{
    size_t with_rows = 0;
    double recalls = 0;
    for (size_t i = 0; i < figures->n_confusions; i++) {
        const vit_fit_confusion *c = &figures->confusions[i];
        figures->classes[c->truth].support += c->count;
        predicted[c->predicted] += c->count;
        right[c->truth] += c->truth == c->predicted ? c->count : 0;
    }
    for (size_t k = 0; k < figures->n_classes; k++) {
        vit_fit_class_figures *class = &figures->classes[k];
        class->precision = ratio((double)right[k], (double)predicted[k]);
        class->recall = ratio((double)right[k], (double)class->support);
        class->f1 = ratio(2 * (double)right[k], (double)(predicted[k] + class->support));
        recalls += class->recall;
        with_rows += class->support > 0;
    }
    figures->balanced_accuracy = ratio(recalls, (double)with_rows);
}

/* A row and its score together, since qsort passes no context. */
typedef struct mistake {
    float score;
    size_t row;
} mistake;

static int compare_mistakes(const void *a, const void *b)
{
    const mistake *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static vit_status list_wrong(const figuring *f, vit_error *err)
{
    vit_fit_figures *figures = f->figures;
    mistake *mistakes = vit__alloc(figures->n, sizeof *mistakes);
    if (!mistakes)
        return vit__fail_memory(err, NULL);
    for (size_t i = 0; i < figures->n; i++) {
        size_t row = row_of(f, i);
        if (f->judgements[row].predicted != f->classes[row])
            mistakes[figures->n_wrong++] = (mistake){f->judgements[row].score, row};
    }
    qsort(mistakes, figures->n_wrong, sizeof *mistakes, compare_mistakes);
    for (size_t i = 0; i < figures->n_wrong; i++)
        figures->wrong[i] = mistakes[i].row;
    free(mistakes);
    return VIT_OK;
}

static void sum_up(const figuring *f)
{
    vit_fit_figures *figures = f->figures;
    size_t right = 0, among = 0;
    double loss = 0;
    for (size_t i = 0; i < figures->n; i++) {
        const vit_fit_judgement *j = &f->judgements[row_of(f, i)];
        right += j->predicted == f->classes[row_of(f, i)];
        among += j->rank < TOP;
        loss += j->loss;
    }
    figures->accuracy = ratio((double)right, (double)figures->n);
    figures->top5 = ratio((double)among, (double)figures->n);
    figures->loss = ratio(loss, (double)figures->n);
}

static vit_status figure(const figuring *f, vit_error *err)
{
    vit_fit_figures *figures = f->figures;
    size_t *counts = vit__alloc_zero(2 * figures->n_classes, sizeof *counts);
    figures->classes = vit__alloc_zero(figures->n_classes, sizeof *figures->classes);
    figures->confusions = vit__alloc(figures->n, sizeof *figures->confusions);
    figures->wrong = vit__alloc(figures->n, sizeof *figures->wrong);
    if (!counts || !figures->classes || !figures->confusions || !figures->wrong) {
        free(counts);
        return vit__fail_memory(err, NULL);
    }
    sum_up(f);
    count_confusions(f);
    figure_classes(figures, counts, counts + figures->n_classes);
    free(counts);
    return list_wrong(f, err);
}

vit_status vit_fit_figure(const vit_fit_judgement *judgements, const uint32_t *classes, const size_t *at, size_t n,
                          size_t n_classes, vit_fit_figures *figures, vit_error *err)
{
    if (!figures)
        return vit__fail_null(err, __func__, "figures");
    *figures = (vit_fit_figures){.n = n, .n_classes = n_classes};
    vit_status status = VIT_OK;
    const figuring f = {judgements, classes, at, figures};
    if (n && (!judgements || !classes))
        status = vit__fail_null(err, __func__, judgements ? "classes" : "judgements");
    for (size_t i = 0; i < n && status == VIT_OK; i++)
        if (classes[row_of(&f, i)] >= n_classes || judgements[row_of(&f, i)].predicted >= n_classes)
            status = vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__, "a class is not below the number of classes");
    if (status == VIT_OK)
        status = figure(&f, err);
    if (status != VIT_OK)
        vit_fit_figures_free(figures);
    return status;
}

void vit_fit_figures_free(vit_fit_figures *figures)
{
    if (!figures)
        return;
    free(figures->classes);
    free(figures->confusions);
    free(figures->wrong);
    *figures = (vit_fit_figures){0};
}
