/* SPDX-License-Identifier: BSD-2-Clause */
#include "zero_shot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "claims.h"
#include "file.h"
#include "limit.h"
#include "plain_text.h"
#include "talk.h"
#include "text.h"

#define PLACE "{}" /* of the label in a template */

static const char *add_template(const cli_option *option, const char *value, void *field)
{
    return strstr(value, PLACE) ? cli_add_value(option, value, field) : "a text with {} where the label goes";
}

#define FIELD(member) offsetof(cli_zero_shot, member)
const cli_option cli_zero_shot_table[] = {
    {"labels", 0, "A,B,C", cli_add_value, FIELD(labels), NULL,
     "classify by these words, with a model that has a text tower (CLIP, SigLIP); may be given again"},
    {"labels-file", 0, "FILE", cli_set_text, FIELD(file), NULL, "the same, a label a line"},
    {"template", 0, "TEXT", add_template, FIELD(templates), NULL,
     "what the model is told of a label, which takes the place of {}: \"a photo of a {}\" (default {} alone); of several "
     "templates the embeddings are averaged"},
    {"text-model", 0, "MODEL", cli_set_text, FIELD(model), NULL,
     "encode the labels with this model, whose vectors are meant for those of the pictures' model, as "
     "clip-ViT-B-32-multilingual-v1 is for clip-ViT-B-32"},
    {0},
};

bool cli_zero_shot_asked(const cli_zero_shot *z)
{
    return z->labels.n > 0 || z->file || z->texts.n > 0 || z->n > 0;
}

void cli_zero_shot_free(cli_zero_shot *z)
{
    for (size_t i = 0; i < z->n; i++)
        free(z->names[i]);
    free(z->names);
    vit_labels_free(z->classes);
    free(z->labels.values);
    free(z->templates.values);
    cli_inputs_free(&z->texts);
    *z = (cli_zero_shot){0};
}

/* ------------------------------------------------------------------ labels ---- */

/* name, which becomes the list's, may be NULL. */
static void add_name(cli_zero_shot *z, char *name)
{
    z->names = cli_reallocate(z->names, z->n + 1, sizeof *z->names);
    z->names[z->n++] = name;
}

/* A label without the spaces around it. false: it is empty. */
static bool add_label(cli_zero_shot *z, const char *text, size_t size)
{
    static const char spaces[] = " \t\r\n";
    while (size > 0 && strchr(spaces, *text))
        text++, size--;
    while (size > 0 && strchr(spaces, text[size - 1]))
        size--;
    if (size == 0)
        return false;
    cli_text name = {0};
    cli_text_add(&name, text, size);
    add_name(z, name.data);
    return true;
}

static cli_exit split_labels(const cli_command *command, cli_zero_shot *z)
{
    for (size_t i = 0; i < z->labels.n; i++) {
        const char *list = z->labels.values[i];
        for (bool more = true; more; list++) {
            size_t size = strcspn(list, ",");
            if (!add_label(z, list, size))
                return cli_usage_error(command, "--labels '%s': a label is empty", z->labels.values[i]);
            list += size;
            more = *list == ',';
        }
    }
    return CLI_DONE;
}

/* Reads a text file, as any system writes it, or a pipe. */
static vit_status read_file(const char *path, vit__buffer *text, vit_error *err)
{
    static const vit__file_kind kind = {.most = VIT__LIMIT_LABEL_FILE_BYTES};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return vit_error_set(err, VIT_ERR_NOT_FOUND, path, "%s", strerror(errno));
    vit_status status = vit__descriptor_read(descriptor, path, &kind, text, err);
    close(descriptor);
    if (status == VIT_OK && !vit__text_make_plain(text))
        cli_out_of_memory();
    return status;
}

/* Empty lines are no labels. */
static cli_exit read_labels(const cli_command *command, cli_zero_shot *z)
{
    vit__buffer text = {0};
    vit_error err = {0};
    size_t before = z->n;
    if (cli_claims_spare(z->file) != CLI_DONE)
        return CLI_USAGE;
    if (read_file(z->file, &text, &err) != VIT_OK)
        return cli_usage_error(command, "--labels-file %s: %s", z->file, err.message);
    for (size_t at = 0; at < text.size;) {
        const char *line = text.data + at, *end = memchr(line, '\n', text.size - at);
        size_t size = end ? (size_t)(end - line) : text.size - at;
        add_label(z, line, size);
        at += size + 1;
    }
    vit__buffer_free(&text);
    return z->n > before ? CLI_DONE : cli_usage_error(command, "--labels-file %s: there is no label in it", z->file);
}

cli_exit cli_zero_shot_read_names(const cli_command *command, cli_zero_shot *z)
{
    cli_exit status = split_labels(command, z);
    return status == CLI_DONE && z->file ? read_labels(command, z) : status;
}

/* ------------------------------------------------------------------ prompts ---- */

/* The texts that the model is told, in the order of the labels, each label's templates side by side. */
typedef struct prompts {
    cli_values texts; /* owned */
    size_t each;      /* of a label */
} prompts;

static const char *fill_in(const char *template, const char *label)
{
    char *text = vit_label_prompt(template, label);
    if (!text)
        cli_out_of_memory();
    return text;
}

static void make_prompts(const cli_zero_shot *z, prompts *p)
{
    p->each = z->templates.n ? z->templates.n : 1;
    for (size_t i = 0; i < z->n; i++)
        for (size_t j = 0; j < p->each; j++)
            cli_add_value(NULL, fill_in(z->templates.n ? z->templates.values[j] : PLACE, z->names[i]), &p->texts);
}

