/* SPDX-License-Identifier: BSD-2-Clause */
/* Which model, how it runs, and opening it. */
#ifndef CLI_MODEL_H
#define CLI_MODEL_H

#include <stdbool.h>

#include "options.h"
#include "picture.h"
#include "vit/pipeline.h"

typedef struct cli_model_options {
    const char *model;        /* NULL: $VIT_MODEL, or the one that ships with vit */
    const char *revision;     /* of a hub id; NULL: as the id says, or main */
    bool pull;                /* fetch it if it is not in the cache */
    const char *preprocessor; /* NULL: the model's own */
    const char *head;         /* a classifier alone; NULL: the model's own */
    unsigned threads;         /* 0: as many as this process may use */
    size_t batch;             /* 0: the default */
    int precision;            /* a vit_precision */
    /* For messages: the index that asks for this model, preprocessor or precision. NULL: an option asks for it. */
    const char *model_asked_by, *preprocessor_asked_by, *precision_asked_by;
    /* For commands that take a model beside the options, as in 'vit info FOLDER': */
    const char *operand;
    size_t n_operands;
    /* Set by the command, by the kind of its inputs: */
    vit_tower tower;
    cli_size image_size; /* zero: the model's own */
    bool any_tower;      /* the other tower will do, if the model lacks `tower` */
    bool once;           /* a single input will be encoded */
} cli_model_options;

extern const cli_option cli_model_table[];

/* The first rows of cli_model_table, for commands that have these options alone. */
enum { CLI_MODEL_OPTION, CLI_REVISION_OPTION, CLI_PULL_OPTION, CLI_PREPROCESSOR_OPTION };

/* For commands that take a model beside the options: 'vit info FOLDER' is 'vit info -m FOLDER'. The function stands in
 * the command's group of options. The command then calls cli_model_take_operand after cli_parse: CLI_USAGE, with a
 * message, if more than one model is named. */
void cli_model_add_operand(void *options, const char *value);
cli_exit cli_model_take_operand(const cli_command *command, cli_model_options *options);

typedef struct cli_model {
    vit_model *model;
    vit_pipeline *pipeline; /* over the model; NULL: the command encodes by itself */
    vit_session *session;   /* the pipeline's, where there is one */
    char *name;             /* as the user gave it */
    const char *precision;
    size_t batch;
    double load_seconds;
} cli_model;

/* *name = the model that is used: the user's (with its revision behind an '@'), that of $VIT_MODEL, or the one that
 * ships with vit. With --pull a model that is not there is fetched. Freed with free(). On failure *name is NULL, and a
 * message says why. */
cli_exit cli_model_choose(const cli_model_options *options, char **name);
/* Is the model the one that ships with vit, since no other is named? */
bool cli_model_is_default(const cli_model_options *options);

/* The path of a file or folder beside the model that ships with vit, such as "reference/make_expected.py". NULL: it is
 * not there. Freed with free(). */
char *cli_model_shipped(const char *name);

/* Opens the model alone, or with a session for batches of options->batch (or default_batch, less where pictures are
 * large). Prints what went wrong and answers CLI_MODEL or CLI_USAGE. Always freed with cli_model_close. */
cli_exit cli_model_open(const cli_model_options *options, cli_model *model);
cli_exit cli_model_start(const cli_model_options *options, size_t default_batch, cli_model *model);
void cli_model_close(cli_model *model);

/* For commands whose inputs go through a pipeline, in the place of cli_model_start. The first makes the pipeline over
 * the open model, for batches of options->batch, or else of default_batch, or else as many as the pipeline chooses. The
 * second starts it, which makes the session. CLI_MODEL, with a message, on failure. */
cli_exit cli_model_make_pipeline(const cli_model_options *options, size_t default_batch,
                                 const cli_picture_options *pictures, cli_model *model);
cli_exit cli_model_start_pipeline(cli_model *model);

/* CLI_USAGE, with a message, if the run would write over a file of the model (claims.h): over a path that names the
 * model; over a file that an open model is read from. cli_model_open calls both. */
cli_exit cli_model_spare_named(const cli_model_options *options, const char *name);
cli_exit cli_model_spare_files(const vit_model *model);

/* CLI_USAGE or CLI_MODEL, with a message, if the model has no preprocessing, or one that cli_rules_check refuses. */
cli_exit cli_model_check_preprocessing(const cli_command *command, const cli_model *model,
                                       const cli_picture_options *pictures);

/* CLI_MODEL, with a message, if the preprocessing makes pictures larger than --max-pixels of any picture. */
cli_exit cli_rules_check(const vit_preprocessor *rules, const char *name, const cli_picture_options *pictures);

#endif
