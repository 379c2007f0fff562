/* SPDX-License-Identifier: BSD-2-Clause */
#include "feature_table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "json_read.h"
#include "json_write.h"
#include "limit.h"
#include "npy.h"
#include "talk.h"
#include "writer_formats.h"

static float *next_row(cli_features *f)
{
    f->values = cli_grow(f->values, &f->room, f->n, f->width * sizeof *f->values);
    return f->values + f->n++ * f->width;
}

/* ------------------------------------------------------------------ made here ---- */

/* Results come in the order of the items, with those that failed. */
typedef struct making {
    cli_features *features;
    cli_embedding *embed;
    size_t item;
} making;

static bool keep(void *context, cli_input *input, float *values)
{
    making *m = context;
    cli_features *f = m->features;
    (void)input;
    f->rows[m->item++] = values ? f->n : SIZE_MAX;
    f->failed += !values;
    if (values)
        memcpy(next_row(f), values, f->width * sizeof *values);
    return true;
}

static bool keep_nothing_open(void *context)
{
    (void)context;
    return true;
}

static bool write_row(void *context, cli_input *input, float *values)
{
    const making *m = context;
    return values ? cli_shards_row(m->embed->shards, input, values) : cli_shards_failure(m->embed->shards, input);
}

static bool flush_parts(void *context)
{
    const making *m = context;
    return cli_shards_flush(m->embed->shards);
}

/* ------------------------------------------------------------------ parts ---- */

/* Reads one list of rows, which are those of items from *item on, but for items that failed. */
static bool match_rows(const char *path, const cli_items *items, cli_features *f, size_t *item)
{
    const vit__file_kind kind = {.most = VIT__LIMIT_FIT_TABLE_BYTES};
    vit__buffer list = {0};
    cli_text name = {0};
    vit_error err = {0};
    bool done = vit__file_read(path, &kind, &list, &err) == VIT_OK && vit__buffer_terminate(&list);
    if (!done)
        cli_library_error(&err);
    for (char *at = list.data, *end; done && *at; at = end) {
        end = at + strcspn(at, "\n");
        end += *end == '\n';
        for (bool found = false; done && !found;) {
            done = *item < items->n;
            if (!done)
                break;
            cli_text_clear(&name);
            cli_text_string(&name, "\"path\":");
            cli_json_string(&name, items->items[*item].path);
            found = memmem(at, (size_t)(end - at), name.data, name.size) != NULL;
            f->rows[(*item)++] = found ? f->n++ : SIZE_MAX;
            f->failed += !found;
        }
    }
    if (!done && list.data)
        cli_error("%s: its rows are not the pictures of this run", path);
    cli_text_free(&name);
    vit__buffer_free(&list);
    return done;
}

static bool read_part(const char *path, size_t from, cli_features *f)
{
    cli_npy npy;
    vit_error err = {0};
    vit_status status = cli_npy_open_vectors(path, &npy, &err);
    if (status == VIT_OK && (npy.shape[0] != f->n - from || npy.shape[1] != f->width))
        status = vit_error_set(&err, VIT_ERR_CORRUPT, path, "it has another shape than its list of rows says");
    size_t rows = f->n;
    for (f->n = from; f->n < rows && status == VIT_OK;) {
        size_t row = f->n - from;
        status = cli_npy_read_vector(&npy, path, row, next_row(f), &err);
    }
    if (status != VIT_OK)
        cli_library_error(&err);
    cli_npy_close(&npy);
    return status == VIT_OK;
}

static cli_exit read_parts(const cli_items *items, const char *folder, cli_features *f)
{
    size_t item = 0;
    for (size_t part = 0;; part++) {
        cli_text list = {0}, array = {0};
        cli_text_format(&list, "%s/part-%05zu.jsonl", folder, part);
        cli_text_format(&array, "%s/part-%05zu.npy", folder, part);
        bool there = access(array.data, F_OK) == 0;
        size_t from = f->n;
        bool done = !there || (match_rows(list.data, items, f, &item) && read_part(array.data, from, f));
        cli_text_free(&list);
        cli_text_free(&array);
        if (!done)
            return CLI_USAGE;
        if (!there)
            break;
    }
    for (; item < items->n; item++) {
        f->rows[item] = SIZE_MAX;
        f->failed++;
    }
    return f->failed ? CLI_INPUTS_FAILED : CLI_DONE;
}

cli_exit cli_features_make(const cli_command *command, const cli_items *items, cli_embedding *embed, cli_job *job,
                           cli_features *features)
{
    making m = {features, embed, 0};
    features->width = embed->vectors.columns;
    features->rows = cli_allocate(items->n, sizeof *features->rows);
    job->context = &m;
    job->deliver = embed->path ? write_row : keep;
    job->flush = embed->path ? flush_parts : keep_nothing_open;
    job->total = items->n;
    if (embed->path) {
        cli_exit status = cli_embed_bulk(command, embed, job);
        return status == CLI_DONE || status == CLI_INPUTS_FAILED ? read_parts(items, embed->path, features) : status;
    }
    cli_exit status = cli_job_start(job);
    return status == CLI_DONE ? cli_job_run(job) : status;
}

