/* SPDX-License-Identifier: BSD-2-Clause */
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* Room for `more` items beyond n; false when there is none. */
static bool grow(void **data, size_t *capacity, size_t n, size_t more, size_t item)
{
    if (more <= *capacity - n)
        return true;
    if (more > SIZE_MAX / 2 / item - n)
        return false;
    size_t wanted = n + more > 2 * *capacity ? n + more : 2 * *capacity;
    wanted = wanted < 16 ? 16 : wanted;
    void *grown = realloc(*data, wanted * item);
    if (!grown)
        return false;
    *data = grown;
    *capacity = wanted;
    return true;
}

void vit__buffer_add(vit__buffer *buffer, const void *bytes, size_t size)
{
    void *data = buffer->data;
    if (buffer->failed || !grow(&data, &buffer->capacity, buffer->size, size, 1)) {
        buffer->failed = true;
        return;
    }
    buffer->data = data;
    if (size > 0)
        memcpy(buffer->data + buffer->size, bytes, size);
    buffer->size += size;
}

void vit__buffer_add_string(vit__buffer *buffer, const char *string)
{
    vit__buffer_add(buffer, string, strlen(string));
}

void vit__buffer_add_char(vit__buffer *buffer, uint32_t code_point)
{
    char bytes[4];
    vit__buffer_add(buffer, bytes, vit__utf8_encode(code_point, bytes));
}

const char *vit__buffer_terminate(vit__buffer *buffer)
{
    vit__buffer_add(buffer, "", 1);
    if (buffer->failed)
        return NULL;
    buffer->size--;
    return buffer->data;
}

void vit__buffer_clear(vit__buffer *buffer)
{
    buffer->size = 0;
}

void vit__buffer_swap(vit__buffer *a, vit__buffer *b)
{
    vit__buffer other = *a;
    *a = *b;
    *b = other;
}

void vit__buffer_free(vit__buffer *buffer)
{
    free(buffer->data);
    *buffer = (vit__buffer){0};
}

static void add_word(vit__words *words, vit__word word)
{
    void *data = words->words;
    if (words->failed || words->text.failed || !grow(&data, &words->capacity, words->n, 1, sizeof word)) {
        words->failed = true;
        return;
    }
    words->words = data;
    words->words[words->n++] = word;
}

void vit__words_add(vit__words *words, const char *text, size_t size, uint32_t id)
{
    size_t start = words->text.size;
    vit__buffer_add(&words->text, text, size);
    add_word(words, (vit__word){start, size, id});
}

void vit__words_close(vit__words *words, size_t start)
{
    add_word(words, (vit__word){start, words->text.size - start, VIT__NO_ID});
}

void vit__words_clear(vit__words *words)
{
    vit__buffer_clear(&words->text);
    words->n = 0;
}

void vit__words_free(vit__words *words)
{
    vit__buffer_free(&words->text);
    free(words->words);
    *words = (vit__words){0};
}

void vit__ids_add(vit__ids *ids, uint32_t id)
{
    void *data = ids->data;
    if (vit__ids_full(ids))
        return;
    if (!grow(&data, &ids->capacity, ids->n, 1, sizeof id)) {
        ids->failed = true;
        return;
    }
    ids->data = data;
    ids->data[ids->n++] = id;
}

bool vit__ids_full(const vit__ids *ids)
{
    return ids->failed || ids->n >= ids->limit;
}

void vit__ids_free(vit__ids *ids)
{
    free(ids->data);
    *ids = (vit__ids){0};
}
