/* SPDX-License-Identifier: BSD-2-Clause */
/* Classes by the nearest pictures whose labels are known, without a classifier (k-NN, as DINOv2 is judged). */
#ifndef CLI_KNN_H
#define CLI_KNN_H

#include "distinct.h"
#include "job.h"
#include "known.h"
#include "vit/fit.h"

typedef struct cli_knn {
    /* options */
    cli_place place;    /* --knn; place.place NULL: it was not given */
    double temperature; /* 0: the default */
    int vote, from;
    /* of others */
    size_t k;           /* how many vote; 0: the default */
    const char *labels; /* a table of labels; NULL: none */
    /* at work */
    cli_known known;
    cli_output_name output;
    vit_fit_rows rows;       /* those of `known` that have a label, the earlier picture first */
    uint32_t *classes;       /* [known.n] */
    size_t *at;              /* [rows.n] */
    unsigned char *left_out; /* [rows.n] */
    cli_distinct names;      /* of the classes */
} cli_knn;

extern const cli_option cli_knn_table[];

/* Reads the pictures and their labels, and sets what was not given of the job's options so that it makes such vectors.
 * Prints what is wrong. Always freed with cli_knn_free. The job starts with CLI_PICTURES_UNSET. */
cli_exit cli_knn_open(const cli_command *command, cli_knn *knn, cli_job *job);
/* Compares what the opened job makes with the vectors of the pictures. */
cli_exit cli_knn_check(const cli_command *command, cli_knn *knn, cli_job *job);
void cli_knn_free(cli_knn *knn);

/* scores[rows.n_classes] of a query with this vector, which becomes one of length 1. Pictures with the bytes of the
 * query do not vote. false: input->error says why there are none. */
bool cli_knn_ask(cli_knn *knn, cli_input *input, float *vector, float *scores);

/* For cli_inputs.pass_over: notes the content of what is not there any more when scores are asked for. Passes nothing
 * over. */
bool cli_knn_look(void *knn, cli_input *input);

#endif
