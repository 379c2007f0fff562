/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of jansson that is used: JSON files that describe a tokenizer. Unlike libvit's reader this one takes strings
 * with U+0000 in them. A value read from a document is borrowed from it. Getters take a NULL value or a value of another
 * type and answer "absent", so that chains of them need one check. */
#ifndef VIT_DOCUMENT_H
#define VIT_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"
#include "vit/vit.h"

/* Of at most 200,000,000 bytes: the largest vocabularies have a fifth of that. */
extern const vit__file_kind vit__tokenizer_file;

typedef struct vit__document vit__document;

vit_status vit__document_load(const char *path, vit__document **document, vit_error *err);
void vit__document_free(vit__document *document);

const vit__document *vit__document_get(const vit__document *object, const char *key);
const vit__document *vit__document_at(const vit__document *array, size_t index);
size_t vit__document_length(const vit__document *value); /* of an array or object; else 0 */
bool vit__document_is_object(const vit__document *value);
bool vit__document_is_array(const vit__document *value);
bool vit__document_is_null(const vit__document *value); /* absent or null */
const char *vit__document_string(const vit__document *value, size_t *size); /* terminated; NULL: not a string */
bool vit__document_is(const vit__document *value, const char *string);      /* is it this string? */
bool vit__document_number(const vit__document *value, double *number);
bool vit__document_boolean(const vit__document *value, bool *boolean);
/* A token id: a whole number from 0 to 2^31 - 1. */
bool vit__document_id(const vit__document *value, uint32_t *id);

/* Members of an object: for (void *i = vit__document_first(o); i; i = vit__document_next(o, i)). */
void *vit__document_first(const vit__document *object);
void *vit__document_next(const vit__document *object, void *iterator);
const char *vit__document_key(void *iterator);
const vit__document *vit__document_value(void *iterator);

#endif
