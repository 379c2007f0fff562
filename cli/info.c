/* SPDX-License-Identifier: BSD-2-Clause */
/* vit info: what a model is. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "json.h"
#include "json_write.h"
#include "model.h"
#include "output_file.h"
#include "outline.h"
#include "talk.h"
#include "vit/text.h"

#define DEFAULT_BATCH 1

typedef struct info {
    bool json;
    cli_model_options options;
    cli_picture_options pictures;
    cli_model model;
} info;

static const cli_option info_table[] = {
    {"json", 0, NULL, cli_set_flag, offsetof(info, json), NULL, "one JSON object"},
    {0},
};

static cli_exit fail(const vit_error *err)
{
    cli_library_error(err);
    return CLI_MODEL;
}

static bool set_text(vit__json *object, const char *key, const char *text)
{
    return vit__json_set(object, key, vit__json_new_string(text));
}

/* What may be absent is looked for: does this status say that the look failed, and not that nothing is there? */
static bool is_failure(vit_status status)
{
    return status == VIT_ERR_OUT_OF_MEMORY || status == VIT_ERR_UNREADABLE;
}

/* The functions below answer false if memory lacks, or with *err set. */

/* {"tokenizer": whose ids texts become, "limit": how many}; null: there are no files of a tokenizer. */
static bool set_tokenizer(vit__json *object, const char *name, vit_error *err)
{
    vit_tokenizer *tokenizer = NULL;
    vit_error why = {0};
    vit_status status = vit_tokenizer_open(name, NULL, &tokenizer, &why);
    if (is_failure(status)) {
        *err = why;
        return false;
    }
    bool done = set_text(object, "tokenizer", status == VIT_OK ? vit_tokenizer_name(tokenizer) : NULL);
    if (status == VIT_OK)
        done = vit__json_set(object, "limit", vit__json_new_number((double)vit_tokenizer_context(tokenizer))) && done;
    vit_tokenizer_free(tokenizer);
    return done;
}

/* What the description of a text tower says. */
static bool set_tower(vit__json *object, const vit_model *model, const char *name, vit_error *err)
{
    static const char *const keys[] = {"vocabulary", "context", "width",      "depth",
                                       "heads",      "pooling", "projection", "padding"};
    char *description = vit_model_describe(model);
    vit__json *whole = NULL, *text = vit__json_new_object();
    bool done = description && vit__json_parse(description, strlen(description), name, &whole, NULL) == VIT_OK;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && done; i++) {
        const vit__json *value = vit__json_get(whole, keys[i]);
        done = vit__json_set(text, keys[i], value ? vit__json_copy(value) : vit__json_new_string(NULL));
    }
    done = done && set_tokenizer(text, name, err);
    vit__json_free(whole);
    vit_free(description);
    return vit__json_set(object, "text", text) && done;
}

/* "text": the encoder of texts, where the model has one that this build can run. */
static bool set_text_tower(const info *in, vit__json *object, vit_error *err)
{
    const vit_model_options options = {.tower = VIT_TOWER_TEXT, .once = true};
    if (vit_model_context(in->model.model))
        return set_tower(object, in->model.model, in->model.name, err);
    vit_model *model = NULL;
    vit_error why = {0};
    vit_status status = vit_model_open(in->model.name, &options, &model, &why);
    if (is_failure(status))
        *err = why;
    bool done = status == VIT_OK ? set_tower(object, model, in->model.name, err) : !is_failure(status);
    vit_model_free(model);
    return done;
}

/* The members that the library's description lacks. */
static vit_status complete(const info *in, vit__json *object, vit_error *err)
{
    const vit_preprocessor *preprocessor = vit_model_preprocessor(in->model.model);
    char digest[65], preprocessing_digest[65];
    vit_status status = vit_model_digest(in->model.model, digest, err);
    if (status == VIT_OK && preprocessor)
        status = vit_preprocessor_digest(preprocessor, preprocessing_digest, err);
    if (status != VIT_OK)
        return status;
    const vit_session *session = in->model.session;
    if (vit_left_out())
        cli_error("%s: they are left out, and results are right; the processor may be failing", vit_left_out());
    bool done = set_text(object, "digest", digest) &&
                set_text(object, "preprocessing_digest", preprocessor ? preprocessing_digest : NULL) &&
                set_text(object, "precision", in->model.precision) &&
                set_text(object, "multiplier", vit_session_multiplier(session)) &&
                set_text(object, "kernels", vit_session_kernels(session)) &&
                vit__json_set(object, "threads", vit__json_new_number(vit_session_threads(session))) &&
                set_text(object, "vit_version", vit_version()) && set_text_tower(in, object, err);
    if (!done && err->status != VIT_OK)
        return err->status;
    return done ? VIT_OK : vit_error_set(err, VIT_ERR_OUT_OF_MEMORY, in->model.name, "out of memory");
}

/* All that is known, as one object. The caller frees it. */
static vit_status gather(const info *in, vit__json **object, vit_error *err)
{
    char *description = vit_model_describe(in->model.model);
    *object = NULL;
    if (!description)
        return vit_error_set(err, VIT_ERR_OUT_OF_MEMORY, in->model.name, "out of memory");
    vit_status status = vit__json_parse(description, strlen(description), in->model.name, object, err);
    vit_free(description);
    return status == VIT_OK ? complete(in, *object, err) : status;
}

static cli_exit print_description(const info *in)
{
    vit_error err = {0};
    vit__json *object;
    cli_text text = {0};
    cli_exit status = gather(in, &object, &err) == VIT_OK ? CLI_DONE : fail(&err);
    char *json = status == CLI_DONE && in->json ? vit__json_text(object, 2) : NULL;
    if (status == CLI_DONE && !in->json)
        cli_json_outline(object, &text);
    else if (json)
        cli_text_format(&text, "%s\n", json);
    else if (status == CLI_DONE)
        status = fail(&(vit_error){.status = VIT_ERR_OUT_OF_MEMORY, .message = "out of memory"});
    if (status == CLI_DONE)
        status = cli_print(&text);
    free(json);
    vit__json_free(object);
    cli_text_free(&text);
    return status;
}

static cli_exit describe(const cli_command *command, info *in)
{
    in->options.image_size = in->pictures.image_size;
    in->options.any_tower = true;
    cli_exit status = cli_model_take_operand(command, &in->options);
    if (status == CLI_DONE)
        status = cli_model_open(&in->options, &in->model);
    if (status == CLI_DONE)
        status = cli_model_start(&in->options, DEFAULT_BATCH, &in->model);
    return status == CLI_DONE ? print_description(in) : status;
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    info in = {0};
    const cli_group groups[] = {
        {"Results", info_table, &in, NULL},
        {"Model", cli_model_table, &in.options, cli_model_add_operand},
        {"Pictures", cli_picture_table, &in.pictures, NULL},
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? describe(command, &in) : (cli_exit)parsed;
    cli_model_close(&in.model);
    return status;
}

const cli_command cli_info = {
    .name = "info",
    .summary = "what a model is: sizes, preprocessing, labels, outputs, digest",
    .usage = "[OPTION]... [MODEL]",
    .text = "Prints what a model is: family, sizes, parameters, preprocessing, labels, outputs and\n"
            "digests.",
    .example = "vit info --json google/vit-base-patch16-224",
    .left_out = (const cli_left_out[]){{"batch", NULL},
                                       {"exif", NULL},
                                       {"background", NULL},
                                       {"max-pixels", NULL},
                                       {"resampler", NULL},
                                       {"fast-decode", NULL},
                                       {0}},
    .run = run,
};
