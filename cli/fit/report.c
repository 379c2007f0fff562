/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <math.h>
#include <stdlib.h>

#include "json_write.h"

#define TABLE_CLASSES 20 /* more are not shown as a table of confusions */
#define MOST_CONFUSIONS 20
#define MOST_MISTAKES 10

const char *cli_report_label(const cli_report *r, size_t class)
{
    return r->items->labels.texts[class];
}

/* Confusions of two classes, the most frequent first. */
static int compare_counts(const void *a, const void *b)
{
    const vit_fit_confusion *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    if (x->truth != y->truth)
        return x->truth < y->truth ? -1 : 1;
    return (x->predicted > y->predicted) - (x->predicted < y->predicted);
}

vit_fit_confusion *cli_report_confusions(const vit_fit_figures *f, size_t *n)
{
    vit_fit_confusion *list = cli_allocate(f->n_confusions ? f->n_confusions : 1, sizeof *list);
    *n = 0;
    for (size_t i = 0; i < f->n_confusions; i++)
        if (f->confusions[i].truth != f->confusions[i].predicted)
            list[(*n)++] = f->confusions[i];
    qsort(list, *n, sizeof *list, compare_counts);
    *n = *n < MOST_CONFUSIONS ? *n : MOST_CONFUSIONS;
    return list;
}

/* ------------------------------------------------------------------ text ---- */

static void add_classes(const cli_report *r, const vit_fit_figures *f, const cli_file *file, cli_text *text)
{
    cli_text_string(text, "\n  precision  recall      f1  pictures  class\n");
    for (size_t k = 0; k < f->n_classes; k++) {
        const vit_fit_class_figures *c = &f->classes[k];
        cli_text_format(text, "     %.4f  %.4f  %.4f  %8zu  ", c->precision, c->recall, c->f1, c->support);
        cli_text_name(text, cli_report_label(r, k), file);
        cli_text_string(text, "\n");
    }
}

/* Columns are predictions, in the order of the classes. */
static void add_table(const cli_report *r, const vit_fit_figures *f, const cli_file *file, cli_text *text)
{
    size_t at = 0;
    cli_text_string(text,
                    "\nConfusions (a row for each true class, a column for each predicted one, in the same order):\n");
    for (size_t k = 0; k < f->n_classes; k++) {
        for (size_t p = 0; p < f->n_classes; p++) {
            bool there = at < f->n_confusions && f->confusions[at].truth == k && f->confusions[at].predicted == p;
            cli_text_format(text, " %5zu", there ? f->confusions[at].count : 0);
            at += there;
        }
        cli_text_string(text, "  ");
        cli_text_name(text, cli_report_label(r, k), file);
        cli_text_string(text, "\n");
    }
}

static void add_frequent(const cli_report *r, const vit_fit_figures *f, const cli_file *file, cli_text *text)
{
    size_t n;
    vit_fit_confusion *list = cli_report_confusions(f, &n);
    cli_text_string(text, "\nMost frequent confusions:\n");
    for (size_t i = 0; i < n; i++) {
        cli_text_format(text, "  %5zu  ", list[i].count);
        cli_text_name(text, cli_report_label(r, list[i].truth), file);
        cli_text_string(text, " taken for ");
        cli_text_name(text, cli_report_label(r, list[i].predicted), file);
        cli_text_string(text, "\n");
    }
    free(list);
}

static void add_mistakes(const cli_report *r, const cli_report_side *side, const cli_file *file, cli_text *text)
{
    const vit_fit_figures *f = &side->figures;
    if (f->n_wrong)
        cli_text_string(text, "\nWrong with most confidence (look at these labels first):\n");
    for (size_t i = 0; i < f->n_wrong && i < MOST_MISTAKES; i++) {
        size_t row = f->wrong[i];
        cli_text_format(text, "  %.4f  ", (double)side->judgements[row].score);
        cli_text_name(text, r->items->items[row].path, file);
        cli_text_string(text, ": ");
        cli_text_name(text, cli_report_label(r, r->classes[row]), file);
        cli_text_string(text, " taken for ");
        cli_text_name(text, cli_report_label(r, side->judgements[row].predicted), file);
        cli_text_string(text, "\n");
    }
}

