/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libvitfit: a classifier of one's own from vectors that a frozen model gave. It fits one linear layer, whose
 * probabilities are softmax(W x + b), to vectors whose classes are known. It says how good the layer is, on vectors
 * that the layer has not seen. It reads no picture, runs no model and prints nothing.
 *
 *     #include <stdio.h>
 *     #include <vit/fit.h>
 *
 *     const float vectors[] = {1, 0,   0.9f, 0.1f,   0, 1,   0.1f, 0.8f}; // four vectors of two numbers
 *     const uint32_t classes[] = {0, 0, 1, 1};
 *     const vit_fit_rows rows = {.vectors = vectors, .classes = classes, .n = 4, .width = 2, .n_classes = 2};
 *     vit_error err = {0};
 *     vit_fit_layer layer;
 *     if (vit_fit_make(&rows, NULL, NULL, &layer, &err) == VIT_OK)
 *         printf("class 1 has the weights %g and %g, and the bias %g\n", layer.weight[2], layer.weight[3],
 *         layer.bias[1]);
 *     else
 *         fprintf(stderr, "%s: %s\n", err.where, err.message);
 *     vit_fit_layer_free(&layer);
 *
 * The result of every function has the same bits whatever the number of threads. The rules of vit/vit.h hold here
 * too: options of zeros are the defaults, the first error wins, and a failed call hands nothing over.
 */
#ifndef VIT_FIT_H
#define VIT_FIT_H

#include <stddef.h>
#include <stdint.h>

#include "vit/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ rows ---- */

/* Vectors and their classes, or some rows of a larger table of them. With at = {7, 2} and n = 2 the rows are the
 * seventh and the second row of `vectors`, counted from 0. All of it is the caller's. */
typedef struct vit_fit_rows {
    const float *vectors;    /* [..][width]; every number is finite */
    const uint32_t *classes; /* [..], each below n_classes */
    const size_t *at;        /* [n] numbers of rows; NULL: rows 0 to n - 1 */
    size_t n, width, n_classes;
} vit_fit_rows;

/* ------------------------------------------------------------------ fitting ---- */

/* How far a fit is. */
typedef struct vit_fit_progress {
    double c;               /* the value of C that is worked on */
    size_t fits, fits_done; /* how many layers are fitted in this call, and how many are done */
    size_t iterations;      /* of the layer at hand */
    double gradient;        /* its largest component divided by the sum of the rows' weights; below 1e-8: done */
} vit_fit_progress;

/* Zeros are the defaults: vit_fit_options options = {0}. */
typedef struct vit_fit_options {
    double c;         /* scikit-learn's C: small values hold the weights small; 0: 1 */
    int balanced;     /* 1: the rows of a class with n_c rows count n / (K n_c) each, as scikit-learn's "balanced" */
    unsigned threads; /* 0: as many as this process may use */
    /* Called after every iteration with `data`. Answers 0 to go on; anything else ends the call with
     * VIT_ERR_CANCELLED. May be NULL. */
    int (*progress)(void *data, const vit_fit_progress *progress);
    void *data;
    uint64_t reserved[4]; /* zero */
} vit_fit_options;

/* A layer: logits = W x + b. */
typedef struct vit_fit_layer {
    size_t n_classes, width;
    double *weight; /* [n_classes][width] */
    double *bias;   /* [n_classes] */
    double c;
    double objective; /* what was minimised */
    double gradient;  /* its largest component at the end, divided by the sum of the rows' weights */
    size_t iterations, evaluations;
    int converged; /* 0: it stopped after 2,000 iterations, or where the arithmetic could not get lower */
} vit_fit_layer;

