/* SPDX-License-Identifier: BSD-2-Clause */
/* A run over texts: batches of texts of one length through the text tower. */
#include <stdlib.h>

#include "job.h"
#include "npy.h"
#include "text.h"

/* Failed inputs among them: ids and results stand close together for those that were read. */
typedef struct text_batch {
    cli_input *inputs;
    vit_error **errors; /* of those that were read */
    int32_t *ids;       /* [read][length] */
    float *results;
    size_t length;      /* of the texts that were read */
    size_t n, read;
    /* What did not fit any more: the input after the batch's last, and its ids. */
    bool waiting;
    cli_input next;
    int32_t *next_ids;
    size_t next_length;
} text_batch;

static text_batch batch_create(const cli_job *job)
{
    size_t texts = job->model.batch, context = vit_model_context(job->model.model);
    return (text_batch){
        .inputs = cli_allocate(texts, sizeof(cli_input)),
        .errors = cli_allocate(texts, sizeof(vit_error *)),
        .ids = cli_allocate(texts, context * sizeof(int32_t)),
        .results = cli_allocate(texts, vit_output_size(job->model.model, job->output, job->layer) * sizeof(float)),
        .next_ids = cli_allocate(context, sizeof(int32_t)),
    };
}

static void batch_free(text_batch *batch)
{
    free(batch->inputs);
    free(batch->errors);
    free(batch->ids);
    free(batch->results);
    free(batch->next_ids);
}

static vit_status read_ids(const cli_job *job, const cli_input *input, int32_t *ids, size_t *length, vit_error *err)
{
    cli_npy npy;
    size_t context = vit_model_context(job->model.model);
    vit_status status = cli_npy_open_ids(input->path, &npy, err);
    if (status != VIT_OK)
        return status;
    *length = npy.shape[1];
    if (*length > context)
        status = vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, input->path,
                               "texts of %zu tokens: the model takes 1 to %zu", *length, context);
    else
        status = cli_npy_read_ids(&npy, input->path, input->row, ids, err);
    cli_npy_close(&npy);
    return status;
}

/* The next input and its ids. false: there are no more. */
static bool look_ahead(text_batch *batch, const cli_job *job, cli_walk *walk)
{
    if (batch->waiting)
        return true;
    if (!cli_walk_next(walk, &batch->next))
        return false;
    cli_input *input = &batch->next;
    batch->waiting = true;
    batch->next_length = job->words.length;
    if (input->error.status == VIT_OK && input->kind == CLI_SOURCE_TEXT)
        cli_words_ids(&job->words, input->path, batch->next_ids, &input->error);
    else if (input->error.status == VIT_OK)
        read_ids(job, input, batch->next_ids, &batch->next_length, &input->error);
    return true;
}

/* Puts the next input into the batch. false: its length is another. */
static bool take(text_batch *batch)
{
    bool usable = batch->next.error.status == VIT_OK;
    if (usable && batch->read > 0 && batch->next_length != batch->length)
        return false;
    cli_input *input = &batch->inputs[batch->n++];
    cli_input_move(input, &batch->next);
    batch->waiting = false;
    if (!usable)
        return true;
    batch->length = batch->next_length;
    for (size_t i = 0; i < batch->length; i++)
        batch->ids[batch->read * batch->length + i] = batch->next_ids[i];
    batch->errors[batch->read++] = &input->error;
    return true;
}

/* false: nothing left. */
static bool batch_fill(text_batch *batch, const cli_job *job, cli_walk *walk)
{
    batch->n = batch->read = 0;
    while (batch->n < job->model.batch && look_ahead(batch, job, walk) && take(batch))
        ;
    return batch->n > 0;
}

/* Floats of one result. */
static size_t result_size(const text_batch *batch, const cli_job *job)
{
    size_t shape[2];
    if (vit_output_shape(job->model.model, job->output, job->layer, shape, NULL) != VIT_OK)
        return 0; /* which was asked before the run */
    return (shape[0] == 1 ? 1 : batch->length) * shape[1];
}

/* Where a batch fails, each text alone, so that one bad text takes none with it. */
static void batch_encode(const text_batch *batch, const cli_job *job)
{
    vit_session *session = job->model.session;
    vit_request request = {job->output, job->layer, batch->results};
    if (batch->read > 1 && vit_encode_text_requests(session, batch->ids, batch->read, batch->length, &request, 1, NULL) ==
                               VIT_OK)
        return;
    for (size_t i = 0; i < batch->read; i++) {
        request.result = batch->results + i * result_size(batch, job);
        vit_encode_text_requests(session, batch->ids + i * batch->length, 1, batch->length, &request, 1,
                                 batch->errors[i]);
    }
}

static void batch_deliver(text_batch *batch, cli_job *job)
{
    size_t row = 0;
    for (size_t i = 0; i < batch->n; i++) {
        cli_input *input = &batch->inputs[i];
        bool was_read = row < batch->read && batch->errors[row] == &input->error;
        cli_job_deliver(job, input, was_read ? batch->results + row++ * result_size(batch, job) : NULL);
    }
    cli_job_flush(job, batch->inputs, batch->n);
}

void cli_job_run_texts(cli_job *job, cli_walk *walk, cli_progress *progress)
{
    text_batch batch = batch_create(job);
    while (batch_fill(&batch, job, walk)) {
        batch_encode(&batch, job);
        batch_deliver(&batch, job);
        cli_progress_show(progress, job->already + job->done);
    }
    batch_free(&batch);
}
