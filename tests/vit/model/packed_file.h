/* SPDX-License-Identifier: BSD-2-Clause */
/* A model packed into memory, and its outputs. Everything here fails the test when it cannot be done. */
#ifndef VIT_TEST_PACKED_FILE_H
#define VIT_TEST_PACKED_FILE_H

#include "altered.h"

/* The towers that the model has, packed in this precision; freed with contents_free. */
contents packed_make(const char *path, vit_precision precision);

/* The same file with another header: its length, padding and data as before. */
contents packed_with_header(const contents *packed, const char *header);
/* The header as a text, which the caller frees. */
char *packed_header(const contents *packed);

/* All outputs of one made-up picture or text, one after the other; NULL
 * where the model does not run (non-finite results). *n counts floats. */
float *all_outputs(const vit_model *model, size_t *n);

#endif
