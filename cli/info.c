/* SPDX-License-Identifier: BSD-2-Clause */
/* vit info: what a model is. */
#include <ctype.h>
#include <string.h>

#include "command.h"
#include "json_text.h"
#include "model.h"
#include "output_file.h"
#include "outline.h"
#include "talk.h"

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

/* The members that the library's description lacks, ahead of its closing brace. */
static cli_exit complete(const info *in, const char *description, cli_text *text)
{
    const vit_preprocessor *preprocessor = vit_model_preprocessor(in->model.model);
    char digest[65], preprocessing_digest[65];
    vit_error err = {0};
    vit_model_digest(in->model.model, digest, &err);
    if (preprocessor)
        vit_preprocessor_digest(preprocessor, preprocessing_digest, &err);
    if (err.status != VIT_OK) {
        cli_library_error(&err);
        return CLI_MODEL;
    }
    size_t length = strlen(description);
    while (length > 0 && isspace((unsigned char)description[length - 1]))
        length--;
    if (length < 2 || description[length - 1] != '}') {
        cli_error("the library describes the model in a way this command does not know");
        return CLI_MODEL;
    }
    cli_text_add(text, description, length - 1);
    cli_text_format(text, ",\"digest\":\"%s\",\"preprocessing_digest\":", digest);
    cli_json_string(text, preprocessor ? preprocessing_digest : NULL);
    cli_text_format(text, ",\"precision\":\"%s\",\"multiplier\":\"%s\",\"kernels\":\"%s\",\"threads\":%u,",
                    in->model.precision, vit_session_multiplier(in->model.session),
                    vit_session_kernels(in->model.session), vit_session_threads(in->model.session));
    cli_text_format(text, "\"vit_version\":\"%s\"}\n", vit_version());
    return CLI_DONE;
}

static cli_exit print_description(const info *in)
{
    char *description = vit_model_describe(in->model.model);
    if (!description) {
        cli_error("out of memory");
        return CLI_MODEL;
    }
    cli_text json = {0}, text = {0};
    cli_exit status = complete(in, description, &json);
    if (status == CLI_DONE && !in->json)
        cli_json_outline(json.data, &text);
    if (status == CLI_DONE)
        status = cli_print(in->json ? &json : &text);
    vit_free(description);
    cli_text_free(&json);
    cli_text_free(&text);
    return status;
}

static cli_exit describe(const cli_command *command, info *in)
{
    in->options.image_size = in->pictures.image_size;
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
