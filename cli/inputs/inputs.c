/* SPDX-License-Identifier: BSD-2-Clause */
#include "inputs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "claims.h"
#include "folder.h"
#include "interrupt.h"
#include "npy.h"
#include "plain_text.h"
#include "size.h"
#include "talk.h"
#include "tar.h"
#include "text.h"

static void add(cli_inputs *inputs, cli_source_kind kind, const char *value)
{
    inputs->sources = cli_reallocate(inputs->sources, inputs->n + 1, sizeof *inputs->sources);
    inputs->sources[inputs->n++] = (cli_source){.kind = kind, .value = value};
}

void cli_inputs_add(void *inputs, const char *operand)
{
    add(inputs, strcmp(operand, "-") == 0 ? CLI_SOURCE_STDIN : CLI_SOURCE_PATH, operand);
}

void cli_inputs_add_text(cli_inputs *inputs, const char *text)
{
    add(inputs, CLI_SOURCE_TEXT, text);
}

static const char *add_list(const cli_option *option, const char *value, void *field)
{
    (void)option;
    add(field, CLI_SOURCE_LIST, value);
    return NULL;
}

static const char *add_pixels(const cli_option *option, const char *value, void *field)
{
    (void)option;
    add(field, CLI_SOURCE_PIXELS, value);
    return NULL;
}

static const char *add_text(const cli_option *option, const char *value, void *field)
{
    (void)option;
    add(field, CLI_SOURCE_TEXT, value);
    return NULL;
}

static const char *add_text_list(const cli_option *option, const char *value, void *field)
{
    (void)option;
    add(field, CLI_SOURCE_TEXT_LIST, value);
    return NULL;
}

static const char *add_tokens(const cli_option *option, const char *value, void *field)
{
    (void)option;
    add(field, CLI_SOURCE_TOKENS, value);
    return NULL;
}

/* "2/8" */
static const char *set_part(const cli_option *option, const char *value, void *field)
{
    (void)option;
    enum { DIGITS_MAX = 6 };
    static const char digits[] = "0123456789";
    size_t first = strspn(value, digits), second = value[first] == '/' ? strspn(value + first + 1, digits) : 0;
    bool right = first > 0 && second > 0 && first <= DIGITS_MAX && second <= DIGITS_MAX && !value[first + 1 + second];
    cli_part part = {0};
    if (right)
        part = (cli_part){strtoul(value, NULL, 10), strtoul(value + first + 1, NULL, 10)};
    if (part.index >= part.count)
        return "i/n with 0 <= i < n";
    *(cli_part *)field = part;
    return NULL;
}

const cli_option cli_input_table[] = {
    {"from", 0, "LIST", add_list, 0, NULL, "take the paths in this file, one a line; - is standard input"},
    {"null", '0', NULL, cli_set_flag, offsetof(cli_inputs, nul_separated), NULL,
     "paths in lists end with NUL, as find -print0 writes them"},
    {"tar", 0, NULL, cli_set_flag, offsetof(cli_inputs, tar), NULL,
     "inputs (and the paths in lists, and standard input) are tar files: their images are worked on as they come, the "
     ".json and .txt beside them go along, as webdataset has it"},
    {"shard", 0, "i/n", set_part, offsetof(cli_inputs, part), NULL,
     "take every n-th input from the i-th on, counted from 0: for n jobs that share the work"},
    {"pixels", 0, "FILE.npy", add_pixels, 0, NULL, "take preprocessed pixels, f32 [N,3,H,W], instead of images"},
    {"text", 0, "TEXT", add_text, 0, NULL,
     "take a text (models with a text tower), which for classify is a label; may be given again"},
    {"text-file", 0, "FILE", add_text_list, 0, NULL,
     "take every line of this file as a text; an empty line is an empty text; - is standard input"},
    {"tokens", 0, "FILE.npy", add_tokens, 0, NULL, "take token ids, integers [N,L] (models with a text tower)"},
    {0},
};

void cli_inputs_free(cli_inputs *inputs)
{
    for (size_t i = 0; i < inputs->n; i++)
        if (inputs->sources[i].kept)
            fclose(inputs->sources[i].kept);
    free(inputs->sources);
    *inputs = (cli_inputs){0};
}

/* Is it a file whose lines are walked? */
static bool is_list(const cli_source *source)
{
    return source->kind == CLI_SOURCE_LIST || source->kind == CLI_SOURCE_TEXT_LIST;
}

