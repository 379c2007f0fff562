/* SPDX-License-Identifier: BSD-2-Clause */
/* Classes described in words: one unit vector for each, and a picture's similarity with it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "memory.h"
#include "unit_length.h"
#include "vit/pipeline.h"

#define PLACE "{}" /* of the label in a template */

struct vit_labels {
    size_t n, width;
    float *vectors; /* [n][width], of length 1 */
    vit_similarity similarity;
};

/* ------------------------------------------------------------------ prompts ---- */

/* What the model is told: each label in each template, a label's templates side by side. */
typedef struct prompts {
    vit_item *items; /* [n]; data is each item's own */
    size_t n;
} prompts;

char *vit_label_prompt(const char *template, const char *label)
{
    size_t places = 0, size;
    if (!template || !label)
        return NULL;
    size_t label_size = strlen(label);
    for (const char *at = template; (at = strstr(at, PLACE)) != NULL; at += strlen(PLACE))
        places++;
    if (!vit__multiply(places, label_size, &size) || !vit__add(size, strlen(template) + 1, &size))
        return NULL;
    char *text = vit__alloc(size, 1), *to = text;
    for (const char *at; text && (at = strstr(template, PLACE)) != NULL; template = at + strlen(PLACE)) {
        to = (char *)memcpy(to, template, (size_t)(at - template)) + (at - template);
        to = (char *)memcpy(to, label, label_size) + label_size;
    }
    if (text)
        strcpy(to, template);
    return text;
}

static void free_prompts(prompts *p)
{
    for (size_t i = 0; i < p->n; i++)
        free((void *)(uintptr_t)p->items[i].data);
    free(p->items);
}

static vit_status make_prompts(const char *const *names, size_t n, const char *const *templates, size_t each,
                               prompts *p, vit_error *err)
{
    size_t count;
    *p = (prompts){0};
    p->items = vit__multiply(n, each, &count) ? vit__alloc_zero(count, sizeof *p->items) : NULL;
    if (!p->items)
        return vit__fail_memory(err, NULL);
    for (; p->n < count; p->n++) {
        const char *label = names[p->n / each];
        char *text = vit_label_prompt(templates ? templates[p->n % each] : PLACE, label);
        if (!text)
            return vit__fail_memory(err, label);
        p->items[p->n] = (vit_item){.kind = VIT_ITEM_TEXT, .name = label, .data = text, .size = strlen(text)};
    }
    return VIT_OK;
}

/* ------------------------------------------------------------------ vectors ---- */

/* As CLIP averages templates: each of length 1, and their mean too. */
static void average(const float *vectors, size_t each, size_t width, float *scratch, float *mean)
{
    memset(mean, 0, width * sizeof *mean);
    for (size_t j = 0; j < each; j++) {
        memcpy(scratch, vectors + j * width, width * sizeof *scratch);
        vit_to_unit_length(scratch, width);
        for (size_t k = 0; k < width; k++)
            mean[k] += scratch[k] / (float)each;
    }
    vit_to_unit_length(mean, width);
}

vit_status vit_labels_from_vectors(const vit_similarity *similarity, const float *vectors, size_t n, size_t each,
                                   size_t width, vit_labels **result, vit_error *err)
{
    if (result)
        *result = NULL;
    if (!similarity || !vectors || !result || !n || !each || !width)
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL,
                         "labels need similarity, vectors and a place for the result");
    vit_labels *labels = vit__alloc_zero(1, sizeof *labels);
    float *scratch = vit__alloc(width, sizeof *scratch);
    size_t size;
    if (labels && vit__multiply(n, width, &size))
        labels->vectors = vit__alloc(size, sizeof *labels->vectors);
    if (!labels || !scratch || !labels->vectors) {
        free(scratch);
        vit_labels_free(labels);
        return vit__fail_memory(err, NULL);
    }
    labels->n = n;
    labels->width = width;
    labels->similarity = *similarity;
    for (size_t i = 0; i < n; i++)
        average(vectors + i * each * width, each, width, scratch, labels->vectors + i * width);
    free(scratch);
    *result = labels;
    return VIT_OK;
}

