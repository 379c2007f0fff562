/* SPDX-License-Identifier: BSD-2-Clause */
#include "classes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "limit.h"

static bool take_scores(serve_call *call, serve_items *items, vit_output output, serve_classes *classes)
{
    serve_job job = {.tower = VIT_TOWER_IMAGE, .output = output, .inputs = items->inputs, .n = items->n};
    const vit_model *model = vit_pipeline_model(call->model->towers[VIT_TOWER_IMAGE]);
    if (!serve_call_run(call, &job))
        return false;
    classes->count = job.rows * job.columns;
    classes->scores = job.results;
    classes->names = serve_call_alloc(call, classes->count, sizeof *classes->names);
    for (size_t i = 0; classes->names && i < classes->count; i++)
        classes->names[i] = vit_model_label(model, i);
    return classes->names != NULL;
}

static void apply_sigmoid(float *scores, size_t n)
{
    for (size_t i = 0; i < n; i++)
        scores[i] = (float)(1.0 / (1.0 + exp(-(double)scores[i])));
}

static void apply_softmax(float *scores, size_t n)
{
    float top = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        top = scores[i] > top ? scores[i] : top;
    for (size_t i = 0; i < n; i++)
        sum += exp((double)scores[i] - (double)top);
    for (size_t i = 0; i < n; i++)
        scores[i] = (float)(exp((double)scores[i] - (double)top) / sum);
}

bool serve_check_function(serve_call *call, const char *function)
{
    static const char *const functions[] = {"softmax", "sigmoid", "none"};
    for (size_t i = 0; function && i < sizeof functions / sizeof *functions; i++)
        if (strcmp(functions[i], function) == 0)
            return true;
    return !function || serve_fail(call, SERVE_BAD_REQUEST, "function_to_apply", "softmax, sigmoid or none");
}

bool serve_classify(serve_call *call, serve_items *items, const char *function, serve_classes *classes)
{
    if (!call->model->facts.classes)
        return serve_fail(call, SERVE_BAD_REQUEST, NULL, "model %s has no classes of its own", call->model->name);
    if (!function)
        return take_scores(call, items, VIT_OUTPUT_PROBABILITIES, classes);
    bool softmax = strcmp(function, "softmax") == 0, sigmoid = strcmp(function, "sigmoid") == 0;
    if (!serve_check_function(call, function) || !take_scores(call, items, VIT_OUTPUT_LOGITS, classes))
        return false;
    for (size_t i = 0; i < items->n && softmax; i++)
        apply_softmax(classes->scores + i * classes->count, classes->count);
    if (sigmoid)
        apply_sigmoid(classes->scores, items->n * classes->count);
    return true;
}

/* ------------------------------------------------------------------ words ---- */

static bool score(serve_call *call, serve_items *items, const vit_labels *labels, serve_classes *classes)
{
    serve_job job = {.tower = VIT_TOWER_IMAGE, .output = VIT_OUTPUT_EMBEDDING, .inputs = items->inputs, .n = items->n};
    if (!serve_call_run(call, &job))
        return false;
    classes->scores = serve_call_alloc(call, items->n * sizeof(float), classes->count);
    for (size_t i = 0; classes->scores && i < items->n; i++)
        vit_labels_score(labels, job.results + i * job.columns, 0, classes->scores + i * classes->count);
    return classes->scores != NULL;
}

static bool check_words(serve_call *call, const char *template_text, size_t n)
{
    if (!call->model->facts.compares)
        return serve_fail(call, SERVE_NO_TEXT_TOWER, NULL, "model %s does not compare pictures with words",
                          call->model->name);
    if (n == 0)
        return serve_fail(call, SERVE_BAD_REQUEST, "candidate_labels", "at least one label is wanted");
    return strstr(template_text, "{}") ? true
                                       : serve_fail(call, SERVE_BAD_REQUEST, "hypothesis_template",
                                                    "a text with {} where the label goes is wanted");
}

