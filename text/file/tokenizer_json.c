/* SPDX-License-Identifier: BSD-2-Clause */
#include "tokenizer_json.h"

#include "error.h"
#include "json_reader.h"
#include "limit.h"

const vit__file_kind vit__tokenizer_file = {.most = VIT__LIMIT_TOKENIZER_BYTES,
                                            .above = "a tokenizer file of more than"};

vit_status vit__tokenizer_json_load(const char *path, vit__json **json, vit_error *err)
{
    const vit__json_rules rules = {.file = vit__tokenizer_file, .nul_in_strings = true, .whole_as_real = true};
    vit_status status = vit__json_load_by(&rules, path, json, err);
    if (status != VIT_OK || vit__json_is_object(*json) || vit__json_is_array(*json))
        return status;
    vit__json_free(*json);
    *json = NULL;
    return vit__fail(err, VIT_ERR_CORRUPT, path, "not a JSON object or array");
}

bool vit__token_id(const vit__json *value, uint32_t *id)
{
    size_t whole;
    if (!vit__whole_size(value, &whole))
        return false;
    *id = (uint32_t)whole;
    return true;
}

vit_status vit__part_corrupt(const vit__tokenizer_json *source, const char *part, vit_error *err)
{
    return vit__fail(err, VIT_ERR_CORRUPT, source->where, "its %s is not as the tokenizer.json format has it", part);
}
