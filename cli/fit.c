/* SPDX-License-Identifier: BSD-2-Clause */
/* vit fit: a last layer on frozen features. List and label, embed, split, choose C, report, fit again on all, write. */
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "command.h"
#include "fitting.h"
#include "memory.h"
#include "talk.h"

#define SHARD_SIZE 1000 /* vectors that a kill may cost */
#define LEAST_C 1e-20   /* past these the sums of a double are about the weights, or about the losses, alone */
#define MOST_C 1e20

static const char *const method_names[] = {"linear", "knn", NULL};          /* in the order of CLI_METHOD_... */
static const char *const weight_names[] = {"none", "balanced", NULL};       /* of CLI_WEIGHT_... */
static const char *const format_names[] = {"packed", "transformers", NULL}; /* of CLI_RESULT_... */
static const char *const precision_names[] = {"f32", "bf16", "int8", NULL};
static const vit_precision precisions[] = {VIT_PRECISION_F32, VIT_PRECISION_BF16, VIT_PRECISION_INT8};

/* ------------------------------------------------------------------ options ---- */

static const char *set_values(const cli_option *option, const char *value, void *field)
{
    cli_fitting *f = field;
    (void)option;
    free(f->values);
    f->values = NULL;
    f->n_values = 0;
    if (strcmp(value, "auto") == 0)
        return NULL;
    char *list = cli_duplicate(value), *rest = list;
    const char *wrong = NULL;
    for (char *word; (word = strsep(&rest, ",")) != NULL && !wrong;) {
        double number;
        if (!cli_read_number(word, &number) || number < LEAST_C || number > MOST_C)
            wrong = "auto, or numbers from 1e-20 to 1e20 with commas between them: 0.1,1,10";
        f->values = cli_reallocate(f->values, f->n_values + 1, sizeof *f->values);
        f->values[f->n_values++] = number;
    }
    free(list);
    return wrong;
}

static const char *set_share(const cli_option *option, const char *value, void *field)
{
    cli_fit_share *s = field;
    (void)option;
    s->given = true;
    return cli_read_number(value, &s->value) && s->value < 1 ? NULL : "a number from 0 to less than 1: 0.2";
}

#define FIELD(member) offsetof(cli_fitting, member)
static const cli_option result_table[] = {
    {NULL, 'o', "FILE", cli_set_text, FIELD(path), NULL, "where to write the classifier, a .safetensors file"},
    {"format", 0, "packed|transformers", cli_set_choice, FIELD(format), format_names,
     "packed (default) is one file of vit's; transformers: -o is a folder that Python's transformers opens"},
    {"head-only", 0, NULL, cli_set_flag, FIELD(head_only), NULL,
     "write the layer alone, some KB, and not the model with it"},
    {"precision", 0, "f32|bf16|int8", cli_set_choice, FIELD(precision), precision_names,
     "what the model's weights are packed in (default f32); vectors are f32 in any case"},
    {"report", 0, "FILE", cli_set_text, FIELD(report_path), NULL, "write the report as one JSON object, too"},
    {"html", 0, "FILE", cli_set_text, FIELD(page_path), NULL,
     "write the report as a page, too, with the confusions as a picture and the worst mistakes as thumbnails"},
    {"predictions", 0, "FILE", cli_set_text, FIELD(predictions_path), NULL,
     "write a CSV with path, label, predicted, score and split of each picture"},
    {0},
};

static const cli_option data_table[] = {
    {"labels", 0, "FILE", cli_set_text, FIELD(items.table), NULL,
     "a CSV with a line for each picture: its path (path, file_name, filename or image), its label, and its split if "
     "there is such a column: train, validation or test"},
    {"label-column", 0, "NAME", cli_set_text, FIELD(items.label_column), NULL, "the column of labels (default label)"},
    {"path-column", 0, "NAME", cli_set_text, FIELD(items.path_column), NULL, "the column of paths"},
    {"vectors", 0, "FILE", cli_set_text, FIELD(vectors), NULL,
     "vectors that 'vit embed -o FILE.npy' wrote; no picture is read, and the layer alone is written"},
    {"features", 0, "DIR", cli_set_text, FIELD(folder), NULL,
     "keep the vectors there: a run that was cut off goes on, and another with other options takes seconds"},
    {"output", 0, "NAME", cli_set_output, FIELD(output), cli_output_choices,
     "which vector the layer reads: embedding (default), cls, mean, cls+mean, pooler"},
    {"normalize", 0, NULL, cli_set_flag, FIELD(normalize), NULL, "divide each vector by its length first"},
    {0},
};

