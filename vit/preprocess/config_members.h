/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the members of one JSON object of a config: a member that is absent or null leaves the value as it is, one of
 * the wrong kind makes an error that names it, and after an error nothing more is read.
 */
#ifndef VIT_CONFIG_MEMBERS_H
#define VIT_CONFIG_MEMBERS_H

#include "json.h"
#include "vit/vit.h"

typedef struct vit__members {
    const vit__json *object;
    const char *name; /* the file */
    vit_status status;
    vit_error *err;
} vit__members;

/* Here null is false, as it is to Python. */
void vit__member_boolean(vit__members *m, const char *key, bool *value);
void vit__member_number(vit__members *m, const char *key, double *value);

/* A string that is one of the NULL-terminated names; *value is its index. */
void vit__member_name(vit__members *m, const char *key, const char *const *names, int *value);

/* A whole number of pixels, 1 to VIT_MAX_PIXELS. */
void vit__member_edge(vit__members *m, const char *key, uint32_t *value);

/* Three numbers, or one for all three, alone or in a list. */
void vit__member_colour(vit__members *m, const char *key, double value[3]);

/* The last two numbers of a list, height and width. */
void vit__member_edges(vit__members *m, const char *key, uint32_t *height, uint32_t *width);

/* Whether the member is there and not null. */
bool vit__member_has(const vit__members *m, const char *key);

/* The filters under the names of Pillow, indexed by vit_filter; NULL at the end. */
extern const char *const vit__filter_names[];

#endif
