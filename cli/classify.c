/* SPDX-License-Identifier: BSD-2-Clause */
/* vit classify: the most probable labels of each image. */
#include <stdlib.h>

#include "command.h"
#include "job.h"
#include "json_text.h"
#include "output_file.h"
#include "writer.h"

#define DEFAULT_TOP 5

typedef enum style { STYLE_TEXT, STYLE_JSON, STYLE_CSV } style;
static const char *const style_names[] = {"text", "json", "csv", NULL};

typedef struct classify {
    /* options */
    size_t top;
    int style;
    const char *path; /* NULL: stdout */
    /* at work */
    const vit_model *model;
    size_t classes, *best;
    cli_file file;
    cli_text text;
} classify;

#define FIELD(member) offsetof(classify, member)
static const cli_option classify_table[] = {
    {"top", 'k', "N", cli_set_count, FIELD(top), NULL, "how many labels for each image (default 5)"},
    {"format", 0, "text|json|csv", cli_set_choice, FIELD(style), style_names,
     "text for people (default), one JSON object a line, or CSV with a header"},
    {NULL, 'o', "FILE", cli_set_text, FIELD(path), NULL, "write there instead of standard output; - is standard output"},
    {0},
};

static void add_text(classify *c, const cli_input *input, const float *scores)
{
    cli_text_format(&c->text, "%s\n", input->path);
    for (size_t i = 0; i < c->top; i++) {
        const char *label = vit_model_label(c->model, c->best[i]);
        cli_text_format(&c->text, "  %.4f  ", (double)scores[c->best[i]]);
        if (label)
            cli_text_format(&c->text, "%s\n", label);
        else
            cli_text_format(&c->text, "class %zu\n", c->best[i]);
    }
}

static void add_json(classify *c, const cli_input *input, const float *scores)
{
    cli_text_string(&c->text, "{");
    cli_json_input(&c->text, input);
    cli_text_string(&c->text, ",\"predictions\":[");
    for (size_t i = 0; i < c->top; i++) {
        cli_text_string(&c->text, i ? ",{\"label\":" : "{\"label\":");
        cli_json_string(&c->text, vit_model_label(c->model, c->best[i]));
        cli_text_format(&c->text, ",\"index\":%zu,\"score\":", c->best[i]);
        cli_json_float(&c->text, scores[c->best[i]]);
        cli_text_string(&c->text, "}");
    }
    cli_text_string(&c->text, "]}\n");
}

static void add_csv(classify *c, const cli_input *input, const float *scores)
{
    for (size_t i = 0; i < c->top; i++) {
        const char *label = vit_model_label(c->model, c->best[i]);
        cli_text_csv(&c->text, input->path);
        cli_text_format(&c->text, ",%zu,%zu,", i + 1, c->best[i]);
        cli_text_csv(&c->text, label ? label : "");
        cli_text_string(&c->text, ",");
        cli_json_float(&c->text, scores[c->best[i]]);
        cli_text_string(&c->text, "\n");
    }
}

static void add_failure(classify *c, const cli_input *input)
{
    if (c->style != STYLE_JSON)
        return; /* it is on stderr, as every failure */
    cli_text_string(&c->text, "{");
    cli_json_input(&c->text, input);
    cli_text_string(&c->text, ",\"error\":");
    cli_json_error(&c->text, &input->error);
    cli_text_string(&c->text, "}\n");
}

static bool put(classify *c)
{
    bool written = !c->text.size || cli_file_write(&c->file, c->text.data, c->text.size);
    cli_text_clear(&c->text);
    return written;
}

static bool deliver(void *context, cli_input *input, float *scores)
{
    static void (*const add[])(classify *, const cli_input *, const float *) = {add_text, add_json, add_csv};
    classify *c = context;
    if (!scores) {
        add_failure(c, input);
    } else {
        vit_top_k(scores, c->classes, c->top, c->best);
        add[c->style](c, input, scores);
    }
    return put(c);
}

static bool flush(void *context)
{
    classify *c = context;
    return cli_file_flush(&c->file);
}

static cli_exit write_labels(classify *c, cli_job *job)
{
    if (!cli_file_open(&c->file, c->path))
        return CLI_OUTPUT;
    if (c->style == STYLE_CSV)
        cli_text_string(&c->text, "path,rank,index,label,score\n");
    cli_exit status = CLI_OUTPUT;
    if (put(c))
        status = cli_job_run(job);
    else
        cli_file_discard(&c->file);
    if (status != CLI_OUTPUT && !cli_file_commit(&c->file))
        status = CLI_OUTPUT;
    return status;
}

static cli_exit check_classes(const cli_command *command, classify *c, const cli_model *model)
{
    c->model = model->model;
    c->classes = vit_model_classes(model->model);
    if (c->classes == 0)
        return cli_usage_error(command, "model %s has no classifier; 'vit embed' gives its vectors", model->name);
    c->top = c->top < c->classes ? c->top : c->classes;
    c->best = cli_allocate(c->top, sizeof *c->best);
    return CLI_DONE;
}

static cli_exit classify_inputs(const cli_command *command, classify *c, cli_job *job)
{
    cli_exit status = cli_job_open(command, job);
    if (status == CLI_DONE)
        status = check_classes(command, c, &job->model);
    if (status == CLI_DONE)
        status = cli_job_start(job);
    return status == CLI_DONE ? write_labels(c, job) : status;
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    classify c = {.top = DEFAULT_TOP};
    cli_job job = {.output = VIT_OUTPUT_PROBABILITIES, .deliver = deliver, .flush = flush, .context = &c};
    const cli_group groups[] = {
        {"Results", classify_table, &c, NULL},
        CLI_JOB_GROUPS(job),
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? classify_inputs(command, &c, &job) : (cli_exit)parsed;
    free(c.best);
    cli_text_free(&c.text);
    cli_job_close(&job);
    return status;
}

const cli_command cli_classify = {
    .name = "classify",
    .summary = "the most probable labels of images",
    .usage = "[OPTION]... INPUT...",
    .text = "Prints the most probable labels of each image, best first. An INPUT is an image, a folder (searched for\n"
            "images, the folders below it too), or - for one image on standard input.",
    .example = "vit classify -k 3 --format json photos/ > labels.jsonl",
    .run = run,
};
