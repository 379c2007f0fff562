/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as a list: of paths with line feeds or zero bytes behind them, of texts, of labels. No file is meant by the
 * paths: what would lead to another folder is made a letter. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "inputs.h"
#include "talk.h"
#include "zero_shot.h"

static void check_input(const cli_input *input, cli_source_kind kind, char separator)
{
    if (input->error.status != VIT_OK) /* the list is no list, or this line is no text */
        return;
    if (input->kind != (kind == CLI_SOURCE_TEXT_LIST ? CLI_SOURCE_TEXT : CLI_SOURCE_PATH) || !input->path)
        abort();
    if ((kind == CLI_SOURCE_LIST && !*input->path) || (separator && strchr(input->path, separator)))
        abort();
}

static void walk(const char *path, cli_source_kind kind, bool nul_separated, size_t most)
{
    cli_source source = {.kind = kind, .value = path};
    const cli_inputs inputs = {.sources = &source, .n = 1, .nul_separated = nul_separated};
    cli_walk *walk = cli_walk_start(&inputs, true);
    size_t n = 0;
    for (cli_input input = {0}; cli_walk_next(walk, &input); cli_input_free(&input), n++)
        check_input(&input, kind, nul_separated ? '\0' : '\n');
    cli_walk_free(walk);
    if (n > most || n != cli_inputs_count(&inputs))
        abort();
}

static void read_labels(const char *path)
{
    static const cli_command command = {.name = "fuzz"};
    cli_zero_shot labels = {.file = path};
    const cli_exit status = cli_zero_shot_read_names(&command, &labels);
    if ((status == CLI_DONE) != (labels.n > 0) || (status != CLI_DONE && status != CLI_USAGE))
        abort();
    for (size_t i = 0; i < labels.n; i++)
        if (!*labels.names[i] || strchr(" \t\r\n", *labels.names[i]))
            abort();
    cli_zero_shot_free(&labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *copy = malloc(size + 1);
    if (!copy)
        return 0;
    for (size_t i = 0; i < size; i++)
        copy[i] = bytes[i] == '/' || bytes[i] == '.' ? '_' : (char)bytes[i];
    scratch_write("list", copy, size);
    free(copy);
    cli_set_quiet(true);
    walk(scratch_path("list"), CLI_SOURCE_LIST, false, size + 1);
    walk(scratch_path("list"), CLI_SOURCE_LIST, true, size + 1);
    walk(scratch_path("list"), CLI_SOURCE_TEXT_LIST, false, size + 1);
    read_labels(scratch_path("list"));
    return 0;
}
