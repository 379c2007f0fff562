/* SPDX-License-Identifier: BSD-2-Clause */
#include "file_steps.h"

#include <string.h>

#include "error.h"
#include "limit.h"

static vit_status read_step(vit__steps *steps, const vit__json *json, vit_error *err);

static vit_status read_sequence(vit__steps *steps, const vit__json *json, vit_error *err)
{
    const vit__json *list = vit__json_get(json, steps->list);
    if (!vit__json_is_array(list) || steps->depth >= VIT__LIMIT_TOKENIZER_DEPTH)
        return vit__part_corrupt(steps->source, steps->part, err);
    vit_status status = VIT_OK;
    steps->depth++;
    for (size_t i = 0; i < vit__json_length(list) && status == VIT_OK; i++)
        status = read_step(steps, vit__json_at(list, i), err);
    steps->depth--;
    return status;
}

static vit_status read_step(vit__steps *steps, const vit__json *json, vit_error *err)
{
    const char *type = vit__json_string(vit__json_get(json, "type"));
    if (!type)
        return vit__part_corrupt(steps->source, steps->part, err);
    if (strcmp(type, "Sequence") == 0)
        return read_sequence(steps, json, err);
    for (size_t i = 0; i < steps->n_types; i++)
        if (strcmp(steps->types[i].type, type) == 0)
            return steps->types[i].read(steps, json, err);
    return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, steps->source->where, "its %s %.100s is not built", steps->part,
                     type);
}

vit_status vit__file_read_steps(vit__steps *steps, vit_error *err)
{
    const vit__json *json = vit__json_get(steps->source->json, steps->part);
    return vit__json_is_null(json) ? VIT_OK : read_step(steps, json, err);
}
