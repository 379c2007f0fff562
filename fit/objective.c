/* SPDX-License-Identifier: BSD-2-Clause */
#include "objective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "products.h"
#include "rows.h"

/* What a thread works in. */
typedef struct workplace {
    double *x;        /* [block][D] */
    double *p;        /* [block][K]: logits, then s (probability - is it the class) */
    double *gradient; /* [K * D + K] of the block, as that of the objective */
    double loss;      /* of the block */
} workplace;

struct vit__objective {
    const vit_fit_rows *rows;
    vit__pool *pool;
    size_t n_weights;     /* K * D */
    double *mean;         /* [D] */
    double *class_weight; /* [K] */
    double weight;        /* sum of the rows' */
    double strength;      /* 1 / C; of two classes 2 / C */
    workplace *places;    /* [n_places]: one for each block of a wave */
    size_t n_places;
    /* of the evaluation at hand */
    const double *at;
    size_t first; /* block of the wave */
};

/* ------------------------------------------------------------------ one block ---- */

/* logits[K] become the row's share of the gradient with respect to them. Answers the row's loss, times s. */
static double row_gradient(double *restrict logits, size_t n_classes, size_t truth, double s)
{
    double most = logits[0], sum = 0;
    for (size_t k = 1; k < n_classes; k++)
        most = logits[k] > most ? logits[k] : most;
    double own = logits[truth] - most;
    for (size_t k = 0; k < n_classes; k++) {
        logits[k] = exp(logits[k] - most);
        sum += logits[k];
    }
    double factor = s / sum;
    for (size_t k = 0; k < n_classes; k++)
        logits[k] *= factor;
    logits[truth] -= s;
    return s * (log(sum) - own);
}

/* Loss and gradient of one block of rows, without the part of |W|^2. */
static void evaluate_block(void *context, size_t index, unsigned thread)
{
    vit__objective *o = context;
    const vit_fit_rows *rows = o->rows;
    workplace *place = &o->places[index];
    size_t block = o->first + index, n = vit__rows_in_block(rows, block), classes = rows->n_classes;
    const double *bias = o->at + o->n_weights;
    double *bias_gradient = place->gradient + o->n_weights;
    (void)thread;
    vit__rows_gather(rows, block, o->mean, place->x);
    vit__fit_rows(n, classes, rows->width, place->x, o->at, place->p);
    place->loss = 0;
    memset(bias_gradient, 0, classes * sizeof *bias_gradient);
    for (size_t i = 0; i < n; i++) {
        double *p = place->p + i * classes;
        size_t truth = rows->classes[vit__rows_at(rows, block * VIT__ROWS_BLOCK + i)];
        for (size_t k = 0; k < classes; k++)
            p[k] += bias[k];
        place->loss += row_gradient(p, classes, truth, o->class_weight[truth]);
        for (size_t k = 0; k < classes; k++)
            bias_gradient[k] += p[k];
    }
    vit__fit_columns(classes, rows->width, n, place->p, place->x, place->gradient);
}

/* ------------------------------------------------------------------ all blocks ---- */

/* Blocks go through the threads in waves, and are added up in their order after each wave. */
double vit__objective_evaluate(vit__objective *o, const double *x, double *gradient)
{
    size_t blocks = vit__rows_blocks(o->rows), size = o->n_weights + o->rows->n_classes;
    double loss = 0, squares = 0;
    o->at = x;
    memset(gradient, 0, size * sizeof *gradient);
    for (o->first = 0; o->first < blocks; o->first += o->n_places) {
        size_t left = blocks - o->first, wave = left < o->n_places ? left : o->n_places;
        vit__pool_run(o->pool, wave, evaluate_block, o);
        for (size_t i = 0; i < wave; i++) {
            loss += o->places[i].loss;
            for (size_t k = 0; k < size; k++)
                gradient[k] += o->places[i].gradient[k];
        }
    }
    for (size_t k = 0; k < o->n_weights; k++) {
        squares += x[k] * x[k];
        gradient[k] += o->strength * x[k];
    }
    for (size_t k = 0; k < size; k++)
        gradient[k] /= o->weight;
    return (loss + o->strength * squares / 2) / o->weight;
}

/* ------------------------------------------------------------------ making one ---- */

static void find_mean(vit__objective *o)
{
    const vit_fit_rows *rows = o->rows;
    for (size_t i = 0; i < rows->n; i++) {
        const float *vector = rows->vectors + vit__rows_at(rows, i) * rows->width;
        for (size_t k = 0; k < rows->width; k++)
            o->mean[k] += vector[k];
    }
    for (size_t k = 0; k < rows->width; k++)
        o->mean[k] /= (double)rows->n;
}

