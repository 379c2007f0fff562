/* SPDX-License-Identifier: BSD-2-Clause */
/* KServe's v2 protocol (Triton's): tensors in and out, as JSON or as bytes behind it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"
#include "clock.h"
#include "tensors.h"
#include "vectors.h"

bool serve_not_offered(serve_call *call)
{
    return serve_fail(call, SERVE_NOT_OFFERED, NULL, "this is not offered here");
}

bool serve_kserve_server(serve_call *call)
{
    vit__buffer_format(
        &call->response->body,
        "{\"name\":\"libvit\",\"version\":\"%s\",\"extensions\":[\"binary_tensor_data\",\"classification\","
        "\"statistics\",\"model_repository\"]}\n",
        vit_version());
    return serve_done(call, "application/json");
}

bool serve_kserve_live(serve_call *call)
{
    vit__buffer_add_string(&call->response->body, "{\"live\":true}\n");
    return serve_done(call, "application/json");
}

/* The specification's text names the member "live", its description "ready". */
bool serve_kserve_ready(serve_call *call)
{
    bool ready = atomic_load(&call->app->state) == SERVE_READY;
    vit__buffer_format(&call->response->body, "{\"live\":%s,\"ready\":%s}\n", ready ? "true" : "false",
                       ready ? "true" : "false");
    serve_done(call, "application/json");
    call->response->status = ready ? 200 : 503;
    return true;
}

bool serve_kserve_model_ready(serve_call *call)
{
    bool ready = atomic_load(&call->app->state) == SERVE_READY;
    serve_model *model = serve_models_find(call->app->models, call->vars.model);
    if (!model)
        return serve_call_hold(call, call->vars.model); /* which says so */
    vit__buffer_add_string(&call->response->body, "{\"name\":");
    vit__json_put_string(&call->response->body, model->name);
    vit__buffer_format(&call->response->body, ",\"ready\":%s}\n", ready ? "true" : "false");
    serve_done(call, "application/json");
    call->response->status = ready ? 200 : 503;
    return true;
}

/* ------------------------------------------------------------------ what there is ---- */

static void put_tensor(vit__buffer *out, const char *name, const char *type, const char *shape, bool first)
{
    vit__buffer_format(out, "%s{\"name\":\"%s\",\"datatype\":\"%s\",\"shape\":%s}", first ? "" : ",", name, type,
                       shape);
}

static void put_inputs(vit__buffer *out, const serve_facts *f)
{
    char shape[64];
    bool pictures = f->sizes[VIT_TOWER_IMAGE] > 0;
    if (pictures) {
        if (f->patches)
            snprintf(shape, sizeof shape, "[-1,3,-1,-1]");
        else
            snprintf(shape, sizeof shape, "[-1,3,%zu,%zu]", f->height, f->width);
        put_tensor(out, "image", "BYTES", "[-1]", true);
        put_tensor(out, "pixel_values", "FP32", shape, false);
    }
    if (f->sizes[VIT_TOWER_TEXT]) {
        put_tensor(out, "text", "BYTES", "[-1]", !pictures);
        put_tensor(out, "input_ids", "INT64", "[-1,-1]", false);
    }
}

static void put_outputs(serve_call *call, vit__buffer *out)
{
    const serve_facts *f = &call->model->facts;
    const vit_model *model = vit_pipeline_model(call->model->towers[VIT_TOWER_IMAGE]);
    size_t width = f->sizes[VIT_TOWER_IMAGE] ? f->sizes[VIT_TOWER_IMAGE] : f->sizes[VIT_TOWER_TEXT], tokens[2];
    char shape[64];
    snprintf(shape, sizeof shape, "[-1,%zu]", width);
    put_tensor(out, "embedding", "FP32", shape, true);
    snprintf(shape, sizeof shape, "[-1,%zu]", f->classes);
    if (f->classes) {
        put_tensor(out, "logits", "FP32", shape, false);
        put_tensor(out, "probs", "FP32", shape, false);
    }
    if (model && vit_output_shape(model, VIT_OUTPUT_TOKENS, 0, tokens, NULL) == VIT_OK) {
        snprintf(shape, sizeof shape, "[-1,%zu,%zu]", tokens[0], tokens[1]);
        put_tensor(out, "tokens", "FP32", shape, false);
    }
}

