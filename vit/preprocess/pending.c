/* SPDX-License-Identifier: BSD-2-Clause */
/* Weak stand-ins until the real ones land; this file goes with them. */
#include "preprocess.h"

#define WEAK __attribute__((weak))

WEAK vit_status vit__preprocess_from_transformers(const vit__json *config, const char *name, vit_preprocessor *out, vit_error *err)
{ (void)config; (void)name; (void)out; (void)err; return VIT_OK; }
WEAK vit_status vit__preprocess_from_timm(const vit__json *config, const char *name, vit_preprocessor *out, vit_error *err)
{ (void)config; (void)name; (void)out; (void)err; return VIT_OK; }
WEAK vit_status vit__preprocess_from_open_clip(const vit__json *config, const char *name, vit_preprocessor *out, vit_error *err)
{ (void)config; (void)name; (void)out; (void)err; return VIT_OK; }
WEAK vit_status vit__preprocess_from_own(const vit__json *config, const char *name, vit_preprocessor *out, vit_error *err)
{ (void)config; (void)name; (void)out; (void)err; return VIT_OK; }
WEAK vit__json *vit__preprocess_json(const vit_preprocessor *preprocessor)
{ (void)preprocessor; return vit__json_new_object(); }
