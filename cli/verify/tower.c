/* SPDX-License-Identifier: BSD-2-Clause */
#include "tower.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "talk.h"
#include "text.h"
#include "vit/pipeline.h"

void cli_tower_free(cli_tower *tower)
{
    for (size_t i = 0; i < tower->n; i++) {
        free(tower->all[i].values);
        free(tower->all[i].log_variances);
        free(tower->all[i].want);
    }
    for (size_t i = 0; i < CLI_RESAMPLERS; i++)
        free(tower->embeddings[i]);
    free(tower->all);
    free(tower->pixels);
    free(tower->ids);
    free(tower->mask);
    cli_model_close(&tower->model);
    *tower = (cli_tower){.kind = tower->kind};
}

/* The index-th tensor of the file that this tower gives, from *index on. */
static bool next_tensor(const vit_tensor_file *file, vit_tower kind, size_t *index, cli_wanted *wanted)
{
    *wanted = (cli_wanted){0};
    while (vit_tensor_file_get(file, (*index)++, &wanted->tensor))
        if (cli_expected_of(file, wanted->tensor.name, &wanted->expected) && wanted->expected.tower == kind)
            return true;
    return false;
}

size_t cli_tower_most(const vit_tensor_file *file, vit_tower kind)
{
    cli_wanted wanted;
    size_t most = 0;
    for (size_t i = 0; next_tensor(file, kind, &i, &wanted);) {
        size_t items = wanted.tensor.rank > 1 ? wanted.tensor.shape[0] : 1;
        most = items > most ? items : most;
    }
    return most;
}

void cli_tower_leave_out(cli_comparison *comparison, vit_tower kind, const char *reason)
{
    cli_wanted wanted;
    for (size_t i = 0; next_tensor(comparison->file, kind, &i, &wanted);)
        cli_comparison_leave_out(comparison, wanted.tensor.name, reason);
}

/* ------------------------------------------------------------------ which tensors ---- */

static void add_wanted(cli_tower *t, cli_wanted wanted)
{
    wanted.values = cli_allocate(t->items, wanted.size * sizeof *wanted.values);
    if (wanted.expected.sampled)
        wanted.log_variances = cli_allocate(t->items, wanted.size * sizeof *wanted.log_variances);
    t->all = cli_reallocate(t->all, t->n + 1, sizeof *t->all);
    t->all[t->n++] = wanted;
}

/* What a tensor holds of the pictures: the first of them, and no more than there are. false: it was
 * left out, or is wrong. */
static bool measure(cli_comparison *c, const cli_tower *t, cli_wanted *w)
{
    const char *name = w->tensor.name;
    char reason[160] = "";
    vit_error err = {0};
    size_t n = 0;
    w->items = w->tensor.elements / w->size;
    if (w->items > t->items) {
        cli_comparison_lack(c, name, w->items, t->items);
        return false;
    }
    if (w->items == 0 || w->tensor.elements % w->size != 0)
        snprintf(reason, sizeof reason, "%zu numbers of a picture here, %zu there", w->size, w->tensor.elements);
    else
        w->want = cli_comparison_floats(c, name, &n, &err);
    if (!w->want)
        cli_comparison_fail(c, name, *reason ? reason : err.message);
    return w->want != NULL;
}

/* The tensors that this tower gives. One of an output that the model lacks is wrong. */
static void list_wanted(cli_comparison *c, cli_tower *t, bool of_pictures)
{
    cli_wanted wanted;
    for (size_t i = 0; next_tensor(c->file, t->kind, &i, &wanted);) {
        size_t shape[2];
        vit_error err = {0};
        if (vit_output_shape(t->model.model, wanted.expected.output, wanted.expected.layer, shape, &err) != VIT_OK) {
            cli_comparison_fail(c, wanted.tensor.name, err.message);
            continue;
        }
        bool by_token = wanted.expected.output == VIT_OUTPUT_TOKENS || wanted.expected.output == VIT_OUTPUT_HIDDEN;
        if (t->kind == VIT_TOWER_TEXT && by_token) /* as many as the texts have, not as many as the model takes */
            shape[0] = shape[0] - vit_model_context(t->model.model) + t->length;
        wanted.size = shape[0] * shape[1];
        wanted.rows = shape[0];
        wanted.items = t->items;
        if (!of_pictures || measure(c, t, &wanted))
            add_wanted(t, wanted);
    }
}

