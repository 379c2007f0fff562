/* SPDX-License-Identifier: BSD-2-Clause */
#include "writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json_text.h"
#include "npy.h"
#include "talk.h"

typedef struct format_row {
    const char *extension;
    bool sidecars;  /* rows, failures and metadata stand beside the file */
    bool failures;  /* the file itself has a line for an input that failed */
    bool matrices;  /* can hold [rows,columns] for each input */
    bool to_stdout;
    void (*start)(cli_writer *writer);                                                /* into text; NULL: nothing */
    void (*row)(cli_writer *writer, const cli_input *input, const float *values);     /* into text */
    void (*failure)(cli_writer *writer, const cli_input *input);                      /* into text; NULL: nothing */
    bool (*finish)(cli_writer *writer);                                               /* NULL: nothing */
} format_row;

struct cli_writer {
    const format_row *format;
    cli_vectors vectors;
    size_t written; /* rows */
    cli_text text;  /* what is about to be written */
    cli_file file, row_file, error_file; /* the last two where there are sidecars; error_file from the first failure on */
    char *base;     /* of the sidecars: the path without extension; NULL: no sidecars */
};

/* ------------------------------------------------------------------ formats ---- */

void cli_json_input(cli_text *text, const cli_input *input)
{
    cli_text_string(text, "\"path\":");
    cli_json_string(text, input->path);
    if (input->kind == CLI_SOURCE_PIXELS)
        cli_text_format(text, ",\"index\":%zu", input->row);
}

static void npy_header(const cli_writer *writer, char *header)
{
    const cli_vectors *vectors = &writer->vectors;
    const size_t matrix[] = {writer->written, vectors->rows, vectors->columns};
    const size_t vector[] = {writer->written, vectors->columns};
    cli_npy_header(vectors->half ? "<f2" : "<f4", vectors->matrix ? matrix : vector, vectors->matrix ? 3 : 2, header);
}

static void start_npy(cli_writer *writer)
{
    char header[CLI_NPY_HEADER];
    npy_header(writer, header);
    cli_text_add(&writer->text, header, sizeof header);
}

/* How many rows there are is known at the end only. */
static bool finish_npy(cli_writer *writer)
{
    char header[CLI_NPY_HEADER];
    npy_header(writer, header);
    return cli_file_rewrite_start(&writer->file, header, sizeof header);
}

static void row_binary(cli_writer *writer, const cli_input *input, const float *values)
{
    (void)input;
    size_t n = writer->vectors.rows * writer->vectors.columns;
    if (writer->vectors.half)
        cli_put_f16(&writer->text, values, n);
    else
        cli_put_f32(&writer->text, values, n);
}

static void row_jsonl(cli_writer *writer, const cli_input *input, const float *values)
{
    cli_text_string(&writer->text, "{");
    cli_json_input(&writer->text, input);
    cli_text_string(&writer->text, ",\"embedding\":");
    cli_json_matrix(&writer->text, values, writer->vectors.rows, writer->vectors.columns, writer->vectors.matrix);
    cli_text_string(&writer->text, "}\n");
}

static void add_failure(cli_text *text, const cli_input *input)
{
    cli_text_string(text, "{");
    cli_json_input(text, input);
    cli_text_string(text, ",\"error\":");
    cli_json_error(text, &input->error);
    cli_text_string(text, "}\n");
}

static void failure_jsonl(cli_writer *writer, const cli_input *input)
{
    add_failure(&writer->text, input);
}

static void start_csv(cli_writer *writer)
{
    cli_text_string(&writer->text, "path");
    for (size_t i = 0; i < writer->vectors.columns; i++)
        cli_text_format(&writer->text, ",e%zu", i);
    cli_text_string(&writer->text, "\n");
}

static void row_csv(cli_writer *writer, const cli_input *input, const float *values)
{
    cli_text_csv(&writer->text, input->path);
    for (size_t i = 0; i < writer->vectors.columns; i++) {
        cli_text_string(&writer->text, ",");
        cli_json_float(&writer->text, values[i]);
    }
    cli_text_string(&writer->text, "\n");
}

const char *const cli_format_names[] = {"npy", "jsonl", "csv", "raw", NULL};
static const format_row formats[] = {
    [CLI_FORMAT_NPY] = {".npy", .sidecars = true, .matrices = true, .start = start_npy, .row = row_binary,
                        .finish = finish_npy},
    [CLI_FORMAT_JSONL] = {".jsonl", .failures = true, .matrices = true, .to_stdout = true, .row = row_jsonl,
                          .failure = failure_jsonl},
    [CLI_FORMAT_CSV] = {".csv", .to_stdout = true, .start = start_csv, .row = row_csv},
    [CLI_FORMAT_RAW] = {".raw", .sidecars = true, .matrices = true, .to_stdout = true, .row = row_binary},
};

static bool ends_with(const char *string, const char *end)
{
    size_t length = strlen(string), end_length = strlen(end);
    return length > end_length && strcmp(string + length - end_length, end) == 0;
}

cli_format cli_format_of(const char *path)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (ends_with(path, formats[i].extension))
            return (cli_format)i;
    return CLI_FORMAT_NPY;
}

