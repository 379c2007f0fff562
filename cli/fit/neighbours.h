/* SPDX-License-Identifier: BSD-2-Clause */
/* How good vectors are without a layer: each picture is classified by the nearest of all others (k-NN). */
#ifndef CLI_NEIGHBOURS_H
#define CLI_NEIGHBOURS_H

#include "feature_table.h"
#include "report.h"

typedef struct cli_neighbours {
    /* options */
    size_t *k, n_k; /* how many of the nearest vote; none: 10, 20, 100, 200, as far as there are so many */
    /* at work */
    cli_report_side *sides;         /* [n_k] */
    vit_fit_judgement **judgements; /* [n_k][items] */
} cli_neighbours;

/* For cli_option: the list of -k; the field is a cli_neighbours. */
const char *cli_neighbours_set_k(const cli_option *option, const char *value, void *field);

/* Judges the usable pictures whose side is open by all usable ones but themselves. The failed status names the picture
 * whose vector holds NaN. Always freed with cli_neighbours_free. */
vit_status cli_neighbours_judge(cli_neighbours *neighbours, const cli_features *features, const cli_report *report,
                                const bool *usable, unsigned threads, vit_error *err);
void cli_neighbours_free(cli_neighbours *neighbours);

/* The report for each k. */
void cli_neighbours_text(const cli_neighbours *neighbours, const cli_report *report, const cli_file *file,
                         cli_text *text);
void cli_neighbours_json(const cli_neighbours *neighbours, const cli_report *report, cli_text *text);

#endif
