/* SPDX-License-Identifier: BSD-2-Clause */
/* The tasks of Hugging Face's clients, and text-embeddings-inference. */
#include <string.h>

#include "classes.h"
#include "vectors.h"

#define TOP_USUAL 5

typedef enum task { TASK_AUTO, TASK_CLASSIFY, TASK_ZERO_SHOT, TASK_FEATURES, TASK_OTHER } task;

static task task_of(const char *name)
{
    static const struct {
        const char *name;
        task task;
    } rows[] = {{"", TASK_AUTO},
                {"image-classification", TASK_CLASSIFY},
                {"zero-shot-image-classification", TASK_ZERO_SHOT},
                {"feature-extraction", TASK_FEATURES},
                {"image-feature-extraction", TASK_FEATURES},
                {"sentence-similarity", TASK_OTHER}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].task;
    return TASK_OTHER;
}

static bool write_rows(serve_call *call, const float *vectors, size_t n, size_t size, bool base64)
{
    vit__buffer *out = &call->response->body;
    vit__buffer_add_string(out, "[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            vit__buffer_add_string(out, ",");
        serve_put_vector(out, vectors + i * size, size, base64);
    }
    vit__buffer_add_string(out, "]\n");
    return serve_done(call, "application/json");
}

/* normalize, truncate, dimensions, encoding_format stand at the root, or in "parameters". */
static bool answer_features(serve_call *call, serve_items *items, const vit__json *root, const char *name)
{
    const vit__json *inner = vit__json_get(root, "parameters");
    const vit__json *places[] = {root, inner};
    serve_wanted wanted = {.output = VIT_OUTPUT_EMBEDDING, .normalize = true};
    const char *encoding = NULL;
    bool failed = false, truncate = true, base64;
    size_t dimensions = SERVE_ALL, size;
    float *vectors;
    for (size_t i = 0; i < 2 && !failed; i++) {
        serve_member_boolean(call, places[i], "normalize", &wanted.normalize, &failed);
        if (!failed)
            serve_member_boolean(call, places[i], "truncate", &truncate, &failed);
        if (!failed)
            serve_member_size(call, places[i], "dimensions", &dimensions, &failed);
        if (!failed)
            serve_member_string(call, places[i], "encoding_format", &encoding, &failed);
    }
    items->exact = !truncate;
    if (failed || !serve_read_encoding(call, encoding, &base64))
        return false;
    if (name && !serve_items_add(call, items, vit__json_get(root, name), name))
        return false;
    return serve_items_embed(call, items, &wanted, &vectors, &size) &&
           serve_cut_vectors(call, dimensions, vectors, items->n, &size) &&
           write_rows(call, vectors, items->n, size, base64);
}

static bool answer_classes(serve_call *call, serve_classes *classes, size_t most)
{
    if (!serve_put_classes(call, classes, 0, most, false))
        return false;
    vit__buffer_add_string(&call->response->body, "\n");
    return serve_done(call, "application/json");
}

/* Does the server have --labels for the model? */
static bool has_labels(const serve_call *call)
{
    return call->app->labels && call->model == serve_models_at(call->app->models, 0);
}

/* By the model's own classes, or by the words of --labels. *most NULL: 5 of the former, all of the latter. */
static bool answer_best(serve_call *call, serve_items *items, const char *function, const size_t *most)
{
    serve_classes classes = {0};
    if (!call->model->facts.classes && has_labels(call))
        return serve_classify_given(call, items, &classes) &&
               answer_classes(call, &classes, most ? *most : classes.count);
    return serve_classify(call, items, function, &classes) && answer_classes(call, &classes, most ? *most : TOP_USUAL);
}

/* A picture without anything beside it: the model's own task decides. */
static bool answer_picture(serve_call *call, serve_items *items, task t)
{
    const serve_facts *f = &call->model->facts;
    if (t == TASK_CLASSIFY || (t == TASK_AUTO && (f->classes || has_labels(call))) ||
        (t == TASK_ZERO_SHOT && has_labels(call)))
        return answer_best(call, items, NULL, NULL);
    if (t == TASK_ZERO_SHOT || (t == TASK_AUTO && f->compares))
        return serve_fail(call, SERVE_BAD_REQUEST, "parameters",
                          "candidate_labels are wanted, or --labels of the server, for a model of pictures and words");
    return answer_features(call, items, NULL, NULL);
}

static bool add_picture(serve_call *call, serve_items *items, const vit__json *inputs)
{
    const vit__json *image = vit__json_get(inputs, "image");
    items->pictures = true;
    return serve_items_add_one(call, items, vit__json_is_null(image) ? inputs : image, "inputs");
}

/* The object "parameters" of a body, for whichever task. */
typedef struct parameters {
    const char **labels;
    size_t n_labels;
    const char *template_text, *function;
    bool has_labels, has_top;
    size_t top;
} parameters;

static bool read_parameters(serve_call *call, const vit__json *object, parameters *p)
{
    bool failed = false;
    const vit__json *labels = vit__json_get(object, "candidate_labels");
    *p = (parameters){.template_text = "This is a photo of {}.", .has_labels = !vit__json_is_null(labels)};
    if (!vit__json_is_null(object) && !vit__json_is_object(object))
        return serve_fail(call, SERVE_BAD_REQUEST, "parameters", "an object is wanted");
    serve_member_string(call, object, "hypothesis_template", &p->template_text, &failed);
    if (!failed)
        serve_member_string(call, object, "function_to_apply", &p->function, &failed);
    if (!failed)
        p->has_top = serve_member_size(call, object, "top_k", &p->top, &failed);
    return !failed && serve_check_function(call, p->function) &&
           (!p->has_labels || serve_read_labels(call, labels, "candidate_labels", &p->labels, &p->n_labels));
}

