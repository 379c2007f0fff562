/* SPDX-License-Identifier: BSD-2-Clause */
#include "csv.h"

#include <stdlib.h>
#include <string.h>

#include "plain_text.h"
#include "text.h"
#include "utf8.h"

void cli_csv_start(cli_csv *csv, char *bytes, size_t size)
{
    *csv = (cli_csv){.at = bytes, .end = bytes + size, .next_line = 1};
    if (size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        csv->at += 3;
    const char *zero = memchr(bytes, 0, size); /* a field would end there, and the rest be lost without a word */
    if (!zero)
        return;
    csv->wrong = "it holds a zero byte";
    for (const char *at = bytes; at < zero; at++)
        csv->next_line += *at == '\n';
}

vit_status cli_csv_open(cli_csv *csv, const char *path, const vit__file_kind *kind, vit_error *err)
{
    vit__buffer bytes = {0};
    *csv = (cli_csv){0};
    vit_status status = vit__file_read(path, kind, &bytes, err);
    if (status == VIT_OK && !(vit__text_make_plain(&bytes) && vit__buffer_terminate(&bytes)))
        cli_out_of_memory();
    if (status == VIT_OK)
        cli_csv_start(csv, bytes.data, bytes.size);
    csv->bytes = bytes;
    return status;
}

static void add_field(cli_csv *csv, char *field)
{
    csv->fields = cli_grow(csv->fields, &csv->room, csv->n, sizeof *csv->fields);
    csv->fields[csv->n++] = field;
}

/* From the opening quote to behind the closing one; the text moves to where the quote was. NULL: it does not close. */
static char *read_quoted(cli_csv *csv, char *to)
{
    char *from = to + 1;
    for (; from < csv->end; from++) {
        csv->next_line += *from == '\n';
        if (*from == '"' && *++from != '"') {
            csv->at = from;
            return to;
        }
        *to++ = *from;
    }
    return NULL;
}

/* The end of a line, if it is not that of the text: a line feed, a carriage return, or both. */
static void end_record(cli_csv *csv)
{
    csv->next_line += csv->at < csv->end;
    csv->at += *csv->at == '\r';
    csv->at += *csv->at == '\n';
}

/* One field. Answers false behind the last of the record. */
static bool read_field(cli_csv *csv)
{
    char *field = csv->at, *end;
    if (*field == '"') {
        end = read_quoted(csv, field);
        if (!end || (csv->at < csv->end && !strchr(",\r\n", *csv->at))) {
            csv->wrong = end ? "something stands behind the closing quote of a field" : "a quote is not closed";
            return false;
        }
    } else {
        csv->at += strcspn(field, ",\r\n");
        end = csv->at;
    }
    add_field(csv, field);
    bool more = *csv->at == ',';
    csv->at += more;
    if (!more)
        end_record(csv);
    *end = '\0';
    return more;
}

bool cli_csv_next(cli_csv *csv)
{
    csv->n = 0;
    csv->line = csv->next_line;
    if (csv->wrong || csv->at >= csv->end)
        return false;
    while (read_field(csv))
        ;
    for (size_t i = 0; i < csv->n && !csv->wrong; i++)
        csv->wrong = vit__utf8_is_valid(csv->fields[i]) ? NULL : "it is not UTF-8";
    return !csv->wrong;
}

const char *const cli_csv_paths[] = {"path", "file_name", "filename", "image", NULL};

size_t cli_csv_column(const cli_csv *csv, const char *const *names)
{
    for (; *names; names++)
        for (size_t i = 0; i < csv->n; i++)
            if (strcmp(csv->fields[i], *names) == 0)
                return i;
    return csv->n;
}

void cli_csv_free(cli_csv *csv)
{
    free(csv->fields);
    csv->fields = NULL;
    vit__buffer_free(&csv->bytes);
}
