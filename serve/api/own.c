/* SPDX-License-Identifier: BSD-2-Clause */
/* What the page asks for: classes, attention, search and thumbnails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "limit.h"
#include "vectors.h"

#define TOP_USUAL 5
#define K_USUAL 24
#define THUMBNAIL 256 /* pixels of the longer edge */

/* What the query or a JSON body says; both may. */
static const char *argument(const serve_call *call, const char *name)
{
    const char *text = vit__json_string(vit__json_get(call->json, name));
    return text ? text : serve_fields_get(&call->request->query, name);
}

static bool number(serve_call *call, const char *name, long least, long most, long *value)
{
    const vit__json *member = vit__json_get(call->json, name);
    const char *text = serve_fields_get(&call->request->query, name);
    int64_t whole;
    char *end;
    bool right = true;
    if (!vit__json_is_null(member)) {
        right = vit__json_integer(member, &whole) && whole >= least && whole <= most;
        *value = right ? (long)whole : *value;
    } else if (text) {
        *value = strtol(text, &end, 10);
        right = *text && !*end && *value >= least && *value <= most;
    }
    return right || serve_fail(call, SERVE_BAD_REQUEST, name, "a whole number from %ld to %ld is wanted", least, most);
}

/* The picture of the request: its body, or an item of JSON. */
static bool read_picture(serve_call *call, serve_items *items)
{
    const vit__buffer *body = &call->request->body;
    items->pictures = true;
    if (serve_body_kind(call->request) == SERVE_BODY_PICTURE)
        return serve_call_hold(call, argument(call, "model")) &&
               serve_items_add_picture(call, items, body->data, body->size);
    if (!serve_call_parse(call, false) || !serve_call_hold(call, argument(call, "model")))
        return false;
    const vit__json *input = vit__json_get(call->json, "input");
    return serve_items_add_one(call, items, vit__json_is_null(input) ? call->json : input, "image");
}

/* ------------------------------------------------------------------ classes ---- */

static bool classify(serve_call *call, serve_items *items, serve_classes *classes)
{
    const char *template_text = argument(call, "template"), *text = serve_fields_get(&call->request->query, "labels");
    const vit__json *list = vit__json_get(call->json, "labels");
    const char **labels;
    size_t n;
    if (!vit__json_is_null(list) ? !serve_read_labels(call, list, "labels", &labels, &n)
                                 : text && !serve_split_labels(call, text, "labels", &labels, &n))
        return false;
    if (text || !vit__json_is_null(list))
        return serve_classify_words(call, items, labels, n, template_text ? template_text : "{}", classes);
    if (call->model->facts.classes)
        return serve_classify(call, items, NULL, classes);
    if (call->app->labels && call->model == serve_models_at(call->app->models, 0))
        return serve_classify_given(call, items, classes);
    return serve_fail(call, SERVE_BAD_REQUEST, "labels", "model %s has no classes of its own: name labels",
                      call->model->name);
}

bool serve_own_classify(serve_call *call)
{
    serve_items items = {0};
    serve_classes classes = {0};
    vit__buffer *out = &call->response->body;
    long most = TOP_USUAL;
    if (!read_picture(call, &items) || !number(call, "top_k", 1, 1000000, &most) || !classify(call, &items, &classes))
        return false;
    vit__buffer_add_string(out, "{\"predictions\":");
    if (!serve_put_classes(call, &classes, 0, (size_t)most, true))
        return false;
    vit__buffer_add_string(out, "}\n");
    return serve_done(call, "application/json");
}

/* ------------------------------------------------------------------ attention ---- */

static vit_preprocess_options preprocess_options(const vit_pipeline_options *s)
{
    return (vit_preprocess_options){.resampler = s->resampler,
                                    .image_height = s->model.image_height,
                                    .image_width = s->model.image_width,
                                    .max_pixels = s->load.max_pixels};
}