cli_exit cli_inputs_check(const cli_command *command, const cli_inputs *inputs)
{
    size_t standard_inputs = 0, texts = 0;
    for (size_t i = 0; i < inputs->n; i++) {
        const cli_source *source = &inputs->sources[i];
        if (source->kind == CLI_SOURCE_STDIN || (is_list(source) && strcmp(source->value, "-") == 0))
            standard_inputs++;
        texts += cli_source_is_text(source);
        if (!*source->value && source->kind != CLI_SOURCE_TEXT)
            return cli_usage_error(command, "an input has an empty name");
        if (source->kind != CLI_SOURCE_TEXT && cli_claims_spare(source->value) != CLI_DONE)
            return CLI_USAGE;
    }
    if (inputs->n == 0)
        return cli_usage_error(command, "no input: name images, folders, or - for standard input");
    if (standard_inputs > 1)
        return cli_usage_error(command, "standard input can be read once only");
    if (texts > 0 && texts < inputs->n)
        return cli_usage_error(command, "texts and token ids go through another tower than pictures: one run for each");
    return CLI_DONE;
}

bool cli_source_is_text(const cli_source *source)
{
    return source->kind == CLI_SOURCE_TEXT || source->kind == CLI_SOURCE_TEXT_LIST || source->kind == CLI_SOURCE_TOKENS;
}

bool cli_inputs_are_text(const cli_inputs *inputs)
{
    return inputs->n > 0 && cli_source_is_text(&inputs->sources[0]);
}

void cli_inputs_take_texts(cli_inputs *inputs, cli_inputs *texts)
{
    size_t kept = 0;
    for (size_t i = 0; i < inputs->n; i++) {
        const cli_source source = inputs->sources[i];
        if (cli_source_is_text(&source))
            add(texts, source.kind, source.value);
        else
            inputs->sources[kept++] = source;
    }
    inputs->n = kept;
}

void cli_input_free_bytes(cli_input *input)
{
    if (!input->member)
        return;
    free(input->member->bytes);
    input->member->bytes = NULL;
    input->member->size = 0;
}

void cli_input_free(cli_input *input)
{
    cli_input_free_bytes(input);
    if (input->member) {
        free(input->member->tar);
        free(input->member->json);
        free(input->member->text);
        free(input->member);
    }
    free(input->path);
    vit_free(input->bytes);
    *input = (cli_input){0};
}

/* ------------------------------------------------------------------ walking ---- */

struct cli_walk {
    const cli_inputs *inputs;
    bool silent;
    size_t next; /* source */
    size_t met;  /* inputs, those of other parts among them */
    bool found;  /* any of them was there */
    /* Where the walk stands inside the source before `next`; at most one list, and in it one folder or tar file;
     * or a file of pixels or token ids. */
    FILE *list;
    bool list_is_ours; /* to close */
    bool lists_texts;  /* its lines are no paths */
    const char *list_name;
    bool at_start;     /* of the list */
    const char *unfit; /* why it is no list of lines; NULL: it is one */
    char *line;
    size_t line_capacity;
    cli_folder *folder;
    cli_tar *tar;
    const cli_source *rows_of; /* NULL: no such file is open */
    size_t row, rows;
    uint32_t rows_width, rows_height; /* of pixels */
};

cli_walk *cli_walk_start(const cli_inputs *inputs, bool silent)
{
    cli_walk *walk = cli_allocate(1, sizeof *walk);
    walk->inputs = inputs;
    walk->silent = silent;
    return walk;
}

static void close_list(cli_walk *walk)
{
    if (walk->list && walk->list_is_ours)
        fclose(walk->list);
    walk->list = NULL;
}

void cli_walk_free(cli_walk *walk)
{
    if (!walk)
        return;
    close_list(walk);
    cli_tar_close(walk->tar);
    cli_folder_close(walk->folder);
    free(walk->line);
    free(walk);
}

static bool give(cli_input *input, cli_source_kind kind, const char *path)
{
    *input = (cli_input){.kind = kind, .path = cli_duplicate(path)};
    return true;
}

static bool give_failure(cli_input *input, const char *path, int error)
{
    give(input, CLI_SOURCE_PATH, path);
    vit_error_set(&input->error, error == ENOENT || error == ENOTDIR ? VIT_ERR_NOT_FOUND : VIT_ERR_UNREADABLE, path,
                  "%s", strerror(error));
    return true;
}

/* What lists and folders hold shows as they are walked. A file among it that this run is going to
 * write over ends the run: so the file stays, and nothing was written. */
static const char *spared(const char *path)
{
    if (cli_claims_spare(path) != CLI_DONE)
        cli_give_up(CLI_USAGE);
    return path;
}

/* A file is an input at once; a folder or a tar file is opened and walked next. */
static bool enter_path(cli_walk *walk, const char *path, cli_input *input)
{
    struct stat status;
    spared(path);
    if (walk->inputs->tar) {
        walk->tar = cli_tar_open(path);
        return false;
    }
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        return give(input, CLI_SOURCE_PATH, path); /* whether it can be read shows when it is read */
    walk->folder = cli_folder_open(path, walk->silent);
    return false;
}

