/* SPDX-License-Identifier: BSD-2-Clause */
#include "writer_formats.h"

#include <string.h>

#include "json_write.h"
#include "limit.h"
#include "npy.h"
#include "pgcopy.h"

/* ------------------------------------------------------------------ JSON ---- */

void cli_json_input(cli_text *text, const cli_input *input)
{
    cli_text_string(text, input->kind == CLI_SOURCE_TEXT ? "\"text\":" : "\"path\":");
    cli_json_string(text, input->path);
    if (input->kind == CLI_SOURCE_PIXELS || input->kind == CLI_SOURCE_TOKENS)
        cli_text_format(text, ",\"index\":%zu", input->row);
    if (input->member && strcmp(input->member->tar, "-") != 0) {
        cli_text_string(text, ",\"tar\":");
        cli_json_string(text, input->member->tar);
    }
}

void cli_json_result(cli_text *text, const cli_input *input)
{
    cli_json_input(text, input);
    if (input->member && input->member->json) {
        cli_text_string(text, ",\"json\":");
        cli_text_string(text, input->member->json);
    }
    if (input->member && input->member->text) {
        cli_text_string(text, ",\"text\":");
        cli_json_string(text, input->member->text);
    }
}

void cli_json_failure(cli_text *text, const cli_input *input)
{
    cli_text_string(text, "{");
    cli_json_input(text, input);
    cli_text_string(text, ",\"error\":");
    cli_json_error(text, &input->error);
    cli_text_string(text, "}\n");
}

static void row_jsonl(cli_text *text, const cli_vectors *vectors, const cli_input *input, const float *values)
{
    cli_text_string(text, "{");
    cli_json_result(text, input);
    cli_text_string(text, ",\"embedding\":");
    cli_json_matrix(text, values, vectors->rows, vectors->columns, vectors->matrix);
    cli_text_string(text, "}\n");
}

/* ------------------------------------------------------------------ npy, raw, fvecs ---- */

static void restart_npy(cli_text *text, const cli_vectors *vectors, size_t rows)
{
    char header[CLI_NPY_HEADER];
    const size_t matrix[] = {rows, vectors->rows, vectors->columns};
    const size_t vector[] = {rows, vectors->columns};
    cli_npy_header(vectors->half ? "<f2" : "<f4", vectors->matrix ? matrix : vector, vectors->matrix ? 3 : 2, header);
    cli_text_add(text, header, sizeof header);
}

static void start_npy(cli_text *text, const cli_vectors *vectors)
{
    restart_npy(text, vectors, 0);
}

static void row_binary(cli_text *text, const cli_vectors *vectors, const cli_input *input, const float *values)
{
    (void)input;
    size_t n = vectors->rows * vectors->columns;
    if (vectors->half)
        cli_put_f16(text, values, n);
    else
        cli_put_f32(text, values, n);
}

/* Before each vector its length, as a little-endian 32-bit number (the format of the TEXMEX data sets; FAISS, DiskANN
 * and others read it). */
static void row_fvecs(cli_text *text, const cli_vectors *vectors, const cli_input *input, const float *values)
{
    unsigned char length[4];
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (unsigned char)(vectors->columns >> (8 * i));
    cli_text_add(text, length, sizeof length);
    row_binary(text, vectors, input, values);
}

/* ------------------------------------------------------------------ CSV ---- */

static void start_csv(cli_text *text, const cli_vectors *vectors)
{
    cli_text_string(text, "path");
    for (size_t i = 0; i < vectors->columns; i++)
        cli_text_format(text, ",e%zu", i);
    cli_text_string(text, "\n");
}

static void row_csv(cli_text *text, const cli_vectors *vectors, const cli_input *input, const float *values)
{
    cli_text_csv(text, input->path);
    for (size_t i = 0; i < vectors->columns; i++) {
        cli_text_string(text, ",");
        cli_json_float(text, values[i]);
    }
    cli_text_string(text, "\n");
}

/* ------------------------------------------------------------------ PostgreSQL ---- */

/* Moves the bytes to the text. */
static void take_bytes(cli_text *text, vit__buffer *bytes)
{
    if (bytes->failed)
        cli_out_of_memory();
    cli_text_add(text, bytes->data, bytes->size);
    vit__buffer_free(bytes);
}

