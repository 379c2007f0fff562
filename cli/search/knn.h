/* SPDX-License-Identifier: BSD-2-Clause */
/* Classes without a classifier: the nearest pictures whose labels are known vote (k-NN, by which DINOv2 is judged). */
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
    /* options of other groups */
    size_t k;           /* how many vote; 0: the default */
    const char *labels; /* a table of labels; NULL: none */
    /* at work */
    cli_known known;
    cli_output_name output;
    vit_fit_rows rows;       /* the pictures of `known` that have a label, the earlier picture first */
    uint32_t *classes;       /* [known.n] */
    size_t *at;              /* [rows.n] */
    unsigned char *left_out; /* [rows.n] */
    cli_distinct names;      /* the names of the classes */
} cli_knn;

extern const cli_option cli_knn_table[];

/* Reads the pictures and their labels. Options of the job that were not given are set so that the job makes vectors of
 * the same kind. Prints what is wrong. The job starts with CLI_PICTURES_UNSET. Always freed with cli_knn_free. */
cli_exit cli_knn_open(const cli_command *command, cli_knn *knn, cli_job *job);
/* Checks that vectors of the opened job can be compared with those of the pictures. */
cli_exit cli_knn_check(const cli_command *command, cli_knn *knn, cli_job *job);
void cli_knn_free(cli_knn *knn);

/* scores[rows.n_classes] for a query with this vector, which is divided by its length. Pictures with the same bytes as
 * the query do not vote. false: there are no scores, and input->error says why. */
bool cli_knn_ask(cli_knn *knn, cli_input *input, float *vector, float *scores);

/* For cli_inputs.look. Notes the digest of bytes that are gone when cli_knn_ask is called, such as those of standard
 * input. Answers false: every input is encoded. */
bool cli_knn_look(void *knn, cli_input *input);

#endif