/* What a list of lines may have that is no part of a path: a byte order mark at
 * its start, a CR at the end of a line. A file of just that name goes before. */
static size_t plain_line(cli_walk *walk, size_t length)
{
    size_t mark = walk->at_start ? vit__text_mark(walk->line, length) : 0;
    walk->at_start = false;
    if (mark > 0 && access(walk->line, F_OK) != 0) {
        memmove(walk->line, walk->line + mark, length - mark + 1);
        length -= mark;
    }
    if (length > 0 && walk->line[length - 1] == '\r' && access(walk->line, F_OK) != 0)
        walk->line[--length] = '\0';
    return length;
}

/* No path has a zero byte. UTF-16 without a mark has many, and so has what find -print0 writes. */
static const char *unfit_line(const cli_walk *walk, size_t length)
{
    if (walk->at_start && vit__text_is_utf16(walk->line, length))
        return "the list is in UTF-16: save it as UTF-8";
    if (walk->lists_texts || walk->inputs->nul_separated || !memchr(walk->line, '\0', length))
        return NULL;
    return "the list has zero bytes: if it is in UTF-16, save it as UTF-8; if zero bytes stand between the paths, add --null";
}

/* The next line, with its end; false at the end of the list, and where the list is none. */
static bool read_record(cli_walk *walk, int separator, size_t *length)
{
    ssize_t got = getdelim(&walk->line, &walk->line_capacity, separator, walk->list);
    *length = got > 0 ? (size_t)got : 0;
    walk->unfit = got >= 0 ? unfit_line(walk, *length) : NULL;
    return got >= 0 && !walk->unfit;
}

/* The next path; empty lines are none. false at the end. */
static bool read_line(cli_walk *walk)
{
    int separator = walk->inputs->nul_separated ? '\0' : '\n';
    size_t length;
    while (read_record(walk, separator, &length)) {
        if (length > 0 && walk->line[length - 1] == (char)separator)
            walk->line[--length] = '\0';
        if (!walk->inputs->nul_separated)
            length = plain_line(walk, length);
        if (length > 0)
            return true;
    }
    return false;
}

/* A line of a file with texts, without its end and, in the first line, without a byte order mark. */
static bool next_text(cli_walk *walk, cli_input *input)
{
    size_t length;
    if (!read_record(walk, '\n', &length))
        return false;
    size_t mark = walk->at_start ? vit__text_mark(walk->line, length) : 0;
    walk->at_start = false;
    if (length > 0 && walk->line[length - 1] == '\n')
        walk->line[--length] = '\0';
    if (length > 0 && walk->line[length - 1] == '\r')
        walk->line[--length] = '\0';
    give(input, CLI_SOURCE_TEXT, walk->line + mark);
    if (strlen(walk->line) != length)
        vit_error_set(&input->error, VIT_ERR_CORRUPT, walk->list_name, "a line has a NUL byte: no text has one");
    return true;
}

static bool give_unfit(cli_input *input, const char *list, const char *why)
{
    give(input, CLI_SOURCE_PATH, list);
    vit_error_set(&input->error, VIT_ERR_UNSUPPORTED_FORMAT, list, "%s", why);
    return true;
}

static bool next_from_list(cli_walk *walk, cli_input *input)
{
    if (walk->lists_texts && next_text(walk, input))
        return true;
    while (!walk->lists_texts && !walk->folder && !walk->tar && read_line(walk)) {
        if (enter_path(walk, walk->line, input))
            return true;
    }
    if (walk->folder || walk->tar)
        return false;
    bool failed = !feof(walk->list); /* getdelim may lack memory for a line, which is no error of the stream */
    int error = errno;
    close_list(walk);
    if (walk->unfit)
        return give_unfit(input, walk->list_name, walk->unfit);
    return failed && give_failure(input, walk->list_name, error);
}

static bool open_list(cli_walk *walk, const cli_source *source, cli_input *input)
{
    walk->list_name = source->value;
    walk->lists_texts = source->kind == CLI_SOURCE_TEXT_LIST;
    walk->at_start = true;
    walk->unfit = NULL;
    walk->list_is_ours = false;
    if (source->kept) {
        walk->list = source->kept;
        rewind(walk->list);
    } else if (strcmp(source->value, "-") == 0) {
        walk->list = stdin;
    } else {
        walk->list = fopen(source->value, "re");
        walk->list_is_ours = true;
    }
    return !walk->list && give_failure(input, source->value, errno);
}