static const cli_option fit_table[] = {
    {"method", 0, "linear|knn", cli_set_choice, FIELD(method), method_names,
     "linear (default) fits a layer; knn fits and writes nothing, and reports how well the nearest of all other pictures "
     "classify each picture"},
    {NULL, 'k', "K[,K...]", cli_neighbours_set_k, FIELD(neighbours), NULL,
     "with knn how many of the nearest vote, a report for each (default 10,20,100,200)"},
    {NULL, 'C', "X[,X...]", set_values, 0, NULL,
     "how far the weights may go, as in scikit-learn: the best of these; auto (default) tries 1e-4 to 1e4"},
    {"class-weight", 0, "none|balanced", cli_set_choice, FIELD(weight), weight_names,
     "balanced: all classes count alike, however many pictures they have"},
    {"val", 0, "F", set_share, FIELD(held_out), NULL,
     "the share of each class that is held out to choose C and for the report (default 0.2); 0: none, and C is 1 unless "
     "it is given"},
    {"folds", 0, "K", cli_set_count, FIELD(folds), NULL, "choose C by K folds instead: each picture is held out once"},
    {"seed", 0, "S", cli_set_seed, FIELD(seed), NULL, "another split (default 0)"},
    {"shots", 0, "N", cli_set_count, FIELD(shots), NULL, "take N pictures of each class, by the seed"},
    {"no-refit", 0, NULL, cli_set_flag, FIELD(no_refit), NULL,
     "write the layer that was fitted without the pictures held out"},
    {0},
};

static void add_data(void *target, const char *value)
{
    cli_fitting *f = target;
    f->data = cli_reallocate(f->data, f->n_data + 1, sizeof *f->data);
    f->data[f->n_data++] = value;
}

static cli_exit claim_files(const cli_command *command, const cli_fitting *f)
{
    const cli_claim claims[] = {
        {.option = "-o",
         .path = f->format == CLI_RESULT_PACKED ? f->path : NULL,
         .kind = f->head_only ? CLI_KIND_HEAD : CLI_KIND_PACKED},
        {.option = "--report", .path = f->report_path, .kind = CLI_KIND_REPORT},
        {.option = "--html", .path = f->page_path, .kind = CLI_KIND_PAGE},
        {.option = "--predictions", .path = f->predictions_path, .kind = CLI_KIND_PREDICTIONS},
    };
    cli_exit status = CLI_DONE;
    for (size_t i = 0; i < sizeof claims / sizeof *claims && status == CLI_DONE; i++)
        if (claims[i].path)
            status = cli_claim_file(command, &claims[i]);
    for (size_t i = 0; i < sizeof claims / sizeof *claims && status == CLI_DONE; i++)
        if (claims[i].path)
            status = cli_file_try(claims[i].path) ? CLI_DONE : CLI_OUTPUT;
    if (status == CLI_DONE && f->folder)
        status = cli_shards_claim(command, f->folder);
    if (status == CLI_DONE && f->format == CLI_RESULT_TRANSFORMERS)
        status = cli_transformers_claim(command, f->path);
    return status;
}

typedef struct possible {
    const char *name; /* of an option; NULL: the end of a list */
    bool given;
} possible;

/* The name of the first option that was given; NULL: none was. */
static const char *first_given(const possible *options)
{
    while (options->name && !options->given)
        options++;
    return options->name;
}

/* Refuses options about a layer, since --method knn fits none. */
static cli_exit check_knn(const cli_command *command, const cli_fitting *f)
{
    const possible of_layer[] = {
        {"-o", f->path},         {"--head-only", f->head_only}, {"--precision", f->precision},
        {"--format", f->format}, {"--html", f->page_path},      {"--predictions", f->predictions_path},
        {"-C", f->n_values},     {"--class-weight", f->weight}, {"--val", f->held_out.given},
        {"--folds", f->folds},   {"--no-refit", f->no_refit},   {0}};
    const char *name = first_given(of_layer);
    return name ? cli_usage_error(command, "%s is about a layer: --method knn fits and writes none", name) : CLI_DONE;
}