static void start_pgcopy(cli_text *text, const cli_vectors *vectors)
{
    vit__buffer bytes = {0};
    (void)vectors;
    vit__pg_start(&bytes);
    take_bytes(text, &bytes);
}

/* (path text, embedding vector) */
static void row_pgcopy(cli_text *text, const cli_vectors *vectors, const cli_input *input, const float *values)
{
    vit__buffer bytes = {0};
    vit__pg_row(&bytes, 2);
    vit__pg_text(&bytes, input->path);
    vit__pg_vector(&bytes, values, vectors->columns, vectors->half);
    take_bytes(text, &bytes);
}

static void end_pgcopy(cli_text *text)
{
    vit__buffer bytes = {0};
    vit__pg_end(&bytes);
    take_bytes(text, &bytes);
}

/* ------------------------------------------------------------------ the table ---- */

const char *const cli_format_names[] = {"npy", "jsonl", "csv", "raw", "fvecs", "pgcopy", NULL};
static const cli_format_row formats[] = {
    [CLI_FORMAT_NPY] = {CLI_KIND_NPY, ".npy", .sidecars = true, .matrices = true, .start = start_npy, .row = row_binary,
                        .restart = restart_npy},
    [CLI_FORMAT_JSONL] = {CLI_KIND_VECTORS_JSON, ".jsonl", .failures = true, .matrices = true, .to_stdout = true,
                          .row = row_jsonl, .failure = cli_json_failure},
    [CLI_FORMAT_CSV] = {CLI_KIND_VECTORS_CSV, ".csv", .to_stdout = true, .start = start_csv, .row = row_csv},
    [CLI_FORMAT_RAW] = {CLI_KIND_RAW, ".raw", .sidecars = true, .matrices = true, .to_stdout = true, .row = row_binary},
    [CLI_FORMAT_FVECS] = {CLI_KIND_FVECS, ".fvecs", .sidecars = true, .to_stdout = true, .f32_only = true,
                          .row = row_fvecs},
    [CLI_FORMAT_PGCOPY] = {CLI_KIND_PGCOPY, ".pgcopy", .to_stdout = true, .columns_max = VIT__LIMIT_POSTGRES_DIMENSIONS,
                           .start = start_pgcopy, .row = row_pgcopy, .end = end_pgcopy},
};

const cli_format_row *cli_format_row_of(cli_format format)
{
    return &formats[format];
}

const char *cli_format_extension(cli_format format)
{
    return formats[format].extension;
}

char *cli_sidecar_base(const cli_format_row *format, const char *path)
{
    char *base = cli_duplicate(path);
    if (cli_ends_with(base, format->extension))
        base[strlen(base) - strlen(format->extension)] = '\0';
    return base;
}

char *cli_sidecar(const char *base, const char *end)
{
    cli_text path = {0};
    cli_text_format(&path, "%s%s", base, end);
    return path.data;
}

cli_exit cli_writer_choose(const cli_command *command, const char *path, int *format)
{
    enum { FORMATS = sizeof formats / sizeof *formats };
    cli_kind kinds[FORMATS];
    for (size_t i = 0; i < FORMATS; i++)
        kinds[i] = formats[i].kind;
    return cli_claim_format(command, "-o", path, &(cli_formats){kinds, FORMATS, format, "--format"});
}

const char *cli_writer_refusal(cli_format format, const cli_vectors *vectors, const char *path)
{
    const cli_format_row *row = &formats[format];
    if (!row->to_stdout && strcmp(path, "-") == 0)
        return "needs -o FILE: how many rows there are is written at the start when the end is known";
    if (!row->matrices && vectors->matrix)
        return "holds one vector an image, not a matrix: use npy, jsonl or raw";
    if (row->f32_only && vectors->half)
        return "holds f32 only: leave --dtype f16 out, or use npy, raw or pgcopy";
    if (row->columns_max && vectors->columns > row->columns_max)
        return "holds at most 16000 numbers a vector, pgvector's limit: use npy, jsonl or raw";
    return NULL;
}
