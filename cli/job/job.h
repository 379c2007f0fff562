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

    /* Where a job goes on that an earlier run began: a walk that is past `already` inputs. The job frees it. NULL: the
     * job begins at the first input. */
    cli_walk *walk;
    size_t already;
    size_t total; /* how many inputs there are; 0: it is not known */

    cli_model model; /* filled by cli_job_open, with a pipeline */
    bool text;       /* filled by cli_job_open: the inputs are texts */
    vit_output output;
    size_t layer;
    bool normalize;  /* each vector, or row of a matrix, is divided by its length */
    cli_seed sample; /* VIT_OUTPUT_LATENT is a draw with this seed; not given: it is the mean */
    /* Takes one result, in input order. values is NULL if the input failed (input->error says why); otherwise it may be
     * changed, and input->error set, which fails the input. false: the output cannot be written, which ends the job.
     *
     * The input stays the job's own. It lives until the next flush has returned, and then the
     * job frees it: until then a pointer to it may be kept, and what it points to. Of a batch
     * of 8 pictures all 8 inputs are there in flush. values lives until deliver returns. */
    bool (*deliver)(void *context, cli_input *input, float *values);
    bool (*flush)(void *context); /* called after every batch; false: the output cannot be written */
    void *context;

    size_t done, failed; /* in this run; filled by cli_job_run */
    bool found;          /* filled by cli_job_run: an input was there (cli_walk_found), or one was read */
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

/* The shape of one result of an opened job: that of vit_output_shape, but for texts by the length of the texts.
 * CLI_USAGE, with a message that names the output as the user wrote it (asked): the model has no such output, or the
 * results would have different shapes. */
cli_exit cli_job_shape(const cli_command *command, const cli_job *job, const cli_output_name *asked, size_t shape[2]);

/* The recipe (vit/pipeline.h) of the results that the job's output, layer, normalize and sample ask for. Reads all
 * files of the model. Freed with vit_recipe_free. CLI_MODEL, with a message, on failure. */
cli_exit cli_job_recipe(const cli_job *job, vit_recipe *recipe);

/* Makes the results that the job's output, layer, normalize and sample ask for, and delivers them. CLI_DONE or
 * CLI_INPUTS_FAILED; CLI_MODEL, with a message, if the model has no such output. If deliver or flush answers false, the
 * command ends with CLI_OUTPUT. */
cli_exit cli_job_run(cli_job *job);

#endif
