/* SPDX-License-Identifier: BSD-2-Clause */
/* tokenizer.json: "normalizer". */
#include <string.h>

#include "error.h"
#include "tokenizer_file.h"

#define DEEPEST 8 /* of sequences in sequences */

typedef struct reader {
    const vit__source *source;
    vit__normalizer *normalizer;
    unsigned depth;
} reader;

typedef vit_status read_function(reader *r, const vit__document *json, vit_error *err);

/* A step of this kind. Fails when there are too many. */
static vit_status add(reader *r, void (*run)(const vit__normal_step *, const char *, size_t, vit__buffer *),
                      vit__normal_step **step, vit_error *err)
{
    *step = vit__normalizer_add(r->normalizer);
    if (!*step)
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, r->source->where, "more than %d normalizer steps", VIT__MAX_STEPS);
    **step = (vit__normal_step){.run = run};
    return VIT_OK;
}

static vit_status read_form(reader *r, const vit__document *json, vit_error *err)
{
    static const char *const names[] = {[VIT__NFC] = "NFC", [VIT__NFD] = "NFD", [VIT__NFKC] = "NFKC", [VIT__NFKD] = "NFKD"};
    vit__normal_step *step;
    vit_status status = add(r, vit__normal_form_run, &step, err);
    for (size_t i = 0; status == VIT_OK && i < sizeof names / sizeof *names; i++)
        if (vit__document_is(vit__document_get(json, "type"), names[i]))
            step->form = (vit__normal_form)i;
    return status;
}

static vit_status read_lower(reader *r, const vit__document *json, vit_error *err)
{
    (void)json;
    vit__normal_step *step;
    return add(r, vit__normal_lower, &step, err);
}

static vit_status read_replace(reader *r, const vit__document *json, vit_error *err)
{
    size_t size, content_size;
    const vit__document *pattern = vit__document_get(json, "pattern");
    const char *content = vit__document_string(vit__document_get(json, "content"), &content_size);
    const char *string = vit__document_string(vit__document_get(pattern, "String"), &size);
    bool literal = string != NULL;
    if (!literal)
        string = vit__document_string(vit__document_get(pattern, "Regex"), &size);
    if (!content || !string || size == 0)
        return vit__file_corrupt(r->source, "normalizer Replace", err);
    vit__normal_step *step;
    vit_status status = add(r, literal ? vit__normal_replace : vit__normal_replace_runs, &step, err);
    if (status != VIT_OK)
        return status;
    vit__buffer_add(&step->to, content, content_size);
    if (literal)
        vit__buffer_add(&step->from, string, size);
    else if (!vit__run_pattern_parse(string, size, &step->pattern))
        return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, r->source->where,
                         "its normalizer replaces the expression %.100s: only sets of characters are built", string);
    bool failed = step->to.failed || step->from.failed || step->pattern.members.failed;
    return failed ? vit__fail_memory(err, r->source->where) : VIT_OK;
}

static vit_status read_strip(reader *r, const vit__document *json, vit_error *err)
{
    vit__normal_step *step;
    vit_status status = add(r, vit__normal_strip, &step, err);
    if (status != VIT_OK)
        return status;
    step->left = step->right = true;
    vit__document_boolean(vit__document_get(json, "strip_left"), &step->left);
    vit__document_boolean(vit__document_get(json, "strip_right"), &step->right);
    return VIT_OK;
}

static vit_status read_charsmap(reader *r, const vit__document *json, vit_error *err)
{
    size_t size;
    const vit__document *map = vit__document_get(json, "precompiled_charsmap");
    const char *text = vit__document_string(map, &size);
    if (vit__document_is_null(map) || (text && size == 0))
        return VIT_OK; /* maps nothing */
    if (!text)
        return vit__file_corrupt(r->source, "normalizer Precompiled", err);
    vit__normal_step *step;
    vit_status status = add(r, vit__normal_charsmap, &step, err);
    return status == VIT_OK ? vit__charsmap_from_base64(text, size, r->source->where, &step->charsmap, err) : status;
}

static vit_status read_prepend(reader *r, const vit__document *json, vit_error *err)
{
    size_t size;
    const char *text = vit__document_string(vit__document_get(json, "prepend"), &size);
    if (!text)
        return vit__file_corrupt(r->source, "normalizer Prepend", err);
    vit__normal_step *step;
    vit_status status = add(r, vit__normal_prepend, &step, err);
    if (status != VIT_OK)
        return status;
    vit__buffer_add(&step->to, text, size);
    return step->to.failed ? vit__fail_memory(err, r->source->where) : VIT_OK;
}

static vit_status read_bert(reader *r, const vit__document *json, vit_error *err)
{
    vit__normal_step *step;
    vit_status status = add(r, vit__normal_bert, &step, err);
    if (status != VIT_OK)
        return status;
    step->clean = step->spaced_ideographs = step->lower = true;
    vit__document_boolean(vit__document_get(json, "clean_text"), &step->clean);
    vit__document_boolean(vit__document_get(json, "handle_chinese_chars"), &step->spaced_ideographs);
    vit__document_boolean(vit__document_get(json, "lowercase"), &step->lower);
    step->strip_accents = step->lower; /* unless the file says otherwise */
    vit__document_boolean(vit__document_get(json, "strip_accents"), &step->strip_accents);
    return VIT_OK;
}

static vit_status read_any(reader *r, const vit__document *json, vit_error *err);

static vit_status read_sequence(reader *r, const vit__document *json, vit_error *err)
{
    const vit__document *list = vit__document_get(json, "normalizers");
    if (!vit__document_is_array(list) || r->depth >= DEEPEST)
        return vit__file_corrupt(r->source, "normalizer Sequence", err);
    vit_status status = VIT_OK;
    r->depth++;
    for (size_t i = 0; i < vit__document_length(list) && status == VIT_OK; i++)
        status = read_any(r, vit__document_at(list, i), err);
    r->depth--;
    return status;
}

static const struct {
    const char *type;
    read_function *read;
} types[] = {
    {"Sequence", read_sequence},       {"NFC", read_form},      {"NFD", read_form},
    {"NFKC", read_form},               {"NFKD", read_form},     {"Lowercase", read_lower},
    {"Replace", read_replace},         {"Strip", read_strip},   {"Precompiled", read_charsmap},
    {"Prepend", read_prepend},         {"BertNormalizer", read_bert},
};

static vit_status read_any(reader *r, const vit__document *json, vit_error *err)
{
    size_t size;
    const char *type = vit__document_string(vit__document_get(json, "type"), &size);
    if (!type)
        return vit__file_corrupt(r->source, "normalizer", err);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].type, type) == 0)
            return types[i].read(r, json, err);
    return vit__fail(err, VIT_ERR_UNSUPPORTED_MODEL, r->source->where, "its normalizer %.100s is not built", type);
}

vit_status vit__file_read_normalizer(const vit__source *source, vit__normalizer *normalizer, vit_error *err)
{
    reader r = {source, normalizer, 0};
    const vit__document *json = vit__document_get(source->json, "normalizer");
    return vit__document_is_null(json) ? VIT_OK : read_any(&r, json, err);
}
