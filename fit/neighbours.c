/* SPDX-License-Identifier: BSD-2-Clause */
/* What the nearest rows say: the k-NN classifier by which DINO and DINOv2 are judged (Wu et al. 2018; KnnModule of
 * DINOv2). */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cpu.h"
#include "error.h"
#include "memory.h"
#include "pool.h"
#include "rows.h"

#define K 20u
#define TEMPERATURE 0.07
#define LANES 8u /* sums that are added up beside each other, always in this order */

typedef struct neighbour {
    double score;
    size_t row; /* number among the rows */
} neighbour;

/* The largest scores so far, the largest first. */
typedef struct nearest {
    neighbour *best; /* [k] */
    size_t n, k;
} nearest;

static double product(const float *a, const float *b, size_t n)
{
    double sums[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            sums[lane] += (double)a[i + lane] * (double)b[i + lane];
    for (; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    for (size_t lane = 0; lane < LANES; lane++)
        sum += sums[lane];
    return sum;
}

/* Rows come in ascending order: of equal scores the earlier row stays in front. */
static void offer(nearest *list, double score, size_t row)
{
    if (list->n == list->k && score <= list->best[list->n - 1].score)
        return;
    size_t at = list->n < list->k ? list->n++ : list->n - 1;
    for (; at > 0 && list->best[at - 1].score < score; at--)
        list->best[at] = list->best[at - 1];
    list->best[at] = (neighbour){score, row};
}

/* skip: the number of a row that does not vote; SIZE_MAX: none. false: a score is NaN. */
static bool find(const vit_fit_rows *rows, const float *query, const unsigned char *left_out, size_t skip,
                 nearest *list)
{
    list->n = 0;
    for (size_t i = 0; i < rows->n; i++) {
        if (i == skip || (left_out && left_out[i]))
            continue;
        double score = product(query, rows->vectors + vit__rows_at(rows, i) * rows->width, rows->width);
        if (!isfinite(score))
            return false;
        offer(list, score, i);
    }
    return true;
}

/* Weights are divided by the largest one, which changes nothing but that none is infinite. */
static void count(const vit_fit_rows *rows, const nearest *list, const vit_fit_vote *vote, double *sums)
{
    const double temperature = vote->temperature > 0 ? vote->temperature : TEMPERATURE;
    double total = 0;
    memset(sums, 0, rows->n_classes * sizeof *sums);
    for (size_t i = 0; i < list->n; i++) {
        double weight = vote->equal ? 1 : exp((list->best[i].score - list->best[0].score) / temperature);
        sums[rows->classes[vit__rows_at(rows, list->best[i].row)]] += weight;
        total += weight;
    }
    for (size_t k = 0; k < rows->n_classes && total > 0; k++)
        sums[k] /= total;
}

static vit_status check_vote(const vit_fit_vote *vote, const char *function, vit_error *err)
{
    if (!(vote->temperature >= 0) || isinf(vote->temperature))
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, function, "a temperature of %g: it is above 0",
                         vote->temperature);
    return VIT__CHECK_RESERVED(err, function, vote);
}

/* Memory for a search and a count. sums: [n_classes], behind them `copies` times. */
static vit_status make_places(const vit_fit_rows *rows, const vit_fit_vote *vote, size_t copies, nearest *list,
                              double **sums, vit_error *err)
{
    size_t k = vote->k ? vote->k : K, n_best, n_sums;
    list->k = k < rows->n ? k : rows->n;
    bool fits = vit__multiply(list->k, copies, &n_best) && vit__multiply(rows->n_classes, copies, &n_sums);
    list->best = fits ? vit__alloc(n_best, sizeof *list->best) : NULL;
    *sums = fits ? vit__alloc(n_sums, sizeof **sums) : NULL;
    return list->best && *sums ? VIT_OK : vit__fail_memory(err, "vit_fit_vote");
}

vit_status vit_fit_ask_neighbours(const vit_fit_rows *rows, const float *query, const unsigned char *left_out,
                                  const vit_fit_vote *vote, float *scores, vit_error *err)
{
    static const vit_fit_vote usual = {0};
    vote = vote ? vote : &usual;
    if (!query || !scores)
        return vit__fail_null(err, __func__, query ? "scores" : "query");
    if (!rows || !rows->vectors || !rows->classes)
        return vit__fail_null(err, __func__, !rows ? "rows" : rows->vectors ? "classes" : "vectors");
    nearest list = {0};
    double *sums = NULL;
    vit_status status = check_vote(vote, __func__, err);
    if (status == VIT_OK)
        status = make_places(rows, vote, 1, &list, &sums, err);
    if (status == VIT_OK && !find(rows, query, left_out, SIZE_MAX, &list))
        status = vit__fail(err, VIT_ERR_NON_FINITE, __func__, "a vector holds NaN or infinity");
    for (size_t i = 0; i < list.n && status == VIT_OK; i++)
        if (rows->classes[vit__rows_at(rows, list.best[i].row)] >= rows->n_classes)
            status = vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__, "row %zu has a class past the last",
                               list.best[i].row);
    if (status == VIT_OK) {
        count(rows, &list, vote, sums);
        for (size_t k = 0; k < rows->n_classes; k++)
            scores[k] = (float)sums[k];
    }
    free(list.best);
    free(sums);
    return status;
}

/* ------------------------------------------------------------------ each by the others ---- */

typedef struct judging {
    const vit_fit_rows *rows;
    const vit_fit_vote *vote;
    vit_fit_judgement *judgements;
    nearest list; /* of thread 0; those of the others behind it */
    double *sums;
} judging;

static void judge_row(void *context, size_t i, unsigned thread)
{
    const judging *j = context;
    const vit_fit_rows *rows = j->rows;
    nearest list = j->list;
    list.best += thread * list.k;
    double *sums = j->sums + thread * rows->n_classes;
    const size_t at = vit__rows_at(rows, i), truth = rows->classes[at];
    vit_fit_judgement said = {0};
    find(rows, rows->vectors + at * rows->width, NULL, i, &list);
    count(rows, &list, j->vote, sums);
    for (size_t k = 0; k < rows->n_classes; k++) {
        if (sums[k] > sums[said.predicted])
            said.predicted = (uint32_t)k;
        said.rank += sums[k] > sums[truth] || (sums[k] == sums[truth] && k < truth);
    }
    said.score = (float)sums[said.predicted];
    said.loss = -log(fmax(sums[truth], DBL_EPSILON)); /* as scikit-learn's log_loss */
    j->judgements[i] = said;
}

vit_status vit_fit_judge_neighbours(const vit_fit_rows *rows, const vit_fit_vote *vote, unsigned threads,
                                    vit_fit_judgement *judgements, vit_error *err)
{
    static const vit_fit_vote usual = {0};
    vote = vote ? vote : &usual;
    vit__pool *pool = NULL;
    judging j = {.rows = rows, .vote = vote, .judgements = judgements};
    const unsigned wanted = threads ? threads : vit__cpu_count();
    vit_status status = vit__rows_check(rows, __func__, err);
    if (status == VIT_OK && !judgements)
        status = vit__fail_null(err, __func__, "judgements");
    if (status == VIT_OK)
        status = check_vote(vote, __func__, err);
    if (status == VIT_OK)
        status = make_places(rows, vote, wanted, &j.list, &j.sums, err);
    if (status == VIT_OK)
        status = vit__pool_create_if_possible(wanted, &pool, err);
    if (status == VIT_OK)
        vit__pool_run(pool, rows->n, judge_row, &j);
    vit__pool_free(pool);
    free(j.list.best);
    free(j.sums);
    return status;
}
