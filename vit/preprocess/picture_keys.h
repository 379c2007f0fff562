/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys that the configs of preprocessing have: they change a value that is there, or leave it as it is. */
#ifndef VIT_PICTURE_KEYS_H
#define VIT_PICTURE_KEYS_H

#include "json_reader.h"

/* Here null is false, as it is to Python. */
void vit__read_truth(vit__reader *reader, const char *key, bool *value);

/* A string that is one of the NULL-terminated names; *value is its index. */
void vit__read_name(vit__reader *reader, const char *key, const char *const *names, int *value);

/* A whole number of pixels, 1 to VIT_MAX_PIXELS. */
void vit__read_edge(vit__reader *reader, const char *key, uint32_t *value);

/* Three numbers, or one for all three, alone or in a list. */
void vit__read_colour(vit__reader *reader, const char *key, double value[3]);

/* The last two numbers of a list, height and width. */
void vit__read_edges(vit__reader *reader, const char *key, uint32_t *height, uint32_t *width);

/* The filters under the names of Pillow, indexed by vit_filter; NULL at the end. */
extern const char *const vit__filter_names[];

#endif