/* ------------------------------------------------------------------ a pass ---- */

/* All outputs of one pass over pixels or ids, as the tensors hold them;
 * embeddings[items][width]. */
static vit_status encode(cli_tower *t, const float *pixels, float *embeddings, vit_error *err)
{
    vit_request *requests = cli_allocate(2 * t->n + 1, sizeof *requests);
    size_t n = 0;
    requests[n++] = (vit_request){VIT_OUTPUT_EMBEDDING, 0, embeddings};
    for (size_t i = 0; i < t->n; i++) {
        requests[n++] = (vit_request){t->all[i].expected.output, t->all[i].expected.layer, t->all[i].values};
        if (t->all[i].log_variances)
            requests[n++] = (vit_request){VIT_OUTPUT_LATENT_LOG_VARIANCE, 0, t->all[i].log_variances};
    }
    vit_status status = t->kind == VIT_TOWER_TEXT
                            ? vit_encode_text_requests(t->model.session, t->ids, t->items, t->length, requests, n, err)
                            : vit_encode_requests(t->model.session, pixels, t->items, requests, n, err);
    free(requests);
    for (size_t i = 0; status == VIT_OK && i < t->n; i++) {
        cli_wanted *w = &t->all[i];
        for (size_t j = 0; j < t->items; j++) {
            if (w->expected.sampled)
                vit_latent_draw(w->expected.seed, j, w->log_variances + j * w->size, w->size, w->values + j * w->size);
            if (w->expected.normalised)
                vit_to_unit_length(w->values + j * w->size, w->size);
        }
    }
    return status;
}

static float *add_embeddings(cli_tower *t, size_t way)
{
    t->width = vit_output_size(t->model.model, VIT_OUTPUT_EMBEDDING, 0);
    return t->embeddings[way] = cli_allocate(t->items, t->width * sizeof *t->embeddings[way]);
}

static cli_exit encode_error(const cli_tower *t, const vit_error *err)
{
    cli_error("model %s: %s: %s", t->model.name, vit_status_name(err->status), err->message);
    return CLI_INPUTS_FAILED;
}

/* What a library leaves at the padding of texts means nothing: it is taken for right. */
static void take_padding(const cli_comparison *comparison, const cli_tower *t, const cli_wanted *w)
{
    vit_error err = {0};
    size_t n = 0, width = w->size / w->rows;
    if (!t->mask || w->rows != t->length)
        return;
    float *want = cli_comparison_floats(comparison, w->tensor.name, &n, &err);
    for (size_t i = 0; want && n == w->items * w->size && i < w->items * w->rows; i++)
        if (!t->mask[i])
            memcpy(w->values + i * width, want + i * width, width * sizeof *want);
    free(want);
}

cli_exit cli_tower_run(cli_comparison *comparison, const cli_model_options *options, cli_tower *tower)
{
    vit_error err = {0};
    cli_exit status = cli_model_start(options, 1, &tower->model);
    if (status != CLI_DONE)
        return status;
    list_wanted(comparison, tower, false);
    if (encode(tower, tower->pixels, add_embeddings(tower, 0), &err) != VIT_OK)
        return encode_error(tower, &err);
    for (size_t i = 0; i < tower->n; i++) {
        const cli_wanted *w = &tower->all[i];
        take_padding(comparison, tower, w);
        cli_comparison_values(comparison, w->tensor.name, w->values, w->items * w->size);
    }
    return CLI_DONE;
}

/* ------------------------------------------------------------------ pictures ---- */