static bool draw(serve_call *call, const serve_input *input, const float *map)
{
    const vit_pipeline *pipeline = call->model->towers[VIT_TOWER_IMAGE];
    const vit_pipeline_options *s = vit_pipeline_settings(pipeline);
    const vit_model *model = vit_pipeline_model(pipeline);
    const vit_preprocess_options options = preprocess_options(s);
    vit_image image = {0}, resized = {0}, sheet = {0};
    vit_error err = {0};
    void *bytes = NULL;
    size_t size = 0;
    const size_t taken = serve_decoded_bytes(input->width, input->height);
    serve_engine_enter_decoding(call->app->engine, taken);
    vit_image_decode(input->data, input->size, "image", &s->load, &image, &err);
    vit_preprocess_resized(vit_model_preprocessor(model), &image, &options, &resized, &err);
    const vit_heat_map heat = {.picture = &resized, .grid = vit_model_grid(model), .n = 1, .weights = map};
    vit_heat_map_draw(&heat, &sheet, &err);
    vit_image_free(&image);
    serve_engine_leave_decoding(call->app->engine, taken);
    vit_image_encode_png(&sheet, &bytes, &size, &err);
    vit__buffer_add(&call->response->body, bytes, size);
    vit_free(bytes);
    vit_image_free(&sheet);
    vit_image_free(&resized);
    return err.status == VIT_OK ? serve_done(call, "image/png")
                                : serve_fail(call, serve_code_of(err.status), "image", "%s", err.message);
}

/* Where the grid lies: left, top, width, height, as parts of the upright picture. After a crop it is less than all. */
static bool put_region(serve_call *call, const serve_input *input)
{
    const vit_pipeline *pipeline = call->model->towers[VIT_TOWER_IMAGE];
    const vit_preprocess_options options = preprocess_options(vit_pipeline_settings(pipeline));
    const vit_preprocessor *rules = vit_model_preprocessor(vit_pipeline_model(pipeline));
    const double width = input->width, height = input->height;
    vit_region r;
    vit_error err = {0};
    if (vit_preprocess_region(rules, input->width, input->height, &options, &r, &err) != VIT_OK)
        return serve_fail(call, serve_code_of(err.status), NULL, "%s", err.message);
    const float parts[] = {(float)(r.left / width), (float)(r.top / height), (float)(r.width / width),
                           (float)(r.height / height)};
    vit__buffer_add_string(&call->response->body, ",\"region\":");
    vit__json_put_floats(&call->response->body, parts, 4);
    return true;
}

typedef struct attention {
    long layer, head; /* head -1: the mean of all */
    float *map;       /* [rows][columns] of the model's grid */
} attention;

static bool write_map(serve_call *call, const serve_input *input, const attention *a)
{
    vit__buffer *out = &call->response->body;
    const vit_model *model = vit_pipeline_model(call->model->towers[VIT_TOWER_IMAGE]);
    const vit_grid grid = vit_model_grid(model);
    vit__buffer_format(out, "{\"grid\":[%zu,%zu],\"layer\":%ld,\"depth\":%zu,\"head\":", grid.rows, grid.columns,
                       a->layer, vit_model_depth(model));
    vit__buffer_format(out, a->head < 0 ? "null" : "%ld", a->head);
    vit__buffer_format(out, ",\"heads\":%zu", vit_model_heads(model));
    if (!put_region(call, input))
        return false;
    vit__buffer_add_string(out, ",\"weights\":");
    vit__json_put_floats(out, a->map, grid.rows * grid.columns);
    vit__buffer_add_string(out, "}\n");
    return serve_done(call, "application/json");
}

bool serve_own_attention(serve_call *call)
{
    serve_items items = {0};
    const char *format = serve_fields_get(&call->request->query, "format");
    vit_error err = {0};
    if (!read_picture(call, &items))
        return false;
    const vit_model *model = vit_pipeline_model(call->model->towers[VIT_TOWER_IMAGE]);
    const vit_grid grid = vit_model_grid(model);
    long heads = (long)vit_model_heads(model), depth = (long)vit_model_depth(model);
    attention a = {.layer = depth - 1, .head = -1};
    if (!model)
        return serve_fail(call, SERVE_UNPROCESSABLE, NULL, "model %s takes no pictures", call->model->name);
    if (!number(call, "layer", 0, depth - 1, &a.layer) || !number(call, "head", -1, heads - 1, &a.head))
        return false;
    serve_job job = {.tower = VIT_TOWER_IMAGE,
                     .output = VIT_OUTPUT_ATTENTION,
                     .layer = (size_t)a.layer,
                     .inputs = items.inputs,
                     .n = 1};
    a.map = serve_call_alloc(call, grid.rows * grid.columns + 1, sizeof *a.map);
    if (!a.map || !serve_call_run(call, &job))
        return false;
    if (vit_attention_map(model, job.results, (int)a.head, a.map, &err) != VIT_OK)
        return serve_fail(call, serve_code_of(err.status), NULL, "%s", err.message);
    return format && strcmp(format, "png") == 0 ? draw(call, &items.inputs[0], a.map)
                                                : write_map(call, &items.inputs[0], &a);
}

