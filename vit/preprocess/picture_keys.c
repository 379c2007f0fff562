/* SPDX-License-Identifier: BSD-2-Clause */
#include "picture_keys.h"
#include "vit/vit.h"

#include <string.h>

const char *const vit__filter_names[] = {
    [VIT_FILTER_NEAREST] = "nearest", [VIT_FILTER_LANCZOS] = "lanczos", [VIT_FILTER_BILINEAR] = "bilinear",
    [VIT_FILTER_BICUBIC] = "bicubic", [VIT_FILTER_BOX] = "box",         [VIT_FILTER_HAMMING] = "hamming",
    [VIT_FILTER_HAMMING + 1] = NULL,
};

const char *vit_filter_name(vit_filter filter)
{
    return (size_t)filter < sizeof vit__filter_names / sizeof *vit__filter_names ? vit__filter_names[filter] : NULL;
}

static void refuse(vit__reader *reader, const char *key, const char *wanted)
{
    vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"%s\" is not %s", key, wanted);
}

void vit__read_truth(vit__reader *reader, const char *key, bool *value)
{
    const vit__json *json = vit__json_get(reader->object, key);
    if (json && vit__json_is_null(json))
        *value = false;
    else
        *value = vit__read_flag(reader, key, *value);
}

void vit__read_name(vit__reader *reader, const char *key, const char *const *names, int *value)
{
    const vit__json *json = vit__read_given(reader, key);
    if (!json)
        return;
    const char *name = vit__json_string(json);
    for (int i = 0; name && names[i]; i++) {
        if (strcmp(names[i], name) == 0) {
            *value = i;
            return;
        }
    }
    vit__reader_fail(reader, VIT_ERR_CORRUPT, "\"%s\": \"%.40s\" is not known", key, name ? name : "(not a string)");
}

static bool is_edge(const vit__json *json, uint32_t *value)
{
    int64_t integer;
    if (!vit__json_integer(json, &integer) || integer < 1 || integer > VIT_MAX_PIXELS)
        return false;
    *value = (uint32_t)integer;
    return true;
}

void vit__read_edge(vit__reader *reader, const char *key, uint32_t *value)
{
    const vit__json *json = vit__read_given(reader, key);
    if (json && !is_edge(json, value))
        refuse(reader, key, "a sensible number of pixels");
}

void vit__read_edges(vit__reader *reader, const char *key, uint32_t *height, uint32_t *width)
{
    const vit__json *json = vit__read_given(reader, key);
    if (!json)
        return;
    size_t n = vit__json_is_array(json) ? vit__json_length(json) : 0;
    if (n < 2 || !is_edge(vit__json_at(json, n - 2), height) || !is_edge(vit__json_at(json, n - 1), width))
        refuse(reader, key, "a list that ends with a sensible height and width");
}

void vit__read_colour(vit__reader *reader, const char *key, double value[3])
{
    const vit__json *json = vit__read_given(reader, key);
    if (!json)
        return;
    bool list = vit__json_is_array(json);
    size_t n = list ? vit__json_length(json) : 1;
    bool good = n == 1 || n == 3;
    for (size_t c = 0; c < 3 && good; c++)
        good = vit__json_number(list ? vit__json_at(json, n == 1 ? 0 : c) : json, &value[c]);
    if (!good)
        refuse(reader, key, "one number, or three");
}
