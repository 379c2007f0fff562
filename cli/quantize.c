/* SPDX-License-Identifier: BSD-2-Clause */
/* vit quantize: a model as one packed file, which opens as fast as it maps. */
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "command.h"
#include "json_read.h"
#include "model.h"
#include "output_file.h"
#include "talk.h"

enum { TOWERS_ALL, TOWERS_IMAGE, TOWERS_TEXT };
static const char *const tower_names[] = {"all", "image", "text", NULL};
/* The first is the default. */
static const char *const precision_names[] = {"int8", "bf16", "f32", NULL};
static const vit_precision precisions[] = {VIT_PRECISION_INT8, VIT_PRECISION_BF16, VIT_PRECISION_F32};

typedef struct quantize {
    const char *path;
    int precision, towers;
    cli_model_options options;
    char *name;           /* of the model */
    vit_model *models[2]; /* by vit_tower; NULL: not wanted, or the model has none */
    cli_file file;
    size_t written; /* bytes */
} quantize;

#define FIELD(member) offsetof(quantize, member)
static const cli_option quantize_table[] = {
    {"precision", 0, "int8|bf16|f32", cli_set_choice, FIELD(precision), precision_names,
     "what the weights are packed in, and the file then runs in (default int8)"},
    {"tower", 0, "all|image|text", cli_set_choice, FIELD(towers), tower_names,
     "which encoder of a model of pictures and words (default all that it has)"},
    {NULL, 'o', "FILE", cli_set_text, FIELD(path), NULL, "where to write the .safetensors file; - is standard output"},
    {0},
};

static cli_exit model_error(const quantize *q, const vit_error *err)
{
    cli_error("model %s: %s: %s", q->name, vit_status_name(err->status), err->message);
    return CLI_MODEL;
}

/* Does the model have two towers, of which one may be beyond this build? */
static bool has_two_towers(const vit_model *model)
{
    char *text = vit_model_describe(model);
    vit__json *json = text ? cli_json_parse(text, strlen(text)) : NULL;
    double towers = 1;
    vit__json_number(vit__json_get(json, "towers"), &towers);
    vit__json_free(json);
    vit_free(text);
    return towers > 1;
}

/* A tower that the model has not is passed over where all are wanted, unless it has none. One that it has, but that
 * cannot be opened, is not passed over: all means both. */
static cli_exit open_towers(quantize *q)
{
    vit_error err = {0}, failed = {0};
    size_t opened = 0;
    for (int tower = VIT_TOWER_IMAGE; tower <= VIT_TOWER_TEXT; tower++) {
        bool wanted = q->towers == TOWERS_ALL || q->towers == (tower == VIT_TOWER_TEXT ? TOWERS_TEXT : TOWERS_IMAGE);
        vit_model_options open = {.precision = precisions[q->precision],
                                  .tower = (vit_tower)tower,
                                  .preprocessor = tower == VIT_TOWER_IMAGE ? q->options.preprocessor : NULL};
        if (!wanted)
            continue;
        vit_status status = vit_model_open(q->name, &open, &q->models[tower], &err);
        if (status != VIT_OK && status != VIT_ERR_UNSUPPORTED_MODEL)
            return model_error(q, &err);
        failed = status != VIT_OK ? err : failed;
        if (status == VIT_OK && cli_model_spare_files(q->models[tower]) != CLI_DONE)
            return CLI_USAGE;
        opened += status == VIT_OK;
    }
    const vit_model *one = q->models[q->models[VIT_TOWER_IMAGE] ? VIT_TOWER_IMAGE : VIT_TOWER_TEXT];
    if (opened == 1 && q->towers == TOWERS_ALL && has_two_towers(one))
        return model_error(q, &failed);
    return opened ? CLI_DONE : model_error(q, &err);
}

static int write_bytes(void *context, const void *bytes, size_t size)
{
    quantize *q = context;
    q->written += size;
    return cli_file_write(&q->file, bytes, size) ? 0 : -1;
}

static cli_exit write_file(quantize *q)
{
    vit_error err = {0};
    const vit_sink sink = {write_bytes, q};
    if (!cli_file_open(&q->file, q->path))
        return CLI_OUTPUT;
    vit_status status = vit_model_pack(q->models[VIT_TOWER_IMAGE], q->models[VIT_TOWER_TEXT], &sink, &err);
    if (status == VIT_ERR_UNWRITABLE) /* which the file has told */
        return CLI_OUTPUT;
    if (status != VIT_OK)
        return model_error(q, &err);
    if (!cli_file_commit(&q->file))
        return CLI_OUTPUT;
    cli_note("%s: %.1f MB, packed in %s", q->path, (double)q->written * 1e-6, precision_names[q->precision]);
    return CLI_DONE;
}

static cli_exit convert(const cli_command *command, quantize *q)
{
    if (!q->path)
        return cli_usage_error(command, "name the output with -o FILE.safetensors; - is standard output");
    cli_exit status = cli_model_take_operand(command, &q->options);
    const cli_claim claim = {.option = "-o", .path = q->path, .kind = CLI_KIND_PACKED};
    if (status == CLI_DONE)
        status = cli_claim_file(command, &claim);
    if (status != CLI_DONE)
        return status;
    status = cli_model_choose(&q->options, &q->name);
    if (status == CLI_DONE)
        status = cli_model_spare_named(&q->options, q->name);
    if (status == CLI_DONE)
        status = open_towers(q);
    return status == CLI_DONE ? write_file(q) : status;
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    quantize q = {0};
    const cli_option model_table[] = {cli_model_table[CLI_MODEL_OPTION],
                                      cli_model_table[CLI_REVISION_OPTION],
                                      cli_model_table[CLI_PULL_OPTION],
                                      cli_model_table[CLI_PREPROCESSOR_OPTION],
                                      {0}};
    const cli_group groups[] = {
        {"Result", quantize_table, &q, NULL},
        {"Model", model_table, &q.options, cli_model_add_operand},
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? convert(command, &q) : (cli_exit)parsed;
    cli_file_discard(&q.file);
    for (size_t tower = 0; tower < sizeof q.models / sizeof *q.models; tower++)
        vit_model_free(q.models[tower]);
    free(q.name);
    return status;
}

const cli_command cli_quantize = {
    .name = "quantize",
    .summary = "a model as one small file that starts at once",
    .usage = "[OPTION]... -o FILE [MODEL]",
    .text =
        "Writes a model as one packed file, with configuration, preprocessing, labels, and the weights as they are\n"
        "multiplied. In int8 the file has about a quarter of the size of f32. Every command takes it with -m. It gives\n"
        "the same results as the model with the same --precision, and opens in milliseconds.",
    .example = "vit quantize -o vit-base-int8.safetensors google/vit-base-patch16-224",
    .run = run,
};