/* ------------------------------------------------------------------ search ---- */

/* The index is the server's own. A damaged file, a failing disk or a database that is gone is no fault of the request,
 * and what a request may ask has been checked before. */
static bool fail_index(serve_call *call, const vit_error *err)
{
    return serve_fail(call, err->status == VIT_ERR_OUT_OF_MEMORY ? SERVE_OUT_OF_MEMORY : SERVE_INTERNAL, NULL,
                      "the index: %s", err->message);
}

/* The vector of an image of the index. */
static bool read_id(serve_call *call, const vit__json *id, float **vector)
{
    int64_t number;
    if (!vit__json_integer(id, &number))
        return serve_fail(call, SERVE_BAD_REQUEST, "id", "a whole number is wanted");
    *vector = serve_call_alloc(call, vit_index_columns(call->app->index), sizeof **vector);
    if (!*vector)
        return false;
    vit_error err = {0};
    int found = 0;
    pthread_mutex_lock(&call->app->searches);
    vit_index_find_id(call->app->index, number, *vector, &found, &err);
    pthread_mutex_unlock(&call->app->searches);
    if (err.status != VIT_OK)
        return fail_index(call, &err);
    return found || serve_fail(call, SERVE_NOT_FOUND, "id", "the index has no such image");
}

/* The vector that is searched for: of a picture (which may be the body itself), of words, or of an indexed image. */
static bool read_query(serve_call *call, float **vector)
{
    serve_items items = {0};
    const serve_wanted wanted = {.output = VIT_OUTPUT_EMBEDDING, .normalize = true};
    const vit__buffer *body = &call->request->body;
    bool picture = serve_body_kind(call->request) == SERVE_BODY_PICTURE;
    size_t size;
    if (!(picture || serve_call_parse(call, false)) || !serve_call_hold(call, NULL))
        return false;
    if (!vit__json_is_null(vit__json_get(call->json, "id")))
        return read_id(call, vit__json_get(call->json, "id"), vector);
    return (picture ? serve_items_add_picture(call, &items, body->data, body->size)
                    : serve_items_add_one(call, &items, call->json, "query")) &&
           serve_items_embed(call, &items, &wanted, vector, &size) &&
           (size == vit_index_columns(call->app->index) ||
            serve_fail(call, SERVE_UNPROCESSABLE, NULL, "the index has vectors of another length"));
}

/* vector: what was searched for, where it is asked for; or NULL. */
static void write_hits(serve_call *call, const vit_index_hits *hits, const float *vector)
{
    vit__buffer *out = &call->response->body;
    vit__buffer_add_string(out, "{\"results\":[");
    for (size_t i = 0; i < hits->n; i++) {
        const vit_index_hit *hit = &hits->hits[i];
        vit__buffer_format(out, "%s{\"id\":%lld,\"path\":", i ? "," : "", (long long)hit->id);
        vit__json_put_string(out, hit->path);
        vit__buffer_add_string(out, ",\"score\":");
        vit__json_put_float(out, (float)hit->score);
        vit__buffer_add_string(out, ",\"caption\":");
        vit__json_put_string(out, hit->caption);
        vit__buffer_format(out, ",\"width\":%u,\"height\":%u", hit->width, hit->height);
        vit__buffer_format(out, ",\"thumbnail\":\"/v1/thumbnails/%lld\"}", (long long)hit->id);
    }
    vit__buffer_add_string(out, "]");
    if (vector) {
        vit__buffer_add_string(out, ",\"vector\":");
        vit__json_put_floats(out, vector, vit_index_columns(call->app->index));
    }
    vit__buffer_add_string(out, "}\n");
}

