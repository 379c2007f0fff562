/* SPDX-License-Identifier: BSD-2-Clause */
/* How a normalised text is cut into words: a list of steps, each from words to words. */
#ifndef VIT_SPLITTER_H
#define VIT_SPLITTER_H

#include "words.h"

/* Where Metaspace puts its mark in front of a word that lacks it. */
typedef enum vit__prepend {
    VIT__PREPEND_ALWAYS,
    VIT__PREPEND_FIRST, /* of the text */
    VIT__PREPEND_NEVER
} vit__prepend;

#define VIT__MAX_SPECIALS 2

/* A string that the word expression of CLIP knows as one word. */
typedef struct vit__special {
    const char *text;
    uint32_t id; /* VIT__NO_ID: the model finds the ids, as for any word */
} vit__special;

typedef struct vit__split_step vit__split_step;
struct vit__split_step {
    /* Cuts one word; `first`: it stands at the start of the whole text. */
    void (*run)(const vit__split_step *step, const char *word, size_t size, bool first, vit__words *out);
    vit__special specials[VIT__MAX_SPECIALS]; /* CLIP; text NULL: none */
    bool ignore_case;                         /* CLIP: as Python's regex does, on lower-case text */
    bool prefix_space, by_expression;         /* ByteLevel */
    vit__buffer mark; /* Metaspace: what stands for a space; vit__split_after_mark: the string */
    vit__prepend prepend;
    bool cut; /* Metaspace: at each mark */
};

void vit__split_clip(const vit__split_step *step, const char *word, size_t size, bool first, vit__words *out);
void vit__split_byte_level(const vit__split_step *step, const char *word, size_t size, bool first, vit__words *out);
void vit__split_metaspace(const vit__split_step *step, const char *word, size_t size, bool first, vit__words *out);
void vit__split_white_space(const vit__split_step *step, const char *word, size_t size, bool first, vit__words *out);
/* After each occurrence of `mark`, which stays with what is before it. */
void vit__split_after_mark(const vit__split_step *step, const char *word, size_t size, bool first, vit__words *out);
void vit__split_bert(const vit__split_step *step, const char *word, size_t size, bool first, vit__words *out);

#define VIT__MAX_SPLITS 8

typedef struct vit__splitter {
    vit__split_step steps[VIT__MAX_SPLITS];
    size_t n;
} vit__splitter;

/* The next step, to be filled, or NULL when there are too many. */
vit__split_step *vit__splitter_add(vit__splitter *splitter);
/* words: one word, the text; becomes the words. `other` is scratch. */
void vit__splitter_run(const vit__splitter *splitter, bool first, vit__words *words, vit__words *other);
void vit__splitter_free(vit__splitter *splitter);

#endif