/* A folder of transformers is a whole model in F32, which takes pictures as the model's own folder says. */
static cli_exit check_transformers(const cli_command *command, const cli_fitting *f)
{
    const possible others[] = {{"--head-only", f->head_only},
                               {"--vectors", f->vectors},
                               {"--precision", f->precision},
                               {"--preprocessor", f->job.options.preprocessor},
                               {"--image-size", f->job.pictures.image_size.height},
                               {0}};
    const char *name = first_given(others);
    return name ? cli_usage_error(command, "--format transformers copies the whole model in f32: leave out %s", name)
                : CLI_DONE;
}

static cli_exit check_options(const cli_command *command, cli_fitting *f)
{
    if (f->method == CLI_METHOD_KNN && check_knn(command, f) != CLI_DONE)
        return CLI_USAGE;
    if (f->method != CLI_METHOD_KNN && f->neighbours.n_k)
        return cli_usage_error(command, "-k is of --method knn");
    if (f->method != CLI_METHOD_KNN && (!f->path || strcmp(f->path, "-") == 0))
        return cli_usage_error(command, "name the classifier's file with -o FILE.safetensors");
    if (f->vectors && !f->items.table)
        return cli_usage_error(command, "--vectors needs --labels, a table of their paths and labels");
    if (!f->vectors && !f->items.table && !f->n_data)
        return cli_usage_error(command, "name a folder with a folder for each class, or a table with --labels");
    if (f->vectors && f->folder)
        return cli_usage_error(command, "--features keeps vectors that are made here: --vectors makes none");
    if (f->folds == 1 || (f->folds && f->held_out.given))
        return cli_usage_error(command,
                               f->folds == 1 ? "--folds takes 2 or more" : "--folds and --val exclude each other");
    if (f->format == CLI_RESULT_TRANSFORMERS && check_transformers(command, f) != CLI_DONE)
        return CLI_USAGE;
    f->head_only = f->head_only || f->vectors;
    f->packed = precisions[f->precision];
    if (!f->held_out.given)
        f->held_out.value = 0.2;
    cli_text seed = {0};
    cli_text_format(&seed, "%llu", (unsigned long long)(f->seed.given ? f->seed.seed : 0));
    memcpy(f->seed_text, seed.data, seed.size + 1);
    cli_text_free(&seed);
    return claim_files(command, f);
}

/* ------------------------------------------------------------------ pictures and vectors ---- */

static cli_exit embed(const cli_command *command, cli_fitting *f)
{
    cli_job *job = &f->job;
    size_t shape[2];
    for (size_t i = 0; i < f->items.n; i++)
        cli_inputs_add(&job->inputs, f->items.items[i].path);
    job->options.precision = VIT_PRECISION_AUTO;
    cli_exit status = cli_job_open(command, job);
    if (status == CLI_DONE)
        status = cli_job_shape(command, job, &f->output, shape);
    if (status != CLI_DONE)
        return status;
    if (shape[0] != 1)
        return cli_usage_error(command, "--output %s is a matrix: a layer reads one vector", f->output.text);
    const cli_transformers_wish wish = cli_fitting_wish(f);
    if (f->format == CLI_RESULT_TRANSFORMERS)
        status = cli_transformers_check(command, &wish);
    if (status != CLI_DONE)
        return status;
    f->embed = (cli_embedding){.output = f->output,
                               .normalize = f->normalize,
                               .format = CLI_FORMAT_NPY,
                               .path = f->folder,
                               .option = "--features",
                               .shard_size = SHARD_SIZE,
                               .resume = true,
                               .vectors = {.rows = 1, .columns = shape[1]}};
    job->output = f->output.output;
    job->layer = f->output.layer;
    job->normalize = f->normalize;
    vit_error err = {0};
    const vit_preprocessor *rules = vit_model_preprocessor(job->model.model);
    if (vit_model_digest(job->model.model, f->base_digest, &err) != VIT_OK ||
        (rules && vit_preprocessor_digest(rules, f->preprocessing_digest, &err) != VIT_OK)) {
        cli_library_error(&err);
        return CLI_MODEL;
    }
    return cli_features_make(command, &f->items, &f->embed, job, &f->features);
}

