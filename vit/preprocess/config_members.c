/* SPDX-License-Identifier: BSD-2-Clause */
#include "config_members.h"

#include <string.h>

#include "error.h"

const char *const vit__filter_names[] = {
    [VIT_FILTER_NEAREST] = "nearest", [VIT_FILTER_LANCZOS] = "lanczos", [VIT_FILTER_BILINEAR] = "bilinear",
    [VIT_FILTER_BICUBIC] = "bicubic", [VIT_FILTER_BOX] = "box",         [VIT_FILTER_HAMMING] = "hamming",
    [VIT_FILTER_HAMMING + 1] = NULL,
};

/* The member, or NULL: absent, null, or there was an error before. */
static const vit__json *member(const vit__members *m, const char *key)
{
    const vit__json *value = m->status == VIT_OK ? vit__json_get(m->object, key) : NULL;
    return vit__json_is_null(value) ? NULL : value;
}

bool vit__member_has(const vit__members *m, const char *key)
{
    return member(m, key) != NULL;
}

static void refuse(vit__members *m, const char *key, const char *wanted)
{
    m->status = vit__fail(m->err, VIT_ERR_CORRUPT, m->name, "\"%s\" is not %s", key, wanted);
}

void vit__member_boolean(vit__members *m, const char *key, bool *value)
{
    const vit__json *json = m->status == VIT_OK ? vit__json_get(m->object, key) : NULL;
    if (!json)
        return;
    if (vit__json_is_null(json))
        *value = false;
    else if (!vit__json_boolean(json, value))
        refuse(m, key, "true or false");
}

void vit__member_number(vit__members *m, const char *key, double *value)
{
    const vit__json *json = member(m, key);
    if (json && !vit__json_number(json, value))
        refuse(m, key, "a number");
}

void vit__member_name(vit__members *m, const char *key, const char *const *names, int *value)
{
    const vit__json *json = member(m, key);
    if (!json)
        return;
    const char *name = vit__json_string(json);
    for (int i = 0; name && names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            *value = i;
            return;
        }
    }
    m->status = vit__fail(m->err, VIT_ERR_CORRUPT, m->name, "\"%s\": \"%.40s\" is not known", key,
                               name ? name : "(not a string)");
}

static bool is_edge(const vit__json *json, uint32_t *value)
{
    int64_t integer;
    if (!vit__json_integer(json, &integer) || integer < 1 || integer > VIT_MAX_PIXELS)
        return false;
    *value = (uint32_t)integer;
    return true;
}

void vit__member_edge(vit__members *m, const char *key, uint32_t *value)
{
    const vit__json *json = member(m, key);
    if (json && !is_edge(json, value))
        refuse(m, key, "a sensible number of pixels");
}

void vit__member_edges(vit__members *m, const char *key, uint32_t *height, uint32_t *width)
{
    const vit__json *json = member(m, key);
    if (!json)
        return;
    size_t n = vit__json_is_array(json) ? vit__json_length(json) : 0;
    if (n < 2 || !is_edge(vit__json_at(json, n - 2), height) || !is_edge(vit__json_at(json, n - 1), width))
        refuse(m, key, "a list that ends with a sensible height and width");
}

void vit__member_colour(vit__members *m, const char *key, double value[3])
{
    const vit__json *json = member(m, key);
    if (!json)
        return;
    bool list = vit__json_is_array(json);
    size_t n = list ? vit__json_length(json) : 1;
    bool good = n == 1 || n == 3;
    for (size_t c = 0; c < 3 && good; c++)
        good = vit__json_number(list ? vit__json_at(json, n == 1 ? 0 : c) : json, &value[c]);
    if (!good)
        refuse(m, key, "one number, or three");
}