/* The layer that minimises
 *
 *     sum_i s_i (-log softmax(W x_i + b)[class_i]) + |W|^2 / (2 C)
 *
 * where s_i is the weight of the row's class (1 unless `balanced`). This is the objective of scikit-learn's
 * LogisticRegression. Of two classes scikit-learn fits one vector; here both classes have one, and C counts
 * half, which gives the same probabilities. start: a layer of the same sizes to begin with, such as that of another
 * C; NULL: zeros. options may be NULL. On success the caller frees *layer with vit_fit_layer_free.
 * Errors: invalid_argument (fewer than two classes with rows, a class past n_classes, C not above 0), non_finite (NaN
 * or infinity in a vector: where is "row 7"), unavailable (this build or this machine has no liblbfgs), cancelled,
 * out_of_memory. */
VIT_API vit_status vit_fit_make(const vit_fit_rows *rows, const vit_fit_options *options, const vit_fit_layer *start,
                                vit_fit_layer *layer, vit_error *err);

VIT_API void vit_fit_layer_free(vit_fit_layer *layer);

/* What a classifier says of one row. */
typedef struct vit_fit_judgement {
    uint32_t predicted; /* the class with the largest probability; of equal ones the first */
    uint32_t rank;      /* how many classes stand before the row's own: 0 where it was predicted */
    float score;        /* the predicted class's probability */
    double loss;        /* -log of the probability of the row's own class */
} vit_fit_judgement;

/* judgements[rows->n]: what the layer says of each row. threads: as in the options. */
VIT_API vit_status vit_fit_judge(const vit_fit_rows *rows, const vit_fit_layer *layer, unsigned threads,
                                 vit_fit_judgement *judgements, vit_error *err);

/* ------------------------------------------------------------------ splitting ---- */

/* fold[i]: a row that is in no fold is always on the side that is fitted. */
#define VIT_FIT_NO_FOLD UINT32_MAX

/* What stands behind a split. */
typedef struct vit_fit_split_rule {
    const char *seed;     /* any text, such as "0" */
    double share;         /* of each class that is held out, 0 to 1; with folds 0 it is fold 0 */
    uint32_t folds;       /* above 1: all rows are dealt out into so many folds instead */
    uint64_t reserved[4]; /* zero */
} vit_fit_split_rule;

/* fold[n]: in which fold each row is held out. In each class rows are ordered by SHA-256 of the seed, a NUL and the
 * row's name. The first round(share * n) of a class's n rows are held out (halves go to the even number): at least 1,
 * at most n - 1, and none of a class with one row. With folds, row r of that order is in fold r mod folds. Rows with
 * eligible[i] = 0 get VIT_FIT_NO_FOLD and are not counted; eligible NULL: all are. */
VIT_API vit_status vit_fit_split(const vit_fit_split_rule *rule, const char *const *names, const uint32_t *classes,
                                 const unsigned char *eligible, size_t n, uint32_t *fold, vit_error *err);

/* ------------------------------------------------------------------ choosing C ---- */

/* One value of C, judged on what was held out. */
typedef struct vit_fit_point {
    double c;
    double accuracy; /* balanced accuracy where the options say so */
    double loss;     /* mean of the losses */
    int converged;
} vit_fit_point;

typedef struct vit_fit_choice {
    double c;              /* the best */
    vit_fit_point *points; /* [n], C ascending */
    size_t n;
    vit_fit_judgement *judgements; /* [rows->n]: of the best C, where fold[i] is one; elsewhere zeros */
} vit_fit_choice;

/* Fits a layer for every value of C, in ascending order, each from where the last one ended, and chooses the one with
 * the best accuracy on rows that it was not fitted on; of equal ones that with the lower loss, then the smaller C.
 * fold[rows->n] says in which fold a row is held out (0 to n_folds - 1, or VIT_FIT_NO_FOLD). values[n_values]: the
 * values of C; n_values 0: 1e-4 to 1e4 by half decades, and further, to 1e-7 and 1e7 at most, while the best is at an
 * end. options->c is not looked at. On success the caller frees *choice with vit_fit_choice_free. Errors: those of
 * vit_fit_make. */