bool serve_kserve_model(serve_call *call)
{
    vit__buffer *out = &call->response->body;
    if (!serve_call_hold(call, call->vars.model))
        return false;
    vit__buffer_add_string(out, "{\"name\":");
    vit__json_put_string(out, call->model->name);
    vit__buffer_add_string(out, ",\"versions\":[\"1\"],\"platform\":\"libvit\",\"inputs\":[");
    put_inputs(out, &call->model->facts);
    vit__buffer_add_string(out, "],\"outputs\":[");
    put_outputs(call, out);
    vit__buffer_add_string(out, "]}\n");
    return serve_done(call, "application/json");
}

bool serve_kserve_config(serve_call *call)
{
    vit__buffer *out = &call->response->body;
    if (!serve_call_hold(call, call->vars.model))
        return false;
    vit__buffer_add_string(out, "{\"name\":");
    vit__json_put_string(out, call->model->name);
    vit__buffer_add_string(out, ",\"platform\":\"libvit\",\"backend\":\"libvit\",\"max_batch_size\":0,\"input\":[");
    put_inputs(out, &call->model->facts);
    vit__buffer_add_string(out, "],\"output\":[");
    put_outputs(call, out);
    vit__buffer_add_string(out, "]}\n");
    return serve_done(call, "application/json");
}

static void put_duration(vit__buffer *out, const char *name, size_t count, double seconds)
{
    vit__buffer_format(out, "%s\"%s\":{\"count\":%zu,\"ns\":%.0f}", out->data[out->size - 1] == '{' ? "" : ",", name,
                       count, seconds * 1e9);
}

bool serve_kserve_stats(serve_call *call)
{
    serve_model_figures f;
    vit__buffer *out = &call->response->body;
    if (!serve_call_hold(call, call->vars.model))
        return false;
    serve_engine_read_model(call->app->engine, call->model, &f);
    size_t done = f.inputs[0][SERVE_INPUT_OK] + f.inputs[1][SERVE_INPUT_OK];
    size_t failed = f.inputs[0][SERVE_INPUT_FAILED] + f.inputs[1][SERVE_INPUT_FAILED];
    double load = f.stages[SERVE_STAGE_DECODE].seconds + f.stages[SERVE_STAGE_PREPROCESS].seconds;
    double encode = f.stages[SERVE_STAGE_ENCODE].seconds, write = f.stages[SERVE_STAGE_WRITE].seconds;
    vit__buffer_add_string(out, "{\"model_stats\":[{\"name\":");
    vit__json_put_string(out, call->model->name);
    vit__buffer_format(out, ",\"version\":\"1\",\"inference_count\":%zu,\"execution_count\":%zu,\"inference_stats\":{",
                       done, f.n_batches);
    put_duration(out, "success", done, f.queue.seconds + load + encode + write);
    put_duration(out, "fail", failed, 0);
    put_duration(out, "queue", f.queue.n, f.queue.seconds);
    put_duration(out, "compute_input", f.stages[SERVE_STAGE_PREPROCESS].n, load);
    put_duration(out, "compute_infer", f.stages[SERVE_STAGE_ENCODE].n, encode);
    put_duration(out, "compute_output", f.stages[SERVE_STAGE_WRITE].n, write);
    put_duration(out, "cache_hit", f.cached, 0);
    vit__buffer_add_string(out, "},\"batch_stats\":[]}]}\n");
    return serve_done(call, "application/json");
}

bool serve_kserve_index(serve_call *call)
{
    vit__buffer *out = &call->response->body;
    vit__buffer_add_string(out, "[");
    for (size_t i = 0; i < serve_models_count(call->app->models); i++) {
        vit__buffer_add_string(out, i ? ",{\"name\":" : "{\"name\":");
        vit__json_put_string(out, serve_models_at(call->app->models, i)->name);
        vit__buffer_add_string(out, ",\"version\":\"1\",\"state\":\"READY\",\"reason\":\"\"}");
    }
    vit__buffer_add_string(out, "]\n");
    return serve_done(call, "application/json");
}

/* ------------------------------------------------------------------ inference ---- */

