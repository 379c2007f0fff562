/* SPDX-License-Identifier: BSD-2-Clause */
#include "writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"
#include "talk.h"
#include "writer_formats.h"

struct cli_writer {
    const cli_format_row *format;
    cli_vectors vectors;
    size_t written; /* rows */
    cli_text text;  /* what is about to be written */
    cli_file file, row_file,
        error_file; /* the last two where there are sidecars; error_file from the first failure on */
    char *base;     /* of the sidecars: the path without extension; NULL: no sidecars */
    bool part;      /* failures and metadata are the caller's */
};

static bool open_sidecar(const cli_writer *writer, cli_file *file, const char *suffix)
{
    char *path = cli_sidecar(writer->base, suffix);
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

static bool open_files(cli_writer *writer, const char *path)
{
    if (!cli_file_open(&writer->file, path))
        return false;
    bool beside = writer->format->sidecars && !writer->file.is_stdout && !cli_file_is_special(&writer->file);
    bool failures_only = !writer->format->failures && !writer->file.is_stdout && !cli_file_is_special(&writer->file);
    if (beside || (failures_only && !writer->part))
        writer->base = cli_sidecar_base(writer->format, path);
    if (beside && !open_sidecar(writer, &writer->row_file, CLI_ROWS_END))
        return false;
    if (writer->format->start)
        writer->format->start(&writer->text, &writer->vectors);
    return !writer->text.size || put(writer, &writer->file);
}

static cli_writer *open_writer(cli_format format, const cli_vectors *vectors, const char *path, bool part)
{
    cli_writer *writer = cli_allocate(1, sizeof *writer);
    writer->format = cli_format_row_of(format);
    writer->vectors = *vectors;
    writer->part = part;
    if (open_files(writer, path))
        return writer;
    cli_writer_discard(writer);
    return NULL;
}

cli_writer *cli_writer_open(cli_format format, const cli_vectors *vectors, const char *path)
{
    return open_writer(format, vectors, path, false);
}

cli_writer *cli_writer_open_part(cli_format format, const cli_vectors *vectors, const char *path)
{
    return open_writer(format, vectors, path, true);
}

bool cli_writer_row(cli_writer *writer, const cli_input *input, const float *values)
{
    writer->format->row(&writer->text, &writer->vectors, input, values);
    if (!put(writer, &writer->file))
        return false;
    if (writer->row_file.stream) {
        cli_text_format(&writer->text, "{\"row\":%zu,", writer->written);
        cli_json_result(&writer->text, input);
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
        writer->format->failure(&writer->text, input);
        return put(writer, &writer->file);
    }
    if (!writer->base)
        return true;
    if (!writer->error_file.stream && !open_sidecar(writer, &writer->error_file, CLI_FAILURES_END))
        return false;
    cli_json_failure(&writer->text, input);
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

static bool settle_metadata(const cli_writer *writer, const cli_text *metadata, cli_file *file)
{
    return open_sidecar(writer, file, CLI_METADATA_END) && cli_file_write(file, metadata->data, metadata->size) &&
           cli_file_settle(file);
}

/* Failures of an earlier run must not stand beside the results of this one. */
static bool commit_failures(cli_writer *writer)
{
    if (writer->error_file.path)
        return cli_file_commit(&writer->error_file);
    char *stale = cli_sidecar(writer->base, CLI_FAILURES_END);
    bool gone = unlink(stale) == 0 || errno == ENOENT;
    if (!gone)
        cli_error("%s: cannot remove what an earlier run wrote: %s", stale, strerror(errno));
    free(stale);
    return gone;
}

/* What can be written only now that all rows are. */
static bool finish(cli_writer *writer)
{
    const cli_format_row *format = writer->format;
    if (format->end)
        format->end(&writer->text);
    if (writer->text.size > 0 && !put(writer, &writer->file))
        return false;
    if (!format->restart)
        return true;
    format->restart(&writer->text, &writer->vectors, writer->written);
    bool written = cli_file_rewrite_start(&writer->file, writer->text.data, writer->text.size);
    cli_text_clear(&writer->text);
    return written;
}

static bool settle_all(cli_writer *writer)
{
    cli_file *files[] = {&writer->row_file, &writer->error_file, &writer->file};
    bool done = finish(writer);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        done = done && (!files[i]->path || cli_file_settle(files[i]));
    return done;
}

/* All or none: what may fail comes before the first file appears, and an interruption waits
 * for the last. That is the file itself: where it stands, what belongs to it stands too. */
bool cli_writer_commit(cli_writer *writer, const cli_text *metadata)
{
    if (writer->written == 0 && !writer->part && cli_file_keep_older(&writer->file)) {
        cli_writer_discard(writer);
        return true;
    }
    cli_file metadata_file = {0};
    bool done = settle_all(writer) && (!metadata || settle_metadata(writer, metadata, &metadata_file));
    cli_interrupt_hold();
    if (done && writer->base && !writer->part)
        done = commit_failures(writer);
    if (done && writer->row_file.path)
        done = cli_file_commit(&writer->row_file);
    if (done && metadata)
        done = cli_file_commit(&metadata_file);
    done = done && cli_file_commit(&writer->file);
    cli_file_discard(&metadata_file); /* nothing, once committed */
    cli_writer_discard(writer);
    cli_interrupt_release();
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