/* The first that failed fails all. */
static vit_status encode(vit_pipeline *texts, const prompts *p, float *vectors, vit_error *err)
{
    vit_error *errors = vit__alloc_zero(p->n, sizeof *errors);
    if (!errors)
        return vit__fail_memory(err, NULL);
    vit_status status = vit_pipeline_encode(texts, p->items, p->n, vectors, errors, err);
    for (size_t i = 0; i < p->n && status == VIT_OK; i++)
        if (errors[i].status != VIT_OK)
            status = vit__fail(err, errors[i].status, p->items[i].name, "%s", errors[i].message);
    free(errors);
    return status;
}

static vit_status create(vit_pipeline *texts, const prompts *p, size_t each, vit_labels **labels, vit_error *err)
{
    vit_similarity similarity;
    size_t width = vit_pipeline_size(texts), size;
    vit_status status = vit_model_similarity(vit_pipeline_model(texts), &similarity, err);
    if (status == VIT_OK)
        status = vit_pipeline_start_words(texts, err);
    if (status != VIT_OK)
        return status;
    float *vectors = vit__multiply(p->n, width, &size) ? vit__alloc(size, sizeof *vectors) : NULL;
    status = vectors ? encode(texts, p, vectors, err) : vit__fail_memory(err, NULL);
    if (status == VIT_OK)
        status = vit_labels_from_vectors(&similarity, vectors, p->n / each, each, width, labels, err);
    free(vectors);
    return status;
}

vit_status vit_labels_create(vit_pipeline *texts, const char *const *names, size_t n, const char *const *templates,
                             size_t n_templates, vit_labels **labels, vit_error *err)
{
    if (labels)
        *labels = NULL;
    if (!texts || !names || !labels || !n || (n_templates && !templates))
        return vit__fail(err, VIT_ERR_INVALID_ARGUMENT, NULL,
                         "labels need a pipeline of texts, names and a place for the result");
    size_t each = n_templates ? n_templates : 1;
    prompts p;
    vit_status status = make_prompts(names, n, n_templates ? templates : NULL, each, &p, err);
    if (status == VIT_OK)
        status = create(texts, &p, each, labels, err);
    free_prompts(&p);
    return status;
}

void vit_labels_free(vit_labels *labels)
{
    if (!labels)
        return;
    free(labels->vectors);
    free(labels);
}

size_t vit_labels_count(const vit_labels *labels)
{
    return labels ? labels->n : 0;
}

size_t vit_labels_width(const vit_labels *labels)
{
    return labels ? labels->width : 0;
}

/* ------------------------------------------------------------------ scores ---- */

static void to_probabilities(const vit_labels *labels, float *scores)
{
    float most = scores[0];
    for (size_t i = 1; i < labels->n; i++)
        most = fmaxf(most, scores[i]);
    double sum = 0;
    for (size_t i = 0; i < labels->n; i++)
        sum += exp((double)(scores[i] - most));
    for (size_t i = 0; i < labels->n; i++)
        scores[i] = (float)(labels->similarity.sigmoid ? 1 / (1 + exp(-(double)scores[i]))
                                                       : exp((double)(scores[i] - most)) / sum);
}

void vit_labels_score(const vit_labels *labels, const float *embedding, int logits, float *scores)
{
    if (!labels || !embedding || !scores)
        return;
    double length = vit__length(embedding, labels->width);
    for (size_t i = 0; i < labels->n; i++) {
        const float *label = labels->vectors + i * labels->width;
        double product = 0;
        for (size_t k = 0; k < labels->width; k++)
            product += (double)embedding[k] * (double)label[k];
        scores[i] = (float)((double)labels->similarity.scale * (product / length) + (double)labels->similarity.bias);
    }
    if (!logits)
        to_probabilities(labels, scores);
}
