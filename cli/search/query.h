/* SPDX-License-Identifier: BSD-2-Clause */
/* How a query becomes a vector that may be compared with those of an index: pictures, and whatever else the
 * inputs of a job can be, through the index's model, or texts through a model that is paired with it; a picture that
 * the index has already, without any model. */
#ifndef CLI_QUERY_H
#define CLI_QUERY_H

#include "job.h"
#include "vit/index.h"

typedef struct cli_query {
    const cli_input *input;        /* its error says why there is no vector */
    const float *vector;           /* of length 1; NULL: it failed */
    const char *text_model_digest; /* NULL: the vector is of the index's own model */
} cli_query;

/* Answers n queries, which live until it returns; false ends the command with CLI_OUTPUT. */
typedef bool cli_answer(void *context, const cli_query *queries, size_t n);

/* Answers the queries among the job's inputs, in their order, some at a time. The index has a pin. text_model: encodes
 * the queries, which are texts; NULL: the index's own model does. cli_job_close comes after it. */
cli_exit cli_query_each(const cli_command *command, cli_job *job, vit_index *index, const char *text_model,
                        cli_answer *answer, void *context);

#endif
