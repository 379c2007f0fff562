/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads Python's pickles as far as a dictionary of tensors needs them, and no further. A pickle is a program; of its
 * instructions those are carried out that build numbers, texts, lists and dictionaries, and of the names that it may
 * ask for those are known that torch gives to tensors and their storages. Every other one is refused by name, and
 * nothing of it is looked up or run.
 */
#ifndef VIT_PICKLE_H
#define VIT_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vit/vit.h"

typedef enum vit__pickled_kind {
    VIT__PICKLED_NONE,
    VIT__PICKLED_BOOLEAN,
    VIT__PICKLED_INTEGER,
    VIT__PICKLED_REAL,
    VIT__PICKLED_TEXT,
    VIT__PICKLED_LIST, /* or a tuple */
    VIT__PICKLED_DICTIONARY,
    VIT__PICKLED_NAME,    /* "torch FloatStorage" */
    VIT__PICKLED_STORAGE, /* a list: type, key, number of elements */
    VIT__PICKLED_TENSOR,  /* a list: storage, offset, size, stride */
    VIT__PICKLED_MARK
} vit__pickled_kind;

typedef struct vit__pickled {
    vit__pickled_kind kind;
    size_t size;      /* of a text; of a name: which */
    int64_t integer;  /* of an integer or boolean */
    const char *text; /* in the pickle, not terminated */
    size_t index;     /* of a list, dictionary, storage or tensor: in vit__pickle.lists */
} vit__pickled;

typedef struct vit__pickled_list {
    vit__pickled *items; /* of a dictionary: key, value, key, value ... */
    size_t n, room;
} vit__pickled_list;

/* What pickles hold, all that were read into it. Starts all zero. */
typedef struct vit__pickle {
    vit__pickled_list *lists;
    size_t n, room;
    size_t items; /* of all lists */
} vit__pickle;

/* Reads one pickle that starts at *at, which moves past it. *value = what it stands for. Errors: corrupt, truncated,
 * unsupported_model (an instruction or a name that is not known; the message says which), out_of_memory. Memory is in
 * proportion to the bytes read. */
vit_status vit__pickle_read(vit__pickle *pickle, const char *bytes, size_t size, size_t *at, const char *where,
                            vit__pickled *value, vit_error *err);
void vit__pickle_free(vit__pickle *pickle);

/* Item i of a list, tuple, storage or tensor; kind NONE past its end, or where the value is none of these. */
vit__pickled vit__pickle_at(const vit__pickle *pickle, vit__pickled list, size_t i);
size_t vit__pickle_length(const vit__pickle *pickle, vit__pickled list);

/* How the elements of a storage of this name are stored: bytes of one, and what safetensors calls it. */
typedef struct vit__storage_type {
    const char *name, *dtype;
    size_t bytes;
} vit__storage_type;

/* NULL: the value is no name of a storage. */
const vit__storage_type *vit__pickle_storage_type(vit__pickled name);

#endif
