/* SPDX-License-Identifier: BSD-2-Clause */
/* What `vit fit` says of a classifier: as text, and as one JSON object. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "items.h"
#include "output_file.h"
#include "vit/fit.h"

/* Figures of one side. */
typedef struct cli_report_side {
    const char *name;        /* "held out", "3 folds", "test" */
    const char *key;         /* in JSON: "validation", "test" */
    vit_fit_figures figures; /* of no rows: nothing is said */
    const vit_fit_judgement *judgements;
} cli_report_side;

#define CLI_REPORT_SIDES 2
#define CLI_REPORT_TOP5_FROM 6 /* classes: of fewer the share of the five most probable says nothing */

typedef struct cli_report {
    const cli_items *items;
    const uint32_t *classes; /* [items->n] */
    size_t fitted;           /* pictures that the layer was fitted to */
    size_t failed, duplicates, contradicting;
    double c;
    bool balanced;
    const char *seed;
    vit_fit_choice choice; /* its curve; no points: C was not chosen */
    vit_fit_layer layer;   /* the one that is written */
    cli_report_side sides[CLI_REPORT_SIDES];
} cli_report;

/* file: for names on a terminal. */
void cli_report_text(const cli_report *report, const cli_file *file, cli_text *text);
void cli_report_json(const cli_report *report, cli_text *text);
/* Counts, C and scores, as members of an object without braces. */
void cli_report_members(const cli_report *report, cli_text *text);

/* The name of a class. */
const char *cli_report_label(const cli_report *report, size_t class);

/* The most frequent pairs of a true class and another that was predicted, the most frequent first: 20 at most. The
 * caller frees them. */
vit_fit_confusion *cli_report_confusions(const vit_fit_figures *figures, size_t *n);

/* The parts of a report, for reports without a layer: the counts, where pictures are `verb` ("fitted"), and one side. In
 * JSON members without braces. */
void cli_report_head(const cli_report *report, const char *verb, cli_text *text);
void cli_report_counts(const cli_report *report, cli_text *text);
void cli_report_side_text(const cli_report *report, const cli_report_side *side, const cli_file *file, cli_text *text);
void cli_report_side_members(const cli_report *report, const cli_report_side *side, cli_text *text);

#endif
