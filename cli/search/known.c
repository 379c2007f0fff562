/* SPDX-License-Identifier: BSD-2-Clause */
#include "known.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "claims.h"
#include "file.h"
#include "json_read.h"
#include "limit.h"
#include "npy.h"
#include "sha256.h"
#include "talk.h"
#include "text.h"
#include "vit/pipeline.h"
#include "writer_formats.h"

void cli_known_free(cli_known *known)
{
    for (size_t i = 0; i < known->n; i++) {
        free(known->pictures[i].path);
        free(known->pictures[i].file);
        free(known->pictures[i].caption);
    }
    free(known->pictures);
    free(known->vectors);
    free(known->place);
    vit_index_pin_free(&known->pin);
    *known = (cli_known){0};
}

/* The picture becomes known's own. */
static float *add(cli_known *known, cli_known_picture picture)
{
    known->pictures = cli_grow(known->pictures, &known->picture_room, known->n, sizeof *known->pictures);
    known->vectors = cli_grow(known->vectors, &known->vector_room, known->n, known->columns * sizeof *known->vectors);
    known->pictures[known->n] = picture;
    return known->vectors + known->n++ * known->columns;
}

/* Asked of the file once, whatever number of queries there are. */
static int64_t size_of(cli_known_picture *picture)
{
    struct stat status;
    if (!picture->looked)
        picture->size = picture->file && stat(picture->file, &status) == 0 ? (int64_t)status.st_size : -1;
    picture->looked = true;
    return picture->size;
}

vit_status cli_known_has_content(cli_known_picture *picture, const char *digest, size_t size, unsigned char *has,
                                 vit_error *err)
{
    *has = 0;
    if (!*picture->digest && size_of(picture) == (int64_t)size) {
        void *bytes;
        size_t n;
        vit_error why = {0};
        vit_status status = vit_file_read(picture->file, 0, &bytes, &n, &why);
        if (status == VIT_ERR_NOT_FOUND)
            return VIT_OK;
        if (status != VIT_OK)
            return vit_error_set(err, status, picture->file, "%s", why.message);
        vit__sha256(bytes, n, picture->digest);
        vit_free(bytes);
    }
    *has = *digest && strcmp(picture->digest, digest) == 0;
    return VIT_OK;
}

/* ------------------------------------------------------------------ an index ---- */

typedef struct taking {
    cli_known *known;
    const vit_index *index;
} taking;

static int take(void *context, const vit_index_item *item, const float *vector)
{
    const taking *t = context;
    cli_known_picture picture = {.path = cli_duplicate(item->path),
                                 .file = cli_index_file(t->index, item->path),
                                 .caption = item->caption ? cli_duplicate(item->caption) : NULL,
                                 .order = item->id};
    snprintf(picture.digest, sizeof picture.digest, "%s", item->hash);
    memcpy(add(t->known, picture), vector, t->known->columns * sizeof *vector);
    return 0;
}

static cli_exit read_index(const cli_place *place, cli_known *known)
{
    vit_error err = {0};
    vit_index *index = cli_place_open(place, VIT_INDEX_READ, 0);
    if (!index)
        return CLI_USAGE;
    const vit_index_pin *pin = vit_index_get_pin(index);
    cli_exit status = CLI_DONE;
    known->place = cli_duplicate(vit_index_place(index));
    known->columns = vit_index_columns(index);
    known->has_captions = true;
    if (vit_index_pin_take(&pin->recipe, pin->model, pin->preprocessor, &known->pin, NULL) != VIT_OK)
        cli_out_of_memory();
    if (!cli_index_is(index, vit_index_each(index, NULL, take, &(taking){known, index}, &err), &err))
        status = CLI_OUTPUT;
    vit_index_free(index);
    return status;
}

/* ------------------------------------------------------------------ an array ---- */

/* The path in a line like {"row":0,"path":"a.jpg"}. NULL: the line is about another row. */
static char *path_of(const vit__json *line, size_t row, bool *in_tar)
{
    int64_t number;
    const char *path = vit__json_string(vit__json_get(line, "path"));
    bool is_row = vit__json_integer(vit__json_get(line, "row"), &number) && number >= 0 && (size_t)number == row;
    *in_tar = !vit__json_is_null(vit__json_get(line, "tar"));
    return is_row && path && vit__json_is_null(vit__json_get(line, "index")) ? cli_duplicate(path) : NULL;
}

static cli_exit bad_line(const char *path, size_t row)
{
    cli_error("%s: line %zu does not say the picture of row %zu; with its array it comes from vit embed", path, row + 1,
              row);
    return CLI_USAGE;
}