static bool answer_zero_shot(serve_call *call, serve_items *items, const vit__json *inputs, const parameters *p)
{
    serve_classes classes = {0};
    return add_picture(call, items, inputs) &&
           serve_classify_words(call, items, p->labels, p->n_labels, p->template_text, &classes) &&
           answer_classes(call, &classes, p->has_top ? p->top : classes.count);
}

/* Where the path names no task, the members of the body do, and then the model. */
static task refine(const serve_call *call, const vit__json *inputs, const parameters *p)
{
    bool image = !vit__json_is_null(vit__json_get(inputs, "image")), classes = call->model->facts.classes > 0;
    if (p->has_labels)
        return TASK_ZERO_SHOT;
    if (p->has_top || p->function)
        return TASK_CLASSIFY;
    return (image && has_labels(call)) || ((image || vit__json_string(inputs)) && classes) ? TASK_CLASSIFY
                                                                                           : TASK_FEATURES;
}

static bool answer_json(serve_call *call, serve_items *items, task t)
{
    const vit__json *inputs = vit__json_get(call->json, "inputs");
    parameters p;
    if (vit__json_is_null(inputs))
        return serve_fail(call, SERVE_BAD_REQUEST, "inputs", "it is missing");
    if (!read_parameters(call, vit__json_get(call->json, "parameters"), &p))
        return false;
    if (t == TASK_AUTO)
        t = refine(call, inputs, &p);
    if (t == TASK_ZERO_SHOT)
        return answer_zero_shot(call, items, inputs, &p);
    if (t == TASK_CLASSIFY)
        return add_picture(call, items, inputs) && answer_best(call, items, p.function, p.has_top ? &p.top : NULL);
    return answer_features(call, items, call->json, "inputs");
}

bool serve_hf_task(serve_call *call)
{
    task t = task_of(call->vars.task);
    serve_items items = {0};
    const char *name = *call->vars.model ? call->vars.model : serve_fields_get(&call->request->query, "model");
    if (t == TASK_OTHER)
        return serve_fail(call, SERVE_NOT_OFFERED, NULL, "the task %s is not offered", call->vars.task);
    if (!serve_call_hold(call, name))
        return false;
    if (serve_body_kind(call->request) == SERVE_BODY_PICTURE)
        return serve_items_add_picture(call, &items, call->request->body.data, call->request->body.size) &&
               answer_picture(call, &items, t);
    return serve_call_parse(call, false) && answer_json(call, &items, t);
}

/* ------------------------------------------------------------------ TEI ---- */

bool serve_tei_embed(serve_call *call)
{
    serve_items items = {0};
    const char *model = NULL;
    bool failed = false;
    if (!serve_call_parse(call, false))
        return false;
    serve_member_string(call, call->json, "model", &model, &failed);
    return !failed && serve_call_hold(call, model) && answer_features(call, &items, call->json, "inputs");
}

static void write_label_maps(serve_call *call)
{
    vit__buffer *out = &call->response->body;
    const vit_model *model = vit_pipeline_model(call->model->towers[VIT_TOWER_IMAGE]);
    vit__buffer_add_string(out, "{\"classifier\":{\"id2label\":{");
    for (int turned = 0; turned < 2; turned++) {
        for (size_t i = 0; i < call->model->facts.classes; i++) {
            const char *label = vit_model_label(model, i);
            vit__buffer_add_string(out, i ? "," : "");
            if (turned) {
                vit__json_put_string(out, label ? label : "");
                vit__buffer_format(out, ":%zu", i);
            } else {
                vit__buffer_format(out, "\"%zu\":", i);
                vit__json_put_string(out, label);
            }
        }
        vit__buffer_add_string(out, turned ? "}}}" : "},\"label2id\":{");
    }
}

bool serve_tei_info(serve_call *call)
{
    vit__buffer *out = &call->response->body;
    if (!serve_call_hold(call, serve_fields_get(&call->request->query, "model")))
        return false;
    const serve_facts *f = &call->model->facts;
    vit__buffer_add_string(out, "{\"model_id\":");
    vit__json_put_string(out, call->model->name);
    vit__buffer_format(out, ",\"model_sha\":\"%s\",\"model_dtype\":\"%s\",\"served_model_name\":", f->digest,
                       strcmp(f->precision, "f32") == 0 ? "float32" : f->precision);
    vit__json_put_string(out, call->model->name);
    vit__buffer_add_string(out, ",\"model_type\":");
    if (f->classes)
        write_label_maps(call);
    else
        vit__buffer_add_string(out, "{\"embedding\":{\"pooling\":\"cls\"}}");
    vit__buffer_format(out,
                       ",\"max_concurrent_requests\":%zu,\"max_input_length\":%zu,\"max_batch_tokens\":16384,"
                       "\"max_batch_requests\":null,\"max_client_batch_size\":%zu,\"auto_truncate\":true,"
                       "\"tokenization_workers\":1,\"version\":\"%s\",\"sha\":null,\"docker_label\":null",
                       call->app->limits.requests, f->context, call->app->limits.inputs, vit_version());
    vit__buffer_format(out, ",\"digest\":\"%s\",\"preprocessing\":\"%s\",\"precision\":\"%s\"}\n", f->digest,
                       f->preprocessing, f->precision);
    return serve_done(call, "application/json");
}
