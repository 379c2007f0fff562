/* SPDX-License-Identifier: BSD-2-Clause */
/* What open_clip does to a text before any tokenizer sees it (its `clean` setting). */
#ifndef VIT_CLEAN_H
#define VIT_CLEAN_H

#include "buffer.h"
#include "error.h"

typedef enum vit__clean {
    VIT__CLEAN_NONE,         /* not open_clip */
    VIT__CLEAN_WHITESPACE,   /* ftfy, HTML references, white space */
    VIT__CLEAN_LOWER,        /* and lower case */
    VIT__CLEAN_CANONICALIZE, /* and without ASCII punctuation */
} vit__clean;

/* The setting of this name, or false. */
bool vit__clean_named(const char *name, vit__clean *clean);

/* Adds the cleaned text. Too large (HTML references nested too deeply), out of memory. */
vit_status vit__clean_run(vit__clean clean, const char *text, size_t size, vit__buffer *out, vit_error *err);

#endif