/* Lists the pictures of the table, or of the folders, and has their vectors. */
static cli_exit gather(const cli_command *command, cli_fitting *f)
{
    cli_exit status = CLI_DONE;
    if (f->vectors) {
        status = cli_features_open(f->vectors, &f->features);
        char **sorted = cli_allocate(f->features.n + 1, sizeof *sorted);
        memcpy(sorted, f->features.paths ? f->features.paths : sorted,
               (f->features.paths ? f->features.n : 0) * sizeof *sorted);
        if (status == CLI_DONE) {
            cli_items_sort_paths(sorted, f->features.n);
            status = cli_items_read(command, &f->items, f->data, f->n_data, sorted, f->features.n);
        }
        free(sorted);
    } else if (f->items.table) {
        status = cli_items_read(command, &f->items, f->data, f->n_data, NULL, 0);
    } else {
        status = cli_items_walk(command, &f->items, f->data, f->n_data);
    }
    if (status == CLI_DONE)
        status = cli_items_sort(command, &f->items);
    if (status != CLI_DONE)
        return status;
    if (!f->vectors)
        return embed(command, f);
    cli_features_find(&f->items, &f->features);
    return CLI_DONE;
}

/* Vectors lie in their file while layers are fitted to them. */
static cli_exit check_vectors(const cli_fitting *f)
{
    vit_error err = {0};
    if (!f->vectors || vit__mapped_file_check(&f->features.file, f->vectors, &err) == VIT_OK)
        return CLI_DONE;
    cli_library_error(&err);
    return CLI_USAGE;
}

static cli_exit fit_classifier(const cli_command *command, cli_fitting *f)
{
    cli_exit failed = CLI_DONE, status = check_options(command, f);
    if (status == CLI_DONE)
        status = gather(command, f);
    if (status == CLI_INPUTS_FAILED) {
        failed = status;
        status = CLI_DONE;
    }
    if (status == CLI_DONE)
        status = cli_fitting_deal(command, f);
    if (status == CLI_DONE)
        status = f->method == CLI_METHOD_KNN ? cli_fitting_neighbours(f) : cli_fitting_layers(f);
    if (status == CLI_DONE)
        status = check_vectors(f);
    if (status == CLI_DONE)
        status = cli_fitting_report(f);
    if (status == CLI_DONE && f->method != CLI_METHOD_KNN)
        status = cli_fitting_write(command, f);
    return status == CLI_DONE ? failed : status;
}

static void close_fit(cli_fitting *f)
{
    cli_file_discard(&f->file);
    cli_job_close(&f->job);
    cli_features_free(&f->features);
    cli_items_free(&f->items);
    cli_neighbours_free(&f->neighbours);
    vit_fit_choice_free(&f->report.choice);
    vit_fit_layer_free(&f->report.layer);
    for (size_t i = 0; i < CLI_REPORT_SIDES; i++)
        vit_fit_figures_free(&f->report.sides[i].figures);
    free(f->values);
    free(f->data);
    free(f->usable);
    free(f->classes);
    free(f->of_vector);
    free(f->fold);
    free(f->held);
    free(f->tested);
    free(f->fitted);
}

static cli_exit run(const cli_command *command, int argc, char **argv)
{
    cli_fitting f = {.output = {"embedding", VIT_OUTPUT_EMBEDDING, 0}};
    cli_option model_table[8] = {{0}};
    for (size_t i = 0, n = 0; cli_model_table[i].name && n < 7; i++) /* --precision is of the result here */
        if (strcmp(cli_model_table[i].name, "precision") != 0)
            model_table[n++] = cli_model_table[i];
    const cli_group groups[] = {
        {"Result", result_table, &f, add_data},
        {"Data", data_table, &f, NULL},
        {"Fit", fit_table, &f, NULL},
        {"Model", model_table, &f.job.options, NULL},
        {"Pictures", cli_picture_table, &f.job.pictures, NULL},
        {"Progress", cli_progress_table, &f.job, NULL},
        {0},
    };
    int parsed = cli_parse(command, groups, argc, argv);
    cli_exit status = parsed == CLI_GO_ON ? fit_classifier(command, &f) : (cli_exit)parsed;
    close_fit(&f);
    return status;
}

const cli_command cli_fit = {
    .name = "fit",
    .summary = "a classifier of your own, from pictures that are sorted by class",
    .usage = "[OPTION]... -o FILE DATA...",
    .text =
        "Fits a last layer to the vectors of labelled pictures, prints how good it is on pictures that it has not seen,\n"
        "and writes a model that 'vit classify -m FILE' takes. The layer is exactly that of scikit-learn's\n"
        "LogisticRegression. DATA is a folder with a folder for each class; or a folder with train, validation and test\n"
        "folders of such; or a folder with a table metadata.csv.\n\n"
        "With --method knn nothing is fitted and nothing is written: the report says how well the nearest of all other\n"
        "pictures classify each picture.",
    .example = "vit fit -m facebook/dinov2-small -o flowers.safetensors flowers/",
    .run = run,
};
