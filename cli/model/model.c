/* SPDX-License-Identifier: BSD-2-Clause */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "clock.h"
#include "fetch.h"
#include "shipped.h"
#include "talk.h"
#include "text.h"

#define DEFAULT_MODEL "vit-tiny-cifar10"
#define BATCH_BYTES (64u * 1024u * 1024u) /* of pixels, for a batch size of our own choosing */

/* What --precision may be, numbered as vit_precision. */
static const char *const precision_names[] = {"auto", "f32", "bf16", "int8", NULL};

#define FIELD(member) offsetof(cli_model_options, member)
const cli_option cli_model_table[] = {
    {"model", 'm', "MODEL", cli_set_text, FIELD(model), NULL,
     "a checkpoint folder, a .safetensors file, or a hub id in the local Hugging Face cache (default $VIT_MODEL, or the "
     "small model that ships with vit)"},
    {"revision", 0, "R", cli_set_text, FIELD(revision), NULL,
     "a branch, tag, refs/pr/N or commit of the hub id; the same as -m ID@R"},
    {"pull", 0, NULL, cli_set_flag, FIELD(pull), NULL,
     "fetch the model from the Hugging Face hub if it is not in the cache; nothing else touches the network"},
    {"preprocessor", 0, "FILE", cli_set_text, FIELD(preprocessor), NULL,
     "a preprocessor_config.json, timm config.json or open_clip_config.json that stands in for the model's own"},
    {"threads", 't', "N", cli_set_threads, FIELD(threads), NULL, "threads (default: as many as this process may use)"},
    {"batch", 0, "N", cli_set_count, FIELD(batch), NULL, "images worked on together; the results do not depend on it"},
    {"precision", 0, "f32|bf16|int8", cli_set_choice, FIELD(precision), precision_names,
     "arithmetic (default auto: f32, or what a packed file holds)"},
    {0},
};

void cli_model_add_operand(void *options, const char *value)
{
    cli_model_options *o = options;
    o->operand = value;
    o->n_operands++;
}

cli_exit cli_model_take_operand(const cli_command *command, cli_model_options *options)
{
    if (options->n_operands == 0)
        return CLI_DONE;
    if (options->n_operands > 1 || options->model)
        return cli_usage_error(command, "one model at a time: name it once, with -m or without");
    if (!*options->operand)
        return cli_usage_error(command, "the model has an empty name");
    options->model = options->operand;
    return CLI_DONE;
}

char *cli_model_shipped(const char *name)
{
    cli_text path = {0};
    cli_text_format(&path, "%s/%s", CLI_MODELS_FROM_EXECUTABLE, name);
    char *shipped = cli_shipped(path.data);
    cli_text_free(&path);
    return shipped;
}

/* The user's, or $VIT_MODEL; NULL: none is named. */
static const char *named_model(const cli_model_options *options)
{
    const char *environment = getenv("VIT_MODEL");
    return options->model ? options->model : environment && *environment ? environment : NULL;
}

bool cli_model_is_default(const cli_model_options *options)
{
    return !named_model(options);
}

static cli_exit choose_shipped(const cli_model_options *options, char **name)
{
    if (options->revision) {
        cli_error("--revision: name the model, a hub id, with -m");
        return CLI_USAGE;
    }
    *name = cli_model_shipped(DEFAULT_MODEL);
    if (*name)
        return CLI_DONE;
    cli_error("no model: name one with -m or $VIT_MODEL (the default model %s is not installed)", DEFAULT_MODEL);
    return CLI_MODEL;
}

cli_exit cli_model_choose(const cli_model_options *options, char **name)
{
    *name = NULL;
    if (!named_model(options))
        return choose_shipped(options, name);
    cli_exit status = cli_fetch_name(named_model(options), options->revision, name);
    if (status == CLI_DONE && options->pull)
        status = cli_fetch_absent(*name);
    if (status != CLI_DONE) {
        free(*name);
        *name = NULL;
    }
    return status;
}

