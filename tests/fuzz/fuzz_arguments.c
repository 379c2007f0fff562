/* SPDX-License-Identifier: BSD-2-Clause */
/* Any lines as the words of a command line, for the options that the commands share. */
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "fuzz.h"
#include "job.h"
#include "knn.h"
#include "place.h"
#include "zero_shot.h"

#define WORDS_MOST 64

typedef struct targets {
    cli_inputs inputs;
    cli_model_options model;
    cli_picture_options picture;
    cli_job job;
    cli_place place;
    vit_index_filter filter;
    cli_knn knn;
    cli_zero_shot labels;
} targets;

static const cli_command command = {.name = "fuzz", .summary = "", .usage = "", .text = "", .example = ""};

static void parse(int n, char **words)
{
    targets t = {0};
    const cli_group groups[] = {
        {"Input", cli_input_table, &t.inputs, cli_inputs_add},
        {"Model", cli_model_table, &t.model, NULL},
        {"Pictures", cli_picture_table, &t.picture, NULL},
        {"Progress", cli_progress_table, &t.job, NULL},
        {"Index", cli_place_write_table, &t.place, NULL},
        {"Which", cli_filter_table, &t.filter, NULL},
        {"Neighbours", cli_knn_table, &t.knn, NULL},
        {"Labels", cli_zero_shot_table, &t.labels, NULL},
        {0},
    };
    const int status = cli_parse(&command, groups, n, words);
    if (status != CLI_GO_ON && status != CLI_DONE && status != CLI_USAGE)
        abort();
    if (status == CLI_GO_ON && t.inputs.n > (size_t)n)
        abort();
    cli_inputs_free(&t.inputs);
    cli_filter_free(&t.filter);
    cli_zero_shot_free(&t.labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *words[WORDS_MOST + 1] = {(char *)"fuzz"}, *text = malloc(size + 1);
    int n = 1;
    if (!text)
        return 0;
    memcpy(text, bytes, size);
    text[size] = '\0';
    for (char *line = text; line && n < WORDS_MOST; n++) {
        words[n] = line;
        line = strchr(line, '\n');
        if (line)
            *line++ = '\0';
    }
    parse(n, words);
    free(text);
    return 0;
}
