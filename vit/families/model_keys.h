/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys that the configs of several families of models have. */
#ifndef VIT_MODEL_KEYS_H
#define VIT_MODEL_KEYS_H

#include "checkpoint.h"
#include "config.h"
#include "json_reader.h"

/* A reader of a checkpoint's configuration. */
vit__reader vit__reader_of(const vit__checkpoint *checkpoint, vit_error *err);

/* "gelu", "quick_gelu", ... as transformers names them. */
vit__activation vit__read_activation(vit__reader *reader, const char *key, const char *absent);
/* A number for both, or [height, width]. */
void vit__read_extent(vit__reader *reader, const char *key, size_t absent, size_t *height, size_t *width);
/* A list of at most `most` whole numbers, and how many there are. An absent key leaves them as they are, and answers
 * `absent`; so does a list that is longer, empty or of something else, which is an error. */
size_t vit__read_sizes(vit__reader *reader, const char *key, size_t absent, size_t most, size_t *sizes);
/* Refuses a value other than the one that this code computes: `feature` says what that is. */
void vit__read_expect(vit__reader *reader, const char *key, bool value, bool absent, const char *feature);

/* The number of classes of a transformers config: id2label's length, else num_labels, else 2. */
size_t vit__read_classes(vit__reader *reader);
/* Is the first of "architectures" this one, or does its name end so ("ForImageClassification")? */
bool vit__read_architecture(const vit__reader *reader, const char *ending);

#endif
