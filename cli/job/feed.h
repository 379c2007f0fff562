/* SPDX-License-Identifier: BSD-2-Clause */
/* The command's inputs as items of a pipeline (vit/pipeline.h). A walk finds the inputs, the pipeline takes them one by
 * one, and each comes back with its result. */
#ifndef CLI_FEED_H
#define CLI_FEED_H

#include "inputs.h"
#include "vit/pipeline.h"

/* The bytes of standard input, for several walks over the same inputs: standard input can be read only once. Starts all
 * zero; freed with cli_standard_input_free. */
typedef struct cli_standard_input {
    void *bytes;
    size_t size;
} cli_standard_input;
void cli_standard_input_free(cli_standard_input *kept);

/* The first member of the context of a stream (vit_stream) that has the functions below as next, loaded and drop. The
 * pointers are valid until the run ends, and nobody else uses the walk meanwhile. */
typedef struct cli_feed {
    cli_walk *walk; /* the run begins where the walk stands */
    const vit_model *model;
    cli_standard_input *kept; /* filled by the first walk that meets standard input; NULL: there is one walk only */
} cli_feed;

int cli_feed_next(void *feed, vit_item *item);
void cli_feed_loaded(void *feed, const vit_item *item);
void cli_feed_drop(void *feed, const vit_item *item);

/* The input of a result, with its error, size and seconds. Freed with cli_feed_free. */
cli_input *cli_feed_take(const vit_result *result);
void cli_feed_free(cli_input *input);

#endif
