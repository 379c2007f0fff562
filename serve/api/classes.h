/* SPDX-License-Identifier: BSD-2-Clause */
/* Pictures into classes: those that the model was trained on, or words. */
#ifndef SERVE_CLASSES_H
#define SERVE_CLASSES_H

#include "items.h"

/* What is known of a classification of n pictures. Memory is the call's. */
typedef struct serve_classes {
    const char **names; /* [count]; NULL in it: the class has no name */
    size_t count;
    float *scores; /* [n][count] */
} serve_classes;

/* The model's own classes. function: "softmax", "sigmoid", "none"; NULL: as the model's pipeline has it. */
bool serve_classify(serve_call *call, serve_items *items, const char *function, serve_classes *classes);

/* Is it one of these, or NULL? Else the response says so. */
bool serve_check_function(serve_call *call, const char *function);

/* By labels in words; template has {} where the label goes. */
bool serve_classify_words(serve_call *call, serve_items *items, const char *const *labels, size_t n,
                          const char *template_text, serve_classes *classes);

/* Classes described by the options of the server. */
bool serve_classify_given(serve_call *call, serve_items *items, serve_classes *classes);

/* Labels of a JSON array of strings, or of one string with commas. */
bool serve_read_labels(serve_call *call, const vit__json *value, const char *param, const char ***labels, size_t *n);
bool serve_split_labels(serve_call *call, const char *text, const char *param, const char ***labels, size_t *n);

/* [{"label":...,"score":...},...] of one picture, best first, `most` of them. index: with "index" too. */
bool serve_put_classes(serve_call *call, const serve_classes *classes, size_t picture, size_t most, bool index);

#endif
