/* SPDX-License-Identifier: BSD-2-Clause */
/* What a layer says of rows. */
#include <math.h>
#include <stdlib.h>

#include "cpu.h"
#include "error.h"
#include "memory.h"
#include "pool.h"
#include "products.h"
#include "rows.h"

typedef struct judging {
    const vit_fit_rows *rows;
    const vit_fit_layer *layer;
    vit_fit_judgement *judgements;
    double *places; /* a block's vectors and logits for every thread */
    size_t place;   /* doubles of each */
} judging;

static vit_fit_judgement judge_row(const double *logits, size_t n_classes, size_t truth)
{
    vit_fit_judgement j = {0};
    double sum = 0;
    for (size_t k = 1; k < n_classes; k++)
        if (logits[k] > logits[j.predicted])
            j.predicted = (uint32_t)k;
    double most = logits[j.predicted];
    for (size_t k = 0; k < n_classes; k++) {
        sum += exp(logits[k] - most);
        j.rank += logits[k] > logits[truth] || (logits[k] == logits[truth] && k < truth);
    }
    j.score = (float)(1 / sum);
    j.loss = log(sum) - (logits[truth] - most);
    return j;
}

static void judge_block(void *context, size_t index, unsigned thread)
{
    const judging *j = context;
    const vit_fit_rows *rows = j->rows;
    size_t n = vit__rows_in_block(rows, index), classes = rows->n_classes;
    double *x = j->places + thread * j->place, *logits = x + VIT__ROWS_BLOCK * rows->width;
    vit__rows_gather(rows, index, NULL, x);
    vit__fit_rows(n, classes, rows->width, x, j->layer->weight, logits);
    for (size_t i = 0; i < n; i++, logits += classes) {
        size_t row = index * VIT__ROWS_BLOCK + i;
        for (size_t k = 0; k < classes; k++)
            logits[k] += j->layer->bias[k];
        j->judgements[row] = judge_row(logits, classes, rows->classes[vit__rows_at(rows, row)]);
    }
}

vit_status vit_fit_judge(const vit_fit_rows *rows, const vit_fit_layer *layer, unsigned threads,
                         vit_fit_judgement *judgements, vit_error *err)
{
    vit_status status = vit__rows_check(rows, __func__, err);
    if (status != VIT_OK)
        return status;
    if (!layer || !layer->weight || !judgements)
        return vit__fail_null(err, __func__, judgements ? "layer" : "judgements");
    if (layer->width != rows->width || layer->n_classes != rows->n_classes)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, __func__, "the layer has other sizes than the rows");
    vit__pool *pool = NULL;
    judging j = {rows, layer, judgements, NULL, VIT__ROWS_BLOCK * (rows->width + rows->n_classes)};
    status = vit__pool_create_if_possible(threads ? threads : vit__cpu_count(), &pool, err);
    if (status == VIT_OK) {
        j.places = vit__alloc_aligned(vit__pool_threads(pool) * j.place, sizeof *j.places);
        if (j.places)
            vit__pool_run(pool, vit__rows_blocks(rows), judge_block, &j);
        else
            status = vit__fail_memory(err, __func__);
    }
    free(j.places);
    vit__pool_free(pool);
    return status;
}