typedef struct inference {
    serve_tensor input;
    serve_items items;
    vit_tower tower;
    const char *id;
    struct {
        vit_output output;
        size_t classes; /* 0: the numbers */
        bool binary;
        float *values;
        size_t rows, columns;
    } outputs[4];
    size_t n_outputs;
    bool binary; /* all outputs, unless they say otherwise */
} inference;

/* A picture's own numbers, n rows of them. */
static bool add_pixels(serve_call *call, inference *in)
{
    const serve_facts *f = &call->model->facts;
    const serve_tensor *t = &in->input;
    bool pictures = t->rank == 4 && t->shape[1] == 3 && t->shape[2] <= UINT32_MAX && t->shape[3] <= UINT32_MAX;
    if (f->patches && !pictures)
        return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0]", "pixel_values of [n,3,height,width] are wanted");
    if (!f->patches && (!pictures || t->shape[2] != f->height || t->shape[3] != f->width))
        return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0]", "pixel_values of [n,3,%zu,%zu] are wanted", f->height,
                          f->width);
    size_t size = 3 * t->shape[2] * t->shape[3];
    if (t->shape[0] > call->app->limits.inputs)
        return serve_fail(call, SERVE_TOO_LARGE, "inputs[0]", "more than %zu inputs", call->app->limits.inputs);
    in->items.inputs = serve_call_alloc(call, t->shape[0] + 1, sizeof(serve_input));
    for (size_t i = 0; in->items.inputs && i < t->shape[0]; i++)
        in->items.inputs[in->items.n++] = (serve_input){.kind = SERVE_PIXELS,
                                                        .data = t->floats + i * size,
                                                        .size = size,
                                                        .pixels_width = (uint32_t)t->shape[3],
                                                        .pixels_height = (uint32_t)t->shape[2]};
    return in->items.inputs != NULL;
}

static bool add_ids(serve_call *call, inference *in)
{
    const serve_tensor *t = &in->input;
    size_t length = t->rank == 2 ? t->shape[1] : 0;
    if (length == 0 || length > call->model->facts.context)
        return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0]", "input_ids of [n,1..%zu] are wanted",
                          call->model->facts.context);
    if (t->shape[0] > call->app->limits.inputs)
        return serve_fail(call, SERVE_TOO_LARGE, "inputs[0]", "more than %zu inputs", call->app->limits.inputs);
    in->items.inputs = serve_call_alloc(call, t->shape[0] + 1, sizeof(serve_input));
    for (size_t i = 0; in->items.inputs && i < t->shape[0]; i++)
        in->items.inputs[in->items.n++] = (serve_input){
            .kind = SERVE_IDS, .data = t->integers + i * length, .size = length};
    return in->items.inputs != NULL;
}

/* Binary elements are files as they are; in JSON pictures are base64. */
static bool add_pictures(serve_call *call, inference *in)
{
    const serve_tensor *t = &in->input;
    bool done = true;
    for (size_t i = 0; i < t->elements && done; i++)
        done = t->binary ? serve_items_add_picture(call, &in->items, t->strings[i].bytes, t->strings[i].size)
                         : serve_items_add_base64(call, &in->items, t->strings[i].bytes, "inputs[0]");
    return done;
}

static bool add_texts(serve_call *call, inference *in)
{
    const serve_tensor *t = &in->input;
    bool done = true;
    for (size_t i = 0; i < t->elements && done; i++)
        done = serve_items_add_words(call, &in->items, t->strings[i].bytes, t->strings[i].size, "inputs[0]");
    return done;
}

static const struct {
    const char *name;
    serve_datatype type;
    vit_tower tower;
    bool (*add)(serve_call *call, inference *in);
} inputs[] = {
    {"image", SERVE_BYTES, VIT_TOWER_IMAGE, add_pictures},
    {"pixel_values", SERVE_FP32, VIT_TOWER_IMAGE, add_pixels},
    {"text", SERVE_BYTES, VIT_TOWER_TEXT, add_texts},
    {"input_ids", SERVE_INT64, VIT_TOWER_TEXT, add_ids},
};

