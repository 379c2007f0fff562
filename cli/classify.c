/* SPDX-License-Identifier: BSD-2-Clause */
/* vit classify: the most probable labels of each image, by the model's own classifier, by labels in words, or by the
 * nearest of images whose labels are known. */
#include <stdlib.h>

#include "claims.h"
#include "command.h"
#include "job.h"
#include "json_write.h"
#include "knn.h"
#include "output_file.h"
#include "pin.h"
#include "talk.h"
#include "writer.h"
#include "zero_shot.h"

#define DEFAULT_TOP 5

typedef enum style { STYLE_TEXT, STYLE_JSON, STYLE_CSV } style;
static const char *const style_names[] = {"text", "json", "csv", NULL};
enum { SCORE_PROBABILITIES, SCORE_LOGITS };
static const char *const score_names[] = {"probs", "logits", NULL};

typedef struct classify {
    /* options */
    size_t top, k; /* labels for each image; what -k says, which with --knn is something else. 0: not given */
    int style, score;
    const char *path; /* NULL: stdout */
    const char *head; /* a classifier alone; NULL: the model's own */
    cli_zero_shot zero_shot;
    cli_knn knn;
    /* at work */
    const vit_model *model;
    size_t classes, *best;
    float *scores; /* [classes], by words or by neighbours; NULL: the model's classifier */
    char **names;  /* [classes], where there are scores */
    cli_file file;
    cli_text text;
} classify;

static const char *set_json(const cli_option *option, const char *value, void *field)
{
    (void)option, (void)value;
    *(int *)field = STYLE_JSON;
    return NULL;
}

#define FIELD(member) offsetof(classify, member)
static const cli_option classify_table[] = {
    {"top", 0, "N", cli_set_count, FIELD(top), NULL, "how many labels for each image (default 5)"},
    {NULL, 'k', "N", cli_set_count, FIELD(k), NULL,
     "the same as --top; with --knn how many of the nearest pictures vote (default 20)"},
    {"format", 0, "text|json|csv", cli_set_choice, FIELD(style), style_names,
     "text for people, one JSON object a line, or CSV with a header (default: as FILE ends, else "
     "text)"},
    {"json", 0, NULL, set_json, FIELD(style), NULL, "the same as --format json"},
    {"output", 0, "probs|logits", cli_set_choice, FIELD(score), score_names,
     "what the scores are: probabilities (default), or the logits that they are made of"},
    {"head", 0, "FILE", cli_set_text, FIELD(head), NULL,
     "a classifier alone, as 'vit fit --head-only' writes it, in the place of the model's own"},
    {NULL, 'o', "FILE", cli_set_text, FIELD(path), NULL,
     "write there instead of standard output; - is standard output"},
    {0},
};

/* NULL: the class has no name. */
static const char *label_of(const classify *c, size_t index)
{
    return c->scores ? c->names[index] : vit_model_label(c->model, index);
}

static void add_text(classify *c, const cli_input *input, const float *scores)
{
    cli_text_name(&c->text, input->path, &c->file);
    cli_text_string(&c->text, "\n");
    for (size_t i = 0; i < c->top; i++) {
        const char *label = label_of(c, c->best[i]);
        cli_text_format(&c->text, "  %.4f  ", (double)scores[c->best[i]]);
        if (label)
            cli_text_name(&c->text, label, &c->file);
        else
            cli_text_format(&c->text, "class %zu", c->best[i]);
        cli_text_string(&c->text, "\n");
    }
}

static void add_json(classify *c, const cli_input *input, const float *scores)
{
    cli_text_string(&c->text, "{");
    cli_json_input(&c->text, input);
    cli_text_string(&c->text, ",\"predictions\":[");
    for (size_t i = 0; i < c->top; i++) {
        cli_text_string(&c->text, i ? ",{\"label\":" : "{\"label\":");
        cli_json_string(&c->text, label_of(c, c->best[i]));
        cli_text_format(&c->text, ",\"index\":%zu,\"score\":", c->best[i]);
        cli_json_float(&c->text, scores[c->best[i]]);
        cli_text_string(&c->text, "}");
    }
    cli_text_string(&c->text, "]}\n");
}