/* A model of pictures that is in order, and has nothing to compare them with. */
static bool lacks_words(const char *name)
{
    vit_similarity similarity;
    vit_model *model = NULL;
    bool lacks = vit_model_open(name, NULL, &model, NULL) == VIT_OK &&
                 vit_model_similarity(model, &similarity, NULL) != VIT_OK;
    vit_model_free(model);
    return lacks;
}

/* The line begins with whoever asked for a size that cannot be had. name: of the model, or of the
 * file with its rules. */
static cli_exit size_error(const cli_size *size, const char *name, const char *message)
{
    if (size->asked_by)
        cli_error("%s asks for pictures of %ux%u pixels: %s: %s", size->asked_by, size->height, size->width, name,
                  message);
    else
        cli_error("--image-size %ux%u: %s: %s", size->height, size->width, name, message);
    return CLI_MODEL;
}

static cli_exit precision_error(const cli_model_options *options, const char *name, const char *message)
{
    const char *precision = precision_names[options->precision];
    if (options->precision_asked_by)
        cli_error("%s asks for --precision %s: model %s is packed in another, and cannot be run in "
                  "it: name with -m the checkpoint that it was packed from",
                  options->precision_asked_by, precision, name);
    else
        cli_error("--precision %s: model %s: %s", precision, name, message);
    return CLI_MODEL;
}

/* What an index names may have moved since. true: it has, and the user knows. */
static bool say_moved(const cli_model_options *options, const vit_error *err)
{
    bool rules = options->preprocessor && strcmp(err->where, options->preprocessor) == 0;
    const char *place = rules ? options->preprocessor_asked_by : options->model_asked_by;
    if (err->status != VIT_ERR_NOT_FOUND || !place)
        return false;
    if (rules)
        cli_error("%s: its pictures were preprocessed as %s says, which is not there any more: "
                  "name its new place with --preprocessor",
                  place, options->preprocessor);
    else
        cli_error("%s: its vectors were made by model %s, which is not there any more: name its "
                  "new place with -m",
                  place, options->model);
    return true;
}

static cli_exit open_error(const cli_model_options *options, const char *name, const vit_error *err)
{
    bool asked = err->status == VIT_ERR_INVALID_ARGUMENT;
    if (asked && strcmp(err->where, "image_size") == 0)
        return size_error(&options->image_size, name, err->message);
    if (asked && strcmp(err->where, "precision") == 0)
        return precision_error(options, name, err->message);
    if (say_moved(options, err))
        return CLI_MODEL;
    if (options->tower == VIT_TOWER_TEXT && err->status == VIT_ERR_UNSUPPORTED_MODEL && lacks_words(name)) {
        cli_error("model %s has no text tower: it takes pictures, and neither texts nor token ids", name);
        return CLI_USAGE;
    }
    bool elsewhere = err->where[0] && strcmp(err->where, name) != 0;
    cli_error("model %s: %s: %s%s%s", name, vit_status_name(err->status), elsewhere ? err->where : "",
              elsewhere ? ": " : "", err->message);
    return CLI_MODEL;
}

cli_exit cli_model_open(const cli_model_options *options, cli_model *model)
{
    *model = (cli_model){0};
    cli_exit status = cli_model_choose(options, &model->name);
    if (status != CLI_DONE)
        return status;
    if (cli_model_spare_named(options, model->name) != CLI_DONE)
        return CLI_USAGE;
    double start = vit__seconds();
    vit_model_options open = {.precision = (vit_precision)options->precision,
                              .preprocessor = options->preprocessor,
                              .head = options->head,
                              .tower = options->tower,
                              .image_height = options->image_size.height,
                              .image_width = options->image_size.width,
                              .once = options->once};
    vit_error err = {0};
    vit_status opened = vit_model_open(model->name, &open, &model->model, &err);
    if (opened == VIT_ERR_UNSUPPORTED_MODEL && options->any_tower && open.tower == VIT_TOWER_IMAGE) {
        open.tower = VIT_TOWER_TEXT;
        opened = vit_model_open(model->name, &open, &model->model, NULL);
    }
    if (opened != VIT_OK)
        return open_error(options, model->name, &err);
    model->precision = vit_precision_name(vit_model_precision(model->model));
    model->load_seconds = vit__seconds() - start;
    return cli_model_spare_files(model->model);
}

