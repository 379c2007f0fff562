/* SPDX-License-Identifier: BSD-2-Clause */
/* vit tokenize: texts to token ids. */
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "command.h"
#include "json.h"
#include "lines.h"
#include "model.h"
#include "output_file.h"
#include "talk.h"
#include "text.h"
#include "vit/text.h"

/* A line of JSON may take six bytes, \u0000, for one of its text; and has two quotes. */
#define LONGEST_LINE (6u * (size_t)VIT_TEXT_MAX_BYTES + 2)

typedef struct tokenize {
    bool json;
    int kind; /* of vit_tokenizer_kind */
    cli_model_options options;
    vit_tokenizer *tokenizer;
    int32_t *ids; /* [context] */
    cli_lines lines;
    cli_file output;
} tokenize;

/* In the order of vit_tokenizer_kind. */
static const char *const kinds[] = {"auto", "hf", "open_clip", "json", NULL};

static const cli_option tokenize_table[] = {
    {"tokenizer", 0, "auto|hf|open_clip|json", cli_set_choice, offsetof(tokenize, kind), kinds,
     "whose ids: those of transformers, of open_clip, or of tokenizer.json as it is (default: as the folder says)"},
    {"json", 0, NULL, cli_set_flag, offsetof(tokenize, json), NULL, "every line is a JSON string"},
    {0},
};

/* A line of --json is a string, which may hold U+0000. */
static const vit__json_rules one_string = {.nul_in_strings = true};

/* The ids of the current line. */
static bool encode_line(tokenize *t, size_t *n, vit_error *err)
{
    const char *text = t->lines.line.data ? t->lines.line.data : "";
    size_t size = t->lines.line.size, context = vit_tokenizer_context(t->tokenizer);
    if (t->lines.cut)
        return vit_error_set(err, VIT_ERR_TOO_LARGE, "", "a text of more than %u bytes", VIT_TEXT_MAX_BYTES) == VIT_OK;
    if (!t->json)
        return vit_tokenizer_encode(t->tokenizer, text, size, t->ids, context, n, err) == VIT_OK;
    vit__json *json = NULL;
    if (vit__json_parse_by(&one_string, text, size, NULL, &json, NULL) == VIT_ERR_OUT_OF_MEMORY)
        cli_out_of_memory();
    const char *string = vit__json_bytes(json, &size);
    bool done = string ? vit_tokenizer_encode(t->tokenizer, string, size, t->ids, context, n, err) == VIT_OK
                       : vit_error_set(err, VIT_ERR_CORRUPT, "", "not a JSON string") == VIT_OK;
    vit__json_free(json);
    return done;
}

static bool write_ids(tokenize *t, size_t n)
{
    cli_text text = {0};
    cli_text_string(&text, "[");
    for (size_t i = 0; i < n; i++)
        cli_text_format(&text, "%s%d", i > 0 ? "," : "", t->ids[i]);
    cli_text_string(&text, "]\n");
    bool written = cli_file_write(&t->output, text.data, text.size);
    cli_text_free(&text);
    return written;
}

/* Writes out all results before waiting for more input, so that another program can ask line by line. */
static bool flush_before_waiting(tokenize *t)
{
    return cli_lines_at_hand(&t->lines) || cli_file_flush(&t->output);
}

static cli_exit tokenize_lines(tokenize *t)
{
    cli_exit status = CLI_DONE;
    bool written = true;
    while (written && (written = flush_before_waiting(t)) && cli_lines_next(&t->lines)) {
        vit_error err = {0};
        size_t n = 0;
        if (!encode_line(t, &n, &err)) {
            cli_error("line %zu: %s: %s", t->lines.number, vit_status_name(err.status), err.message);
            status = CLI_INPUTS_FAILED;
            n = 0;
        }
        written = write_ids(t, n);
    }
    if (t->lines.failed)
        status = CLI_INPUTS_FAILED;
    return written && cli_file_flush(&t->output) ? status : CLI_OUTPUT;
}

static cli_exit open_tokenizer(tokenize *t)
{
    char *model;
    cli_exit status = cli_model_choose(&t->options, &model);
    vit_tokenizer_options options = {.kind = (vit_tokenizer_kind)t->kind};
    vit_error err = {0};
    if (status != CLI_DONE)
        return status;
    if (vit_tokenizer_open(model, &options, &t->tokenizer, &err) != VIT_OK)
        cli_error("model %s: %s: %s%s%s", model, vit_status_name(err.status), err.where, err.where[0] ? ": " : "",
                  err.message);
    free(model);
    return t->tokenizer ? CLI_DONE : CLI_MODEL;
}

static cli_exit start(tokenize *t)
{
    cli_exit status = cli_claims_spare("-");
    if (status == CLI_DONE)
        status = open_tokenizer(t);
    if (status != CLI_DONE)
        return status;
    t->ids = cli_allocate(vit_tokenizer_context(t->tokenizer), sizeof *t->ids);
    cli_lines_start(&t->lines, t->json ? LONGEST_LINE : VIT_TEXT_MAX_BYTES);
    if (!cli_file_open(&t->output, NULL))
        return CLI_OUTPUT;
    status = tokenize_lines(t);
    cli_file_discard(&t->output);
    return status;
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    tokenize t = {0};
    const cli_group groups[] = {
        {"Texts", tokenize_table, &t, NULL},
        {"Model", cli_model_table, &t.options, NULL},
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? start(&t) : (cli_exit)parsed;
    vit_tokenizer_free(t.tokenizer);
    free(t.ids);
    cli_lines_free(&t.lines);
    return status;
}

const cli_command cli_tokenize = {
    .name = "tokenize",
    .summary = "token ids of the texts on standard input",
    .usage = "[OPTION]... < TEXTS",
    .text =
        "Prints the token ids of every line of standard input, one JSON array a line. The ids have the special tokens,\n"
        "are truncated to as many as the model takes, and are not padded. A line that cannot be read gives\n"
        "[]. Only the tokenizer's files are needed.",
    .example = "echo 'a photo of a dog' | vit tokenize -m laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
    .left_out =
        (const cli_left_out[]){{"preprocessor", NULL}, {"threads", NULL}, {"batch", NULL}, {"precision", NULL}, {0}},
    .run = run,
};
