/* SPDX-License-Identifier: BSD-2-Clause */
/* What `vit fit` leaves: the report on standard output and in files, predictions, and the classifier. */
#include <stdlib.h>
#include <string.h>

#include "fitting.h"
#include "head_file.h"
#include "json_read.h"
#include "json_write.h"
#include "memory.h"
#include "report_page.h"
#include "talk.h"

static bool write_text(const char *path, const cli_text *text)
{
    cli_file file;
    if (!cli_file_open(&file, path))
        return false;
    if (cli_file_write(&file, text->data, text->size))
        return cli_file_commit(&file);
    cli_file_discard(&file);
    return false;
}

static bool write_predictions(const cli_fitting *f)
{
    cli_text text = {0};
    cli_text_string(&text, "path,label,predicted,score,split\n");
    for (size_t i = 0; i < f->items.n; i++) {
        if (!f->usable[i])
            continue;
        const vit_fit_judgement *j = cli_fitting_is_test(f, i)   ? &f->tested[i]
                                     : cli_fitting_is_held(f, i) ? &f->held[i]
                                                                 : &f->fitted[i];
        cli_text_csv(&text, f->items.items[i].path);
        cli_text_string(&text, ",");
        cli_text_csv(&text, f->items.labels.texts[f->classes[i]]);
        cli_text_string(&text, ",");
        cli_text_csv(&text, f->items.labels.texts[j->predicted]);
        cli_text_string(&text, ",");
        cli_json_float(&text, j->score);
        cli_text_format(&text, ",%s\n",
                        cli_side_names[cli_fitting_is_test(f, i)   ? CLI_SIDE_TEST
                                       : cli_fitting_is_held(f, i) ? CLI_SIDE_VALIDATION
                                                                   : CLI_SIDE_TRAIN]);
    }
    bool written = write_text(f->predictions_path, &text);
    cli_text_free(&text);
    return written;
}

cli_exit cli_fitting_report(cli_fitting *f)
{
    cli_text text = {0};
    cli_file out;
    if (!cli_file_open(&out, "-"))
        return CLI_OUTPUT;
    if (f->method == CLI_METHOD_KNN)
        cli_neighbours_text(&f->neighbours, &f->report, &out, &text);
    else
        cli_report_text(&f->report, &out, &text);
    bool written = cli_file_write(&out, text.data, text.size) && cli_file_commit(&out);
    cli_text_clear(&text);
    if (written && f->report_path) {
        if (f->method == CLI_METHOD_KNN)
            cli_neighbours_json(&f->neighbours, &f->report, &text);
        else
            cli_report_json(&f->report, &text);
        written = write_text(f->report_path, &text);
    }
    cli_text_free(&text);
    written = written && (!f->page_path || cli_report_page(&f->report, f->page_path));
    written = written && (!f->predictions_path || write_predictions(f));
    return written ? CLI_DONE : CLI_OUTPUT;
}

static int write_bytes(void *context, const void *bytes, size_t size)
{
    cli_fitting *f = context;
    return cli_file_write(&f->file, bytes, size) ? 0 : -1;
}

/* What metadata of vectors says, where the vectors were made elsewhere. */
static void read_metadata(cli_fitting *f, cli_head_file *head, vit__json **json)
{
    *json = f->features.metadata ? cli_json_parse(f->features.metadata, strlen(f->features.metadata)) : NULL;
    const char *output = vit__json_string(vit__json_get(*json, "output"));
    vit_output which;
    size_t layer;
    head->base = vit__json_string(vit__json_get(*json, "model"));
    head->base_digest = vit__json_string(vit__json_get(*json, "model_digest"));
    head->preprocessing_digest = vit__json_string(vit__json_get(*json, "preprocessing_digest"));
    if (output && vit_output_parse(output, &which, &layer))
        f->output.output = which;
    f->normalize = cli_json_is_true(vit__json_get(*json, "normalize"));
}

