/* SPDX-License-Identifier: BSD-2-Clause */
/* One run of `vit fit`: what it was asked for, and what it knows so far. fit.c reads the options, lists the pictures
 * and gets their vectors; then these steps come, each in a file of its own:
 *
 *     dealing.c   which picture is fitted to, held out, or for the test
 *     layers.c    chooses C, fits the layer, judges all pictures by it
 *     results.c   the report, the predictions, the classifier's file
 *
 * Arrays of [items] have a value for each picture of `items`, arrays of [vectors] one for each row of `features`. With
 * 100 pictures of which 2 could not be read there are 100 items and 98 vectors; features.rows[i] is the vector of
 * picture i, or SIZE_MAX. */
#ifndef CLI_FITTING_H
#define CLI_FITTING_H

#include "embed.h"
#include "feature_table.h"
#include "items.h"
#include "neighbours.h"
#include "report.h"
#include "transformers_folder.h"

enum { CLI_METHOD_LINEAR, CLI_METHOD_KNN };
enum { CLI_RESULT_PACKED, CLI_RESULT_TRANSFORMERS };
enum { CLI_WEIGHT_NONE, CLI_WEIGHT_BALANCED };

typedef struct cli_fit_share {
    bool given;
    double value;
} cli_fit_share;

typedef struct cli_fitting {
    /* options */
    const char *path, *report_path, *page_path, *predictions_path, *vectors, *folder;
    cli_items items;
    cli_output_name output;
    bool normalize, head_only, no_refit;
    double *values; /* of C; none: auto */
    size_t n_values;
    int method, weight, precision, format;
    vit_precision packed; /* what the classifier's weights are stored in */
    cli_neighbours neighbours;
    cli_fit_share held_out;
    size_t folds, shots;
    cli_seed seed;
    /* at work */
    cli_embedding embed;
    cli_job job;
    const char **data; /* [n_data] */
    size_t n_data;
    cli_features features;
    bool *usable;                              /* [items] */
    uint32_t *classes;                         /* [items] */
    uint32_t *of_vector;                       /* [vectors]: the class */
    uint32_t *fold;                            /* [items] */
    uint32_t n_folds;                          /* 0: nothing is held out */
    vit_fit_judgement *held, *tested, *fitted; /* [items] */
    char seed_text[24];
    char base_digest[65], preprocessing_digest[65], inputs_digest[65];
    cli_report report;
    double shown; /* when progress was shown last, in seconds */
    cli_file file;
} cli_fitting;

/* Numbers the classes of all pictures, drops those that cannot be used, and deals out the others. A failure was
 * told. */
cli_exit cli_fitting_deal(const cli_command *command, cli_fitting *f);
/* For pictures that are usable: picture i is for the test; it is not; it is held out of fitting, to choose C. */
bool cli_fitting_is_test(const cli_fitting *f, size_t i);
bool cli_fitting_is_no_test(const cli_fitting *f, size_t i);
bool cli_fitting_is_held(const cli_fitting *f, size_t i);

/* Fits the layer that is written; or judges each picture by the nearest others. A failure was told. */
cli_exit cli_fitting_layers(cli_fitting *f);
cli_exit cli_fitting_neighbours(cli_fitting *f);

/* Prints the report, and writes the files that tell of it. */
cli_exit cli_fitting_report(cli_fitting *f);
/* Writes the classifier, or the layer alone. */
cli_exit cli_fitting_write(const cli_command *command, cli_fitting *f);
/* The folder of transformers that is to be written, of an open model. */
cli_transformers_wish cli_fitting_wish(const cli_fitting *f);

/* Tells of an error of libvitfit or libvit. */
cli_exit cli_fitting_error(const vit_error *err);

#endif
