/* SPDX-License-Identifier: BSD-2-Clause */
#include "comparison.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_write.h"
#include "output_file.h"
#include "picture.h"
#include "text.h"
#include "visible.h"

float *cli_comparison_floats(const cli_comparison *comparison, const char *name, size_t *n, vit_error *err)
{
    vit_tensor tensor;
    *n = 0;
    if (!vit_tensor_file_find(comparison->file, name, &tensor))
        return NULL;
    float *values = cli_allocate(tensor.elements, sizeof *values);
    if (vit_tensor_file_floats(comparison->file, name, values, err) != VIT_OK) {
        free(values);
        return NULL;
    }
    *n = tensor.elements;
    return values;
}

/* ------------------------------------------------------------------ lines ---- */

static void add_start(const cli_comparison *c, const char *name, cli_text *line)
{
    cli_text_string(line, "{\"file\":");
    cli_json_string(line, c->file_name);
    cli_text_string(line, ",\"tensor\":");
    cli_json_string(line, name);
}

/* The end of a line for people, which names the file where it is not the usual one. */
static void add_file(const cli_comparison *c, cli_text *line)
{
    const char *slash = strrchr(c->file_name, '/'), *name = slash ? slash + 1 : c->file_name;
    if (strcmp(name, "expected.safetensors") != 0) {
        cli_text_string(line, "  (");
        cli_text_visible(line, name);
        cli_text_string(line, ")");
    }
    cli_text_string(line, "\n");
}

/* Names of tensors are a file's: they are shown, not obeyed. */
static void add_verdict(cli_text *line, const char *word, const char *tensor)
{
    cli_text name = {0};
    cli_text_visible(&name, tensor);
    cli_text_format(line, "%-5s %-26s ", word, name.data ? name.data : "");
    cli_text_free(&name);
}

static void print_line(cli_text *line)
{
    if (cli_print(line) != CLI_DONE)
        exit(CLI_OUTPUT);
    cli_text_free(line);
}

static void print_reason(const cli_comparison *c, const char *name, const char *reason, bool wrong)
{
    cli_text line = {0};
    if (c->json) {
        add_start(c, name, &line);
        cli_text_format(&line, ",\"ok\":%s,\"reason\":", wrong ? "false" : "null");
        cli_json_string(&line, reason);
        cli_text_string(&line, "}\n");
    } else {
        add_verdict(&line, wrong ? "WRONG" : "-", name);
        cli_text_visible(&line, reason);
        add_file(c, &line);
    }
    print_line(&line);
}

void cli_comparison_leave_out(cli_comparison *comparison, const char *name, const char *reason)
{
    comparison->left_out++;
    print_reason(comparison, name, reason, false);
}

void cli_comparison_lack(cli_comparison *comparison, const char *name, size_t wanted, size_t there)
{
    char reason[160];
    snprintf(reason, sizeof reason, "not compared: it is of %zu pictures, and there are %zu; --image names them",
             wanted, there);
    cli_comparison_leave_out(comparison, name, reason);
}

void cli_comparison_fail(cli_comparison *comparison, const char *name, const char *reason)
{
    comparison->wrong++;
    print_reason(comparison, name, reason, true);
}

static void add_json_number(cli_text *line, const char *key, double value)
{
    cli_text_format(line, isfinite(value) ? ",\"%s\":%.9g" : ",\"%s\":null", key, value);
}

/* resampler: the one that made the pixels, or NULL where they are the file's. */
static void print_deviation(cli_comparison *c, const char *name, const char *resampler, cli_deviation deviation,
                            double tolerance)
{
    bool right = deviation.error <= tolerance;
    cli_text line = {0};
    c->compared++;
    c->wrong += !right;
    if (c->json) {
        add_start(c, name, &line);
        cli_text_format(&line, ",\"ok\":%s", right ? "true" : "false");
        add_json_number(&line, "max_error", deviation.error);
        add_json_number(&line, "cosine", deviation.cosine);
        add_json_number(&line, "tolerance", tolerance);
        if (resampler)
            cli_text_format(&line, ",\"resampler\":\"%s\"", resampler);
        cli_text_string(&line, "}\n");
    } else {
        add_verdict(&line, right ? "ok" : "WRONG", name);
        cli_text_format(&line, "max error %.2e  cosine %.9f%s%s", deviation.error, deviation.cosine,
                        resampler ? "  " : "", resampler ? resampler : "");
        add_file(c, &line);
    }
    print_line(&line);
}

/* ------------------------------------------------------------------ comparing ---- */

void cli_comparison_values(cli_comparison *comparison, const char *name, const float *got, size_t n)
{
    size_t n_want;
    vit_error err = {0};
    float *want = cli_comparison_floats(comparison, name, &n_want, &err);
    char sizes[96];
    snprintf(sizes, sizeof sizes, "%zu numbers here, %zu there", n, n_want);
    if (!want || n != n_want)
        cli_comparison_fail(comparison, name, want ? sizes : err.message);
    else
        print_deviation(comparison, name, NULL, cli_deviation_of(got, want, n), comparison->tolerance);
    free(want);
}

const int cli_resampler_order[CLI_RESAMPLERS] = {VIT_RESAMPLER_PILLOW13, VIT_RESAMPLER_PILLOW,
                                                 VIT_RESAMPLER_TORCHVISION};

/* Whether some resampler's deviation is within the tolerance; *best is the one with the least. */
static bool fits(const cli_candidates *candidates, double tolerance, int *best)
{
    *best = CLI_ANY_RESAMPLER;
    for (size_t i = 0; i < CLI_RESAMPLERS; i++) {
        int way = cli_resampler_order[i];
        if (!candidates->tried[way])
            continue;
        if (*best == CLI_ANY_RESAMPLER || candidates->by[way].error < candidates->by[*best].error ||
            isnan(candidates->by[*best].error))
            *best = way;
    }
    return *best != CLI_ANY_RESAMPLER && candidates->by[*best].error <= tolerance;
}

void cli_comparison_candidates(cli_comparison *comparison, const char *name, const cli_candidates *candidates,
                               int asked, int made_with, double tolerance)
{
    int best;
    bool explained = fits(candidates, tolerance, &best);
    int way = asked != CLI_ANY_RESAMPLER ? asked : made_with != CLI_ANY_RESAMPLER ? made_with : best;
    cli_deviation deviation = candidates->by[way];
    if (asked == CLI_ANY_RESAMPLER || deviation.error <= tolerance || !explained) {
        print_deviation(comparison, name, vit_resampler_name((vit_resampler)way), deviation, tolerance);
        return;
    }
    char reason[192];
    snprintf(reason, sizeof reason, "not compared: it was made with %s; with --resampler %s the max error is %.2e",
             vit_resampler_name((vit_resampler)best), vit_resampler_name((vit_resampler)asked), deviation.error);
    cli_comparison_leave_out(comparison, name, reason);
}
