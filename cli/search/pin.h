/* SPDX-License-Identifier: BSD-2-Clause */
/* What made the vectors of an index, and the options of a job: each becomes the other, and what differs is said. */
#ifndef CLI_PIN_H
#define CLI_PIN_H

#include <stdbool.h>

#include "job.h"
#include "outputs.h"
#include "vit/index.h"

/* Of an opened job, which gives this output from then on. CLI_MODEL, with a message,
 * if the digests cannot be had; CLI_USAGE if the output is not a vector. */
cli_exit cli_pin_take(const cli_command *command, cli_job *job, const cli_output_name *output, vit_index_pin *pin);

/* true if vectors made so may stand beside those of the index; otherwise says on stderr what differs. */
bool cli_pin_matches(const vit_index_pin *index, const vit_index_pin *now, const char *place);

/* Sets the options of a job that were not given, and *output, so that the job makes vectors as those
 * of the index. Options that were given stay, and cli_pin_matches may refuse them later. The job
 * starts with CLI_PICTURES_UNSET, and *output starts all zero. What the index does not say becomes
 * the default; an index of nothing (all NULL) says nothing. The pin and place must outlive the job.
 * false, with a message: the index asks for something that this build does not know. */
bool cli_pin_apply(const vit_index_pin *index, cli_job *job, cli_output_name *output, const char *place);

#endif