/* ------------------------------------------------------------------ a file of vectors ---- */

/* Vectors of f32 stay in the file, which is mapped. Vectors of f16 are read and converted. */
static vit_status map_values(const char *path, cli_features *f, vit_error *err)
{
    cli_npy npy;
    vit_status status = cli_npy_open_vectors(path, &npy, err);
    if (status != VIT_OK)
        return status;
    f->width = npy.shape[1];
    if (npy.item != sizeof *f->values) {
        while (f->n < npy.shape[0] && status == VIT_OK) {
            size_t row = f->n;
            status = cli_npy_read_vector(&npy, path, row, next_row(f), err);
        }
        cli_npy_close(&npy);
        return status;
    }
    f->n = npy.shape[0];
    size_t end = npy.start + f->n * f->width * sizeof *f->values; /* it was checked against the file's size */
    cli_npy_close(&npy);
    if (npy.start % sizeof *f->values)
        return vit_error_set(err, VIT_ERR_UNSUPPORTED_FORMAT, path, "its numbers do not lie at a multiple of 4 bytes");
    status = vit__mapped_file_open(path, &f->file, err);
    if (status == VIT_OK && f->file.size < end)
        status = vit_error_set(err, VIT_ERR_TRUNCATED, path, "the file has become shorter");
    f->values = (float *)(void *)((char *)f->file.data + npy.start);
    return status;
}

static vit_status read_paths(const char *list, cli_features *f, vit_error *err)
{
    const vit__file_kind kind = {.most = VIT__LIMIT_FIT_TABLE_BYTES};
    vit__buffer bytes = {0};
    size_t row = 0;
    vit_status status = vit__file_read(list, &kind, &bytes, err);
    if (status == VIT_OK && !vit__buffer_terminate(&bytes))
        cli_out_of_memory();
    f->paths = calloc(f->n ? f->n : 1, sizeof *f->paths);
    if (!f->paths)
        cli_out_of_memory();
    for (const char *at = bytes.data, *end; status == VIT_OK && *at; at = end + (*end == '\n')) {
        end = at + strcspn(at, "\n");
        vit__json *line = cli_json_parse(at, (size_t)(end - at));
        const char *path = vit__json_string(vit__json_get(line, "path"));
        if (!path || row >= f->n)
            status = vit_error_set(err, VIT_ERR_CORRUPT, list, "line %zu: %s", row + 1,
                                   path ? "there are fewer vectors than lines" : "it names no path");
        else
            f->paths[row++] = cli_duplicate(path);
        vit__json_free(line);
    }
    if (status == VIT_OK && row < f->n)
        status = vit_error_set(err, VIT_ERR_CORRUPT, list, "it names %zu paths, and there are %zu vectors", row, f->n);
    vit__buffer_free(&bytes);
    return status;
}

cli_exit cli_features_open(const char *path, cli_features *f)
{
    const vit__file_kind kind = {.most = VIT__LIMIT_METADATA_BYTES};
    vit_error err = {0};
    vit__buffer metadata = {0};
    char *base = cli_sidecar_base(cli_format_row_of(CLI_FORMAT_NPY), path);
    char *list = cli_sidecar(base, CLI_ROWS_END), *about = cli_sidecar(base, CLI_METADATA_END);
    vit_status status = map_values(path, f, &err);
    if (status == VIT_OK)
        status = read_paths(list, f, &err);
    if (status == VIT_OK && vit__file_read(about, &kind, &metadata, NULL) == VIT_OK && vit__buffer_terminate(&metadata))
        f->metadata = cli_duplicate(metadata.data);
    vit__buffer_free(&metadata);
    free(base);
    free(list);
    free(about);
    if (status == VIT_OK)
        return CLI_DONE;
    cli_library_error(&err);
    return CLI_USAGE;
}

typedef struct place {
    const char *path;
    size_t row;
} place;

static int compare_places(const void *a, const void *b)
{
    return strcmp(((const place *)a)->path, ((const place *)b)->path);
}

void cli_features_find(const cli_items *items, cli_features *f)
{
    place *places = cli_allocate(f->n ? f->n : 1, sizeof *places);
    for (size_t i = 0; i < f->n; i++)
        places[i] = (place){f->paths[i], i};
    if (f->n)
        qsort(places, f->n, sizeof *places, compare_places);
    f->rows = cli_allocate(items->n, sizeof *f->rows);
    for (size_t i = 0; i < items->n; i++) {
        const place wanted = {items->items[i].path, 0};
        const place *found = bsearch(&wanted, places, f->n, sizeof *places, compare_places);
        f->rows[i] = found ? found->row : SIZE_MAX;
    }
    free(places);
}

void cli_features_free(cli_features *f)
{
    for (size_t i = 0; f->paths && i < f->n; i++)
        free(f->paths[i]);
    free(f->paths);
    free(f->rows);
    free(f->metadata);
    if (!f->file.data)
        free(f->values);
    vit__mapped_file_close(&f->file);
}
