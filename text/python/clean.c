/* SPDX-License-Identifier: BSD-2-Clause */
#include "clean.h"

#include <string.h>

#include "ftfy.h"
#include "html.h"
#include "python_text.h"

bool vit__clean_named(const char *name, vit__clean *clean)
{
    static const struct {
        const char *name;
        vit__clean clean;
    } names[] = {
        {"whitespace", VIT__CLEAN_WHITESPACE}, {"lower", VIT__CLEAN_LOWER}, {"canonicalize", VIT__CLEAN_CANONICALIZE}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].name, name) == 0) {
            *clean = names[i].clean;
            return true;
        }
    }
    return false;
}

/* Steps from text to text, in the shape that the list below needs. */
static void unescape(const char *text, size_t size, vit__buffer *out)
{
    vit__html_unescape(text, size, out);
}

static void canonicalize(const char *text, size_t size, vit__buffer *out)
{
    vit__python_delete_punctuation(text, size, true, out);
}

static void run_step(void (*step)(const char *, size_t, vit__buffer *), vit__buffer *text, vit__buffer *other)
{
    vit__buffer_clear(other);
    step(text->data, text->size, other);
    vit__buffer_swap(text, other);
}

/* Stripping needs no step of its own: what follows joins words by single spaces. */
static void run_steps(vit__clean clean, vit__buffer *text, vit__buffer *other)
{
    run_step(unescape, text, other);
    run_step(unescape, text, other);
    if (clean == VIT__CLEAN_CANONICALIZE) {
        run_step(canonicalize, text, other);
        run_step(vit__python_lower, text, other);
    }
    run_step(vit__python_join_split, text, other);
    if (clean == VIT__CLEAN_LOWER)
        run_step(vit__python_lower, text, other);
}

vit_status vit__clean_run(vit__clean clean, const char *text, size_t size, vit__buffer *out, vit_error *err)
{
    vit__buffer other = {0};
    bool settled = true;
    if (clean == VIT__CLEAN_NONE)
        vit__buffer_add(out, text, size);
    else if ((settled = vit__ftfy_fix(text, size, out)))
        run_steps(clean, out, &other);
    bool failed = out->failed || other.failed;
    vit__buffer_free(&other);
    if (failed)
        return vit__fail_memory(err, "text");
    if (!settled)
        return vit__fail(err, VIT_ERR_TOO_LARGE, "text", "its HTML references are nested too deeply to be resolved");
    return VIT_OK;
}