void cli_report_side_text(const cli_report *r, const cli_report_side *side, const cli_file *file, cli_text *text)
{
    const vit_fit_figures *f = &side->figures;
    cli_text_format(text, "\n%s: %zu pictures\n", side->name, f->n);
    cli_text_format(text, "  accuracy           %.4f\n  balanced accuracy  %.4f\n", f->accuracy, f->balanced_accuracy);
    if (f->n_classes >= CLI_REPORT_TOP5_FROM)
        cli_text_format(text, "  top-5 accuracy     %.4f\n", f->top5);
    cli_text_format(text, "  log loss           %.4f\n", f->loss);
    add_classes(r, f, file, text);
    (f->n_classes <= TABLE_CLASSES ? add_table : add_frequent)(r, f, file, text);
    add_mistakes(r, side, file, text);
}

static void add_curve(const cli_report *r, cli_text *text)
{
    cli_text_format(text, "\n           C  %saccuracy  log loss\n", r->balanced ? "balanced " : "");
    for (size_t i = 0; i < r->choice.n; i++) {
        const vit_fit_point *p = &r->choice.points[i];
        cli_text_format(text, "%12.6g  %*.4f  %8.4f%s%s\n", p->c, r->balanced ? 17 : 8, p->accuracy, p->loss,
                        p->c == r->c ? "  chosen" : "", p->converged ? "" : "  not converged");
    }
}

void cli_report_head(const cli_report *r, const char *verb, cli_text *text)
{
    cli_text_format(text, "%zu classes, %zu pictures %s, %zu failed, %zu duplicates", r->items->labels.n, r->fitted,
                    verb, r->failed, r->duplicates);
    if (r->contradicting)
        cli_text_format(text, ", %zu left out: the same picture with different labels", r->contradicting);
}

void cli_report_text(const cli_report *r, const cli_file *file, cli_text *text)
{
    cli_report_head(r, "fitted", text);
    cli_text_format(text, "\nC %.6g%s\n", r->c, r->choice.n > 1 ? ", chosen" : "");
    for (size_t i = 0; i < CLI_REPORT_SIDES; i++)
        if (r->sides[i].figures.n)
            cli_report_side_text(r, &r->sides[i], file, text);
    if (r->choice.n > 1)
        add_curve(r, text);
}

/* ------------------------------------------------------------------ JSON ---- */

/* JSON has no infinity. */
static void add_number(cli_text *text, const char *key, double value)
{
    if (isfinite(value))
        cli_text_format(text, "\"%s\":%.17g", key, value);
    else
        cli_text_format(text, "\"%s\":null", key);
}

static void add_scores(const vit_fit_figures *f, cli_text *text)
{
    cli_text_format(text, "\"pictures\":%zu,", f->n);
    add_number(text, "accuracy", f->accuracy);
    cli_text_string(text, ",");
    add_number(text, "balanced_accuracy", f->balanced_accuracy);
    if (f->n_classes >= CLI_REPORT_TOP5_FROM) {
        cli_text_string(text, ",");
        add_number(text, "top5_accuracy", f->top5);
    }
    cli_text_string(text, ",");
    add_number(text, "log_loss", f->loss);
}

void cli_report_counts(const cli_report *r, cli_text *text)
{
    cli_text_format(text, "\"classes\":%zu,\"pictures\":%zu,\"failed\":%zu,\"duplicates\":%zu,\"contradicting\":%zu",
                    r->items->labels.n, r->fitted, r->failed, r->duplicates, r->contradicting);
}

void cli_report_members(const cli_report *r, cli_text *text)
{
    cli_report_counts(r, text);
    cli_text_string(text, ",");
    add_number(text, "C", r->c);
    cli_text_format(text, ",\"class_weight\":\"%s\",\"converged\":%s,\"seed\":", r->balanced ? "balanced" : "none",
                    r->layer.converged ? "true" : "false");
    cli_json_string(text, r->seed);
    for (size_t i = 0; i < CLI_REPORT_SIDES; i++) {
        if (!r->sides[i].figures.n)
            continue;
        cli_text_format(text, ",\"%s\":{", r->sides[i].key);
        add_scores(&r->sides[i].figures, text);
        cli_text_string(text, "}");
    }
}

