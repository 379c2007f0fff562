/* SPDX-License-Identifier: BSD-2-Clause */
#include "expected.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static const struct {
    const char *name;
    cli_expected expected;
} rows[] = {
    {"last_hidden_state", {VIT_TOWER_IMAGE, .output = VIT_OUTPUT_TOKENS}},
    {"pooler_output", {VIT_TOWER_IMAGE, .output = VIT_OUTPUT_POOLER}},
    {"pooled", {VIT_TOWER_IMAGE, .output = VIT_OUTPUT_EMBEDDING}},
    {"logits", {VIT_TOWER_IMAGE, .output = VIT_OUTPUT_LOGITS}},
    {"image_features", {VIT_TOWER_IMAGE, .output = VIT_OUTPUT_EMBEDDING}},
    {"image_embeds", {VIT_TOWER_IMAGE, .output = VIT_OUTPUT_EMBEDDING, .normalised = true}},
    {"z_mean", {VIT_TOWER_IMAGE, .output = VIT_OUTPUT_LATENT}},
    {"z_log_var", {VIT_TOWER_IMAGE, .output = VIT_OUTPUT_LATENT_LOG_VARIANCE}},
    {"text_features", {VIT_TOWER_TEXT, .output = VIT_OUTPUT_EMBEDDING}},
    {"text_embeds", {VIT_TOWER_TEXT, .output = VIT_OUTPUT_EMBEDDING, .normalised = true}},
    {"text_last_hidden_state", {VIT_TOWER_TEXT, .output = VIT_OUTPUT_TOKENS}},
    {"text_pooler_output", {VIT_TOWER_TEXT, .output = VIT_OUTPUT_POOLER}},
    {"text_cls", {VIT_TOWER_TEXT, .output = VIT_OUTPUT_CLASS}},
    {"text_mean", {VIT_TOWER_TEXT, .output = VIT_OUTPUT_MEAN}},
};

/* Names with a number behind them. */
static const struct {
    const char *name;
    vit_tower tower;
    vit_output output;
    bool sampled;
} numbered[] = {
    {"hidden_states.", VIT_TOWER_IMAGE, VIT_OUTPUT_HIDDEN, false},
    {"attentions.", VIT_TOWER_IMAGE, VIT_OUTPUT_ATTENTION, false},
    {"z_sample.", VIT_TOWER_IMAGE, VIT_OUTPUT_LATENT, true},
    {"text_hidden_states.", VIT_TOWER_TEXT, VIT_OUTPUT_HIDDEN, false},
};

static bool number_behind(const char *name, const char *start, uint64_t *number)
{
    size_t length = strlen(start);
    if (strncmp(name, start, length) != 0)
        return false;
    const char *digits = name + length;
    size_t n = strspn(digits, "0123456789");
    *number = strtoull(digits, NULL, 10);
    return n > 0 && n <= 18 && !digits[n];
}

/* Whether each row of [N,E] has length 1, as an embedding has that its library has normalised. */
static bool has_unit_rows(const vit_tensor_file *file, const char *name)
{
    vit_tensor tensor;
    if (!vit_tensor_file_find(file, name, &tensor) || tensor.rank != 2 || tensor.elements == 0)
        return false;
    float *values = cli_allocate(tensor.elements, sizeof *values);
    bool unit = vit_tensor_file_floats(file, name, values, NULL) == VIT_OK;
    for (size_t i = 0; i < tensor.shape[0] && unit; i++) {
        double sum = 0;
        for (size_t j = 0; j < tensor.shape[1]; j++)
            sum += (double)values[i * tensor.shape[1] + j] * (double)values[i * tensor.shape[1] + j];
        unit = fabs(sum - 1) < 1e-4;
    }
    free(values);
    return unit;
}

bool cli_expected_of(const vit_tensor_file *file, const char *name, cli_expected *expected)
{
    vit_tensor features;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(name, rows[i].name) == 0) {
            *expected = rows[i].expected;
            /* CLIPVisionModelWithProjection calls what it has not
             * normalised image_embeds, and has no image_features. */
            if (strcmp(name, "image_embeds") == 0)
                expected->normalised = vit_tensor_file_find(file, "image_features", &features) ||
                                       has_unit_rows(file, name);
            return true;
        }
    for (size_t i = 0; i < sizeof numbered / sizeof *numbered; i++) {
        uint64_t number;
        if (!number_behind(name, numbered[i].name, &number))
            continue;
        *expected = (cli_expected){
            .tower = numbered[i].tower, .output = numbered[i].output, .sampled = numbered[i].sampled};
        if (expected->sampled)
            expected->seed = number;
        else
            expected->layer = (size_t)number;
        return true;
    }
    return false;
}

cli_deviation cli_deviation_of(const float *got, const float *want, size_t n)
{
    double difference = 0, most = 0, both = 0, ours = 0, theirs = 0;
    for (size_t i = 0; i < n; i++) {
        double a = (double)got[i], b = (double)want[i];
        if (!(fabs(a - b) <= difference)) /* NaN stays */
            difference = isnan(difference) ? difference : fabs(a - b);
        most = fmax(most, fabs(b));
        both += a * b;
        ours += a * a;
        theirs += b * b;
    }
    double lengths = sqrt(ours) * sqrt(theirs);
    return (cli_deviation){most > 0 ? difference / most : difference, lengths > 0 ? both / lengths : 1};
}