/* The weight of a class with n_c of the n rows: 1; or, if classes are balanced, n / (K n_c). */
static vit_status find_weights(vit__objective *o, int balanced, vit_error *err)
{
    const vit_fit_rows *rows = o->rows;
    size_t *counts = vit__alloc(rows->n_classes, sizeof *counts);
    if (!counts)
        return vit__fail_memory(err, NULL);
    vit__rows_count(rows, counts);
    for (size_t k = 0; k < rows->n_classes; k++) {
        o->class_weight[k] = balanced ? (double)rows->n / ((double)rows->n_classes * (double)counts[k]) : 1;
        o->weight += o->class_weight[k] * (double)counts[k];
    }
    free(counts);
    return VIT_OK;
}

static vit_status make_places(vit__objective *o, vit_error *err)
{
    size_t blocks = vit__rows_blocks(o->rows), threads = vit__pool_threads(o->pool);
    size_t block = o->rows->n < VIT__ROWS_BLOCK ? o->rows->n : VIT__ROWS_BLOCK;
    o->places = vit__alloc_zero(threads < blocks ? threads : blocks, sizeof *o->places);
    if (!o->places)
        return vit__fail_memory(err, NULL);
    for (; o->n_places < threads && o->n_places < blocks; o->n_places++) {
        workplace *place = &o->places[o->n_places];
        place->x = vit__alloc_aligned(block * o->rows->width, sizeof *place->x);
        place->p = vit__alloc_aligned(block * o->rows->n_classes, sizeof *place->p);
        place->gradient = vit__alloc_aligned(o->n_weights + o->rows->n_classes, sizeof *place->gradient);
        if (!place->x || !place->p || !place->gradient) {
            o->n_places++;
            return vit__fail_memory(err, NULL);
        }
    }
    return VIT_OK;
}

vit_status vit__objective_create(const vit_fit_rows *rows, int balanced, vit__pool *pool, vit__objective **objective,
                                 vit_error *err)
{
    vit__objective *o = vit__alloc_zero(1, sizeof *o);
    *objective = NULL;
    if (!o)
        return vit__fail_memory(err, NULL);
    o->rows = rows;
    o->pool = pool;
    o->n_weights = rows->n_classes * rows->width;
    o->mean = vit__alloc_zero(rows->width, sizeof *o->mean);
    o->class_weight = vit__alloc(rows->n_classes, sizeof *o->class_weight);
    vit_status status = o->mean && o->class_weight ? find_weights(o, balanced, err) : vit__fail_memory(err, NULL);
    if (status == VIT_OK)
        status = make_places(o, err);
    if (status != VIT_OK) {
        vit__objective_free(o);
        return status;
    }
    find_mean(o);
    vit__objective_set_c(o, 1);
    *objective = o;
    return VIT_OK;
}

void vit__objective_free(vit__objective *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < o->n_places; i++) {
        free(o->places[i].x);
        free(o->places[i].p);
        free(o->places[i].gradient);
    }
    free(o->places);
    free(o->mean);
    free(o->class_weight);
    free(o);
}

/* For two classes, scikit-learn fits one vector w, which is the difference of our two vectors: |w|^2 = 2 |W|^2. */
void vit__objective_set_c(vit__objective *o, double c)
{
    o->strength = (o->rows->n_classes == 2 ? 2 : 1) / c;
}

double vit__objective_weight(const vit__objective *o)
{
    return o->weight;
}

/* W mean, of class k */
static double shift(const vit__objective *o, const double *weight, size_t k)
{
    double sum = 0;
    for (size_t i = 0; i < o->rows->width; i++)
        sum += weight[k * o->rows->width + i] * o->mean[i];
    return sum;
}

void vit__objective_to_layer(const vit__objective *o, const double *x, vit_fit_layer *layer)
{
    memcpy(layer->weight, x, o->n_weights * sizeof *x);
    for (size_t k = 0; k < o->rows->n_classes; k++)
        layer->bias[k] = x[o->n_weights + k] - shift(o, x, k);
}

void vit__objective_from_layer(const vit__objective *o, const vit_fit_layer *layer, double *x)
{
    memcpy(x, layer->weight, o->n_weights * sizeof *x);
    for (size_t k = 0; k < o->rows->n_classes; k++)
        x[o->n_weights + k] = layer->bias[k] + shift(o, x, k);
}