VIT_API vit_status vit_fit_choose(const vit_fit_rows *rows, const uint32_t *fold, uint32_t n_folds,
                                  const double *values, size_t n_values, const vit_fit_options *options,
                                  vit_fit_choice *choice, vit_error *err);
VIT_API void vit_fit_choice_free(vit_fit_choice *choice);

/* ------------------------------------------------------------------ neighbours ---- */

/* How the nearest rows vote, without any fitting. Zeros are the defaults: vit_fit_vote vote = {0}. */
typedef struct vit_fit_vote {
    size_t k;             /* how many of the nearest rows vote; 0: 20 */
    double temperature;   /* a row's vote counts exp(score / temperature); 0: 0.07 */
    int equal;            /* 1: every vote counts the same */
    uint64_t reserved[4]; /* zero */
} vit_fit_vote;

/* scores[n_classes]: the class of a vector query[width], as the rows nearest to it say. This is the k-NN classifier by
 * which DINOv2 is judged. Vectors and query have length 1, so that their product, the score, is their cosine. The k
 * rows with the largest scores vote for their classes; of equal scores the earlier row votes. The votes of a class are
 * added up, and divided by all votes: the scores of all classes are 1 together. An example: of three rows with the
 * scores 0.9, 0.8 and 0.1 and the classes 0, 1 and 1, k 2 and temperature 0.1 give exp(9) and exp(8) votes,
 * so that class 0 has 0.731. left_out[rows->n]: rows with 1 do not vote; NULL: all rows may. Where no row votes, all
 * scores are 0. vote may be NULL. Errors: invalid_argument, non_finite (a vector holds NaN or infinity),
 * out_of_memory. */
VIT_API vit_status vit_fit_ask_neighbours(const vit_fit_rows *rows, const float *query, const unsigned char *left_out,
                                          const vit_fit_vote *vote, float *scores, vit_error *err);

/* judgements[rows->n]: what all other rows say of each row. The loss of a class without a vote is that of the
 * probability 2.2e-16. threads: as in the options. Errors: those of vit_fit_make but for unavailable. */
VIT_API vit_status vit_fit_judge_neighbours(const vit_fit_rows *rows, const vit_fit_vote *vote, unsigned threads,
                                            vit_fit_judgement *judgements, vit_error *err);

/* ------------------------------------------------------------------ figures ---- */

/* As scikit-learn's precision_recall_fscore_support with zero_division=0. */
typedef struct vit_fit_class_figures {
    double precision, recall, f1;
    size_t support; /* rows of the class */
} vit_fit_class_figures;

/* So many rows of class `truth` were said to be `predicted`. */
typedef struct vit_fit_confusion {
    uint32_t truth, predicted;
    size_t count;
} vit_fit_confusion;

typedef struct vit_fit_figures {
    size_t n, n_classes;
    double accuracy;
    double balanced_accuracy;       /* mean recall of the classes that have rows */
    double top5;                    /* share of rows whose class is among the five most probable */
    double loss;                    /* mean of the losses */
    vit_fit_class_figures *classes; /* [n_classes] */
    vit_fit_confusion *confusions;  /* [n_confusions], by truth, then predicted; counts of 0 are left out */
    size_t n_confusions;
    size_t *wrong; /* [n_wrong] rows that are predicted wrong: the highest score first, then by row */
    size_t n_wrong;
} vit_fit_figures;

/* Of n judgements and the true classes. at[n]: which judgements and classes; NULL: the first n. Numbers in `wrong` are
 * those of at. On success the caller frees *figures with vit_fit_figures_free. */
VIT_API vit_status vit_fit_figure(const vit_fit_judgement *judgements, const uint32_t *classes, const size_t *at,
                                  size_t n, size_t n_classes, vit_fit_figures *figures, vit_error *err);
VIT_API void vit_fit_figures_free(vit_fit_figures *figures);

#ifdef __cplusplus
}
#endif
#endif