/* The model that is written is opened by its name a second time, in the precision of the file. */
static vit_status check_same(const cli_fitting *f, const vit_model *model, vit_error *err)
{
    char digest[65];
    vit_status status = vit_model_digest(model, digest, err);
    if (status != VIT_OK || strcmp(digest, f->base_digest) == 0)
        return status;
    return vit_error_set(
        err, VIT_ERR_MODEL_MISMATCH, f->job.model.name,
        "the model was replaced while pictures were encoded, and the classifier does not fit the new one: "
        "run vit fit again");
}

static vit_status pack(cli_fitting *f, const vit_head *head, vit_error *err)
{
    const vit_sink sink = {write_bytes, f};
    const vit_model_options options = {.precision = f->packed, .preprocessor = f->job.options.preprocessor};
    vit_model *model = NULL;
    if (vit_model_precision(f->job.model.model) == f->packed)
        return vit_model_pack_head(f->job.model.model, head, &sink, err);
    vit_status status = vit_model_open(f->job.model.name, &options, &model, err);
    if (status == VIT_OK)
        status = check_same(f, model, err);
    if (status == VIT_OK)
        status = vit_model_pack_head(model, head, &sink, err);
    vit_model_free(model);
    return status;
}

static float *to_floats(const double *values, size_t n)
{
    float *floats = cli_allocate(n, sizeof *floats);
    for (size_t i = 0; i < n; i++)
        floats[i] = (float)values[i];
    return floats;
}

static void describe(const cli_fitting *f, const cli_head_file *head, cli_text *text)
{
    cli_text_string(text, "{");
    cli_report_members(&f->report, text);
    cli_text_string(text, ",\"base_digest\":");
    cli_json_string(text, head->base_digest);
    cli_text_string(text, ",\"preprocessing_digest\":");
    cli_json_string(text, head->preprocessing_digest);
    cli_text_string(text, ",\"inputs_digest\":");
    cli_json_string(text, f->inputs_digest);
    cli_text_string(text, "}");
}

cli_transformers_wish cli_fitting_wish(const cli_fitting *f)
{
    return (cli_transformers_wish){.folder = f->path,
                                   .model = f->job.model.model,
                                   .name = f->job.model.name,
                                   .output = f->output.output,
                                   .normalize = f->normalize};
}

/* One file: the layer alone, or the model with it. */
static cli_exit write_one_file(cli_fitting *f, const cli_head_file *file, const vit_head *head)
{
    vit_error err = {0};
    if (!cli_file_open(&f->file, f->path))
        return CLI_OUTPUT;
    if (f->head_only)
        return cli_head_write(file, &f->file) && cli_file_commit(&f->file) ? CLI_DONE : CLI_OUTPUT;
    if (pack(f, head, &err) != VIT_OK)
        return err.status == VIT_ERR_UNWRITABLE ? CLI_OUTPUT : cli_fitting_error(&err);
    return cli_file_commit(&f->file) ? CLI_DONE : CLI_OUTPUT;
}

cli_exit cli_fitting_write(const cli_command *command, cli_fitting *f)
{
    const vit_fit_layer *layer = &f->report.layer;
    cli_head_file file = {.width = layer->width,
                          .base = f->job.model.name,
                          .base_digest = f->base_digest,
                          .preprocessing_digest = *f->preprocessing_digest ? f->preprocessing_digest : NULL};
    vit__json *metadata = NULL;
    cli_text about = {0};
    if (f->vectors)
        read_metadata(f, &file, &metadata);
    describe(f, &file, &about);
    float *weight = to_floats(layer->weight, layer->n_classes * layer->width),
          *bias = to_floats(layer->bias, layer->n_classes);
    const vit_head head = {.weight = weight,
                           .bias = bias,
                           .labels = (const char *const *)f->items.labels.texts,
                           .classes = layer->n_classes,
                           .output = f->output.output,
                           .normalize = f->normalize,
                           .fit = about.data};
    file.head = &head;
    const cli_transformers_wish wish = cli_fitting_wish(f);
    cli_exit status = f->format == CLI_RESULT_TRANSFORMERS ? cli_transformers_write(command, &wish, &head)
                                                           : write_one_file(f, &file, &head);
    if (status == CLI_DONE)
        cli_note("%s: a classifier of %zu classes", f->path, layer->n_classes);
    free(weight);
    free(bias);
    cli_text_free(&about);
    vit__json_free(metadata);
    return status;
}