cli_exit cli_model_spare_named(const cli_model_options *options, const char *name)
{
    cli_exit status = cli_claims_spare(name);
    if (status == CLI_DONE && options->preprocessor)
        status = cli_claims_spare(options->preprocessor);
    return status == CLI_DONE && options->head ? cli_claims_spare(options->head) : status;
}

cli_exit cli_model_spare_files(const vit_model *model)
{
    cli_exit status = CLI_DONE;
    const char *file;
    for (size_t i = 0; status == CLI_DONE && (file = vit_model_file(model, i)) != NULL; i++)
        status = cli_claims_spare(file);
    return status;
}

cli_exit cli_model_start(const cli_model_options *options, size_t default_batch, cli_model *model)
{
    double start = vit__seconds();
    size_t pixels = vit_model_pixels_size(model->model);
    size_t fitting = pixels ? BATCH_BYTES / (pixels * sizeof(float)) : default_batch;
    size_t usual = default_batch < fitting ? default_batch : fitting;
    model->batch = options->once ? 1 : options->batch ? options->batch : usual ? usual : 1;
    vit_session_options session = {.threads = options->threads, .max_batch = model->batch};
    vit_error err = {0};
    if (vit_session_create(model->model, &session, &model->session, &err) != VIT_OK) {
        cli_library_error(&err);
        return CLI_MODEL;
    }
    model->load_seconds += vit__seconds() - start;
    return CLI_DONE;
}

cli_exit cli_model_make_pipeline(const cli_model_options *options, size_t default_batch,
                                 const cli_picture_options *pictures, cli_model *model)
{
    const vit_pipeline_options pipeline = {
        .model = {.tower = options->tower,
                  .once = options->once,
                  .image_height = options->image_size.height,
                  .image_width = options->image_size.width},
        .load = cli_load_options(pictures, NULL),
        .fast_decode = pictures->fast_decode,
        .resampler = (vit_resampler)pictures->resampler,
        .threads = options->threads,
        .batch = options->once    ? 1
                 : options->batch ? options->batch
                                  : default_batch,
    };
    vit_error err = {0};
    if (vit_pipeline_create(model->model, model->name, &pipeline, &model->pipeline, &err) == VIT_OK)
        return CLI_DONE;
    cli_library_error(&err);
    return CLI_MODEL;
}

cli_exit cli_model_start_pipeline(cli_model *model)
{
    double start = vit__seconds();
    vit_error err = {0};
    if (vit_pipeline_start(model->pipeline, &err) != VIT_OK) {
        cli_library_error(&err);
        return CLI_MODEL;
    }
    model->session = vit_pipeline_session(model->pipeline);
    model->batch = vit_pipeline_settings(model->pipeline)->batch;
    model->load_seconds += vit__seconds() - start;
    return CLI_DONE;
}

void cli_model_close(cli_model *model)
{
    if (!model->pipeline)
        vit_session_free(model->session);
    vit_pipeline_free(model->pipeline);
    vit_model_free(model->model);
    free(model->name);
    *model = (cli_model){0};
}

cli_exit cli_rules_check(const vit_preprocessor *rules, const char *name, const cli_picture_options *pictures)
{
    const vit_preprocess_options options = cli_preprocess_options(pictures);
    vit_error err = {0};
    if (vit_preprocess_check(rules, &options, &err) != VIT_ERR_TOO_LARGE)
        return CLI_DONE;
    cli_text message = {0};
    cli_text_format(&message, "%s; raise --max-pixels if that is meant", err.message);
    if (pictures->image_size.height)
        size_error(&pictures->image_size, name, message.data);
    else
        cli_error("%s: %s", name, message.data);
    cli_text_free(&message);
    return CLI_MODEL;
}

cli_exit cli_model_check_preprocessing(const cli_command *command, const cli_model *model,
                                       const cli_picture_options *pictures)
{
    const vit_preprocessor *rules = vit_model_preprocessor(model->model);
    if (!rules)
        return cli_usage_error(command, "model %s says nothing about preprocessing: name a file with --preprocessor",
                               model->name);
    return cli_rules_check(rules, model->name, pictures);
}
