/* SPDX-License-Identifier: BSD-2-Clause */
/* Inputs through a model, batch by batch, in order: what classify and embed have in
 * common. All inputs are pictures, or all are texts, which go through the text tower. */
#ifndef CLI_JOB_H
#define CLI_JOB_H

#include <stdbool.h>

#include "inputs.h"
#include "model.h"
#include "outputs.h"
#include "progress.h"
#include "seed.h"

typedef struct cli_job {
    /* filled by the options */
    cli_inputs inputs;
    cli_picture_options pictures;
    cli_model_options options;
    int progress; /* cli_progress_mode */

    /* Where to go on, if that is not at the first input: a walk past `already` inputs, which the
     * job owns from now on. */
    cli_walk *walk;
    size_t already;
    size_t total; /* inputs, if that is known; else 0 */

    cli_model model; /* filled by cli_job_open, with a pipeline */
    bool text;       /* likewise: the inputs are texts */
    vit_output output;
    size_t layer;
    bool normalize;  /* each vector, or row of a matrix, to length 1 */
    cli_seed sample; /* of VIT_OUTPUT_LATENT, which is the mean without it */
    /* Takes one result, in input order. values is NULL if the input failed (input->error says why); otherwise it may be
     * changed, and input->error set, which fails the input. false: the output cannot be written, which ends the job.
     *
     * The input stays the job's own. It lives until the next flush has returned, and then the
     * job frees it: until then a pointer to it may be kept, and what it points to. Of a batch
     * of 8 pictures all 8 inputs are there in flush. values lives until deliver returns. */
    bool (*deliver)(void *context, cli_input *input, float *values);
    bool (*flush)(void *context); /* after every batch; false as above */
    void *context;

    size_t done, failed; /* in this run; filled by cli_job_run */
    bool found;          /* likewise: an input was there (cli_walk_found), or one was read */
} cli_job;

/* The groups of options that fill a job, for the list of a command's groups. */
extern const cli_option cli_progress_table[];
#define CLI_JOB_GROUPS(job)                                                                                            \
    {"Inputs", cli_input_table, &(job).inputs, cli_inputs_add}, {"Model", cli_model_table, &(job).options, NULL},      \
        {"Pictures", cli_picture_table, &(job).pictures, NULL},                                                        \
    {                                                                                                                  \
        "Progress", cli_progress_table, &(job), NULL                                                                   \
    }

/* Checks the inputs, opens the model, and checks that it can take the inputs. Prints what is wrong: CLI_USAGE or
 * CLI_MODEL. cli_job_close comes after it in every case. */
cli_exit cli_job_open(const cli_command *command, cli_job *job);
void cli_job_close(cli_job *job);

/* Makes the session. */
cli_exit cli_job_start(cli_job *job);

/* Of one result of an opened job: as vit_output_shape, but for texts by their own length. CLI_USAGE, with a message
 * that says `asked`, if the model has no such output, or if the inputs would have results of different shapes. */
cli_exit cli_job_shape(const cli_command *command, const cli_job *job, const cli_output_name *asked, size_t shape[2]);

/* What makes the results that output, layer, normalize and sample say (vit/pipeline.h). Freed with
 * vit_recipe_free. CLI_MODEL, with a message, if that cannot be had. Reads all of the model's files. */
cli_exit cli_job_recipe(const cli_job *job, vit_recipe *recipe);

/* Gives the results that output, layer, normalize and sample say. CLI_DONE or CLI_INPUTS_FAILED; CLI_MODEL,
 * with a message, if the model has no such output. Ends the command with CLI_OUTPUT if deliver says so. */
cli_exit cli_job_run(cli_job *job);

#endif
