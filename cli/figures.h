/* SPDX-License-Identifier: BSD-2-Clause */
/* vit search --html --output tokens: what the patches of a query and its hits are like, in colours that they share. */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H

#include "html.h"
#include "job.h"
#include "vit/index.h"

typedef struct cli_figures cli_figures;

/* Opens the index's model beside the one of the job, whose options say where the model and its threads are. The index
 * has a pin, and must outlive *figures. CLI_USAGE or CLI_MODEL, with a message; then *figures is NULL. */
cli_exit cli_figures_open(const cli_command *command, const cli_job *job, const vit_index *index,
                          cli_figures **figures);
/* Sets the figures of the cards whose pictures can be read, of the first VIT__LIMIT_HTML_FIGURES at most. The figures
 * live until the next call. A message says what could not be drawn. */
void cli_figures_draw(cli_figures *figures, cli_card *cards, size_t n);
void cli_figures_free(cli_figures *figures); /* takes NULL */

#endif