static bool read_input(serve_call *call, inference *in, const vit__json *root, const char *binary, size_t size)
{
    const vit__json *list = vit__json_get(root, "inputs"), *input = vit__json_at(list, 0);
    const char *name = vit__json_string(vit__json_get(input, "name"));
    if (vit__json_length(list) != 1 || !name)
        return serve_fail(call, SERVE_BAD_REQUEST, "inputs", "exactly one input is wanted, with a name");
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        if (strcmp(inputs[i].name, name) != 0)
            continue;
        in->tower = inputs[i].tower;
        if (!call->model->facts.sizes[in->tower])
            return serve_fail(call, in->tower == VIT_TOWER_TEXT ? SERVE_NO_TEXT_TOWER : SERVE_UNPROCESSABLE,
                              "inputs[0]", "model %s does not take %s", call->model->name, name);
        return serve_tensor_read(call, input, inputs[i].type, binary, size, &in->input) && inputs[i].add(call, in);
    }
    return serve_fail(call, SERVE_BAD_REQUEST, "inputs[0]", "the model takes image, pixel_values, text or input_ids");
}

static bool add_output(serve_call *call, inference *in, const char *name, size_t classes, bool binary)
{
    static const vit_output outputs[] = {VIT_OUTPUT_EMBEDDING, VIT_OUTPUT_LOGITS, VIT_OUTPUT_PROBABILITIES,
                                         VIT_OUTPUT_TOKENS};
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        if (strcmp(vit_output_name(outputs[i]), name) != 0)
            continue;
        if (in->n_outputs == sizeof in->outputs / sizeof *in->outputs)
            return serve_fail(call, SERVE_BAD_REQUEST, "outputs", "four outputs at most");
        in->outputs[in->n_outputs].output = outputs[i];
        in->outputs[in->n_outputs].classes = classes;
        in->outputs[in->n_outputs++].binary = binary;
        return true;
    }
    return serve_fail(call, SERVE_BAD_REQUEST, "outputs", "embedding, logits, probs or tokens; not '%.100s'", name);
}

static bool read_outputs(serve_call *call, inference *in, const vit__json *root)
{
    const vit__json *list = vit__json_get(root, "outputs");
    bool done = true, failed = false;
    if (!vit__json_is_null(list) && !vit__json_is_array(list))
        return serve_fail(call, SERVE_BAD_REQUEST, "outputs", "an array is wanted");
    for (size_t i = 0; i < vit__json_length(list) && done; i++) {
        const vit__json *output = vit__json_at(list, i), *parameters = vit__json_get(output, "parameters");
        const char *name = vit__json_string(vit__json_get(output, "name"));
        bool binary = in->binary;
        size_t classes = 0;
        serve_member_boolean(call, parameters, "binary_data", &binary, &failed);
        if (!failed)
            serve_member_size(call, parameters, "classification", &classes, &failed);
        done = !failed && (name ? add_output(call, in, name, classes, binary)
                                : serve_fail(call, SERVE_BAD_REQUEST, "outputs", "an output without a name"));
    }
    if (!done || in->n_outputs > 0)
        return done;
    bool classes = call->model->facts.classes && in->tower == VIT_TOWER_IMAGE;
    return add_output(call, in, classes ? "probs" : "embedding", 0, in->binary);
}

static bool encode(serve_call *call, inference *in)
{
    for (size_t i = 0; i < in->n_outputs; i++) {
        serve_job job = {
            .tower = in->tower, .output = in->outputs[i].output, .inputs = in->items.inputs, .n = in->items.n};
        if (!serve_call_run(call, &job))
            return false;
        in->outputs[i].values = job.results;
        in->outputs[i].rows = job.rows;
        in->outputs[i].columns = job.columns;
    }
    return true;
}

/* "value:index:label" of the classes with the highest values, BYTES [N,K]. */
static bool put_classification(serve_call *call, const inference *in, size_t i, serve_tensor_out *out)
{
    const vit_model *model = vit_pipeline_model(call->model->towers[VIT_TOWER_IMAGE]);
    size_t columns = in->outputs[i].columns;
    size_t k = in->outputs[i].classes < columns ? in->outputs[i].classes : columns;
    size_t *best = serve_call_alloc(call, k + 1, sizeof *best);
    char text[512];
    for (size_t row = 0; best && row < in->items.n; row++) {
        const float *values = in->outputs[i].values + row * columns;
        vit_top_k(values, columns, k, best);
        for (size_t j = 0; j < k; j++) {
            const char *label = in->tower == VIT_TOWER_IMAGE ? vit_model_label(model, best[j]) : NULL;
            snprintf(text, sizeof text, label ? "%f:%zu:%s" : "%f:%zu", (double)values[best[j]], best[j], label);
            serve_tensor_put_bytes(out, text, strlen(text));
        }
    }
    serve_tensor_shape(out, (const size_t[]){in->items.n, k}, 2);
    return best != NULL;
}

