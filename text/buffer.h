/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes, spans and ids that grow. An addition that finds no memory sets `failed` and leaves the rest as it was, so that a
 * chain of additions is checked once, at its end. All start all zero. */
#ifndef VIT_BUFFER_H
#define VIT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIT__NO_ID UINT32_MAX

typedef struct vit__buffer {
    char *data; /* not terminated */
    size_t size, capacity;
    bool failed;
} vit__buffer;

void vit__buffer_add(vit__buffer *buffer, const void *bytes, size_t size);
void vit__buffer_add_string(vit__buffer *buffer, const char *string);
void vit__buffer_add_char(vit__buffer *buffer, uint32_t code_point); /* as UTF-8 */
/* Terminates without counting the NUL: data can be read as a C string until the next addition. NULL: out of memory. */
const char *vit__buffer_terminate(vit__buffer *buffer);
void vit__buffer_clear(vit__buffer *buffer); /* keeps the memory */
void vit__buffer_swap(vit__buffer *a, vit__buffer *b);
void vit__buffer_free(vit__buffer *buffer);

/* Words: spans of one text. A word that already is a token carries its id. */
typedef struct vit__word {
    size_t start, size;
    uint32_t id; /* VIT__NO_ID: the model finds its ids */
} vit__word;

typedef struct vit__words {
    vit__buffer text;
    vit__word *words;
    size_t n, capacity;
    bool failed;
} vit__words;

/* Adds the bytes to the text, and the word that they are. */
void vit__words_add(vit__words *words, const char *text, size_t size, uint32_t id);
/* The word from byte `start` of the text to its end. */
void vit__words_close(vit__words *words, size_t start);
void vit__words_clear(vit__words *words);
void vit__words_free(vit__words *words);

/* Token ids, of which the first `limit` are kept. */
typedef struct vit__ids {
    uint32_t *data;
    size_t n, capacity, limit;
    bool failed;
} vit__ids;

void vit__ids_add(vit__ids *ids, uint32_t id);
bool vit__ids_full(const vit__ids *ids); /* more would be dropped (or memory is out): stop here */
void vit__ids_free(vit__ids *ids);

#ifdef __cplusplus
}
#endif

#endif
