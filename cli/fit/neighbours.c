/* SPDX-License-Identifier: BSD-2-Clause */
#include "neighbours.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vit/pipeline.h"

static const size_t usual_k[] = {10, 20, 100, 200};

const char *cli_neighbours_set_k(const cli_option *option, const char *value, void *field)
{
    cli_neighbours *neighbours = field;
    char *list = cli_duplicate(value), *rest = list;
    const char *wrong = NULL;
    free(neighbours->k);
    neighbours->k = NULL;
    neighbours->n_k = 0;
    for (char *word; (word = strsep(&rest, ",")) != NULL && !wrong;) {
        neighbours->k = cli_reallocate(neighbours->k, neighbours->n_k + 1, sizeof *neighbours->k);
        wrong = cli_set_count(option, word, &neighbours->k[neighbours->n_k++]);
    }
    free(list);
    return wrong ? "whole numbers from 1 to 1000000 with commas between them: 10,20" : NULL;
}

/* ------------------------------------------------------------------ judging ---- */

/* The usable pictures, with vectors of length 1. */
typedef struct voters {
    float *vectors;    /* [n][width] */
    uint32_t *classes; /* [n] */
    size_t *items;     /* [n] */
    size_t n;
} voters;

/* false: the vector holds NaN or infinity. A vector of zeros stays as it is. */
static bool to_unit(const float *from, size_t width, float *to)
{
    memcpy(to, from, width * sizeof *to);
    vit_to_unit_length(to, width);
    for (size_t i = 0; i < width; i++)
        if (!isfinite(to[i]))
            return false;
    return true;
}

static vit_status gather(const cli_features *features, const cli_report *r, const bool *usable, voters *v,
                         vit_error *err)
{
    const size_t width = features->width, n = r->items->n;
    *v = (voters){cli_allocate(n, width * sizeof *v->vectors), cli_allocate(n, sizeof *v->classes),
                  cli_allocate(n, sizeof *v->items), 0};
    for (size_t i = 0; i < n; i++) {
        if (!usable[i])
            continue;
        if (!to_unit(features->values + features->rows[i] * width, width, v->vectors + v->n * width))
            return vit_error_set(err, VIT_ERR_NON_FINITE, r->items->items[i].path, "its vector holds NaN or infinity");
        v->classes[v->n] = r->classes[i];
        v->items[v->n++] = i;
    }
    return VIT_OK;
}

/* More of the usual ones than other pictures say all the same. */
static void choose_k(cli_neighbours *neighbours, size_t others)
{
    if (neighbours->n_k)
        return;
    neighbours->k = cli_allocate(sizeof usual_k / sizeof *usual_k, sizeof *neighbours->k);
    do {
        neighbours->k[neighbours->n_k] = usual_k[neighbours->n_k];
        neighbours->n_k++;
    } while (neighbours->n_k < sizeof usual_k / sizeof *usual_k && neighbours->k[neighbours->n_k - 1] < others);
}

static vit_status judge_by(size_t k, const voters *v, const vit_fit_rows *rows, const cli_report *r, unsigned threads,
                           vit_fit_judgement *by_item, cli_report_side *side, vit_error *err)
{
    const vit_fit_vote vote = {.k = k};
    vit_fit_judgement *judgements = cli_allocate(v->n, sizeof *judgements);
    size_t *judged = cli_allocate(v->n, sizeof *judged), n = 0;
    vit_status status = vit_fit_judge_neighbours(rows, &vote, threads, judgements, err);
    for (size_t i = 0; i < v->n && status == VIT_OK; i++) {
        by_item[v->items[i]] = judgements[i];
        if (r->items->items[v->items[i]].side == CLI_SIDE_OPEN)
            judged[n++] = v->items[i];
    }
    side->judgements = by_item;
    if (status == VIT_OK)
        status = vit_fit_figure(by_item, r->classes, judged, n, r->items->labels.n, &side->figures, err);
    free(judgements);
    free(judged);
    return status;
}

vit_status cli_neighbours_judge(cli_neighbours *neighbours, const cli_features *features, const cli_report *report,
                                const bool *usable, unsigned threads, vit_error *err)
{
    voters v;
    vit_status status = gather(features, report, usable, &v, err);
    const vit_fit_rows rows = {.vectors = v.vectors,
                               .classes = v.classes,
                               .n = v.n,
                               .width = features->width,
                               .n_classes = report->items->labels.n};
    if (status == VIT_OK && v.n < 2)
        status = vit_error_set(err, VIT_ERR_INVALID_ARGUMENT, "--method knn",
                               "fewer than two pictures can be compared");
    choose_k(neighbours, v.n ? v.n - 1 : 0);
    neighbours->sides = cli_allocate(neighbours->n_k, sizeof *neighbours->sides);
    neighbours->judgements = cli_allocate(neighbours->n_k, sizeof *neighbours->judgements);
    for (size_t i = 0; i < neighbours->n_k; i++) {
        neighbours->sides[i] = (cli_report_side){0};
        neighbours->judgements[i] = cli_allocate(report->items->n, sizeof **neighbours->judgements);
        if (status == VIT_OK)
            status = judge_by(neighbours->k[i], &v, &rows, report, threads, neighbours->judgements[i],
                              &neighbours->sides[i], err);
    }
    free(v.vectors);
    free(v.classes);
    free(v.items);
    return status;
}

void cli_neighbours_free(cli_neighbours *neighbours)
{
    for (size_t i = 0; neighbours->sides && i < neighbours->n_k; i++) {
        vit_fit_figures_free(&neighbours->sides[i].figures);
        free(neighbours->judgements[i]);
    }
    free(neighbours->sides);
    free(neighbours->judgements);
    free(neighbours->k);
    *neighbours = (cli_neighbours){0};
}

/* ------------------------------------------------------------------ the report ---- */

void cli_neighbours_text(const cli_neighbours *neighbours, const cli_report *r, const cli_file *file, cli_text *text)
{
    cli_report_head(r, "compared", text);
    cli_text_string(text, "\n");
    for (size_t i = 0; i < neighbours->n_k; i++) {
        cli_text name = {0};
        cli_report_side side = neighbours->sides[i];
        cli_text_format(&name, "By the %zu nearest of all others", neighbours->k[i]);
        side.name = name.data;
        cli_report_side_text(r, &side, file, text);
        cli_text_free(&name);
    }
    cli_text_string(text, "\n       k  accuracy  balanced  log loss\n");
    for (size_t i = 0; i < neighbours->n_k; i++) {
        const vit_fit_figures *f = &neighbours->sides[i].figures;
        cli_text_format(text, "%8zu  %8.4f  %8.4f  %8.4f\n", neighbours->k[i], f->accuracy, f->balanced_accuracy,
                        f->loss);
    }
}

void cli_neighbours_json(const cli_neighbours *neighbours, const cli_report *r, cli_text *text)
{
    cli_text_string(text, "{\"fit\":{\"method\":\"knn\",");
    cli_report_counts(r, text);
    cli_text_string(text, "},\"neighbours\":[");
    for (size_t i = 0; i < neighbours->n_k; i++) {
        cli_text_format(text, "%s{\"k\":%zu,", i ? "," : "", neighbours->k[i]);
        cli_report_side_members(r, &neighbours->sides[i], text);
        cli_text_string(text, "}");
    }
    cli_text_string(text, "]}\n");
}