bool serve_own_search(serve_call *call)
{
    float *vector;
    vit_index_hits hits = {0};
    vit_error err = {0};
    long k = K_USUAL;
    if (!call->app->index)
        return serve_fail(call, SERVE_NOT_FOUND, NULL, "this server has no index (--db)");
    bool failed = false, with_vector = false;
    if (!read_query(call, &vector) || !number(call, "k", 1, VIT__LIMIT_SERVE_NEAREST, &k))
        return false;
    serve_member_boolean(call, call->json, "vector", &with_vector, &failed);
    if (failed)
        return false;
    const vit_index_query query = {.vectors = vector, .n = 1, .k = (size_t)k};
    pthread_mutex_lock(&call->app->searches);
    vit_index_search(call->app->index, &query, &hits, &err);
    pthread_mutex_unlock(&call->app->searches);
    if (err.status == VIT_OK)
        write_hits(call, &hits, with_vector ? vector : NULL);
    vit_index_hits_free(&hits);
    return err.status == VIT_OK ? serve_done(call, "application/json") : fail_index(call, &err);
}

/* ------------------------------------------------------------------ thumbnails ---- */

static bool find_path(serve_call *call, int64_t id, char **path)
{
    vit_error err = {0};
    pthread_mutex_lock(&call->app->searches);
    char *name = NULL;
    vit_index_find_path(call->app->index, id, &name, &err);
    if (name)
        vit_index_file(call->app->index, name, path, &err);
    vit_free(name);
    pthread_mutex_unlock(&call->app->searches);
    if (err.status != VIT_OK)
        return fail_index(call, &err);
    return *path ? serve_call_own(call, *path) : serve_fail(call, SERVE_NOT_FOUND, NULL, "the index has no such image");
}

static vit_status shrink(const vit_image *image, vit_image *small, vit_error *err)
{
    uint32_t longer = image->width > image->height ? image->width : image->height;
    uint32_t most = longer < THUMBNAIL ? longer : THUMBNAIL;
    uint32_t width = (uint32_t)((uint64_t)image->width * most / longer),
             height = (uint32_t)((uint64_t)image->height * most / longer);
    vit_status status = vit_image_alloc(width ? width : 1, height ? height : 1, small, err);
    return status == VIT_OK ? vit_image_resize(image, small, VIT_FILTER_BOX, VIT_RESAMPLER_PILLOW, err) : status;
}

/* The thumbnail of the file, as PNG. The picture counts as memory of the requests while it is there. A file that is
 * larger than that memory is not read. */
static vit_status make_thumbnail(serve_app *app, const char *path, vit__buffer *png, vit_error *err)
{
    const vit_load_options load = {
        .max_pixels = app->limits.pixels, .least_width = 2 * THUMBNAIL, .least_height = 2 * THUMBNAIL};
    vit_picture header;
    vit_image image = {0}, small = {0};
    void *bytes = NULL, *encoded = NULL;
    size_t size = 0, encoded_size = 0;
    vit_status status = vit_file_read(path, app->limits.memory, &bytes, &size, err);
    if (status == VIT_OK)
        status = vit_picture_measure(bytes, size, path, &load, &header, err);
    if (status == VIT_OK) {
        size_t taken = size + serve_decoded_bytes(header.stored_width, header.stored_height);
        serve_engine_enter_decoding(app->engine, taken);
        status = vit_image_decode(bytes, size, path, &load, &image, err);
        if (status == VIT_OK)
            status = shrink(&image, &small, err);
        vit_image_free(&image);
        serve_engine_leave_decoding(app->engine, taken);
    }
    if (status == VIT_OK)
        status = vit_image_encode_png(&small, &encoded, &encoded_size, err);
    vit__buffer_add(png, encoded, encoded_size);
    vit_free(encoded);
    vit_image_free(&small);
    vit_free(bytes);
    return status;
}

/* Only files that the index names are opened, and only by their number. */
bool serve_own_thumbnail(serve_call *call)
{
    serve_app *app = call->app;
    char *end, *path = NULL;
    long long id = strtoll(call->vars.task, &end, 10);
    vit_error err = {0};
    if (!app->index || *end || id <= 0)
        return serve_fail(call, SERVE_NOT_FOUND, NULL, "there is no such thumbnail");
    if (!find_path(call, id, &path))
        return false;
    pthread_mutex_lock(&app->thumbnails);
    vit_status status = make_thumbnail(app, path, &call->response->body, &err);
    pthread_mutex_unlock(&app->thumbnails);
    if (status != VIT_OK)
        return serve_fail(call, status == VIT_ERR_OUT_OF_MEMORY ? SERVE_OUT_OF_MEMORY : SERVE_NOT_FOUND, NULL,
                          "the picture cannot be read: %s", err.message);
    return serve_done(call, "image/png");
}