const char *cli_writer_refusal(cli_format format, const cli_vectors *vectors, const char *path)
{
    if (!formats[format].to_stdout && strcmp(path, "-") == 0)
        return "needs -o FILE: how many rows there are is written at the start when the end is known";
    if (!formats[format].matrices && vectors->matrix)
        return "holds one vector an image, not a matrix: use npy, jsonl or raw";
    return NULL;
}

/* ------------------------------------------------------------------ files ---- */

static char *sidecar(const cli_writer *writer, const char *suffix)
{
    cli_text path = {0};
    cli_text_format(&path, "%s%s", writer->base, suffix);
    return path.data;
}

static bool open_sidecar(const cli_writer *writer, cli_file *file, const char *suffix)
{
    char *path = sidecar(writer, suffix);
    bool opened = cli_file_open(file, path);
    free(path);
    return opened;
}

/* Writes what has gathered in text to the file. */
static bool put(cli_writer *writer, cli_file *file)
{
    bool written = cli_file_write(file, writer->text.data, writer->text.size);
    cli_text_clear(&writer->text);
    return written;
}

/* The file's name without its extension, if that is the format's own. */
static char *sidecar_base(const cli_writer *writer, const char *path)
{
    char *base = cli_duplicate(path);
    if (ends_with(base, writer->format->extension))
        base[strlen(base) - strlen(writer->format->extension)] = '\0';
    return base;
}

static bool open_files(cli_writer *writer, const char *path)
{
    if (!cli_file_open(&writer->file, path))
        return false;
    bool beside = writer->format->sidecars && !writer->file.is_stdout && !cli_file_is_special(&writer->file);
    bool failures_only = !writer->format->failures && !writer->file.is_stdout && !cli_file_is_special(&writer->file);
    if (beside || failures_only)
        writer->base = sidecar_base(writer, path);
    if (beside && !open_sidecar(writer, &writer->row_file, ".jsonl"))
        return false;
    if (writer->format->start)
        writer->format->start(writer);
    return !writer->text.size || put(writer, &writer->file);
}

cli_writer *cli_writer_open(cli_format format, const cli_vectors *vectors, const char *path)
{
    cli_writer *writer = cli_allocate(1, sizeof *writer);
    writer->format = &formats[format];
    writer->vectors = *vectors;
    if (open_files(writer, path))
        return writer;
    cli_writer_discard(writer);
    return NULL;
}

bool cli_writer_row(cli_writer *writer, const cli_input *input, const float *values)
{
    writer->format->row(writer, input, values);
    if (!put(writer, &writer->file))
        return false;
    if (writer->row_file.stream) {
        cli_text_format(&writer->text, "{\"row\":%zu,", writer->written);
        cli_json_input(&writer->text, input);
        cli_text_string(&writer->text, "}\n");
        if (!put(writer, &writer->row_file))
            return false;
    }
    writer->written++;
    return true;
}

bool cli_writer_failure(cli_writer *writer, const cli_input *input)
{
    if (writer->format->failure) {
        writer->format->failure(writer, input);
        return put(writer, &writer->file);
    }
    if (!writer->base)
        return true;
    if (!writer->error_file.stream && !open_sidecar(writer, &writer->error_file, ".errors.jsonl"))
        return false;
    add_failure(&writer->text, input);
    return put(writer, &writer->error_file);
}

bool cli_writer_flush(cli_writer *writer)
{
    return cli_file_flush(&writer->file);
}

size_t cli_writer_rows(const cli_writer *writer)
{
    return writer->written;
}

bool cli_writer_has_metadata(const cli_writer *writer)
{
    return writer->row_file.stream != NULL;
}

static bool write_metadata(cli_writer *writer, const cli_text *metadata)
{
    cli_file file;
    if (!open_sidecar(writer, &file, ".meta.json"))
        return false;
    if (cli_file_write(&file, metadata->data, metadata->size))
        return cli_file_commit(&file);
    cli_file_discard(&file);
    return false;
}

/* Failures of an earlier run must not stand beside the results of this one. */
static bool commit_failures(cli_writer *writer)
{
    if (writer->error_file.stream)
        return cli_file_commit(&writer->error_file);
    char *stale = sidecar(writer, ".errors.jsonl");
    bool gone = unlink(stale) == 0 || errno == ENOENT;
    if (!gone)
        cli_error("%s: cannot remove what an earlier run wrote: %s", stale, strerror(errno));
    free(stale);
    return gone;
}

/* The file itself comes last: where it stands, what belongs to it stands too. */
bool cli_writer_commit(cli_writer *writer, const cli_text *metadata)
{
    bool done = !writer->format->finish || writer->format->finish(writer);
    done = done && cli_file_flush(&writer->file);
    if (done && writer->base)
        done = commit_failures(writer);
    if (done && writer->row_file.stream)
        done = cli_file_commit(&writer->row_file);
    if (done && metadata)
        done = write_metadata(writer, metadata);
    done = done && cli_file_commit(&writer->file);
    cli_writer_discard(writer);
    return done;
}

void cli_writer_discard(cli_writer *writer)
{
    if (!writer)
        return;
    cli_file_discard(&writer->file);
    cli_file_discard(&writer->row_file);
    cli_file_discard(&writer->error_file);
    cli_text_free(&writer->text);
    free(writer->base);
    free(writer);
}
