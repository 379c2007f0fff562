/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes the vector of a query, which can be compared with those of an index. A picture (or another input of a job) goes
 * through the model of the index. A text goes through the same model, or through a model of texts that is paired with
 * it. A picture that the index has already needs no model. */
#ifndef CLI_QUERY_H
#define CLI_QUERY_H

#include "job.h"
#include "vit/index.h"

typedef struct cli_query {
    const cli_input *input;        /* its error says why there is no vector */
    const float *vector;           /* of length 1; NULL: it failed */
    const char *text_model_digest; /* of the model that made the vector; NULL: it is the index's own */
} cli_query;

/* Answers n queries, which live until it returns; false ends the command with CLI_OUTPUT. */
typedef bool cli_answer(void *context, const cli_query *queries, size_t n);

/* Makes the vectors of the job's inputs, and calls answer with some of them at a time, in their order. The index has a
 * pin. text_model: the model that encodes queries that are texts; NULL: the model of the index. cli_job_close comes
 * after it. */
cli_exit cli_query_each(const cli_command *command, cli_job *job, vit_index *index, const char *text_model,
                        cli_answer *answer, void *context);

#endif
