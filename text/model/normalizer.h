/* SPDX-License-Identifier: BSD-2-Clause */
/* The normalizer changes a text before it is cut into words. It is a list of steps, each from text to text. */
#ifndef VIT_NORMALIZER_H
#define VIT_NORMALIZER_H

#include "charsmap.h"
#include "limit.h"
#include "unicode.h"

/* One set of characters, once or repeated: as much of regular expressions as normalizers are
 * written with. */
typedef struct vit__run_pattern {
    vit__buffer members; /* UTF-8 */
    bool white_space;    /* \s is a member */
    size_t least;        /* characters */
    bool repeated;       /* as many as there are */
} vit__run_pattern;

/* Reads "x", "[xyz]" (characters, and \s, \n, \t, \r or escaped punctuation), then nothing, "+" or
 * "{n,}". false: it is anything else. */
bool vit__run_pattern_parse(const char *text, size_t size, vit__run_pattern *pattern);

typedef struct vit__normal_step vit__normal_step;
struct vit__normal_step {
    void (*run)(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out);
    vit__normal_form form;
    vit__charsmap charsmap;
    vit__run_pattern pattern;
    vit__buffer from, to;                                /* replace: these bytes by those; prepend: `to` */
    bool left, right;                                    /* strip */
    bool clean, spaced_ideographs, strip_accents, lower; /* BERT */
};

/* Ready-made runs. */
void vit__normal_form_run(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out);
void vit__normal_lower(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out);
void vit__normal_replace(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out);
void vit__normal_replace_runs(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out);
void vit__normal_strip(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out);
void vit__normal_charsmap(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out);
void vit__normal_prepend(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out);
void vit__normal_bert(const vit__normal_step *step, const char *text, size_t size, vit__buffer *out);

typedef struct vit__normalizer {
    vit__normal_step steps[VIT__LIMIT_TOKENIZER_STEPS];
    size_t n;
} vit__normalizer;

/* The next step, to be filled, or NULL when there are too many. */
vit__normal_step *vit__normalizer_add(vit__normalizer *normalizer);
/* Replaces the text; `other` is scratch. */
void vit__normalizer_run(const vit__normalizer *normalizer, vit__buffer *text, vit__buffer *other);
void vit__normalizer_free(vit__normalizer *normalizer);

#endif
