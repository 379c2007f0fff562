/* SPDX-License-Identifier: BSD-2-Clause */
/* What made the vectors of an index: model, preprocessing, precision, output. It is written with
 * the first image, and whatever would give other vectors is refused from then on. */
#ifndef CLI_PIN_H
#define CLI_PIN_H

#include <stdbool.h>

#include "job.h"
#include "outputs.h"

typedef enum cli_pin_key {
    CLI_PIN_MODEL_DIGEST,
    CLI_PIN_PREPROCESSING_DIGEST,
    CLI_PIN_PRECISION,
    CLI_PIN_OUTPUT,
    CLI_PIN_DIMENSIONS,
    CLI_PIN_RESAMPLER,
    CLI_PIN_EXIF,
    CLI_PIN_BACKGROUND,
    CLI_PIN_IMAGE_SIZE,
    CLI_PIN_FAST_DECODE,
    CLI_PIN_MODEL,        /* as it was named; where to look, not compared */
    CLI_PIN_PREPROCESSOR, /* likewise */
    CLI_PIN_KEYS
} cli_pin_key;

/* Values as text; NULL: not set. Starts all zero; freed with cli_pin_free. */
typedef struct cli_pin {
    char *values[CLI_PIN_KEYS];
} cli_pin;

/* The names under which stores keep the values. */
extern const char *const cli_pin_names[CLI_PIN_KEYS];

/* Of an opened job, which gives this output from then on. CLI_MODEL, with a message,
 * if the digests cannot be had; CLI_USAGE if the output is not a vector. */
cli_exit cli_pin_take(const cli_command *command, cli_job *job, const cli_output_name *output, cli_pin *pin);
void cli_pin_free(cli_pin *pin);

size_t cli_pin_dimensions(const cli_pin *pin); /* 0: not set */

/* true if vectors made so may stand beside those of the index; otherwise says on stderr what differs. */
bool cli_pin_matches(const cli_pin *index, const cli_pin *now, const char *place);

/* Sets the options of a job that were not given, and *output, so that the job makes vectors as those
 * of the index. Options that were given stay, and cli_pin_matches may refuse them later. The job
 * starts with CLI_PICTURES_UNSET, and *output starts all zero. What the index does not say becomes
 * the default; an index of nothing (all NULL) says nothing. The pin and place must outlive the job.
 * false, with a message: the index asks for something that this build does not know. */
bool cli_pin_apply(const cli_pin *index, cli_job *job, cli_output_name *output, const char *place);

#endif