bool serve_classify_words(serve_call *call, serve_items *items, const char *const *names, size_t n,
                          const char *template_text, serve_classes *classes)
{
    serve_items words = {0};
    vit_labels *labels = NULL;
    vit_error err = {0};
    if (!check_words(call, template_text, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        char *text = vit_label_prompt(template_text, names[i]);
        if (!serve_call_own(call, text) || !serve_items_add_words(call, &words, text, strlen(text), "candidate_labels"))
            return false;
    }
    serve_job job = {.tower = VIT_TOWER_TEXT, .output = VIT_OUTPUT_EMBEDDING, .inputs = words.inputs, .n = words.n};
    if (!serve_call_run(call, &job))
        return false;
    if (vit_labels_from_vectors(&call->model->facts.similarity, job.results, n, 1, job.columns, &labels, &err) !=
        VIT_OK)
        return serve_fail(call, serve_code_of(err.status), "candidate_labels", "%s", err.message);
    classes->count = n;
    classes->names = serve_call_alloc(call, n, sizeof *classes->names);
    bool done = classes->names && score(call, items, labels, classes);
    for (size_t i = 0; done && i < n; i++)
        classes->names[i] = names[i];
    vit_labels_free(labels);
    return done;
}

bool serve_classify_given(serve_call *call, serve_items *items, serve_classes *classes)
{
    const serve_app *app = call->app;
    classes->count = vit_labels_count(app->labels);
    classes->names = serve_call_alloc(call, classes->count, sizeof *classes->names);
    for (size_t i = 0; classes->names && i < classes->count; i++)
        classes->names[i] = app->label_names[i];
    return classes->names && score(call, items, app->labels, classes);
}

/* ------------------------------------------------------------------ reading, writing ---- */

static bool too_many_labels(serve_call *call, const char *param)
{
    return serve_fail(call, SERVE_TOO_LARGE, param, "more than %d labels", VIT__LIMIT_SERVE_LABELS);
}

bool serve_split_labels(serve_call *call, const char *text, const char *param, const char ***labels, size_t *n)
{
    *n = 0;
    *labels = serve_call_alloc(call, VIT__LIMIT_SERVE_LABELS, sizeof **labels);
    while (*labels && *text) {
        size_t length = strcspn(text, ","), size = length;
        const char *start = text;
        text += length + (text[length] == ',');
        while (size > 0 && strchr(" \t\r\n", *start))
            start++, size--;
        while (size > 0 && strchr(" \t\r\n", start[size - 1]))
            size--;
        if (size > 0 && *n == VIT__LIMIT_SERVE_LABELS)
            return too_many_labels(call, param);
        if (size > 0 && !((*labels)[(*n)++] = serve_call_copy(call, start, size)))
            return false;
    }
    return *labels != NULL;
}

bool serve_read_labels(serve_call *call, const vit__json *value, const char *param, const char ***labels, size_t *n)
{
    const char *text = vit__json_string(value);
    if (text)
        return serve_split_labels(call, text, param, labels, n);
    *n = vit__json_length(value);
    if (!vit__json_is_array(value))
        return serve_fail(call, SERVE_BAD_REQUEST, param, "an array of strings is wanted");
    if (*n > VIT__LIMIT_SERVE_LABELS)
        return too_many_labels(call, param);
    *labels = serve_call_alloc(call, *n + 1, sizeof **labels);
    for (size_t i = 0; *labels && i < *n; i++)
        if (!((*labels)[i] = vit__json_string(vit__json_at(value, i))))
            return serve_fail(call, SERVE_BAD_REQUEST, param, "an array of strings is wanted");
    return *labels != NULL;
}

bool serve_put_classes(serve_call *call, const serve_classes *classes, size_t picture, size_t most, bool index)
{
    vit__buffer *out = &call->response->body;
    const float *scores = classes->scores + picture * classes->count;
    size_t n = most < classes->count ? most : classes->count;
    size_t *best = serve_call_alloc(call, n + 1, sizeof *best);
    if (!best)
        return false;
    vit_top_k(scores, classes->count, n, best);
    vit__buffer_add_string(out, "[");
    for (size_t i = 0; i < n; i++) {
        char name[32];
        const char *label = classes->names[best[i]];
        snprintf(name, sizeof name, "LABEL_%zu", best[i]); /* what transformers calls a class without a name */
        vit__buffer_add_string(out, i ? ",{\"label\":" : "{\"label\":");
        vit__json_put_string(out, label || index ? label : name);
        if (index)
            vit__buffer_format(out, ",\"index\":%zu", best[i]);
        vit__buffer_add_string(out, ",\"score\":");
        vit__json_put_float(out, scores[best[i]]);
        vit__buffer_add_string(out, "}");
    }
    vit__buffer_add_string(out, "]");
    return true;
}
