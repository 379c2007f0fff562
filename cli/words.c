/* SPDX-License-Identifier: BSD-2-Clause */
#include "words.h"

#include <stdlib.h>
#include <string.h>

#include "talk.h"
#include "text.h"

/* A tokenizer may say that texts are longer than the model takes; then the model is right. */
static vit_status open_tokenizer(const cli_model *model, vit_tokenizer **tokenizer, vit_error *err)
{
    vit_tokenizer_options options = {.context = 0};
    vit_status status = vit_tokenizer_open(model->name, &options, tokenizer, err);
    options.context = vit_model_context(model->model);
    if (status != VIT_OK || vit_tokenizer_context(*tokenizer) <= options.context)
        return status;
    vit_tokenizer_free(*tokenizer);
    return vit_tokenizer_open(model->name, &options, tokenizer, err);
}

cli_exit cli_words_open(const cli_model *model, cli_words *words)
{
    *words = (cli_words){.model = model};
    vit_error err = {0};
    if (open_tokenizer(model, &words->tokenizer, &err) != VIT_OK) {
        cli_error("model %s: %s: %s%s%s", model->name, vit_status_name(err.status), err.where, err.where[0] ? ": " : "",
                  err.message);
        return CLI_MODEL;
    }
    words->length = vit_tokenizer_context(words->tokenizer);
    words->ids = cli_allocate(words->length, sizeof *words->ids);
    return CLI_DONE;
}

void cli_words_close(cli_words *words)
{
    vit_tokenizer_free(words->tokenizer);
    free(words->ids);
    *words = (cli_words){0};
}

vit_status cli_words_ids(const cli_words *words, const char *text, int32_t *ids, vit_error *err)
{
    vit_status status = vit_tokenizer_encode_padded(words->tokenizer, text, strlen(text), words->ids, NULL, err);
    for (size_t i = 0; i < words->length && status == VIT_OK; i++)
        ids[i] = (int32_t)words->ids[i]; /* the model refuses what is not in its vocabulary */
    return status;
}

vit_status cli_words_embed(const cli_words *words, const char *text, float *vector, vit_error *err)
{
    int32_t *ids = cli_allocate(words->length, sizeof *ids);
    vit_status status = cli_words_ids(words, text, ids, err);
    if (status == VIT_OK)
        status = vit_encode_text(words->model->session, ids, 1, words->length, VIT_OUTPUT_EMBEDDING, vector, err);
    free(ids);
    return status;
}