static cli_exit add_rows(const char *array, const cli_npy *npy, const char *list, const vit__buffer *text,
                         cli_known *known)
{
    vit_error err = {0};
    const char *at = text->size ? text->data : "", *end = at + text->size;
    for (size_t row = 0; row < npy->shape[0]; row++) {
        const char *stop = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        vit__json *line = stop ? cli_json_parse(at, (size_t)(stop - at)) : NULL;
        bool in_tar;
        char *path = path_of(line, row, &in_tar);
        vit__json_free(line);
        if (!path)
            return bad_line(list, row);
        at = stop + 1;
        float *vector = add(
            known,
            (cli_known_picture){.path = path, .file = in_tar ? NULL : cli_duplicate(path), .order = (int64_t)row});
        if (cli_npy_read_vector(npy, array, row, vector, &err) != VIT_OK) {
            cli_error("%s: %s", array, err.message);
            return CLI_USAGE;
        }
        if (!vit_to_unit_length(vector, known->columns)) {
            cli_error("%s: the vector of row %zu has no direction", array, row);
            return CLI_USAGE;
        }
    }
    return CLI_DONE;
}

static cli_exit read_rows(const char *array, const char *list, cli_known *known)
{
    static const vit__file_kind kind = {.most = VIT__LIMIT_SIDECAR_BYTES};
    vit__buffer text = {0};
    vit_error err = {0};
    cli_npy npy;
    vit_status status = cli_npy_open_vectors(array, &npy, &err);
    if (status != VIT_OK) {
        cli_error("%s: %s", array, err.message);
        return CLI_USAGE;
    }
    cli_exit done = CLI_USAGE;
    known->columns = npy.shape[1];
    if (vit__file_read(list, &kind, &text, &err) == VIT_OK)
        done = add_rows(array, &npy, list, &text, known);
    else
        cli_error("%s: %s; it says which picture a row of %s is of", list, err.message, array);
    vit__buffer_free(&text);
    cli_npy_close(&npy);
    return done;
}

/* "fast_decode":true is "yes" in a recipe. */
static const char *value_of(const vit__json *value)
{
    return cli_json_is_true(value) ? "yes" : vit__json_string(value);
}

static cli_exit read_metadata(const char *array, const char *path, cli_known *known)
{
    vit__json *metadata;
    vit_error err = {0};
    vit_recipe recipe = {0};
    char columns[32];
    if (cli_json_load(path, VIT__LIMIT_SIDECAR_BYTES, &metadata, &err) != VIT_OK) {
        cli_error("%s: %s; it says what made the vectors of %s", path, err.message, array);
        return CLI_USAGE;
    }
    snprintf(columns, sizeof columns, "%zu", known->columns);
    vit_status status = vit_recipe_set(&recipe, VIT_RECIPE_DIMENSIONS, columns, NULL);
    for (int key = 0; key < VIT_RECIPE_KEYS && status == VIT_OK; key++) {
        const char *value = value_of(vit__json_get(metadata, vit_recipe_name((vit_recipe_key)key)));
        if (value && key != VIT_RECIPE_DIMENSIONS && key != VIT_RECIPE_NORMALIZE)
            status = vit_recipe_set(&recipe, (vit_recipe_key)key, value, NULL);
    }
    const char *model = vit__json_string(vit__json_get(metadata, "model"));
    if (status != VIT_OK || vit_index_pin_take(&recipe, model, NULL, &known->pin, NULL) != VIT_OK)
        cli_out_of_memory();
    bool complete = recipe.values[VIT_RECIPE_MODEL_DIGEST] && recipe.values[VIT_RECIPE_PREPROCESSING_DIGEST];
    if (!complete)
        cli_error("%s: it does not say which model made the vectors of %s, of pictures", path, array);
    vit_recipe_free(&recipe);
    vit__json_free(metadata);
    return complete ? CLI_DONE : CLI_USAGE;
}

static cli_exit read_array(const char *array, cli_known *known)
{
    char *base = cli_sidecar_base(cli_format_row_of(CLI_FORMAT_NPY), array);
    char *list = cli_sidecar(base, CLI_ROWS_END), *metadata = cli_sidecar(base, CLI_METADATA_END);
    const char *const read[] = {array, list, metadata};
    cli_exit status = CLI_DONE;
    known->place = cli_duplicate(array);
    for (size_t i = 0; i < 3 && status == CLI_DONE; i++)
        status = cli_claims_spare(read[i]);
    if (status == CLI_DONE)
        status = read_rows(array, list, known);
    if (status == CLI_DONE)
        status = read_metadata(array, metadata, known);
    free(metadata);
    free(list);
    free(base);
    return status;
}

/* ------------------------------------------------------------------ which it is ---- */

static bool is_array(const char *place)
{
    char start[16];
    FILE *file = fopen(place, "re");
    bool is = file && cli_npy_is(start, fread(start, 1, sizeof start, file));
    if (file)
        fclose(file);
    return is;
}

cli_exit cli_known_read(const cli_command *command, const char *option, const cli_place *place, cli_known *known)
{
    struct stat status;
    bool regular = stat(place->place, &status) == 0 && S_ISREG(status.st_mode);
    bool array = regular && is_array(place->place);
    cli_exit done = array ? CLI_DONE : cli_place_spare(place);
    if (done == CLI_DONE)
        done = array ? read_array(place->place, known) : read_index(place, known);
    if (done == CLI_DONE && known->n == 0)
        done = cli_usage_error(command, "%s %s: there are no pictures in it", option, place->place);
    return done;
}
