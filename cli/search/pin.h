/* SPDX-License-Identifier: BSD-2-Clause */
/* From the options of a job to the pin of an index (vit/index.h), and back; and messages about what differs. */
#ifndef CLI_PIN_H
#define CLI_PIN_H

#include <stdbool.h>

#include "job.h"
#include "outputs.h"
#include "vit/index.h"

/* Makes the pin of an opened job, and sets the job's output. CLI_MODEL, with a message: a digest cannot be computed.
 * CLI_USAGE: the output is not a vector. */
cli_exit cli_pin_take(const cli_command *command, cli_job *job, const cli_output_name *output, vit_index_pin *pin);

/* true: vectors of the pin `now` can be compared with those of the index. false: a message says what differs. */
bool cli_pin_matches(const vit_index_pin *index, const vit_index_pin *now, const char *place);

/* Both for an opened job whose vectors are to be compared with those of the index. CLI_USAGE or CLI_MODEL, with a
 * message. */
cli_exit cli_pin_confirm(const cli_command *command, cli_job *job, const cli_output_name *output,
                         const vit_index *index);

/* Sets the options of a job that were not given, and *output, so that the job makes vectors as those
 * of the index. Options that were given stay, and cli_pin_matches may refuse them later. The job
 * starts with CLI_PICTURES_UNSET, and *output starts all zero. What the index does not say becomes
 * the default; an index of nothing (all NULL) says nothing. The pin and place must outlive the job.
 * false, with a message: the index asks for something that this build does not know. */
bool cli_pin_apply(const vit_index_pin *index, cli_job *job, cli_output_name *output, const char *place);

#endif