static bool open_rows(cli_walk *walk, const cli_source *source, cli_input *input)
{
    vit_error err = {0};
    cli_npy npy;
    bool pixels = source->kind == CLI_SOURCE_PIXELS;
    if ((pixels ? cli_npy_open : cli_npy_open_ids)(source->value, &npy, &err) != VIT_OK) {
        give(input, source->kind, source->value);
        input->error = err;
        return true;
    }
    walk->rows_of = source;
    walk->row = 0;
    walk->rows = npy.shape[0];
    walk->rows_width = (uint32_t)vit__smaller(npy.shape[3], UINT32_MAX);
    walk->rows_height = (uint32_t)vit__smaller(npy.shape[2], UINT32_MAX);
    cli_npy_close(&npy);
    return false;
}

static bool enter_source(cli_walk *walk, const cli_source *source, cli_input *input)
{
    switch (source->kind) {
    case CLI_SOURCE_PATH:
        return enter_path(walk, source->value, input);
    case CLI_SOURCE_STDIN:
        return walk->inputs->tar ? enter_path(walk, "-", input) : give(input, CLI_SOURCE_STDIN, "-");
    case CLI_SOURCE_LIST:
    case CLI_SOURCE_TEXT_LIST:
        return open_list(walk, source, input);
    case CLI_SOURCE_PIXELS:
    case CLI_SOURCE_TOKENS:
        return open_rows(walk, source, input);
    case CLI_SOURCE_TEXT:
        return give(input, CLI_SOURCE_TEXT, source->value);
    case CLI_SOURCE_MEMBER: /* no source, but what comes out of one */
        break;
    }
    return false;
}

static bool next_row(cli_walk *walk, cli_input *input)
{
    if (walk->row == walk->rows) {
        walk->rows_of = NULL;
        return false;
    }
    give(input, walk->rows_of->kind, walk->rows_of->value);
    input->row = walk->row++;
    input->width = walk->rows_width;
    input->height = walk->rows_height;
    return true;
}

static bool next_from_folder(cli_walk *walk, cli_input *input)
{
    int error = 0;
    char *path = cli_folder_next(walk->folder, &error);
    if (!path) {
        cli_folder_close(walk->folder);
        walk->folder = NULL;
        return false;
    }
    if (error)
        give_failure(input, path, error);
    else
        give(input, CLI_SOURCE_PATH, spared(path));
    free(path);
    return true;
}

static bool next_from_tar(cli_walk *walk, cli_input *input)
{
    if (cli_tar_next(walk->tar, input))
        return true;
    cli_tar_close(walk->tar);
    walk->tar = NULL;
    return false;
}

/* The next input, whatever part it belongs to. Innermost first: a list stays open while a folder in it is walked. */
static bool next_of_all(cli_walk *walk, cli_input *input)
{
    for (;;) {
        bool given;
        if (walk->rows_of)
            given = next_row(walk, input);
        else if (walk->folder)
            given = next_from_folder(walk, input);
        else if (walk->tar)
            given = next_from_tar(walk, input);
        else if (walk->list)
            given = next_from_list(walk, input);
        else if (walk->next < walk->inputs->n)
            given = enter_source(walk, &walk->inputs->sources[walk->next++], input);
        else
            return false;
        if (given)
            return true;
    }
}

static bool is_there(const cli_input *input)
{
    switch (input->kind) {
    case CLI_SOURCE_MEMBER:
        return true;
    case CLI_SOURCE_PATH:
        return input->error.status == VIT_OK && access(input->path, F_OK) == 0;
    case CLI_SOURCE_STDIN:
        return false;
    default:
        return input->error.status == VIT_OK;
    }
}

bool cli_walk_found(const cli_walk *walk)
{
    return walk->found;
}

bool cli_walk_next(cli_walk *walk, cli_input *input)
{
    cli_part part = walk->inputs->part;
    while (next_of_all(walk, input)) {
        walk->found = walk->found || is_there(input);
        bool ours = part.count == 0 || walk->met++ % part.count == part.index;
        if (ours && (walk->silent || !walk->inputs->look || !walk->inputs->look(walk->inputs->context, input)))
            return true;
        cli_input_free(input);
    }
    return false;
}

bool cli_source_can_repeat(const cli_source *source)
{
    struct stat status;
    if (!is_list(source) || source->kept)
        return true;
    if (strcmp(source->value, "-") == 0 || stat(source->value, &status) != 0)
        return false;
    return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode); /* a folder fails alike each time */
}

size_t cli_inputs_count(const cli_inputs *inputs)
{
    if (inputs->tar)
        return 0;
    for (size_t i = 0; i < inputs->n; i++)
        if (!cli_source_can_repeat(&inputs->sources[i]))
            return 0;
    cli_walk *walk = cli_walk_start(inputs, true);
    cli_input input;
    size_t count = 0;
    while (cli_walk_next(walk, &input)) {
        cli_input_free(&input);
        count++;
    }
    cli_walk_free(walk);
    return count;
}
