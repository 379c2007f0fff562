/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of this folder share: the manifests (see make_goldens.py), pictures, rules from JSON text. */
#ifndef VIT_PREPROCESS_FIXTURES_H
#define VIT_PREPROCESS_FIXTURES_H

#include "support.h"

#include "preprocess.h"

/* The columns of the manifests, indexed by vit_resampler. */
extern const char *const resampler_columns[3];

/* Calls visit for every row of "cases" of tests/data/KIND/manifest.json, and fails if there is none. */
void each_case(const char *kind, void (*visit)(const vit__json *row));

/* A picture of tests/data/KIND. */
vit_image load_image(const char *kind, const char *file);

/* A picture of noise, the same for the same sizes. */
vit_image make_noise(uint32_t width, uint32_t height);

/* Rules from a config of "transformers", "timm", "open_clip" or "own". */
vit_status read_rules(const char *library, const vit__json *config, vit_preprocessor *rules, vit_error *err);

/* The same from text that has to be right. */
vit_preprocessor rules_of(const char *library, const char *text);

/* pixel_values, to be freed; *n is their number. */
float *preprocess_image(const vit_preprocessor *rules, const vit_image *image, const vit_preprocess_options *options,
                        size_t *n);

/* Runs the rest of the test at each instruction set in turn: for (int i = 0; next_level(&i);) ... */
bool next_level(int *level);

#endif