static void add_csv(classify *c, const cli_input *input, const float *scores)
{
    for (size_t i = 0; i < c->top; i++) {
        const char *label = label_of(c, c->best[i]);
        cli_text_csv_name(&c->text, input->path, &c->file);
        cli_text_format(&c->text, ",%zu,%zu,", i + 1, c->best[i]);
        cli_text_csv_name(&c->text, label ? label : "", &c->file);
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
    if (scores && c->knn.place.place) {
        scores = cli_knn_ask(&c->knn, input, scores, c->scores) ? c->scores : NULL;
    } else if (scores && c->scores) {
        vit_labels_score(c->zero_shot.classes, scores, c->score == SCORE_LOGITS, c->scores);
        scores = c->scores;
    }
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
    if (job->done == job->failed && cli_file_keep_older(&c->file))
        return status;
    if (status != CLI_OUTPUT && !cli_file_commit(&c->file))
        status = CLI_OUTPUT;
    return status;
}

static cli_exit check_words(const cli_command *command, classify *c, const cli_model *model)
{
    size_t width = vit_output_size(model->model, VIT_OUTPUT_EMBEDDING, 0);
    if (width != vit_labels_width(c->zero_shot.classes))
        return cli_usage_error(command, "model %s: its vectors have %zu numbers for pictures and %zu for texts",
                               model->name, width, vit_labels_width(c->zero_shot.classes));
    c->classes = c->zero_shot.n;
    c->names = c->zero_shot.names;
    c->scores = cli_allocate(c->classes, sizeof *c->scores);
    return CLI_DONE;
}

static cli_exit check_classifier(const cli_command *command, classify *c, const cli_model *model)
{
    vit_similarity similarity;
    c->classes = vit_model_classes(model->model);
    if (c->classes)
        return CLI_DONE;
    if (vit_model_similarity(model->model, &similarity, NULL) == VIT_OK)
        return cli_usage_error(command, "model %s classifies by words: name labels, as with --labels 'cat,dog'",
                               model->name);
    return cli_usage_error(command, "model %s has no classifier; 'vit embed' gives its vectors", model->name);
}

static cli_exit check_neighbours(const cli_command *command, classify *c, cli_job *job)
{
    cli_exit status = cli_knn_check(command, &c->knn, job);
    c->classes = c->knn.rows.n_classes;
    c->names = c->knn.names.texts;
    c->scores = cli_allocate(c->classes, sizeof *c->scores);
    return status;
}

static cli_exit check_classes(const cli_command *command, classify *c, cli_job *job)
{
    const cli_model *model = &job->model;
    cli_exit status;
    c->model = model->model;
    if (c->knn.place.place)
        status = check_neighbours(command, c, job);
    else
        status = (cli_zero_shot_asked(&c->zero_shot) ? check_words : check_classifier)(command, c, model);
    if (status != CLI_DONE)
        return status;
    c->top = c->top < c->classes ? c->top : c->classes;
    c->best = cli_allocate(c->top, sizeof *c->best);
    return CLI_DONE;
}

/* A picture of something else gets one of its labels all the same, which surprises who does not
 * know them. */
static void introduce_default(const vit_model *model)
{
    cli_text labels = {0};
    for (size_t i = 0; i < vit_model_classes(model); i++)
        cli_text_format(&labels, "%s%s", i ? ", " : "", vit_model_label(model, i));
    cli_note("this is the small model that ships with vit: it knows %s. -m MODEL names another.", labels.data);
    cli_text_free(&labels);
}

/* With --knn, -k and --labels mean something else, and there are no words. */
static cli_exit prepare_neighbours(const cli_command *command, classify *c, cli_job *job)
{
    const cli_zero_shot *z = &c->zero_shot;
    if (z->file || z->templates.n || z->model || z->labels.n > 1)
        return cli_usage_error(command,
                               "--knn takes labels from pictures: of the options about words only --labels F.csv "
                               "goes with it, a table of paths and labels");
    if (c->head)
        return cli_usage_error(command,
                               "--head and --knn exclude each other: a picture has its label from one of them");
    if (c->score == SCORE_LOGITS)
        return cli_usage_error(command, "--output logits: neighbours have votes, and no logits");
    cli_exit status = cli_inputs_check(command, &job->inputs);
    if (status == CLI_DONE && cli_inputs_are_text(&job->inputs))
        status = cli_usage_error(command, "--knn is for pictures, not for texts");
    if (status != CLI_DONE)
        return status;
    c->knn.k = c->k;
    c->knn.labels = z->labels.n ? z->labels.values[0] : NULL;
    c->top = c->top ? c->top : DEFAULT_TOP;
    job->inputs.look = cli_knn_look;
    return cli_knn_open(command, &c->knn, job);
}

/* Texts among the inputs are labels. */
static cli_exit prepare_words(const cli_command *command, classify *c, cli_job *job)
{
    static const vit_index_pin nothing = {0};
    cli_output_name usual = {0};
    cli_inputs_take_texts(&job->inputs, &c->zero_shot.texts);
    cli_pin_apply(&nothing, job, &usual, "");
    c->top = c->top ? c->top : c->k ? c->k : DEFAULT_TOP;
    if (c->knn.temperature > 0 || c->knn.place.table || c->knn.vote || c->knn.from)
        return cli_usage_error(command, "--temperature, --vote, --label-from and --table go with --knn");
    cli_exit status = cli_inputs_check(command, &job->inputs);
    if (status != CLI_DONE)
        return status;
    if (c->head && cli_zero_shot_asked(&c->zero_shot))
        return cli_usage_error(command, "--head has labels of its own: labels in words exclude it");
    job->options.head = c->head;
    if (cli_zero_shot_asked(&c->zero_shot)) {
        job->output = VIT_OUTPUT_EMBEDDING;
        return cli_zero_shot_open(command, &job->options, &c->zero_shot);
    }
    job->output = c->score == SCORE_LOGITS ? VIT_OUTPUT_LOGITS : VIT_OUTPUT_PROBABILITIES;
    if (c->zero_shot.templates.n)
        return cli_usage_error(command, "--template says what the model is told of --labels: there are none");
    return CLI_DONE;
}

static cli_exit classify_inputs(const cli_command *command, classify *c, cli_job *job)
{
    static const cli_kind kinds[] = {CLI_KIND_LABELS_TEXT, CLI_KIND_LABELS_JSON, CLI_KIND_LABELS_CSV};
    const cli_formats formats = {kinds, sizeof kinds / sizeof *kinds, &c->style, "--format"};
    cli_exit status = cli_claim_formatted(command, "-o", c->path, &formats);
    if (status == CLI_DONE)
        status = (c->knn.place.place ? prepare_neighbours : prepare_words)(command, c, job);
    if (status == CLI_DONE)
        status = cli_job_open(command, job);
    if (status == CLI_DONE)
        status = check_classes(command, c, job);
    if (status == CLI_DONE)
        status = cli_job_start(job);
    if (status == CLI_DONE && !c->knn.place.place && cli_model_is_default(&job->options) && cli_is_watched())
        introduce_default(c->model);
    return status == CLI_DONE ? write_labels(c, job) : status;
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    classify c = {.style = CLI_BY_NAME};
    cli_job job = {.deliver = deliver, .flush = flush, .context = &c, .pictures = CLI_PICTURES_UNSET};
    const cli_group groups[] = {
        {"Results", classify_table, &c, NULL},
        {"Labels in words", cli_zero_shot_table, &c.zero_shot, NULL},
        {"Labels of the nearest pictures", cli_knn_table, &c.knn, NULL},
        CLI_JOB_GROUPS(job),
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? classify_inputs(command, &c, &job) : (cli_exit)parsed;
    free(c.best);
    free(c.scores);
    cli_zero_shot_free(&c.zero_shot);
    cli_knn_free(&c.knn);
    cli_text_free(&c.text);
    cli_job_close(&job);
    return status;
}

const cli_command cli_classify = {
    .name = "classify",
    .summary = "the most probable labels of images",
    .usage = "[OPTION]... INPUT...",
    .text =
        "Prints the most probable labels of each image, best first. An INPUT is an image, a folder (searched for\n"
        "images, the folders below it too), or - for one image on standard input.\n\n"
        "A model of pictures and words (CLIP, SigLIP) must be told the labels: as words with --labels, as whole texts\n"
        "with --text, or as token ids with --tokens (then --labels may name them). For CLIP the scores are the softmax\n"
        "over all labels, for SigLIP the sigmoid of each.\n\n"
        "With --knn a model needs no classifier, and nothing is fitted: the nearest pictures of an index, or of vectors of\n"
        "vit embed, vote with their labels. The index knows its model. A picture does not vote for itself.",
    .example = "vit classify -k 3 --format json photos/ > labels.jsonl",
    .run = run,
};
