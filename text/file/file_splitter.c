/* SPDX-License-Identifier: BSD-2-Clause */
/* tokenizer.json: "pre_tokenizer". */
#include <string.h>

#include "error.h"
#include "file_steps.h"
#include "tokenizer_file.h"

#define CLIP_WORDS "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"
#define CLIP_SPECIALS "<\\|startoftext\\|>|<\\|endoftext\\|>|"

typedef struct target {
    vit__splitter *splitter;
    bool *bytes;
} target;

static vit_status add(vit__steps *steps, void (*run)(const vit__split_step *, const char *, size_t, bool, vit__words *),
                      vit__split_step **step, vit_error *err)
{
    *step = vit__splitter_add(((target *)steps->into)->splitter);
    if (!*step)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, steps->source->where, "more than %d pre-tokenizer steps",
                         VIT__MAX_SPLITS);
    **step = (vit__split_step){.run = run};
    return VIT_OK;
}

static vit_status set_mark(vit__steps *steps, vit__split_step *step, const char *text, size_t size, vit_error *err)
{
    vit__buffer_add(&step->mark, text, size);
    return step->mark.failed ? vit__fail_memory(err, steps->source->where) : VIT_OK;
}

/* By CLIP's expression: what it matches are the words. */
static vit_status read_clip(vit__steps *steps, const vit__json *json, const char *expression, vit_error *err)
{
    bool invert = false, specials = strcmp(expression, CLIP_SPECIALS CLIP_WORDS) == 0;
    vit__json_boolean(vit__json_get(json, "invert"), &invert);
    bool known = specials || strcmp(expression, CLIP_WORDS) == 0;
    if (!known || !invert || !vit__json_is(vit__json_get(json, "behavior"), "Removed"))
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, steps->source->where,
                         "its pre-tokenizer splits by the expression %.200s: only CLIP's is built", expression);
    vit__split_step *step;
    vit_status status = add(steps, vit__split_clip, &step, err);
    if (status == VIT_OK && specials) {
        step->specials[0] = (vit__special){"<|startoftext|>", VIT__NO_ID};
        step->specials[1] = (vit__special){"<|endoftext|>", VIT__NO_ID};
    }
    return status;
}

static vit_status read_split(vit__steps *steps, const vit__json *json, vit_error *err)
{
    const vit__json *pattern = vit__json_get(json, "pattern");
    const char *expression = vit__json_string(vit__json_get(pattern, "Regex"));
    if (expression)
        return read_clip(steps, json, expression, err);
    size_t size;
    const char *string = vit__json_bytes(vit__json_get(pattern, "String"), &size);
    if (!string || size == 0)
        return vit__part_corrupt(steps->source, "pre_tokenizer Split", err);
    bool invert = false;
    vit__json_boolean(vit__json_get(json, "invert"), &invert);
    if (invert || !vit__json_is(vit__json_get(json, "behavior"), "MergedWithPrevious"))
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, steps->source->where,
                         "its pre-tokenizer splits at a string in another way than MergedWithPrevious");
    vit__split_step *step;
    vit_status status = add(steps, vit__split_after_mark, &step, err);
    return status == VIT_OK ? set_mark(steps, step, string, size, err) : status;
}

static vit_status read_byte_level(vit__steps *steps, const vit__json *json, vit_error *err)
{
    vit__split_step *step;
    vit_status status = add(steps, vit__split_byte_level, &step, err);
    if (status != VIT_OK)
        return status;
    step->prefix_space = step->by_expression = true;
    vit__json_boolean(vit__json_get(json, "add_prefix_space"), &step->prefix_space);
    vit__json_boolean(vit__json_get(json, "use_regex"), &step->by_expression);
    *((target *)steps->into)->bytes = true;
    return VIT_OK;
}

/* Files before 2024 say add_prefix_space in place of prepend_scheme. */
static bool read_prepend_scheme(const vit__json *json, vit__prepend *prepend)
{
    bool prefix = true;
    const vit__json *scheme = vit__json_get(json, "prepend_scheme");
    vit__json_boolean(vit__json_get(json, "add_prefix_space"), &prefix);
    *prepend = prefix ? VIT__PREPEND_ALWAYS : VIT__PREPEND_NEVER;
    if (vit__json_is_null(scheme) || vit__json_is(scheme, "always"))
        return true;
    *prepend = vit__json_is(scheme, "first") ? VIT__PREPEND_FIRST : VIT__PREPEND_NEVER;
    return *prepend == VIT__PREPEND_FIRST || vit__json_is(scheme, "never");
}

static vit_status read_metaspace(vit__steps *steps, const vit__json *json, vit_error *err)
{
    size_t size;
    const char *mark = vit__json_bytes(vit__json_get(json, "replacement"), &size);
    vit__prepend prepend;
    if (!mark || size == 0 || size > 4 || !read_prepend_scheme(json, &prepend))
        return vit__part_corrupt(steps->source, "pre_tokenizer Metaspace", err);
    vit__split_step *step;
    vit_status status = add(steps, vit__split_metaspace, &step, err);
    if (status != VIT_OK)
        return status;
    step->prepend = prepend;
    step->cut = true;
    vit__json_boolean(vit__json_get(json, "split"), &step->cut);
    return set_mark(steps, step, mark, size, err);
}

static vit_status read_white_space(vit__steps *steps, const vit__json *json, vit_error *err)
{
    (void)json;
    vit__split_step *step;
    return add(steps, vit__split_white_space, &step, err);
}

static vit_status read_bert(vit__steps *steps, const vit__json *json, vit_error *err)
{
    (void)json;
    vit__split_step *step;
    return add(steps, vit__split_bert, &step, err);
}

static const vit__step_type types[] = {
    {"Split", read_split},           {"ByteLevel", read_byte_level},
    {"Metaspace", read_metaspace},   {"WhitespaceSplit", read_white_space},
    {"BertPreTokenizer", read_bert},
};

vit_status vit__file_read_splitter(const vit__tokenizer_json *source, vit__splitter *splitter, bool *bytes,
                                   vit_error *err)
{
    target into = {splitter, bytes};
    vit__steps steps = {source, "pre_tokenizer", "pretokenizers", types, sizeof types / sizeof *types, &into, 0};
    *bytes = false;
    return vit__file_read_steps(&steps, err);
}
