/* SPDX-License-Identifier: BSD-2-Clause */
/* What a writer is going to write, claimed beforehand: the file and what stands beside it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "json_read.h"
#include "limit.h"
#include "writer_formats.h"

static cli_exit claim_sidecars(const cli_command *command, const cli_format_row *format, const char *base)
{
    static const struct {
        const char *end;
        cli_kind kind;
        bool with_failures; /* beside formats that do not hold failures; else beside those with
                               sidecars */
    } files[] = {{CLI_ROWS_END, CLI_KIND_ROWS, false},
                 {CLI_METADATA_END, CLI_KIND_METADATA, false},
                 {CLI_FAILURES_END, CLI_KIND_FAILURES, true}};
    cli_exit status = CLI_DONE;
    for (size_t i = 0; i < sizeof files / sizeof *files && status == CLI_DONE; i++) {
        if (files[i].with_failures ? format->failures : !format->sidecars)
            continue;
        char *path = cli_sidecar(base, files[i].end);
        const cli_claim claim = {"-o", path, files[i].kind, .any_name = true};
        status = cli_claim_file(command, &claim);
        free(path);
    }
    return status;
}

/* Bytes that a file must have, by the metadata beside it; 0: they do not say. "shape":[10,192] in
 * f32 are 7680 bytes as raw, and 40 more as fvecs, which have the length of each vector before it.
 */
static size_t described_size(const cli_format_row *format, const vit__json *metadata)
{
    const vit__json *shape = vit__json_get(metadata, "shape");
    const char *dtype = vit__json_string(vit__json_get(metadata, "dtype"));
    size_t size = dtype && strcmp(dtype, "f16") == 0 ? sizeof(uint16_t) : sizeof(float), rows = 0;
    if (vit__json_length(shape) == 0)
        return 0;
    for (size_t i = 0; i < vit__json_length(shape); i++) {
        size_t n;
        if (!vit__json_size(vit__json_at(shape, i), &n) || __builtin_mul_overflow(size, n, &size))
            return 0;
        rows = i == 0 ? n : rows;
    }
    return format->kind == CLI_KIND_FVECS ? size + rows * sizeof(uint32_t) : size;
}

/* Nothing in these files says what they are. They are ours where the metadata of an earlier run
 * describe them. */
static bool is_described(const cli_format_row *format, const char *path, const char *base)
{
    struct stat status;
    vit__json *metadata = NULL;
    if ((format->kind != CLI_KIND_RAW && format->kind != CLI_KIND_FVECS) || stat(path, &status) != 0)
        return false;
    char *name = cli_sidecar(base, CLI_METADATA_END);
    bool described = cli_json_load(name, VIT__LIMIT_METADATA_BYTES, &metadata, NULL) == VIT_OK &&
                     (size_t)status.st_size == described_size(format, metadata);
    vit__json_free(metadata);
    free(name);
    return described;
}

cli_exit cli_writer_claim(const cli_command *command, cli_format format, const char *path)
{
    const cli_format_row *row = cli_format_row_of(format);
    cli_claim claim = {.option = "-o", .path = path, .kind = row->kind, .any_name = true};
    cli_exit status = CLI_DONE;
    if (strcmp(path, "-") != 0 && !cli_path_is_special(path)) {
        char *base = cli_sidecar_base(row, path);
        status = claim_sidecars(command, row, base);
        claim.proven = is_described(row, path, base);
        free(base);
    }
    return status == CLI_DONE ? cli_claim_file(command, &claim) : status;
}