/* The pixels that each resampler makes of the pictures; two that make the same share one array. */
typedef struct choices {
    float *pixels[CLI_RESAMPLERS];
    size_t same_as[CLI_RESAMPLERS]; /* the first resampler that makes these pixels: itself, or one
                                       before it */
} choices;

static vit_status make_ways(const cli_tower *t, const cli_pictures *pictures, choices *ways, vit_error *err)
{
    size_t size = vit_model_pixels_size(t->model.model) * sizeof(float);
    cli_size edges = {.height = vit_model_image_height(t->model.model), .width = vit_model_image_width(t->model.model)};
    vit_status status = VIT_OK;
    for (size_t i = 0; i < CLI_RESAMPLERS && status == VIT_OK; i++) {
        ways->pixels[i] = cli_allocate(t->items, size);
        ways->same_as[i] = i;
        status = cli_pictures_pixels(pictures, (vit_resampler)i, edges, t->items, ways->pixels[i], err);
        for (size_t j = i; j-- > 0;)
            if (status == VIT_OK && memcmp(ways->pixels[i], ways->pixels[j], t->items * size) == 0)
                ways->same_as[i] = ways->same_as[j];
    }
    return status;
}

static vit_status run_way(cli_tower *t, const choices *ways, size_t way, vit_error *err)
{
    size_t same = ways->same_as[way];
    vit_status status = VIT_OK;
    float *embeddings = add_embeddings(t, way);
    if (same == way)
        status = encode(t, ways->pixels[way], embeddings, err);
    else
        memcpy(embeddings, t->embeddings[same], t->items * t->width * sizeof *embeddings);
    for (size_t i = 0; i < t->n; i++) {
        cli_wanted *w = &t->all[i];
        w->candidates.tried[way] = true;
        w->candidates.by[way] = same == way ? cli_deviation_of(w->values, w->want, w->items * w->size)
                                            : w->candidates.by[same];
    }
    return status;
}

/* The resampler with which most tensors are as expected, and of those the one whose errors are
 * least. */
static int likeliest(const cli_tower *t, double tolerance)
{
    int best = CLI_ANY_RESAMPLER;
    size_t most = 0;
    double least = 0;
    for (size_t k = 0; k < CLI_RESAMPLERS && t->n > 0; k++) {
        int way = cli_resampler_order[k];
        size_t right = 0;
        double sum = 0;
        for (size_t i = 0; i < t->n; i++) {
            double error = t->all[i].candidates.by[way].error;
            right += error <= tolerance;
            sum += isfinite(error) ? error : HUGE_VAL;
        }
        if (best != CLI_ANY_RESAMPLER && (right < most || (right == most && sum >= least)))
            continue;
        best = way;
        most = right;
        least = sum;
    }
    return best;
}

static cli_exit compare_ways(cli_comparison *c, cli_tower *t, const choices *ways, int asked)
{
    vit_error err = {0};
    for (size_t way = 0; way < CLI_RESAMPLERS; way++)
        if (run_way(t, ways, way, &err) != VIT_OK)
            return encode_error(t, &err);
    t->made_with = likeliest(t, c->tolerance);
    for (size_t i = 0; i < t->n; i++)
        cli_comparison_candidates(c, t->all[i].tensor.name, &t->all[i].candidates, asked, t->made_with, c->tolerance);
    return CLI_DONE;
}

cli_exit cli_tower_run_pictures(cli_comparison *comparison, const cli_model_options *options, cli_tower *tower,
                                const cli_pictures *pictures, int asked)
{
    choices ways = {0};
    vit_error err = {0};
    cli_exit status = cli_model_start(options, 1, &tower->model);
    if (status != CLI_DONE)
        return status;
    tower->items = pictures->n;
    if (make_ways(tower, pictures, &ways, &err) == VIT_OK) {
        list_wanted(comparison, tower, true);
        status = compare_ways(comparison, tower, &ways, asked);
    } else {
        cli_tower_leave_out(comparison, tower->kind, err.message);
    }
    for (size_t i = 0; i < CLI_RESAMPLERS; i++)
        free(ways.pixels[i]);
    return status;
}
