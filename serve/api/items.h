/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inputs as clients write them, all in one table: words, data URIs, bare base64, the parts of OpenAI's, Jina's,
 * Cohere's and Voyage's messages, llama.cpp's prompts. What they hold becomes pictures and words for the engine.
 */
#ifndef SERVE_ITEMS_H
#define SERVE_ITEMS_H

#include "call.h"
#include "limit.h"

typedef struct serve_items {
    serve_input *inputs; /* the call's memory */
    size_t n, capacity;
    bool pictures; /* strings are pictures: "modality":"image", or the model has no words */
    bool exact;    /* words that are longer than the model takes are refused, not cut */
} serve_items;

/* One item, or an array of items. name is the member that it stands in, for errors: "input". */
bool serve_items_add(serve_call *call, serve_items *items, const vit__json *value, const char *name);
/* One string, or an array of strings, none too: all words, or all pictures. For members that hold nothing else. */
bool serve_items_add_strings(serve_call *call, serve_items *items, const vit__json *value, bool pictures,
                             const char *name);
/* One item, whatever it is. */
bool serve_items_add_one(serve_call *call, serve_items *items, const vit__json *value, const char *param);
bool serve_items_add_words(serve_call *call, serve_items *items, const char *words, size_t size, const char *param);
/* A data URI, or bare base64. */
bool serve_items_add_base64(serve_call *call, serve_items *items, const char *text, const char *param);
/* A file's bytes, which are not copied. */
bool serve_items_add_picture(serve_call *call, serve_items *items, const void *bytes, size_t size);

/* What is wanted of the items. */
typedef struct serve_wanted {
    vit_output output;
    bool normalize;
} serve_wanted;

/* The vectors of all items, in their order: *vectors[n][*size], the call's memory. Pictures and words go through their
 * own towers. */
bool serve_items_embed(serve_call *call, serve_items *items, const serve_wanted *wanted, float **vectors, size_t *size);

/* "output" of a request: embedding, cls, mean, pooler. */
bool serve_wanted_output(serve_call *call, const char *name, serve_wanted *wanted);

#endif