static void add_json_classes(const cli_report *r, const vit_fit_figures *f, cli_text *text)
{
    cli_text_string(text, ",\"per_class\":[");
    for (size_t k = 0; k < f->n_classes; k++) {
        const vit_fit_class_figures *c = &f->classes[k];
        cli_text_string(text, k ? ",{\"label\":" : "{\"label\":");
        cli_json_string(text, cli_report_label(r, k));
        cli_text_format(text, ",\"precision\":%.17g,\"recall\":%.17g,\"f1\":%.17g,\"support\":%zu}", c->precision,
                        c->recall, c->f1, c->support);
    }
    cli_text_string(text, "]");
}

static void add_json_table(const vit_fit_figures *f, cli_text *text)
{
    size_t at = 0;
    cli_text_string(text, ",\"confusion\":[");
    for (size_t k = 0; k < f->n_classes; k++)
        for (size_t p = 0; p < f->n_classes; p++) {
            bool there = at < f->n_confusions && f->confusions[at].truth == k && f->confusions[at].predicted == p;
            cli_text_format(text, "%s%zu%s",
                            p   ? ","
                            : k ? ",["
                                : "[",
                            there ? f->confusions[at].count : 0, p + 1 == f->n_classes ? "]" : "");
            at += there;
        }
    cli_text_string(text, "]");
}

static void add_json_frequent(const cli_report *r, const vit_fit_figures *f, cli_text *text)
{
    size_t n;
    vit_fit_confusion *list = cli_report_confusions(f, &n);
    cli_text_string(text, ",\"confusions\":[");
    for (size_t i = 0; i < n; i++) {
        cli_text_string(text, i ? ",{\"label\":" : "{\"label\":");
        cli_json_string(text, cli_report_label(r, list[i].truth));
        cli_text_string(text, ",\"predicted\":");
        cli_json_string(text, cli_report_label(r, list[i].predicted));
        cli_text_format(text, ",\"count\":%zu}", list[i].count);
    }
    cli_text_string(text, "]");
    free(list);
}

static void add_json_mistakes(const cli_report *r, const cli_report_side *side, cli_text *text)
{
    const vit_fit_figures *f = &side->figures;
    cli_text_string(text, ",\"mistakes\":[");
    for (size_t i = 0; i < f->n_wrong && i < MOST_MISTAKES; i++) {
        size_t row = f->wrong[i];
        cli_text_string(text, i ? ",{\"path\":" : "{\"path\":");
        cli_json_string(text, r->items->items[row].path);
        cli_text_string(text, ",\"label\":");
        cli_json_string(text, cli_report_label(r, r->classes[row]));
        cli_text_string(text, ",\"predicted\":");
        cli_json_string(text, cli_report_label(r, side->judgements[row].predicted));
        cli_text_string(text, ",\"score\":");
        cli_json_float(text, side->judgements[row].score);
        cli_text_string(text, "}");
    }
    cli_text_string(text, "]");
}

static void add_json_curve(const cli_report *r, cli_text *text)
{
    cli_text_string(text, ",\"curve\":[");
    for (size_t i = 0; i < r->choice.n; i++) {
        const vit_fit_point *p = &r->choice.points[i];
        cli_text_string(text, i ? ",{" : "{");
        add_number(text, "C", p->c);
        cli_text_string(text, ",");
        add_number(text, r->balanced ? "balanced_accuracy" : "accuracy", p->accuracy);
        cli_text_string(text, ",");
        add_number(text, "log_loss", p->loss);
        cli_text_format(text, ",\"converged\":%s}", p->converged ? "true" : "false");
    }
    cli_text_string(text, "]");
}

void cli_report_side_members(const cli_report *r, const cli_report_side *side, cli_text *text)
{
    const vit_fit_figures *f = &side->figures;
    add_scores(f, text);
    add_json_classes(r, f, text);
    if (f->n_classes <= TABLE_CLASSES)
        add_json_table(f, text);
    else
        add_json_frequent(r, f, text);
    add_json_mistakes(r, side, text);
}

void cli_report_json(const cli_report *r, cli_text *text)
{
    cli_text_string(text, "{\"fit\":{");
    cli_report_members(r, text);
    cli_text_string(text, "}");
    for (size_t i = 0; i < CLI_REPORT_SIDES; i++) {
        if (!r->sides[i].figures.n)
            continue;
        cli_text_format(text, ",\"%s\":{", r->sides[i].key);
        cli_report_side_members(r, &r->sides[i], text);
        cli_text_string(text, "}");
    }
    add_json_curve(r, text);
    cli_text_string(text, "}\n");
}