static bool write_answer(serve_call *call, const inference *in)
{
    serve_tensor_out out = {.json = &call->response->body};
    bool done = true;
    vit__buffer_add_string(out.json, "{\"model_name\":");
    vit__json_put_string(out.json, call->vars.model);
    vit__buffer_add_string(out.json, ",\"model_version\":\"1\"");
    if (in->id) {
        vit__buffer_add_string(out.json, ",\"id\":");
        vit__json_put_string(out.json, in->id);
    }
    vit__buffer_add_string(out.json, ",\"outputs\":[");
    for (size_t i = 0; i < in->n_outputs && done; i++) {
        const size_t shape[] = {in->items.n, in->outputs[i].rows, in->outputs[i].columns};
        bool matrix = in->outputs[i].output == VIT_OUTPUT_TOKENS, classes = in->outputs[i].classes > 0;
        const size_t flat[] = {shape[0], shape[1] * shape[2]};
        serve_tensor_begin(&out, vit_output_name(in->outputs[i].output), classes ? SERVE_BYTES : SERVE_FP32,
                           in->outputs[i].binary, i == 0);
        if (classes) {
            done = put_classification(call, in, i, &out);
        } else {
            serve_tensor_put_floats(&out, in->outputs[i].values, shape[0] * shape[1] * shape[2]);
            serve_tensor_shape(&out, matrix ? shape : flat, matrix ? 3 : 2);
        }
        serve_tensor_end(&out);
    }
    vit__buffer_add_string(out.json, "]}");
    done = done && serve_tensor_finish(call, &out);
    vit__buffer_free(&out.binary);
    vit__buffer_free(&out.values);
    return done;
}

/* J = 0: the body is one picture. */
static bool read_raw(serve_call *call, inference *in)
{
    const vit__buffer *body = &call->request->body;
    in->tower = VIT_TOWER_IMAGE;
    return serve_items_add_picture(call, &in->items, body->data, body->size) && read_outputs(call, in, NULL);
}

static bool read_request(serve_call *call, inference *in)
{
    const vit__buffer *body = &call->request->body;
    const char *length = serve_fields_header(&call->request->headers, "Inference-Header-Content-Length");
    size_t json_size = length ? strtoull(length, NULL, 10) : body->size;
    bool failed = false;
    double timeout;
    vit_error err = {0};
    if (length && (json_size > body->size || strspn(length, "0123456789") != strlen(length) || !*length))
        return serve_fail(call, SERVE_BAD_REQUEST, NULL, "Inference-Header-Content-Length is past the body");
    if ((length && json_size == 0) || serve_body_kind(call->request) == SERVE_BODY_PICTURE)
        return read_raw(call, in);
    if (!serve_parse_json(call, body->data, json_size, &err))
        return false;
    if (!vit__json_is_object(call->json))
        return serve_fail(call, SERVE_BAD_REQUEST, NULL, "the body is no JSON object: %s", err.message);
    const vit__json *parameters = vit__json_get(call->json, "parameters");
    serve_member_string(call, call->json, "id", &in->id, &failed);
    if (!failed)
        serve_member_boolean(call, parameters, "binary_data_output", &in->binary, &failed);
    if (vit__json_number(vit__json_get(parameters, "timeout"), &timeout) && timeout > 0 &&
        vit__seconds() + timeout * 1e-6 < call->deadline)
        call->deadline = vit__seconds() + timeout * 1e-6;
    return !failed && read_input(call, in, call->json, body->data + json_size, body->size - json_size) &&
           read_outputs(call, in, call->json);
}

bool serve_kserve_infer(serve_call *call)
{
    inference in = {0};
    return serve_call_hold(call, call->vars.model) && read_request(call, &in) && encode(call, &in) &&
           write_answer(call, &in);
}
