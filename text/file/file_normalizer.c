/* SPDX-License-Identifier: BSD-2-Clause */
/* tokenizer.json: "normalizer". */
#include "error.h"
#include "file_steps.h"
#include "limit.h"
#include "tokenizer_file.h"

/* A step of this kind. Fails when there are too many. */
static vit_status add(vit__steps *steps, void (*run)(const vit__normal_step *, const char *, size_t, vit__buffer *),
                      vit__normal_step **step, vit_error *err)
{
    *step = vit__normalizer_add(steps->into);
    if (!*step)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, steps->source->where, "more than %d normalizer steps",
                         VIT__LIMIT_TOKENIZER_STEPS);
    **step = (vit__normal_step){.run = run};
    return VIT_OK;
}

static vit_status read_form(vit__steps *steps, const vit__json *json, vit_error *err)
{
    static const char *const names[] = {
        [VIT__NFC] = "NFC", [VIT__NFD] = "NFD", [VIT__NFKC] = "NFKC", [VIT__NFKD] = "NFKD"};
    vit__normal_step *step;
    vit_status status = add(steps, vit__normal_form_run, &step, err);
    for (size_t i = 0; status == VIT_OK && i < sizeof names / sizeof *names; i++)
        if (vit__json_is(vit__json_get(json, "type"), names[i]))
            step->form = (vit__normal_form)i;
    return status;
}

static vit_status read_lower(vit__steps *steps, const vit__json *json, vit_error *err)
{
    (void)json;
    vit__normal_step *step;
    return add(steps, vit__normal_lower, &step, err);
}

static vit_status read_replace(vit__steps *steps, const vit__json *json, vit_error *err)
{
    size_t size, content_size;
    const vit__json *pattern = vit__json_get(json, "pattern");
    const char *content = vit__json_bytes(vit__json_get(json, "content"), &content_size);
    const char *string = vit__json_bytes(vit__json_get(pattern, "String"), &size);
    bool literal = string != NULL;
    if (!literal)
        string = vit__json_bytes(vit__json_get(pattern, "Regex"), &size);
    if (!content || !string || size == 0)
        return vit__part_corrupt(steps->source, "normalizer Replace", err);
    vit__normal_step *step;
    vit_status status = add(steps, literal ? vit__normal_replace : vit__normal_replace_runs, &step, err);
    if (status != VIT_OK)
        return status;
    vit__buffer_add(&step->to, content, content_size);
    if (literal)
        vit__buffer_add(&step->from, string, size);
    else if (!vit__run_pattern_parse(string, size, &step->pattern))
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, steps->source->where,
                         "its normalizer replaces the expression %.100s: only sets of characters are built", string);
    bool failed = step->to.failed || step->from.failed || step->pattern.members.failed;
    return failed ? vit__fail_memory(err, steps->source->where) : VIT_OK;
}

static vit_status read_strip(vit__steps *steps, const vit__json *json, vit_error *err)
{
    vit__normal_step *step;
    vit_status status = add(steps, vit__normal_strip, &step, err);
    if (status != VIT_OK)
        return status;
    step->left = step->right = true;
    vit__json_boolean(vit__json_get(json, "strip_left"), &step->left);
    vit__json_boolean(vit__json_get(json, "strip_right"), &step->right);
    return VIT_OK;
}

static vit_status read_charsmap(vit__steps *steps, const vit__json *json, vit_error *err)
{
    size_t size;
    const vit__json *map = vit__json_get(json, "precompiled_charsmap");
    const char *text = vit__json_bytes(map, &size);
    if (vit__json_is_null(map) || (text && size == 0))
        return VIT_OK; /* maps nothing */
    if (!text)
        return vit__part_corrupt(steps->source, "normalizer Precompiled", err);
    vit__normal_step *step;
    vit_status status = add(steps, vit__normal_charsmap, &step, err);
    return status == VIT_OK ? vit__charsmap_from_base64(text, size, steps->source->where, &step->charsmap, err)
                            : status;
}

static vit_status read_prepend(vit__steps *steps, const vit__json *json, vit_error *err)
{
    size_t size;
    const char *text = vit__json_bytes(vit__json_get(json, "prepend"), &size);
    if (!text)
        return vit__part_corrupt(steps->source, "normalizer Prepend", err);
    vit__normal_step *step;
    vit_status status = add(steps, vit__normal_prepend, &step, err);
    if (status != VIT_OK)
        return status;
    vit__buffer_add(&step->to, text, size);
    return step->to.failed ? vit__fail_memory(err, steps->source->where) : VIT_OK;
}

static vit_status read_bert(vit__steps *steps, const vit__json *json, vit_error *err)
{
    vit__normal_step *step;
    vit_status status = add(steps, vit__normal_bert, &step, err);
    if (status != VIT_OK)
        return status;
    step->clean = step->spaced_ideographs = step->lower = true;
    vit__json_boolean(vit__json_get(json, "clean_text"), &step->clean);
    vit__json_boolean(vit__json_get(json, "handle_chinese_chars"), &step->spaced_ideographs);
    vit__json_boolean(vit__json_get(json, "lowercase"), &step->lower);
    step->strip_accents = step->lower; /* unless the file says otherwise */
    vit__json_boolean(vit__json_get(json, "strip_accents"), &step->strip_accents);
    return VIT_OK;
}

static const vit__step_type types[] = {
    {"NFC", read_form},        {"NFD", read_form},
    {"NFKC", read_form},       {"NFKD", read_form},
    {"Lowercase", read_lower}, {"Replace", read_replace},
    {"Strip", read_strip},     {"Precompiled", read_charsmap},
    {"Prepend", read_prepend}, {"BertNormalizer", read_bert},
};

vit_status vit__file_read_normalizer(const vit__tokenizer_json *source, vit__normalizer *normalizer, vit_error *err)
{
    vit__steps steps = {source, "normalizer", "normalizers", types, sizeof types / sizeof *types, normalizer, 0};
    return vit__file_read_steps(&steps, err);
}
