/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of the public enums, as the command's options have them. */
#include <stdlib.h>
#include <string.h>

#include "vit/vit.h"

#define NAME_OF(names, value) ((size_t)(value) < sizeof(names) / sizeof *(names) ? (names)[value] : NULL)

const char *vit_precision_name(vit_precision precision)
{
    static const char *const names[] = {[VIT_PRECISION_AUTO] = "auto",
                                        [VIT_PRECISION_F32] = "f32",
                                        [VIT_PRECISION_BF16] = "bf16",
                                        [VIT_PRECISION_INT8] = "int8"};
    return NAME_OF(names, precision);
}

const char *vit_resampler_name(vit_resampler resampler)
{
    static const char *const names[] = {[VIT_RESAMPLER_PILLOW] = "pillow",
                                        [VIT_RESAMPLER_PILLOW13] = "pillow13",
                                        [VIT_RESAMPLER_TORCHVISION] = "torchvision"};
    return NAME_OF(names, resampler);
}

static const char *const output_names[] = {
    [VIT_OUTPUT_EMBEDDING] = "embedding", [VIT_OUTPUT_CLASS] = "cls",
    [VIT_OUTPUT_MEAN] = "mean",           [VIT_OUTPUT_TOKENS] = "tokens",
    [VIT_OUTPUT_HIDDEN] = "hidden",       [VIT_OUTPUT_POOLER] = "pooler",
    [VIT_OUTPUT_LOGITS] = "logits",       [VIT_OUTPUT_PROBABILITIES] = "probs",
    [VIT_OUTPUT_LATENT] = "latent",       [VIT_OUTPUT_LATENT_LOG_VARIANCE] = "latent-log-variance",
    [VIT_OUTPUT_ATTENTION] = "attention", [VIT_OUTPUT_CLASS_MEAN] = "cls+mean"};
#define OUTPUTS (sizeof output_names / sizeof *output_names)

const char *vit_output_name(vit_output output)
{
    return NAME_OF(output_names, output);
}

/* Outputs of a block are named with its number: hidden:11. */
static int of_a_block(size_t output)
{
    return output == VIT_OUTPUT_HIDDEN || output == VIT_OUTPUT_ATTENTION;
}

/* ":11", at most six digits. */
static int parse_layer(const char *text, size_t *layer)
{
    size_t digits = *text == ':' ? strspn(text + 1, "0123456789") : 0;
    if (digits == 0 || digits > 6 || text[1 + digits])
        return 0;
    *layer = strtoul(text + 1, NULL, 10);
    return 1;
}

int vit_output_parse(const char *name, vit_output *output, size_t *layer)
{
    size_t number = 0;
    for (size_t i = 0; name && output && layer && i < OUTPUTS; i++) {
        size_t length = strlen(output_names[i]);
        if (strncmp(name, output_names[i], length) != 0 ||
            !(of_a_block(i) ? parse_layer(name + length, &number) : name[length] == '\0'))
            continue;
        *output = (vit_output)i;
        *layer = number;
        return 1;
    }
    return 0;
}
