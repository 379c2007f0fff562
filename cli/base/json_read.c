/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_read.h"

#include "text.h"

/* Answers the value if it is an object. Another value is freed, and the answer is NULL. */
static vit_status keep_object(vit_status status, vit__json **json)
{
    if (status == VIT_ERR_OUT_OF_MEMORY)
        cli_out_of_memory();
    if (status == VIT_OK && !vit__json_is_object(*json)) {
        vit__json_free(*json);
        *json = NULL;
        return VIT_ERR_CORRUPT;
    }
    return status;
}

vit__json *cli_json_parse(const void *bytes, size_t size)
{
    vit__json *json = NULL;
    keep_object(vit__json_parse(bytes, size, NULL, &json, NULL), &json);
    return json;
}

vit_status cli_json_load(const char *path, uint64_t most, vit__json **json, vit_error *err)
{
    const vit__json_rules rules = {.file = {.most = most}};
    return keep_object(vit__json_load_by(&rules, path, json, err), json);
}

bool cli_json_is_true(const vit__json *value)
{
    bool is_true = false;
    return vit__json_boolean(value, &is_true) && is_true;
}

const char *cli_json_difference(const vit__json *object, const vit__json *other)
{
    for (void *i = vit__json_first(object); i; i = vit__json_next(object, i))
        if (!vit__json_equal(vit__json_value(i), vit__json_get(other, vit__json_key(i))))
            return vit__json_key(i);
    return NULL;
}

char *cli_json_print(const vit__json *value)
{
    if (!value)
        return cli_duplicate("nothing");
    char *text = vit__json_text(value, VIT__JSON_COMPACT);
    if (!text)
        cli_out_of_memory();
    return text;
}