static void free_prompts(prompts *p)
{
    for (size_t i = 0; i < p->texts.n; i++)
        free((char *)(uintptr_t)p->texts.values[i]);
    free(p->texts.values);
}

static const cli_source *first_tokens(const cli_zero_shot *z)
{
    for (size_t i = 0; i < z->texts.n; i++)
        if (z->texts.sources[i].kind == CLI_SOURCE_TOKENS)
            return &z->texts.sources[i];
    return NULL;
}

/* What goes through the text tower: token ids, whose names are the labels if there are any; or prompts. */
static cli_exit choose_texts(const cli_command *command, cli_zero_shot *z, prompts *p, cli_inputs *inputs)
{
    cli_exit status = cli_zero_shot_read_names(command, z);
    if (status != CLI_DONE)
        return status;
    if (first_tokens(z)) {
        if (z->templates.n)
            return cli_usage_error(command, "--template is for labels in words, not for --tokens");
        p->each = 1;
        cli_inputs_take_texts(&z->texts, inputs);
        return CLI_DONE;
    }
    for (size_t i = 0; i < z->texts.n; i++)
        if (z->texts.sources[i].kind == CLI_SOURCE_TEXT_LIST)
            return cli_usage_error(command, "--text-file %s: name a file with labels with --labels-file %s",
                                   z->texts.sources[i].value, z->texts.sources[i].value);
    make_prompts(z, p);
    for (size_t i = 0; i < z->texts.n; i++) { /* --text: as it is, whatever the templates */
        add_name(z, cli_duplicate(z->texts.sources[i].value));
        for (size_t j = 0; j < p->each; j++)
            cli_add_value(NULL, cli_duplicate(z->texts.sources[i].value), &p->texts);
    }
    for (size_t i = 0; i < p->texts.n; i++)
        cli_inputs_add_text(inputs, p->texts.values[i]);
    return CLI_DONE;
}

/* ------------------------------------------------------------------ vectors ---- */

typedef struct gathering {
    float *vectors; /* [n][width] */
    size_t n, width;
} gathering;

static bool gather(void *context, cli_input *input, float *values)
{
    gathering *g = context;
    (void)input;
    if (!values)
        return true; /* which the run's status says */
    g->vectors = cli_reallocate(g->vectors, (g->n + 1) * g->width, sizeof *g->vectors);
    memcpy(g->vectors + g->n++ * g->width, values, g->width * sizeof *values);
    return true;
}

static bool nothing_to_flush(void *context)
{
    (void)context;
    return true;
}

/* Token ids that nobody named are classes without names. */
static cli_exit name_classes(const cli_command *command, cli_zero_shot *z, size_t classes)
{
    if (z->n > 0 && z->n != classes)
        return cli_usage_error(command, "%zu labels for the %zu texts in --tokens", z->n, classes);
    while (z->n < classes)
        add_name(z, NULL);
    return classes ? CLI_DONE : cli_usage_error(command, "--tokens: there is no text in it");
}

/* How vectors of pictures and texts are compared: as the pictures' model says, whoever encodes the texts. */
static cli_exit find_similarity(const cli_command *command, const cli_model_options *pictures, const vit_model *texts,
                                vit_similarity *similarity)
{
    cli_model opened = {0};
    cli_model_options options = *pictures;
    vit_error err = {0};
    options.tower = VIT_TOWER_IMAGE;
    options.once = true;
    cli_exit status = texts ? CLI_DONE : cli_model_open(&options, &opened);
    const vit_model *model = texts ? texts : opened.model;
    if (status == CLI_DONE && vit_model_similarity(model, similarity, &err) != VIT_OK)
        status = cli_usage_error(command, "model %s: %s", err.where, err.message);
    cli_model_close(&opened);
    return status;
}

static cli_exit encode_labels(const cli_command *command, const cli_model_options *pictures, cli_job *job, size_t each,
                              cli_zero_shot *z)
{
    gathering *g = job->context;
    vit_similarity similarity;
    vit_error err = {0};
    cli_exit status = cli_job_open(command, job);
    if (status != CLI_DONE)
        return status;
    status = find_similarity(command, pictures, z->model ? NULL : job->model.model, &similarity);
    if (status != CLI_DONE)
        return status;
    g->width = vit_output_size(job->model.model, VIT_OUTPUT_EMBEDDING, 0);
    status = cli_job_start(job);
    if (status == CLI_DONE && cli_job_run(job) != CLI_DONE)
        status = CLI_USAGE; /* a label that cannot be read, which was said */
    if (status == CLI_DONE)
        status = name_classes(command, z, g->n / each);
    if (status != CLI_DONE)
        return status;
    if (vit_labels_from_vectors(&similarity, g->vectors, z->n, each, g->width, &z->classes, &err) != VIT_OK)
        cli_out_of_memory(); /* nothing else can be wrong with them */
    return CLI_DONE;
}

cli_exit cli_zero_shot_open(const cli_command *command, const cli_model_options *options, cli_zero_shot *z)
{
    gathering g = {0};
    prompts p = {0};
    cli_job job = {.options = *options,
                   .progress = CLI_PROGRESS_NEVER,
                   .deliver = gather,
                   .flush = nothing_to_flush,
                   .context = &g};
    if (z->model)
        job.options.model = z->model;
    cli_exit status = choose_texts(command, z, &p, &job.inputs);
    if (status == CLI_DONE)
        status = encode_labels(command, options, &job, p.each, z);
    cli_job_close(&job);
    free(g.vectors);
    free_prompts(&p);
    return status;
}
